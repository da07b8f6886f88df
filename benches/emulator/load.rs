//! The load: what is sent, in which order, and what is measured of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use memchr::memmem;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::http::Connection;
use crate::process::Process;

const BATCH: usize = 500;
const RECORD_BYTES: usize = 1024;
/// Distinct requests of each kind; they are sent in turn.
const DISTINCT: usize = 64;
const CONNECTIONS: usize = 8;
/// AWS makes records visible to consumers within a second, and so does an emulator of its latency.
const PROPAGATION: Duration = Duration::from_secs(2);
const CREATION_LIMIT: Duration = Duration::from_secs(60);

/// What is sent.
#[derive(Debug)]
pub struct Load {
    batches: Vec<Bytes>,
    singles: Vec<Bytes>,
    /// How many calls of each.
    batch_calls: usize,
    single_calls: usize,
    shards: usize,
}

/// What was measured. Costs are in CPU seconds of the server per 100,000 records.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    put_records: f64,
    /// Records per second of wall time.
    put_records_rate: f64,
    put_record: f64,
    put_record_rate: f64,
    drain: f64,
    drain_rate: f64,
    /// Share of the stored records that were read.
    read_back: f64,
    /// Bytes of memory by which the process grew per stored record.
    memory: f64,
    ready_ms: f64,
}

impl Load {
    /// `records` in batches and `singles` one by one, to a stream of `shards` shards.
    pub fn new(records: usize, singles: usize, shards: usize) -> Self {
        let batch = |n: usize| {
            let records: Vec<String> = (0..BATCH).map(|k| format!("{{{}}}", record(n * BATCH + k))).collect();
            format!(r#"{{"StreamName":"load","Records":[{}]}}"#, records.join(",")).into()
        };
        let single = |n: usize| format!(r#"{{"StreamName":"load",{}}}"#, record(n)).into();
        Self {
            batches: (0..DISTINCT).map(batch).collect(),
            singles: (0..DISTINCT * BATCH).map(single).collect(),
            batch_calls: records / BATCH,
            single_calls: singles,
            shards,
        }
    }

    /// Starts the server, measures it and ends it.
    pub async fn run(&self, command: &[String]) -> Figures {
        let server = Process::start(command);
        let mut figures = Figures { ready_ms: server.ready.as_secs_f64() * 1e3, ..Figures::default() };
        self.create(&server).await;

        let records = self.batch_calls * BATCH;
        let memory = server.memory();
        let put = self.put(&server, "PutRecords", &self.batches, self.batch_calls);
        (figures.put_records, figures.put_records_rate, ()) = measured(&server, records, put).await;
        figures.memory = (server.memory() - memory) / records as f64;

        let put = self.put(&server, "PutRecord", &self.singles, self.single_calls);
        (figures.put_record, figures.put_record_rate, ()) = measured(&server, self.single_calls, put).await;

        sleep(PROPAGATION).await;
        let stored = records + self.single_calls;
        let drained;
        (figures.drain, figures.drain_rate, drained) = measured(&server, stored, self.drain(&server)).await;
        figures.read_back = drained as f64 / stored as f64;
        figures
    }

    async fn create(&self, server: &Process) {
        let mut connection = Connection::open(server.address).await;
        let create = format!(r#"{{"StreamName":"load","ShardCount":{}}}"#, self.shards);
        let describe = Bytes::from_static(br#"{"StreamName":"load"}"#);
        let begun = Instant::now();
        // A port may be open before the server behind it is ready.
        while let Err(error) = connection.try_call("CreateStream", create.clone().into()).await {
            assert!(begun.elapsed() < CREATION_LIMIT, "CreateStream: {error}");
            sleep(Duration::from_millis(100)).await;
        }
        while memmem::find(&connection.call("DescribeStream", describe.clone()).await, b"ACTIVE").is_none() {
            assert!(begun.elapsed() < CREATION_LIMIT, "the stream does not become ACTIVE");
            sleep(Duration::from_millis(200)).await;
        }
    }

    async fn put(&self, server: &Process, operation: &'static str, bodies: &[Bytes], calls: usize) {
        let next = Arc::new(AtomicUsize::new(0));
        let mut connections = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (next, bodies) = (Arc::clone(&next), bodies.to_vec());
            let mut connection = Connection::open(server.address).await;
            connections.spawn(async move {
                loop {
                    let call = next.fetch_add(1, Ordering::Relaxed);
                    if call >= calls {
                        return;
                    }
                    let answer = connection.call(operation, bodies[call % bodies.len()].clone()).await;
                    assert!(!refused(&answer), "a record was refused");
                }
            });
        }
        while let Some(done) = connections.join_next().await {
            done.unwrap();
        }
    }

    /// Reads all shards from their beginning and gives the number of records.
    async fn drain(&self, server: &Process) -> usize {
        let next = Arc::new(AtomicUsize::new(0));
        let mut connections = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (next, shards) = (Arc::clone(&next), self.shards);
            let mut connection = Connection::open(server.address).await;
            connections.spawn(async move {
                let mut records = 0;
                loop {
                    let shard = next.fetch_add(1, Ordering::Relaxed);
                    if shard >= shards {
                        return records;
                    }
                    records += drain_shard(&mut connection, shard).await;
                }
            });
        }
        connections.join_all().await.into_iter().sum()
    }
}

/// Whether a record of the answer has an error; some servers write the member also where there is none.
fn refused(answer: &[u8]) -> bool {
    memmem::find_iter(answer, b"\"ErrorCode\"").any(|at| {
        let value = &answer[at + b"\"ErrorCode\"".len()..];
        value.iter().find(|byte| !b": \n".contains(byte)) == Some(&b'"')
    })
}

async fn drain_shard(connection: &mut Connection, shard: usize) -> usize {
    let from = format!(r#"{{"StreamName":"load","ShardId":"shardId-{shard:012}","ShardIteratorType":"TRIM_HORIZON"}}"#);
    let answer = connection.call("GetShardIterator", from.into()).await;
    let mut iterator = member(&answer, "ShardIterator").to_owned();
    let mut records = 0;
    loop {
        let answer = connection.call("GetRecords", format!(r#"{{"ShardIterator":"{iterator}"}}"#).into()).await;
        let found = memmem::find_iter(&answer, b"\"SequenceNumber\"").count();
        records += found;
        let behind = member(&answer, "MillisBehindLatest");
        if found == 0 || behind == "0" {
            return records;
        }
        iterator = member(&answer, "NextShardIterator").to_owned();
    }
}

/// The value of a member of an answer whose texts have no escapes.
fn member<'a>(answer: &'a [u8], name: &str) -> &'a str {
    let at = memmem::find(answer, format!("\"{name}\"").as_bytes()).unwrap() + name.len() + 2;
    let rest = std::str::from_utf8(&answer[at..]).unwrap().trim_start_matches([':', ' ']);
    match rest.strip_prefix('"') {
        Some(text) => text.split('"').next().unwrap(),
        None => rest.split([',', '}']).next().unwrap().trim(),
    }
}

/// Runs `work` on `records` records; gives the server's CPU seconds per 100,000 of them, and their rate.
async fn measured<T>(server: &Process, records: usize, work: impl Future<Output = T>) -> (f64, f64, T) {
    let (cpu, begun) = (server.cpu(), Instant::now());
    let result = work.await;
    let took = begun.elapsed().as_secs_f64();
    ((server.cpu() - cpu) / records as f64 * 1e5, records as f64 / took, result)
}

/// The members of a record: 1 KiB of data that hardly repeats, and a key of its own.
fn record(n: usize) -> String {
    let data: Vec<u8> = (0..RECORD_BYTES).map(|k| (k * 31 + n * 7 + ((k * n) >> 5)) as u8).collect();
    format!(r#""Data":"{}","PartitionKey":"key-{n}""#, base64_simd::STANDARD.encode_to_string(data))
}

impl Figures {
    pub const HEAD: &str = "\
| emulator | quotas | records | PutRecords, CPU s | records/s | PutRecord, CPU s | records/s | GetRecords, CPU s | records/s | read back | memory per record | ready after |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

    /// The median of each figure on its own.
    pub fn median(rounds: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(figure).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self {
            put_records: median(|f| f.put_records),
            put_records_rate: median(|f| f.put_records_rate),
            put_record: median(|f| f.put_record),
            put_record_rate: median(|f| f.put_record_rate),
            drain: median(|f| f.drain),
            drain_rate: median(|f| f.drain_rate),
            // A record that is lost in any round is lost.
            read_back: rounds.iter().map(|f| f.read_back).fold(1.0, f64::min),
            memory: median(|f| f.memory),
            ready_ms: median(|f| f.ready_ms),
        }
    }

    /// Whether all that was stored was read.
    pub fn lost_nothing(&self) -> bool {
        self.read_back == 1.0
    }

    /// The row of the table.
    pub fn row(&self, name: &str, quotas: &str, records: usize) -> String {
        let Self { put_records, put_record, drain, memory, ready_ms, .. } = self;
        let read_back = self.read_back * 100.0;
        let [batches, singles, reads] = [self.put_records_rate, self.put_record_rate, self.drain_rate];
        format!(
            "| {name} | {quotas} | {records} | {put_records:.3} | {batches:.0} | {put_record:.2} | {singles:.0} | \
             {drain:.3} | {reads:.0} | {read_back:.2}% | {:.2} KiB | {ready_ms:.0} ms |",
            memory / 1024.0
        )
    }
}
