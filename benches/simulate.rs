//! How many records a second of one processor simulates, with histograms, the ledger, and consumers or none.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use streamgauge::kinesis::Profile;
use streamgauge::scenario::{self, Scenario};
use streamgauge::simulator;

const RECORDS: u64 = 100_000;

fn scenario(consumers: &str) -> Scenario {
    let toml = format!(
        "stream.shards = 50\nload = {{ rate = \"20000/s\", duration = \"5s\" }}\nrecords.size = \"1 KiB\"\n\
         keys = {{ distribution = \"uniform\", count = 10_000 }}\n{consumers}"
    );
    scenario::parse(Path::new("simulate.toml"), &toml, &[], &Profile::newest()).unwrap()
}

fn simulating(c: &mut Criterion) {
    let mut group = c.benchmark_group("simulate");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(10);
    let profile = Profile::newest();
    for (name, consumers) in [
        ("puts alone", ""),
        ("one that polls", "[[consumer]]\nname = \"a\"\ntype = \"polling\"\n"),
        ("one fan-out", "[[consumer]]\nname = \"a\"\ntype = \"efo\"\n"),
    ] {
        let scenario = scenario(consumers);
        group.bench_function(name, |b| {
            b.iter(|| {
                let simulation = simulator::run(&scenario, &profile, &mut |_| true).unwrap();
                assert_eq!(simulation.measurement.counters.accepted, RECORDS);
                black_box(simulation)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, simulating);
criterion_main!(benches);
