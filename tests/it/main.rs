//! The integration tests, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod autoscaling;
mod calibration;
mod cli;
mod diagnosis;
mod emulator;
mod engine;
mod formats;
mod limits;
mod manners;
mod model_docs;
mod plan;
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
mod swarm;
mod tidy;
mod virtual_time;
