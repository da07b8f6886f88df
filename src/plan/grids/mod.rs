//! Forecasts against simulation, over grids of loads and of keys. `just forecast-grids` writes the tables and plots in `reports/`; the usual
//! tests hold every row of them to its tolerance, and make some of them again.

mod plot;
mod skew;
mod throttling;

use std::path::PathBuf;

/// Where tables and plots are kept.
fn reports() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reports")
}

/// Whether they are to be written anew.
fn writes_reports() -> bool {
    std::env::var_os("STREAMGAUGE_WRITE_REPORTS").is_some()
}
