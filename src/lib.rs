//! Load testing and capacity planning for Amazon Kinesis Data Streams.
//!
//! One [`scenario::Scenario`] gets several voices: [`plan`] predicts in closed form, [`engine`] measures in real time
//! against AWS, any emulator or the embedded [`emulator`], and [`report`] sets them side by side.
//!
//! # Invariants
//! Each module uses only modules of lower layers (`tests/it/tidy.rs` checks it):
//!
//! | layer | modules |
//! |---|---|
//! | 1 | [`time`] [`seed`] [`units`] [`address`] [`prometheus`] [`lognormal`] |
//! | 2 | [`workload`] [`kinesis`] [`prices`] |
//! | 3 | [`client`] |
//! | 4 | [`measure`] |
//! | 5 | [`scenario`] |
//! | 6 | [`producing`] [`run`] |
//! | 7 | [`engine`] [`emulator`] [`simulator`] [`forecast`] |
//! | 8 | [`result`] |
//! | 9 | [`capacity`] |
//! | 10 | [`verdict`] |
//! | 11 | [`plan`] |
//! | 12 | [`compare`] [`search`] [`sweep`] |
//! | 13 | [`report`] [`view`] |
//! | 14 | [`commands`] [`cli`] |
//!
//! - Layers 1 to 6 and 8 to 13, and [`forecast`], have no tokio, no sockets and no `async`.
//! - No clock and no system randomness below layer 7: time and seeds are arguments.
//! - [`workload`] and [`kinesis`] do not know each other.
//! - Limits, latencies and prices are not typed into code: they are data in `profiles/`.
//! - [`report`] formats what it is given and computes no statistic.
//! - Nothing but [`commands`] prints.
//!
//! # Features
//! `aws` (the engine), `emulator` (the server, and the target `embedded`), `png` (charts as pictures) and `tui` (the full screen) are on
//! by default. Without them there is no asynchronous runtime and no socket.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]
// A part of the house needs only a part of its foundations: what nothing uses is looked for in the whole.
#![cfg_attr(not(all(feature = "aws", feature = "emulator", feature = "png", feature = "tui")), allow(dead_code))]

pub mod address;
pub mod capacity;
pub mod cli;
pub mod client;
pub mod commands;
pub mod compare;
#[cfg(feature = "emulator")]
pub mod emulator;
#[cfg(feature = "aws")]
pub mod engine;
pub mod forecast;
pub mod kinesis;
pub mod lognormal;
pub mod measure;
pub mod plan;
pub mod prices;
pub mod producing;
pub mod prometheus;
pub mod report;
pub mod result;
pub mod run;
pub mod scenario;
pub mod search;
pub mod seed;
pub mod simulator;
pub mod sweep;
pub mod time;
pub mod units;
pub mod verdict;
#[cfg(feature = "aws")]
pub mod view;
pub mod workload;
