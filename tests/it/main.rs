//! The integration tests, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod autoscaling;
mod bounds;
mod calibration;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod cli;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod commands;
mod consumers;
mod diagnosis;
mod documents;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod emulator;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod emulator_command;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod endpoints;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod engine;
mod facts;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod formats;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod gate;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod gate_study;
mod ledger;
#[cfg(all(unix, feature = "aws", feature = "emulator"))]
mod leftovers;
mod library;
mod limits;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod live;
mod model_docs;
mod objectives;
mod plan;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod positions;
mod producers;
mod quotas;
mod readme;
mod recommendation;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod rehearsals;
mod scenarios;
mod schema;
mod searching;
mod service;
mod service_changes;
mod simulated;
#[cfg(all(feature = "aws", feature = "emulator"))]
mod stream_changes;
mod support;
mod swarm;
mod tidy;
mod vectors;
mod verdict;
mod virtual_time;
#[cfg(not(feature = "aws"))]
mod without_aws;
