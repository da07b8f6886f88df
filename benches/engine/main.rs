//! What the load engine costs beside a bare loop around the AWS SDK that sends the same batches: CPU microseconds of the
//! sending process per accepted record of 1 KiB, measured side by side against an emulator in a process of its own.
//!
//! The bare loop has its records ready before the clock starts, sends a batch whenever one is due, and looks at nothing but the
//! number that failed. The engine does all that it always does: pacing, payloads, batching, histograms, the ledger and retries;
//! once in JSON, as the SDK, and once in CBOR.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../emulator/process.rs"]
#[allow(dead_code)]
mod process;

use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use clap::Parser;
use streamgauge::engine::{Connection, Control, Progress, Target, connect, run};
use streamgauge::kinesis::Profile;
use streamgauge::scenario::{self, Scenario};
use streamgauge::workload::Payloads;
use tokio::sync::watch;

use self::process::Process;

/// Measures the engine and a bare loop and prints a row of a Markdown table for each round.
#[derive(Debug, Parser)]
struct Arguments {
    /// Records of 1 KiB per second that the engine offers.
    #[arg(long, default_value_t = 40_000)]
    rate: u64,
    /// How long, in seconds; the bare loop sends as many records.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How often both are measured; the medians are printed at the end.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// `cargo bench` gives it.
    #[arg(long, hide = true)]
    bench: bool,
}

const BATCH: usize = 500;

/// What the engine may cost, of the bare loop.
const MOST_RATIO: f64 = 1.2;

fn main() {
    let arguments = Arguments::parse();
    let emulator = [env!("CARGO_BIN_EXE_streamgauge"), "emulator", "--listen", "127.0.0.1:{port}", "--latency", "none"];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!(
        "| round | bare loop, µs/record | engine | ratio | engine, CBOR | ratio | lateness p99 |\n|---|---|---|---|---|---|---|"
    );
    let mut rounds = Vec::new();
    for round in 1..=arguments.rounds {
        let server = Process::start(&emulator.map(str::to_owned));
        let target = Target::Endpoint(format!("http://{}", server.address));
        let [json, cbor] = ["json", "cbor"].map(|protocol| scenario(&arguments, protocol));
        let (bare, engine, cbor, lateness) = runtime.block_on(async {
            let profile = Profile::newest();
            let connection = connect(&target, json.producer.timeout, &profile, json.seed).await.unwrap();
            let bare = bare_loop(&connection, &json, arguments.rate).await;
            let (engine, lateness) = load_engine(&connection, &json, &profile).await;
            let (cbor, late_cbor) = load_engine(&connection, &cbor, &profile).await;
            (bare, engine, cbor, lateness.max(late_cbor))
        });
        let ratios = (engine / bare, cbor / bare);
        println!(
            "| {round} | {bare:.2} | {engine:.2} | {:.2} | {cbor:.2} | {:.2} | {lateness} µs |",
            ratios.0, ratios.1
        );
        rounds.push([bare, engine, ratios.0, cbor, ratios.1]);
    }
    let median = |column: usize| {
        let mut values: Vec<f64> = rounds.iter().map(|round: &[f64; 5]| round[column]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!("| median | {} | |", [0, 1, 2, 3, 4].map(|column| format!("{:.2}", median(column))).join(" | "));
    if median(2) > MOST_RATIO {
        println!("the engine costs {:.2} times the bare loop, {MOST_RATIO} at most are promised", median(2));
        std::process::exit(1);
    }
}

fn scenario(arguments: &Arguments, protocol: &str) -> Scenario {
    let toml = format!(
        "stream.shards = 500\nload = {{ rate = \"{}/s\", duration = \"{}s\" }}\nrecords.size = \"1 KiB\"\n\
         keys = {{ distribution = \"uniform\", count = 10_000 }}\nproducer = {{ linger = \"25ms\", protocol = \"{protocol}\" }}",
        arguments.rate, arguments.seconds
    );
    scenario::parse(Path::new("engine.toml"), &toml, &[], &Profile::newest()).unwrap()
}

/// CPU seconds, user and system, of this process so far.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    // utime and stime are fields 14 and 15, in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Sends the records of the scenario, ready made, in batches that are due at the same rate; gives microseconds of CPU per record.
async fn bare_loop(connection: &Connection, scenario: &Scenario, rate: u64) -> f64 {
    let stream = "bare";
    let client = &connection.client;
    client.create_stream().stream_name(stream).shard_count(500).send().await.unwrap();
    while !client.describe_stream_summary().stream_name(stream).send().await.is_ok_and(|answer| {
        answer.stream_description_summary().is_some_and(|stream| stream.stream_status().as_str() == "ACTIVE")
    }) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (workload, payloads) = (scenario.workload(), Payloads::new(1, scenario.seed, scenario.filling.clone()));
    let batches = workload.count() as usize / BATCH;
    // Some batches are sent again and again: all of them would not fit into memory.
    let ready: Vec<Vec<(Vec<u8>, String)>> = (0..64)
        .map(|batch| {
            let arrivals = (0..BATCH).map(|record| workload.arrival((batch * BATCH + record) as u64));
            arrivals.map(|arrival| (payloads.payload(&arrival).to_vec(), arrival.key.to_string())).collect()
        })
        .collect();
    let ready = std::sync::Arc::new(ready);
    let (begun, used) = (Instant::now(), cpu());
    let gap = Duration::from_secs_f64(BATCH as f64 / rate as f64);
    let mut senders = Vec::new();
    for batch in 0..batches {
        tokio::time::sleep_until((begun + gap * batch as u32).into()).await;
        let (client, ready) = (connection.puts.clone(), ready.clone());
        senders.push(tokio::spawn(async move { put(&client, stream, &ready[batch % ready.len()]).await }));
    }
    let mut accepted = 0;
    for sender in senders {
        accepted += sender.await.unwrap();
    }
    assert_eq!(accepted, batches * BATCH, "records were not accepted by {:?}", begun.elapsed());
    let used = cpu() - used;
    client.delete_stream().stream_name(stream).enforce_consumer_deletion(true).send().await.unwrap();
    used * 1e6 / accepted as f64
}

async fn put(client: &Client, stream: &str, batch: &[(Vec<u8>, String)]) -> usize {
    let records = batch.iter().map(|(data, key)| {
        PutRecordsRequestEntry::builder().data(Blob::new(data.clone())).partition_key(key).build().unwrap()
    });
    let answer = client.put_records().stream_name(stream).set_records(Some(records.collect())).send().await.unwrap();
    answer.records().len() - answer.failed_record_count().unwrap_or_default() as usize
}

/// Offers the scenario; gives microseconds of CPU per record, and the 99th percentile of the lateness in microseconds.
async fn load_engine(connection: &Connection, scenario: &Scenario, profile: &Profile) -> (f64, u64) {
    let (_stop, stop) = watch::channel(false);
    let used = cpu();
    let control = Control::new(stop, watch::Sender::new(Progress::default()));
    let measured = run(connection, scenario, profile, control).await.unwrap().measurement;
    let used = cpu() - used;
    assert_eq!(measured.counters.accepted, measured.counters.offered, "{:?}", measured.counters);
    (used * 1e6 / measured.counters.accepted as f64, measured.put["lateness"].p99.unwrap() / 1_000)
}
