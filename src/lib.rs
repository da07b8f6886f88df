//! Load testing and capacity planning for Amazon Kinesis Data Streams.
//!
//! A [`Scenario`] says what load meets what stream. [`forecast()`] predicts in closed form what happens to it, [`plan()`] what it needs and
//! costs and what to do about it, and [`simulate()`] plays it in virtual time and judges what came of it. A [`RunResult`] is all that a run or a
//! simulation produced. `examples/forecast.rs` shows them together. The program `streamgauge` also measures in real time, against AWS, any
//! endpoint or the embedded emulator.
//!
//! That is the interface. The modules are public for the program, tests, benchmarks and fuzz targets, and come without any promise.
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
//! | 6 | [`run`] |
//! | 7 | [`engine`] [`emulator`] [`simulator`] [`forecast`] |
//! | 8 | [`result`] |
//! | 9 | [`capacity`] |
//! | 10 | [`verdict`] |
//! | 11 | [`plan`] |
//! | 12 | [`compare`] [`search`] [`sweep`] |
//! | 13 | [`report`] [`view`] |
//! | 14 | [`commands`] [`cli`] [`api`] |
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
// The rooms are documented with their private items: cargo doc --document-private-items.
#![allow(rustdoc::private_intra_doc_links)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]
// A part of the house needs only a part of its foundations: what nothing uses is looked for in the whole.
#![cfg_attr(not(all(feature = "aws", feature = "emulator", feature = "png", feature = "tui")), allow(dead_code))]

mod api;

#[doc(hidden)]
pub mod address;
#[doc(hidden)]
pub mod capacity;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod client;
#[doc(hidden)]
pub mod commands;
#[doc(hidden)]
pub mod compare;
#[doc(hidden)]
#[cfg(feature = "emulator")]
pub mod emulator;
#[doc(hidden)]
#[cfg(feature = "aws")]
pub mod engine;
#[doc(hidden)]
pub mod forecast;
#[doc(hidden)]
pub mod kinesis;
#[doc(hidden)]
pub mod lognormal;
#[doc(hidden)]
pub mod measure;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod prices;
#[doc(hidden)]
pub mod prometheus;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod result;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod scenario;
#[doc(hidden)]
pub mod search;
#[doc(hidden)]
pub mod seed;
#[doc(hidden)]
pub mod simulator;
#[doc(hidden)]
pub mod sweep;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod units;
#[doc(hidden)]
pub mod verdict;
#[doc(hidden)]
#[cfg(feature = "aws")]
pub mod view;
#[doc(hidden)]
pub mod workload;

pub use api::{SimulateError, Simulated, forecast, plan, simulate};
pub use forecast::Forecast;
pub use plan::Plan;
pub use result::{ReadError, RunResult};
pub use scenario::{Diagnostics, Scenario};
pub use verdict::{Conclusion, ObjectiveResult, ObjectiveStatus, Verdict};
