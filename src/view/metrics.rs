//! Progress as a page for Prometheus. `docs/live.md` names every metric.

use std::time::Duration;

use super::State;
use super::json::phase;
use crate::engine::Phase;
use crate::prometheus::{Kind, Page};

/// Shards beyond these have no metric of their own.
pub const SHARDS_MAX: usize = 1_000;

/// The page of a run.
pub fn page(state: &State) -> String {
    let mut page = Page::default();
    write_run(state, &mut page);
    write_records(state, &mut page);
    write_latencies(state, &mut page);
    write_shards(state, &mut page);
    write_consumers(state, &mut page);
    write_generator(state, &mut page);
    page.finish()
}

fn write_run(state: &State, page: &mut Page) {
    let (about, progress) = (state.about(), state.progress());
    page.family(Kind::Gauge, "streamgauge_run_info", "What is run; always 1.")
        .count(&[("scenario", &about.scenario), ("target", &about.target), ("version", env!("CARGO_PKG_VERSION"))], 1);
    let mut family = page.family(Kind::Gauge, "streamgauge_run_phase", "1 for what the run is doing, 0 for the rest.");
    for each in [Phase::Preparing, Phase::Load, Phase::Draining] {
        family.count(&[("phase", phase(each))], u64::from(each == progress.phase));
    }
    let help = "How long load has been offered and answers have been waited for.";
    page.family(Kind::Gauge, "streamgauge_run_elapsed_seconds", help).sample(&[], progress.now.as_secs_f64());
    let help = "How long load is still offered; while the run drains, how long it may still wait.";
    page.family(Kind::Gauge, "streamgauge_run_left_seconds", help).sample(&[], state.left().as_secs_f64());
}

fn write_records(state: &State, page: &mut Page) {
    let counters = &state.progress().counters;
    let help = "Records by what became of them; offered = accepted + failed + abandoned + unknown + in flight.";
    page.family(Kind::Counter, "streamgauge_run_records_total", help)
        .count(&[("state", "offered")], counters.offered)
        .count(&[("state", "accepted")], counters.accepted)
        .count(&[("state", "failed")], counters.failed)
        .count(&[("state", "abandoned")], counters.abandoned)
        .count(&[("state", "unknown")], counters.unknown);
    page.family(Kind::Gauge, "streamgauge_run_records_in_flight", "Records that wait or are under way.")
        .count(&[], counters.in_flight);
    let help = "Attempts to put a Kinesis record.";
    page.family(Kind::Counter, "streamgauge_run_attempts_total", help).count(&[], counters.attempts);
    let help = "Attempts that were not accepted: throttled by a shard, or failed in another way.";
    page.family(Kind::Counter, "streamgauge_run_refused_attempts_total", help)
        .count(&[("reason", "throttled")], counters.throttled)
        .count(&[("reason", "error")], counters.errors);
    page.family(Kind::Counter, "streamgauge_run_calls_total", "Calls sent: PutRecords or PutRecord.")
        .count(&[], counters.calls);
    let help = "Bytes accepted, data and partition keys.";
    page.family(Kind::Counter, "streamgauge_run_accepted_bytes_total", help).count(&[], counters.accepted_bytes);
}

fn write_latencies(state: &State, page: &mut Page) {
    let last = state.progress().last_second.as_ref();
    let help = "Response time of the records accepted in the last second, from the moment at which they were due.";
    let mut family = page.family(Kind::Gauge, "streamgauge_run_put_response_seconds", help);
    let quantiles = last.map(|last| [last.response_p50, last.response_p99, last.response_max]).unwrap_or_default();
    for (quantile, value) in ["0.5", "0.99", "1"].into_iter().zip(quantiles) {
        if let Some(nanos) = value {
            family.sample(&[("quantile", quantile)], seconds(nanos));
        }
    }
    let help = "99th percentile of the generator's own lateness over the run; above the bound, the run is void.";
    let mut family = page.family(Kind::Gauge, "streamgauge_run_lateness_seconds", help);
    if let Some(lateness) = state.progress().lateness_p99 {
        family.sample(&[("quantile", "0.99")], lateness.as_secs_f64());
    }
    page.family(Kind::Gauge, "streamgauge_run_lateness_bound_seconds", "The bound of the lateness.")
        .sample(&[], state.about().lateness_bound.as_secs_f64());
}

fn write_shards(state: &State, page: &mut Page) {
    page.family(Kind::Gauge, "streamgauge_run_open_shards", "Shards that take records.")
        .count(&[], state.progress().shards.len() as u64);
    let help = "Shards that throttled an attempt in the last second.";
    page.family(Kind::Gauge, "streamgauge_run_throttling_shards", help).count(&[], state.throttling_shards() as u64);
    let help = "What a shard took in the last second as a part of its write quota, by records or bytes; of the first 1,000 \
                shards in hash key order.";
    let mut family = page.family(Kind::Gauge, "streamgauge_run_shard_utilisation", help);
    for (shard, load) in state.shards().take(SHARDS_MAX) {
        family.sample(&[("shard", &shard.id)], load.utilisation);
    }
    let help = "The same of the fullest shard of all.";
    page.family(Kind::Gauge, "streamgauge_run_fullest_shard_utilisation", help)
        .sample(&[], state.fullest_shard().map_or(0.0, |(_, load)| load.utilisation));
}

fn write_consumers(state: &State, page: &mut Page) {
    let consumers = &state.progress().consumers;
    let help = "Records that a consumer read in the last second.";
    let mut family = page.family(Kind::Gauge, "streamgauge_run_consumer_records_per_second", help);
    for consumer in consumers {
        family.count(&[("consumer", &consumer.name), ("type", consumer.kind)], consumer.read_last_second);
    }
    let help = "Lag of the records processed in the last second, from the moment at which they were due.";
    let mut family = page.family(Kind::Gauge, "streamgauge_run_consumer_lag_seconds", help);
    for consumer in consumers {
        for (quantile, value) in [("0.5", consumer.lag_last_second.p50), ("0.99", consumer.lag_last_second.p99)] {
            if let Some(nanos) = value {
                family.sample(&[("consumer", &consumer.name), ("quantile", quantile)], seconds(nanos));
            }
        }
    }
    let help = "Largest MillisBehindLatest of the last second with an answer.";
    let mut family = page.family(Kind::Gauge, "streamgauge_run_consumer_behind_seconds", help);
    for consumer in consumers {
        if let Some(behind) = consumer.behind {
            family.sample(&[("consumer", &consumer.name)], behind.as_secs_f64());
        }
    }
}

fn write_generator(state: &State, page: &mut Page) {
    let Some(health) = state.progress().generator else { return };
    let gauges: [(&str, &str, Option<f64>); 3] = [
        (
            "streamgauge_run_processors_used",
            "Processors that this process used in the last second.",
            health.processors(),
        ),
        (
            "streamgauge_run_processors_missed",
            "Processors that its threads waited for in the last second.",
            health.run_queue_wait.map(|wait| wait.as_secs_f64() / health.length.as_secs_f64().max(1e-9)),
        ),
        (
            "streamgauge_run_resident_bytes",
            "Memory of this process that is resident.",
            health.resident.map(|bytes| bytes as f64),
        ),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            page.family(Kind::Gauge, name, help).sample(&[], value);
        }
    }
}

fn seconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}
