//! How many records a second of one processor simulates, with histograms, the ledger, and consumers or none.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use streamgauge::kinesis::Profile;
use streamgauge::scenario::{self, Scenario};
use streamgauge::simulator;

const RECORDS: u64 = 1_000_000;

fn scenario(keys: u32, consumers: &str) -> Scenario {
    let toml = format!(
        "stream.shards = 50\nload = {{ rate = \"20000/s\", duration = \"50s\" }}\nrecords.size = \"1 KiB\"\n\
         keys = {{ distribution = \"uniform\", count = {keys} }}\n{consumers}"
    );
    scenario::parse(Path::new("simulate.toml"), &toml, &[], &Profile::newest()).unwrap()
}

fn simulating(c: &mut Criterion) {
    let mut group = c.benchmark_group("simulate");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(10);
    let profile = Profile::newest();
    let consumer = |kind: &str| format!("[[consumer]]\nname = \"a\"\ntype = \"{kind}\"\n");
    for (name, keys, consumers) in [
        ("puts, 1,000 keys", 1_000, String::new()),
        ("puts, 10,000 keys", 10_000, String::new()),
        ("puts, hot shards", 60, String::new()),
        ("one that polls", 10_000, consumer("polling")),
        ("one fan-out", 10_000, consumer("efo")),
    ] {
        let scenario = scenario(keys, &consumers);
        group.bench_function(name, |b| {
            b.iter(|| {
                let simulation = simulator::run(&scenario, &profile, &mut |_| true).unwrap();
                assert_eq!(simulation.measurement.counters.offered, RECORDS);
                black_box(simulation)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, simulating);
criterion_main!(benches);
