//! The files of on-failure destinations.

use crate::result::{Files, RunResult};

/// One file for each consumer that gave batches up for its on-failure destination, a JSON object per line.
pub(super) fn files(result: &RunResult) -> Files {
    let mut files = Files::new();
    for consumer in &result.measurement.consumers {
        let mut lines = Vec::new();
        for batch in &consumer.failed_batches {
            // Numbers and texts always have a form in JSON.
            if serde_json::to_writer(&mut lines, batch).is_ok() {
                lines.push(b'\n');
            }
        }
        if !lines.is_empty() {
            files.push((format!("on-failure-{}.jsonl", consumer.name), lines));
        }
    }
    files
}
