//! The forecast of throttling against the service model, over a grid of loads: record by record, and some of them as whole runs.

use std::fmt::Write as _;
use std::path::Path;

use rayon::prelude::*;

use super::plot::Plot;
use super::{reports, writes_reports};
use crate::forecast::{Demand, Flows, Packing, Placement, ShardFlow, judged_seconds, replay};
use crate::kinesis::{HashKeyRange, Profile};
use crate::scenario::{self, Scenario};
use crate::simulator;

/// Points of throttled share, and share of what is simulated, within which a forecast holds; the same for the seconds that throttle.
const SHARE: (f64, f64) = (0.005, 0.05);
const SECONDS: (f64, f64) = (0.035, 0.12);

/// Of so many loads, the usual tests make one again.
const SAMPLED: usize = 17;

/// Seeds of a load that comes by chance: one run of it is further from the mean of many than a forecast may be.
const SEEDS: u32 = 16;

/// A load, as a scenario writes it.
struct Load {
    family: &'static str,
    name: String,
    toml: String,
}

/// What becomes of its records: the share that is throttled, and the share of the seconds in which a shard throttles one, over all shards.
struct Row {
    load: Load,
    predicted: (f64, f64),
    simulated: (f64, f64),
    /// The share that averages alone would say: what is offered beyond what the stream takes.
    by_averages: f64,
}

fn within((absolute, relative): (f64, f64), predicted: f64, simulated: f64) -> bool {
    (predicted - simulated).abs() <= absolute.max(relative * simulated)
}

impl Row {
    fn holds(&self) -> bool {
        within(SHARE, self.predicted.0, self.simulated.0) && within(SECONDS, self.predicted.1, self.simulated.1)
    }

    /// Whether neither "nothing is throttled" nor the averages would have held.
    fn tells(&self) -> bool {
        !within(SHARE, 0.0, self.simulated.0) && !within(SHARE, self.by_averages, self.simulated.0)
    }

    fn words(&self) -> String {
        let Self { load, predicted, simulated, by_averages } = self;
        format!(
            "{}, {}: {predicted:.4?} predicted, {simulated:.4?} simulated, {by_averages:.4} by averages",
            load.family, load.name
        )
    }
}

fn parsed(toml: &str) -> Scenario {
    scenario::parse(Path::new("grid.toml"), toml, &[], &Profile::newest())
        .unwrap_or_else(|problems| panic!("{problems}\n{toml}"))
}

/// Throttled share of the records and of the seconds, over all shards.
fn total(flows: &[ShardFlow]) -> (f64, f64) {
    let (records, accepted) = flows.iter().fold((0.0, 0.0), |sum, flow| (sum.0 + flow.records, sum.1 + flow.accepted));
    let seconds = flows.iter().map(|flow| flow.throttled_seconds).sum::<f64>() / flows.len() as f64;
    (1.0 - accepted / records, seconds)
}

/// The forecast for a load, and the share that averages would say.
fn forecast(scenario: &Scenario) -> (Vec<ShardFlow>, f64) {
    let profile = Profile::newest();
    let workload = scenario.workload();
    let demand = Demand::of(scenario, &workload);
    let placement = Placement::new(workload.keys(), workload.count());
    let flows = Flows { scenario, workload: &workload, profile: &profile, demand: &demand, placement: &placement };
    let predicted = flows.shards(&HashKeyRange::initial(scenario.stream.shards));
    let (records, bytes) = predicted.iter().fold((0.0, 0.0), |sum, flow| (sum.0 + flow.records, sum.1 + flow.bytes));
    let shards = predicted.len() as f64;
    let full =
        (records / profile.write.records_per_second as f64).max(bytes / profile.write.bytes_per_second as f64) / shards;
    (predicted, (1.0 - 1.0 / full.max(1.0)).max(0.0))
}

/// Puts the same workload to the model of the service, record by record, and to the forecast. What comes by chance is made so many times.
fn row(load: Load) -> Row {
    let seeded = |seed: u32| parsed(&format!("seed = {seed}\n{}", load.toml));
    let (arrives_by_chance, has_sizes_by_chance) = (
        load.toml.contains("poisson"),
        load.toml.contains("distribution = \"lognormal\"") || load.toml.contains("distribution = \"uniform\", min"),
    );
    let seeds = if arrives_by_chance || has_sizes_by_chance { SEEDS } else { 1 };
    let simulated: Vec<(f64, f64)> = (1..=seeds).map(|seed| simulate(&seeded(seed))).collect();
    // A forecast knows the sizes of the records, which few ones have by chance, but not when they come.
    let forecasts = if arrives_by_chance { 1 } else { seeds };
    let forecasts: Vec<(Vec<ShardFlow>, f64)> = (1..=forecasts).map(|seed| forecast(&seeded(seed))).collect();
    let predicted: Vec<(f64, f64)> = forecasts.iter().map(|(flows, _)| total(flows)).collect();
    let by_averages = forecasts.iter().map(|(_, share)| share).sum::<f64>() / forecasts.len() as f64;
    Row { predicted: mean(&predicted), simulated: mean(&simulated), by_averages, load }
}

fn mean(found: &[(f64, f64)]) -> (f64, f64) {
    let sum = found.iter().fold((0.0, 0.0), |sum, found| (sum.0 + found.0, sum.1 + found.1));
    (sum.0 / found.len() as f64, sum.1 / found.len() as f64)
}

fn simulate(scenario: &Scenario) -> (f64, f64) {
    let workload = scenario.workload();
    let ranges = HashKeyRange::initial(scenario.stream.shards);
    let packing = Packing::new(&scenario.producer, 1.0, 1.0, 1.0, false);
    total(&replay(&workload, &ranges, &Profile::newest().write, packing, judged_seconds(scenario)))
}

const ONE_KEY: &str = "keys = { distribution = \"uniform\", count = 1 }\n";

/// Mean bytes of a record of that size.
fn mean_bytes(size: &str) -> f64 {
    let toml = format!(
        "stream = {{ shards = 1, max_record_size = \"10 MiB\" }}\nrecords.size = {size}\n{ONE_KEY}load = {{ rate = \"1000/s\", duration = \"100s\" }}\n"
    );
    let scenario = parsed(&toml);
    Demand::of(&scenario, &scenario.workload()).record_bytes
}

/// Seconds in which so many records come as tell the shares apart.
fn seconds(rate: f64) -> u64 {
    (30_000.0 / rate).clamp(3_000.0, 60_000.0) as u64
}

/// Records of which a few use up the burst.
fn large_records(loads: &mut Vec<Load>) {
    let family = "large records";
    for (name, size, fulls) in [
        ("5 MiB", "\"5 MiB\"", &[30, 40, 50, 60, 70, 80, 90, 100, 120, 140][..]),
        ("3 MiB", "\"3 MiB\"", &[40, 50, 60, 70, 80, 90, 100, 110, 120]),
        ("2 MiB", "\"2 MiB\"", &[60, 70, 80, 90, 95, 100, 105, 110]),
        ("1 MiB", "\"1048566 B\"", &[80, 90, 95, 100, 105, 110]),
        (
            "500 KiB to 4 MiB",
            "{ distribution = \"uniform\", min = \"500 KiB\", max = \"4000 KiB\" }",
            &[60, 70, 80, 90, 100, 110, 120],
        ),
        (
            "100 KiB to 1 MiB",
            "{ distribution = \"uniform\", min = \"100 KiB\", max = \"1023 KiB\" }",
            &[90, 95, 100, 105, 110, 130],
        ),
        ("300 KiB", "\"300 KiB\"", &[95, 100, 105, 110]),
        (
            "median 300 KiB, p99 4 MiB",
            "{ distribution = \"lognormal\", median = \"300 KiB\", p99 = \"4000 KiB\", max = \"8 MiB\" }",
            &[70, 80, 90, 100, 110, 130],
        ),
        (
            "median 50 KiB, p99 400 KiB",
            "{ distribution = \"lognormal\", median = \"50 KiB\", p99 = \"400 KiB\", max = \"1023 KiB\" }",
            &[90, 100, 105, 110, 120, 150],
        ),
        (
            "1 of 8 MiB for each 20 of 64 KiB",
            "{ distribution = \"mix\", of = [{ weight = 20, size = \"64 KiB\" }, { weight = 1, size = \"8 MiB\" }] }",
            &[40, 60, 80, 100, 120],
        ),
    ] {
        let mean = mean_bytes(size);
        for full in fulls {
            let rate = f64::from(*full) / 100.0 * 1_048_576.0 / mean;
            let toml = format!(
                "stream = {{ shards = 1, max_record_size = \"10 MiB\" }}\nrecords.size = {size}\n{ONE_KEY}producer.batch_bytes = \"10 MiB\"\n\
                 load = {{ rate = \"{rate}/s\", duration = \"{}s\", arrivals = \"poisson\" }}\n",
                seconds(rate)
            );
            loads.push(Load { family, name: format!("{name}, {full} % of a shard, poisson"), toml });
        }
    }
    // The number of records is certain, and their sizes are not.
    let size = "{ distribution = \"lognormal\", median = \"300 KiB\", p99 = \"4000 KiB\", max = \"8 MiB\" }";
    for full in [80, 90, 100, 110] {
        let rate = f64::from(full) / 100.0 * 1_048_576.0 / mean_bytes(size);
        let toml = format!(
            "stream = {{ shards = 1, max_record_size = \"10 MiB\" }}\nrecords.size = {size}\n{ONE_KEY}producer.batch_bytes = \"10 MiB\"\n\
             load = {{ rate = \"{rate}/s\", duration = \"1200s\" }}\n"
        );
        loads.push(Load {
            family,
            name: format!("median 300 KiB, p99 4 MiB, {full} % of a shard, deterministic"),
            toml,
        });
    }
    // Less than one a second, so that some seconds have none.
    for rate in [0.4, 0.7] {
        let toml = format!(
            "stream = {{ shards = 1, max_record_size = \"10 MiB\" }}\n{ONE_KEY}producer.batch_bytes = \"10 MiB\"\n\
             records.size = {{ distribution = \"uniform\", min = \"1 MiB\", max = \"9 MiB\" }}\n\
             load = {{ rate = \"{rate}/s\", duration = \"3000s\" }}\n"
        );
        loads.push(Load { family, name: format!("1 MiB to 9 MiB, {rate} a second, deterministic"), toml });
    }
}

/// Records by chance at an even rate, and keys that decide how much of it each shard gets.
fn by_chance(loads: &mut Vec<Load>) {
    // 100 of them fill a shard for a second, and 1,000 use up its burst.
    for full in [100, 101, 102, 105, 110, 130] {
        let toml = format!(
            "stream.shards = 1\nrecords.size = \"10475 B\"\n{ONE_KEY}load = {{ rate = \"{full}/s\", duration = \"1000s\", arrivals = \"poisson\" }}\n"
        );
        loads.push(Load { family: "Poisson", name: format!("10 KiB, {full} % of a shard, 1,000 s"), toml });
    }
    for (full, seconds) in [(105, 60), (110, 30), (120, 20), (150, 10)] {
        let toml = format!(
            "stream.shards = 1\nrecords.size = \"200 B\"\n{ONE_KEY}load = {{ rate = \"{}/s\", duration = \"{seconds}s\", arrivals = \"poisson\" }}\n",
            full * 10
        );
        loads.push(Load {
            family: "Poisson",
            name: format!("200 B, {full} % of a shard, {seconds} s from a full bucket"),
            toml,
        });
    }
    for (keys, name) in [
        ("{ distribution = \"uniform\", count = 100 }", "100 keys"),
        ("{ distribution = \"zipf\", count = 1000, exponent = 0.8 }", "1,000 keys by Zipf's law, 0.8"),
        ("{ distribution = \"zipf\", count = 1000, exponent = 1.2 }", "1,000 keys by Zipf's law, 1.2"),
        ("{ distribution = \"hot-key\", count = 1000, share = \"40%\" }", "1,000 keys, one with 40 %"),
    ] {
        for shards in [3, 8] {
            for full in [60, 85, 100, 120] {
                let toml = format!(
                    "stream.shards = {shards}\nrecords.size = \"10 KiB\"\nkeys = {keys}\nload = {{ rate = \"{}/s\", duration = \"100s\" }}\n",
                    full * shards
                );
                loads.push(Load {
                    family: "keys",
                    name: format!("{name} on {shards} shards, {full} % full on average"),
                    toml,
                });
            }
        }
    }
}

/// Rates that change within the second, and over minutes.
fn changing(loads: &mut Vec<Load>) {
    for arrivals in ["deterministic", "poisson"] {
        for (period, share) in [(1, 5), (2, 10), (2, 50), (3, 10), (5, 2), (5, 18), (10, 5)] {
            for full in [60, 80, 95, 105] {
                let toml = format!(
                    "stream.shards = 1\nrecords.size = \"200 B\"\n{ONE_KEY}load.arrivals = \"{arrivals}\"\n[[load.phase]]\nshape = \"constant\"\n\
                     rate = \"{}/s\"\nduration = \"40s\"\nburst = {{ period = \"{period}s\", share = \"{share}%\" }}\n",
                    full * 10
                );
                let name = format!("{full} % of a shard, in {share} % of every {period} s, {arrivals}");
                loads.push(Load { family: "micro-bursts", name, toml });
            }
        }
    }
    for (name, phase) in [
        ("ramp from 20 % to 180 %", "shape = \"ramp\"\nfrom = \"200/s\"\nto = \"1800/s\""),
        ("ramp from 0 % to 120 %", "shape = \"ramp\"\nfrom = \"0/s\"\nto = \"1200/s\""),
        ("sine, 90 % +- 60 %, 20 s", "shape = \"sine\"\nmean = \"900/s\"\namplitude = \"600/s\"\nperiod = \"20s\""),
        ("sine, 80 % +- 80 %, 7 s", "shape = \"sine\"\nmean = \"800/s\"\namplitude = \"800/s\"\nperiod = \"7s\""),
        (
            "spike of 5 s to 300 %",
            "shape = \"spike\"\nbase = \"500/s\"\npeak = \"3000/s\"\nat = \"20s\"\nlasting = \"5s\"",
        ),
        ("two steps with a pause", "shape = \"steps\"\nrates = [\"1500.5/s\", \"0/s\", \"1500.5/s\"]"),
        ("steps to 150 %", "shape = \"steps\"\nrates = [\"300/s\", \"1500/s\", \"700/s\", \"1200/s\"]"),
    ] {
        for (arrivals, seconds) in [("deterministic", 60), ("poisson", 120)] {
            let toml = format!(
                "stream.shards = 1\nrecords.size = \"200 B\"\n{ONE_KEY}load.arrivals = \"{arrivals}\"\n[[load.phase]]\n{phase}\nduration = \"{seconds}s\"\n"
            );
            loads.push(Load { family: "shapes", name: format!("{name}, {seconds} s, {arrivals}"), toml });
        }
    }
}

fn grid() -> Vec<Load> {
    let mut loads = Vec::new();
    large_records(&mut loads);
    by_chance(&mut loads);
    changing(&mut loads);
    loads
}

/// All that is committed holds, is what comes of today's loads, and would tell a wrong forecast from a right one.
#[test]
fn the_forecast_of_throttling_is_what_the_service_does() {
    let path = reports().join("throttling-forecast.csv");
    if writes_reports() {
        let rows: Vec<Row> = grid().into_par_iter().map(row).collect();
        std::fs::write(&path, table(&rows)).unwrap();
        Plot {
            caption: "Throttled share of the records: forecast and service model",
            x: "simulated, record by record",
            y: "forecast",
            range: 0.0..0.9,
            label: |share| format!("{:.0} %", 100.0 * share),
            points: rows.iter().map(|row| (row.load.family, row.simulated.0, row.predicted.0)).collect(),
        }
        .write(&reports().join("throttling-forecast.svg"));
    }
    let committed = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = committed.lines().skip(1).collect();
    let loads = grid();
    assert_eq!(lines.len(), loads.len(), "`just forecast-grids` writes the table anew");
    let rows: Vec<Row> = loads.into_iter().zip(&lines).map(|(load, line)| read(load, line)).collect();
    let wrong: Vec<String> = rows.iter().filter(|row| !row.holds()).map(Row::words).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let telling = rows.iter().filter(|row| row.tells()).count();
    assert!(telling >= 100, "{telling} of {} would catch a forecast of nothing, or of averages", rows.len());
    // The forecast and the simulation of some, made again.
    let some: Vec<(Load, &str)> = grid().into_iter().zip(lines).skip(SAMPLED / 2).step_by(SAMPLED).collect();
    let again: Vec<(Row, &str)> = some.into_par_iter().map(|(load, line)| (row(load), line)).collect();
    for (row, line) in again {
        assert_eq!(self::line(&row), line, "`just forecast-grids` writes the table anew");
    }
}

/// The same forecast against whole runs, with a producer that batches what comes and does not try again.
#[test]
fn a_run_with_batches_throttles_as_forecast() {
    let chosen = [
        "200 B, 110 % of a shard, 30 s from a full bucket",
        "80 % of a shard, in 10 % of every 2 s, deterministic",
        "95 % of a shard, in 10 % of every 2 s, poisson",
        "60 % of a shard, in 2 % of every 5 s, poisson",
        "sine, 90 % +- 60 %, 20 s, 60 s, deterministic",
        "sine, 80 % +- 80 %, 7 s, 120 s, poisson",
        "spike of 5 s to 300 %, 60 s, deterministic",
        "ramp from 20 % to 180 %, 120 s, poisson",
        "1,000 keys by Zipf's law, 1.2 on 8 shards, 100 % full on average",
        "1,000 keys, one with 40 % on 3 shards, 85 % full on average",
        "100 keys on 8 shards, 100 % full on average",
        "10 KiB, 110 % of a shard, 1,000 s",
    ];
    let loads: Vec<Load> = grid().into_iter().filter(|load| chosen.contains(&load.name.as_str())).collect();
    assert_eq!(loads.len(), chosen.len());
    for load in loads {
        let toml = load.toml.replace("1000s", "300s");
        let (head, tables) = toml
            .split_once("[[load")
            .map_or((toml.as_str(), String::new()), |(head, rest)| (head, format!("[[load{rest}")));
        let scenario = parsed(&format!("{head}producer = {{ linger = \"5ms\", retry.policy = \"none\" }}\n{tables}"));
        let run = simulator::run(&scenario, &Profile::newest(), &mut |_| true).unwrap();
        let counters = run.measurement.counters;
        let simulated = counters.failed as f64 / counters.offered as f64;
        let (predicted, _) = total(&forecast(&scenario).0);
        assert!(within(SHARE, predicted, simulated), "{}: {predicted} predicted, {simulated} simulated", load.name);
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "family,load,predicted throttled share,simulated throttled share,difference in points,share by averages,\
         predicted throttled seconds,simulated throttled seconds,tells\n",
    );
    for row in rows {
        // Writing into a text does not fail.
        let _ = writeln!(table, "{}", line(row));
    }
    table
}

fn line(row: &Row) -> String {
    let Row { load, predicted, simulated, by_averages } = row;
    format!(
        "\"{}\",\"{}\",{:.5},{:.5},{:.3},{by_averages:.5},{:.4},{:.4},{}",
        load.family,
        load.name,
        predicted.0,
        simulated.0,
        100.0 * (predicted.0 - simulated.0),
        predicted.1,
        simulated.1,
        row.tells()
    )
}

/// The row of a load, as a line of the table has it.
fn read(load: Load, line: &str) -> Row {
    let begin = format!("\"{}\",\"{}\",", load.family, load.name);
    let fields = line.strip_prefix(&begin).unwrap_or_else(|| panic!("{begin} is not the line {line}"));
    let field = |number: usize| fields.split(',').nth(number).and_then(|field| field.parse::<f64>().ok()).unwrap();
    Row { predicted: (field(0), field(4)), simulated: (field(1), field(5)), by_averages: field(3), load }
}
