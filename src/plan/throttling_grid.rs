//! The forecast of throttling against the service model, over a grid of loads.
//!
//! `just throttling-grid` writes the table and the plot in `reports/`; the usual tests check every load of it.

use std::fmt::Write as _;
use std::path::Path;

use plotters::prelude::*;

use super::demand::Demand;
use super::flow::{Flows, judged_seconds, replay};
use super::placement::Placement;
use crate::kinesis::{HashKeyRange, Profile};
use crate::scenario;

/// A load, and what became of its records.
struct Row {
    family: &'static str,
    load: String,
    /// Share of the records that are throttled, and share of the seconds in which one is, over all shards.
    predicted: (f64, f64),
    simulated: (f64, f64),
}

impl Row {
    /// Within 0.5 points, or 5 % of what is simulated.
    fn holds(&self) -> bool {
        (self.predicted.0 - self.simulated.0).abs() <= 0.005f64.max(0.05 * self.simulated.0)
    }
}

/// Puts the same workload to the model of the service, record by record, and to the forecast.
fn row(family: &'static str, load: &str, toml: &str) -> Row {
    let profile = Profile::newest();
    let scenario = scenario::parse(Path::new("grid.toml"), toml, &[], &profile).unwrap();
    let workload = scenario.workload();
    let demand = Demand::of(&scenario, &workload);
    let placement = Placement::new(workload.keys(), workload.count());
    let ranges = HashKeyRange::initial(scenario.stream.shards);
    let flows =
        Flows { scenario: &scenario, workload: &workload, profile: &profile, demand: &demand, placement: &placement };
    let predicted = flows.shards(&ranges);
    let simulated = replay(&workload, &ranges, &profile.write, flows.packing(1.0), judged_seconds(&scenario));
    let total = |flows: &[super::flow::ShardFlow]| {
        let (records, accepted) =
            flows.iter().fold((0.0, 0.0), |sum, flow| (sum.0 + flow.records, sum.1 + flow.accepted));
        let seconds = flows.iter().map(|flow| flow.throttled_seconds).sum::<f64>() / flows.len() as f64;
        (1.0 - accepted / records, seconds)
    };
    Row { family, load: load.to_owned(), predicted: total(&predicted), simulated: total(&simulated) }
}

/// Mean bytes of a size as a scenario writes it.
fn mean_size(size: &str) -> f64 {
    let toml = format!(
        "stream.shards = 1\nrecords.size = {size}\n{ONE_KEY}load = {{ rate = \"1000/s\", duration = \"100s\" }}\n"
    );
    let scenario = scenario::parse(Path::new("grid.toml"), &toml, &[], &Profile::newest()).unwrap();
    Demand::of(&scenario, &scenario.workload()).record_bytes
}

const ONE_KEY: &str = "keys = { distribution = \"uniform\", count = 1 }\n";

fn grid() -> Vec<Row> {
    let mut rows = Vec::new();
    for full in [80, 90, 95, 98, 100, 102, 105, 110, 130, 200] {
        let toml = format!(
            "stream.shards = 1\nrecords.size = \"200 B\"\n{ONE_KEY}\
             load = {{ rate = \"{}/s\", duration = \"60s\", arrivals = \"poisson\" }}\n",
            full * 10
        );
        rows.push(row("Poisson", &format!("{full} % of a shard, 60 s"), &toml));
    }
    for (sizes, size, mean) in [
        ("1 MiB", "\"1048566 B\"", 1_048_566.0),
        ("100 KiB to 1 MiB", "{ distribution = \"uniform\", min = \"100 KiB\", max = \"1023 KiB\" }", 574_976.0),
        ("300 KiB", "\"300 KiB\"", 307_200.0),
        (
            "median 50 KiB, p99 400 KiB",
            "{ distribution = \"lognormal\", median = \"50 KiB\", p99 = \"400 KiB\", max = \"1023 KiB\" }",
            0.0,
        ),
        (
            "10 of 64 KiB for each of 1,000 KiB",
            "{ distribution = \"mix\", of = [{ weight = 10, size = \"64 KiB\" }, { weight = 1, size = \"1000 KiB\" }] }",
            0.0,
        ),
    ] {
        let mean = if mean > 0.0 { mean } else { mean_size(size) };
        for full in [60, 80, 90, 95, 100, 105, 110, 120, 150, 200] {
            let rate = f64::from(full) / 100.0 * 1_048_576.0 / mean;
            let toml = format!(
                "stream.shards = 1\nrecords.size = {size}\n{ONE_KEY}\
                 load = {{ rate = \"{rate}/s\", duration = \"30000s\", arrivals = \"poisson\" }}\n"
            );
            rows.push(row("large records, Poisson", &format!("{sizes}, {full} % of a shard, 30,000 s"), &toml));
        }
    }
    for (keys, named) in [
        ("{ distribution = \"uniform\", count = 1000 }", "1,000 keys"),
        ("{ distribution = \"zipf\", count = 1000, exponent = 1.0 }", "1,000 keys by Zipf's law"),
    ] {
        for shards in [3, 8] {
            for full in [70, 90, 100, 110, 150] {
                let toml = format!(
                    "stream.shards = {shards}\nrecords.size = \"200 B\"\nkeys = {keys}\n\
                     load = {{ rate = \"{}/s\", duration = \"20s\" }}\n",
                    full * 10 * shards
                );
                rows.push(row(
                    "keys by chance",
                    &format!("{named} on {shards} shards, {full} % full on average"),
                    &toml,
                ));
            }
        }
    }
    for arrivals in ["deterministic", "poisson"] {
        for (period, share) in [(1, 5), (2, 10), (2, 50), (5, 2), (5, 20)] {
            for full in [60, 80, 95, 105] {
                let toml = format!(
                    "stream.shards = 1\nrecords.size = \"200 B\"\n{ONE_KEY}load.arrivals = \"{arrivals}\"\n[[load.phase]]\nshape = \"constant\"\n\
                     rate = \"{}/s\"\nduration = \"60s\"\nburst = {{ period = \"{period}s\", share = \"{share}%\" }}\n",
                    full * 10
                );
                let load = format!("{full} % of a shard, in {share} % of every {period} s, {arrivals}");
                rows.push(row("micro-bursts", &load, &toml));
            }
        }
    }
    for (named, phase) in [
        ("ramp from 20 % to 180 %", "shape = \"ramp\"\nfrom = \"200/s\"\nto = \"1800/s\""),
        ("sine, 90 % +- 60 %, 20 s", "shape = \"sine\"\nmean = \"900/s\"\namplitude = \"600/s\"\nperiod = \"20s\""),
        (
            "spike of 5 s to 300 %",
            "shape = \"spike\"\nbase = \"500/s\"\npeak = \"3000/s\"\nat = \"20s\"\nlasting = \"5s\"",
        ),
    ] {
        for (arrivals, seconds) in [("deterministic", 60), ("poisson", 200)] {
            let toml = format!(
                "stream.shards = 1\nrecords.size = \"200 B\"\n{ONE_KEY}load.arrivals = \"{arrivals}\"\n[[load.phase]]\n{phase}\nduration = \"{seconds}s\"\n"
            );
            rows.push(row("shapes", &format!("{named}, {arrivals}"), &toml));
        }
    }
    rows
}

#[test]
fn the_forecast_of_throttling_is_what_the_service_does() {
    let rows = grid();
    assert!(rows.len() >= 100, "{}", rows.len());
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    if std::env::var_os("STREAMGAUGE_WRITE_REPORTS").is_some() {
        std::fs::write(reports.join("throttling-forecast.csv"), table(&rows)).unwrap();
        plot(&rows, &reports.join("throttling-forecast.svg"));
    }
    let wrong: Vec<String> = rows
        .iter()
        .filter(|row| !row.holds())
        .map(|row| {
            format!("{}, {}: {:?} predicted, {:?} simulated", row.family, row.load, row.predicted, row.simulated)
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let committed = std::fs::read_to_string(reports.join("throttling-forecast.csv")).unwrap();
    assert_eq!(committed.lines().count(), rows.len() + 1, "`just throttling-grid` writes the table anew");
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "family,load,predicted throttled share,simulated throttled share,difference in points,\
         predicted throttled seconds,simulated throttled seconds\n",
    );
    for Row { family, load, predicted, simulated } in rows {
        // Writing into a text does not fail.
        let _ = writeln!(
            table,
            "\"{family}\",\"{load}\",{:.5},{:.5},{:.3},{:.4},{:.4}",
            predicted.0,
            simulated.0,
            100.0 * (predicted.0 - simulated.0),
            predicted.1,
            simulated.1
        );
    }
    table
}

/// Predicted over simulated, one colour for each family.
fn plot(rows: &[Row], path: &Path) {
    let colours = [
        RGBColor(0, 114, 178),
        RGBColor(230, 159, 0),
        RGBColor(0, 158, 115),
        RGBColor(204, 121, 167),
        RGBColor(86, 86, 86),
    ];
    let root = SVGBackend::new(path, (760, 560)).into_drawing_area();
    root.fill(&WHITE).unwrap();
    let mut chart = ChartBuilder::on(&root)
        .caption("Throttled share of the records: forecast and service model", ("sans-serif", 18))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..0.6f64, 0.0..0.6f64)
        .unwrap();
    let percent = |share: &f64| format!("{:.0} %", 100.0 * share);
    chart
        .configure_mesh()
        .x_desc("simulated, record by record")
        .y_desc("forecast")
        .x_label_formatter(&percent)
        .y_label_formatter(&percent)
        .light_line_style(TRANSPARENT)
        .draw()
        .unwrap();
    chart.draw_series(LineSeries::new([(0.0, 0.0), (0.6, 0.6)], BLACK.mix(0.4))).unwrap();
    let mut families: Vec<&str> = rows.iter().map(|row| row.family).collect();
    families.dedup();
    for (family, colour) in families.into_iter().zip(colours) {
        let points = rows.iter().filter(|row| row.family == family).map(|row| (row.simulated.0, row.predicted.0));
        chart
            .draw_series(points.map(|point| Circle::new(point, 4, colour.mix(0.7).filled())))
            .unwrap()
            .label(family)
            .legend(move |(x, y)| Circle::new((x + 10, y), 4, colour.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .border_style(BLACK.mix(0.3))
        .draw()
        .unwrap();
    root.present().unwrap();
}
