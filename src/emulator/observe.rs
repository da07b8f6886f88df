//! What the emulator shows of itself: `GET /health`, `GET /metrics` and `GET /state`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::service::Service;
use crate::kinesis::{Statistics, StreamMetric, StreamMetrics, StreamMode, StreamOverview};
use crate::prometheus::{Kind, Page};

/// What the server counts of its connections and requests.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// By operation and HTTP status.
    requests: Mutex<BTreeMap<String, BTreeMap<u16, u64>>>,
    /// Connections that are open.
    pub open_connections: Gauge,
    /// Connections that were closed because too many were open.
    pub refused_connections: AtomicU64,
    /// TLS handshakes that failed or took too long.
    pub failed_handshakes: AtomicU64,
}

/// A number of things that exist.
#[derive(Debug, Default)]
pub(super) struct Gauge(AtomicU64);

/// One of the things that a [`Gauge`] counts; dropping it ends it.
#[derive(Debug)]
pub(super) struct Counted<'g>(&'g Gauge);

impl Gauge {
    /// Counts one more, until the answer is dropped.
    pub fn enter(&self) -> Counted<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self)
    }

    /// How many there are.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counters {
    /// Counts an answer. `operation` must come from a bounded set: each value is kept.
    pub fn answered(&self, operation: &str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        // The name is copied for its first answer only.
        if !requests.contains_key(operation) {
            requests.insert(operation.to_owned(), BTreeMap::new());
        }
        if let Some(statuses) = requests.get_mut(operation) {
            *statuses.entry(status).or_default() += 1;
        }
    }

    fn write(&self, page: &mut Page) {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let help = "Requests answered, by operation and HTTP status.";
        let mut family = page.family(Kind::Counter, "streamgauge_requests_total", help);
        for (operation, statuses) in &requests {
            for (status, count) in statuses {
                family.count(&[("operation", operation), ("status", &status.to_string())], *count);
            }
        }
        page.family(Kind::Gauge, "streamgauge_open_connections", "Connections that are open.")
            .count(&[], self.open_connections.get());
        let help = "Connections closed at once because too many were open.";
        page.family(Kind::Counter, "streamgauge_refused_connections_total", help)
            .count(&[], self.refused_connections.load(Ordering::Relaxed));
        let help = "TLS handshakes that failed or took too long.";
        page.family(Kind::Counter, "streamgauge_failed_handshakes_total", help)
            .count(&[], self.failed_handshakes.load(Ordering::Relaxed));
    }
}

/// The page at `/metrics`.
pub(super) fn metrics(service: &Service, counters: &Counters) -> String {
    let mut page = Page::default();
    counters.write(&mut page);
    write_service(service, &mut page);
    page.finish()
}

/// The metrics of the service half.
fn write_service(service: &Service, page: &mut Page) {
    let usage = service.usage();
    page.family(Kind::Gauge, "streamgauge_open_subscriptions", "Subscriptions of SubscribeToShard that are open.")
        .count(&[], service.open_subscriptions() as u64);
    page.family(Kind::Gauge, "streamgauge_stored_bytes", "Bytes of records held.").count(&[], usage.bytes);
    let help = "Most bytes of records held at any time so far.";
    page.family(Kind::Gauge, "streamgauge_stored_bytes_peak", help).count(&[], usage.peak);
    page.family(Kind::Gauge, "streamgauge_memory_budget_bytes", "Most bytes of records that may be held.")
        .count(&[], usage.budget);
    let help = "Records dropped before their retention ended, to stay within the memory budget; `read` if every known \
                reader had read them.";
    page.family(Kind::Counter, "streamgauge_records_trimmed_early_total", help)
        .count(&[("read", "true")], usage.trimmed_read)
        .count(&[("read", "false")], usage.trimmed_unread);
    write_streams(&service.metrics(), page);
}

/// What CloudWatch would show of each stream, by CloudWatch's names (fact sheet, section 8), since the stream was created.
fn write_streams(streams: &[(String, StreamMetrics)], page: &mut Page) {
    type Statistic = fn(&Statistics) -> f64;
    let families: [(Kind, &str, &str, Statistic); 3] = [
        (
            Kind::Counter,
            "streamgauge_cloudwatch_sum",
            "Sum of the CloudWatch metric since the stream was created.",
            |s| s.sum,
        ),
        (Kind::Counter, "streamgauge_cloudwatch_samples", "How many values the CloudWatch metric has had.", |s| {
            s.samples as f64
        }),
        (Kind::Gauge, "streamgauge_cloudwatch_maximum", "Largest value of the CloudWatch metric.", |s| s.maximum),
    ];
    for (kind, name, help, statistic) in families {
        let mut family = page.family(kind, name, help);
        for (stream, metrics) in streams {
            for metric in StreamMetric::ALL {
                let labels = [("stream", stream.as_str()), ("metric", metric.name())];
                family.sample(&labels, statistic(&metrics.get(metric)));
            }
        }
    }
}

/// The document at `/state`.
#[derive(Debug, Serialize)]
struct State<'a> {
    account: &'a str,
    region: &'a str,
    profile: &'a str,
    uptime_seconds: f64,
    stored_bytes: u64,
    memory_budget_bytes: u64,
    records_trimmed_early: u64,
    open_subscriptions: usize,
    streams: Vec<StreamState>,
}

#[derive(Debug, Serialize)]
struct StreamState {
    name: String,
    status: &'static str,
    mode: StreamMode,
    retention_hours: u32,
    consumers: u32,
    shards: Vec<ShardState>,
}

#[derive(Debug, Serialize)]
struct ShardState {
    id: String,
    /// As text: JSON readers round numbers of 128 bits.
    starting_hash_key: String,
    ending_hash_key: String,
    starting_sequence_number: String,
    /// Only a closed shard has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    ending_sequence_number: Option<String>,
    /// Those that it came from by a split or merge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parents: Vec<String>,
    stored_bytes: u64,
}

/// The document at `/state`: all streams and shards as they are now, as JSON.
pub(super) fn state(service: &Service) -> Vec<u8> {
    let (settings, usage) = (service.settings(), service.usage());
    let (now, streams) = service.overview();
    let state = State {
        account: &settings.account,
        region: &settings.region,
        profile: &settings.profile.name,
        uptime_seconds: now.as_secs_f64(),
        stored_bytes: usage.bytes,
        memory_budget_bytes: usage.budget,
        records_trimmed_early: usage.trimmed_read + usage.trimmed_unread,
        open_subscriptions: service.open_subscriptions(),
        streams: streams.into_iter().map(StreamState::from).collect(),
    };
    // Nothing in it can fail to be written.
    serde_json::to_vec_pretty(&state).unwrap_or_default()
}

impl From<StreamOverview> for StreamState {
    fn from(stream: StreamOverview) -> Self {
        let shards = stream.shards.into_iter().map(|(shard, stored_bytes)| ShardState {
            id: shard.shard.to_string(),
            starting_hash_key: shard.range.start.to_string(),
            ending_hash_key: shard.range.end.to_string(),
            starting_sequence_number: shard.starting_sequence_number.to_string(),
            ending_sequence_number: shard.ending_sequence_number.map(|number| number.to_string()),
            parents: [shard.parent, shard.adjacent_parent].into_iter().flatten().map(|id| id.to_string()).collect(),
            stored_bytes,
        });
        Self {
            name: stream.summary.stream,
            status: stream.summary.status.name(),
            mode: stream.summary.mode,
            retention_hours: stream.summary.retention_hours,
            consumers: stream.summary.consumers,
            shards: shards.collect(),
        }
    }
}
