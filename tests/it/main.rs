//! The integration tests, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod autoscaling;
mod calibration;
mod cli;
mod consumers;
mod diagnosis;
mod emulator;
mod engine;
mod formats;
mod gate;
mod gate_study;
mod ledger;
mod limits;
mod manners;
mod model_docs;
mod plan;
mod positions;
mod producers;
mod quotas;
mod readme;
mod recommendation;
mod rehearsals;
mod scenarios;
mod schema;
mod searching;
mod service;
mod service_changes;
mod simulated;
mod standing;
mod stream_changes;
mod swarm;
mod tidy;
mod verdict;
mod virtual_time;
