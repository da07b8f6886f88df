//! The planner: predictions with known answers, and verdicts on made-up runs.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::time::Duration;

use streamgauge::kinesis::Profile;
use streamgauge::measure::{Counters, Interval, Measurement, ShardInterval};
use streamgauge::verdict::{Conclusion, Verdict};

use crate::support::model::{judged, made_up, only_shard, plan, predicted, scenario, scenario_at, simulated};

const OVERLOAD: &str = "stream.shards = 1
load = { rate = \"1500/s\", duration = \"10s\", warm_up = \"5s\" }
records.size = \"100 B\"
";

fn close(actual: f64, expected: f64) -> bool {
    (actual / expected - 1.0).abs() < 1e-6
}

#[test]
fn a_burst_that_the_warm_up_spends_is_not_predicted_for_the_time_after_it() {
    let plan = plan(OVERLOAD);
    assert!(close(plan.forecast.offered_rate.0, 1_500.0), "{:?}", plan.forecast.offered_rate);
    assert!(close(plan.forecast.accepted_rate.0, 1_000.0), "{:?}", plan.forecast.accepted_rate);
    assert!(close(plan.forecast.overload_share.0, 1.0 / 3.0));
}

#[test]
fn a_burst_that_the_load_spends_is_predicted() {
    let plan = plan(&OVERLOAD.replace("5s", "0s"));
    assert!(close(plan.forecast.accepted_rate.0, 1_100.0), "{:?}", plan.forecast.accepted_rate);
}

#[test]
fn a_spike_of_the_rate_is_followed() {
    let plan = plan(
        "stream.shards = 1
load.phase = [{ shape = \"spike\", base = \"500/s\", peak = \"3000/s\", at = \"4s\", lasting = \"2s\", duration = \"10s\" }]
records.size = \"100 B\"
",
    );
    // 8 s at 500/s and 2 s at 3,000/s, of which the shard takes 1,000/s and its burst of 1,000.
    assert!(close(plan.forecast.offered_rate.0, 1_000.0), "{:?}", plan.forecast.offered_rate);
    assert!(close(plan.forecast.accepted_rate.0, 700.0), "{:?}", plan.forecast.accepted_rate);
    assert_eq!(plan.capacity.required_shards, 3, "for the busiest second");
}

#[test]
fn a_recorded_spike_is_put_to_its_shard_when_it_is_due() {
    let directory = tempfile::TempDir::new().unwrap();
    // 3,000 records at once, of which a shard takes 1,000, and another one at the end.
    let mut rows = String::from("at,key\n");
    for _ in 0..3_000 {
        writeln!(rows, "1000000000,spike").unwrap();
    }
    writeln!(rows, "1000000009.5,spike").unwrap();
    std::fs::write(directory.path().join("spike.csv"), rows).unwrap();
    let toml = "stream.shards = 2\nload = { trace = \"spike.csv\", time = \"at\", key = \"key\", duration = \"10s\" }\n\
                records.size = \"100 B\"\n";
    let plan = predicted(&scenario_at(&directory.path().join("case.toml"), toml, &[]));
    assert!(close(plan.forecast.offered_rate.0, 300.1), "{:?}", plan.forecast.offered_rate);
    assert!(close(plan.forecast.accepted_rate.0, 100.1), "{:?}", plan.forecast.accepted_rate);
    assert!(plan.forecast.assumptions.iter().any(|sentence| sentence.starts_with("Each recorded arrival")));
}

#[test]
fn a_hot_shard_outruns_its_pollers_though_the_stream_would_not() {
    let text = "stream.shards = 4
        load = { rate = \"1000/s\", duration = \"10s\" }
        records.size = \"1000 B\"
        keys = { distribution = \"hot-key\", count = 100, share = \"90%\" }
        consumer = [
            { name = \"a\", type = \"polling\", interval = \"1s\" },
            { name = \"b\", type = \"polling\", interval = \"1s\" },
            { name = \"c\", type = \"polling\", interval = \"1s\" },
            { name = \"d\", type = \"efo\" },
        ]";
    let lags = |text: &str| plan(text).forecast.lags.iter().map(|lag| lag.mean.is_some()).collect::<Vec<_>>();
    assert_eq!(lags(text), [false, false, false, true]);
    assert_eq!(lags(&text.replace("90%", "1%")), [true; 4]);
}

#[test]
fn a_poller_reads_no_more_than_its_limit_in_each_interval() {
    let text = "stream.shards = 1
        load = { rate = \"500/s\", duration = \"10s\" }
        records.size = \"100 B\"
        consumer = [{ name = \"slow\", type = \"polling\", interval = \"1s\", limit = 100 }]";
    let slow = plan(text);
    assert_eq!(slow.forecast.lags[0].mean, None);
    assert_eq!((slow.capacity.binding.words(), slow.capacity.required_shards), ("polled records", 5));
    let enough = plan(&text.replace("100 }", "500 }"));
    assert!(enough.forecast.lags[0].mean.is_some());
    assert_eq!(enough.capacity.required_shards, 1);
}

#[test]
fn a_lonely_record_waits_for_all_of_the_linger() {
    let wait = |rate: &str| -> Duration {
        let text = format!(
            "stream.shards = 1\nload = {{ rate = \"{rate}\", duration = \"10s\" }}\nrecords.size = \"100 B\"\n\
             producer.linger = \"50ms\"\nconsumer = [{{ name = \"c\", type = \"efo\" }}]"
        );
        let (plan, latency) = (plan(&text), Profile::newest().latency);
        let propagation = latency.mean(&latency.propagation, plan.forecast.shards[0].utilisation);
        Duration::from_nanos(plan.forecast.lags[0].mean.unwrap()).saturating_sub(propagation)
    };
    assert_eq!(wait("10/s"), Duration::from_millis(50));
    // Seven records: the first waits 50 ms, the others 42, 34, 26, 18, 10 and 2.
    assert_eq!(wait("125/s"), Duration::from_millis(26));
    // 500 records fill a batch after 4.99 ms.
    assert_eq!(wait("100000/s"), Duration::from_micros(2_495));
}

/// A run of a scenario on one shard that saw these seconds and counted this.
fn verdict(text: &str, intervals: Vec<Interval>, counters: Counters) -> Verdict {
    let scenario = scenario(text);
    let shards = vec![only_shard(counters.accepted, 0)];
    let measurement = Measurement { counters, intervals, shards, ..Measurement::default() };
    judged(&scenario, &made_up(&scenario, measurement))
}

/// Ten seconds of a thousand accepted records each.
fn full_seconds() -> Vec<Interval> {
    let cell = ShardInterval { accepted: 1_000, bytes: 100_000, throttled: 0, ..ShardInterval::default() };
    let second = |second| Interval {
        second,
        offered: 1_500,
        accepted: 1_000,
        attempts: 1_000,
        shards: vec![cell],
        ..Interval::default()
    };
    (0..10).map(second).collect()
}

fn measured(verdict: &Verdict, row: &str) -> String {
    verdict.comparison.iter().find(|comparison| comparison.metric.to_string() == row).unwrap().measured.to_string()
}

#[test]
fn an_objective_that_was_not_measured_is_not_met() {
    let text = format!("{OVERLOAD}[slo]\nthrottled = \"1%\"\nput_p99 = \"1s\"\n");
    let verdict = verdict(&text, full_seconds(), Counters { offered: 5, accepted: 5, ..Counters::default() });
    assert_eq!(verdict.conclusion, Conclusion::Missed);
    assert_eq!(
        verdict.sentence,
        "1 of 2 objectives could not be measured: put p99 (no record was accepted after the warm-up); the fullest shard ran \
         at 100% of its write capacity."
    );
}

#[test]
fn a_run_that_had_nothing_accepted_is_not_met_even_without_objectives() {
    let counters = Counters { offered: 1_500, failed: 1_500, ..Counters::default() };
    let verdict = verdict(OVERLOAD, Vec::new(), counters);
    assert_eq!(verdict.conclusion, Conclusion::Missed);
    assert!(verdict.sentence.starts_with("None of the 1,500 offered records was accepted"), "{}", verdict.sentence);
}

#[test]
fn a_run_without_a_judged_second_has_no_utilisation() {
    let text = OVERLOAD.replace("\"10s\"", "\"0.9s\"").replace("\"5s\"", "\"0s\"");
    let verdict = verdict(&text, full_seconds(), Counters { offered: 1, accepted: 1, ..Counters::default() });
    assert_eq!(verdict.heat[0].mean, None);
    assert_eq!(measured(&verdict, "utilisation: fullest shard"), "–");
    assert!(!verdict.sentence.contains("fullest"), "{}", verdict.sentence);
}

#[test]
fn overload_by_a_constant_rate_has_no_busiest_second() {
    let verdict = verdict(OVERLOAD, full_seconds(), Counters { offered: 5, accepted: 5, ..Counters::default() });
    let notes: Vec<&str> = verdict.comparison.iter().filter_map(|row| row.note.as_deref()).collect();
    assert!(!notes.iter().any(|note| note.contains("busiest")), "{notes:?}");
}

/// Test vectors V1 to V4 of the fact sheet, section 5.4, and the classic check: shards by the bound that needs the most.
#[test]
fn the_shards_of_the_test_vectors_are_required() {
    let shards = |rate: &str, size: &str, consumers: u32| {
        let polls = |n| format!("[[consumer]]\nname = \"c{n}\"\ntype = \"polling\"\ninterval = \"1s\"\n");
        let consumers: String = (0..consumers).map(polls).collect();
        let plan = plan(&format!(
            "stream.shards = 1\nload = {{ rate = \"{rate}\", duration = \"10s\" }}\nrecords.size = \"{size}\"\n\
             keys = {{ distribution = \"weighted\", weights = {{ k = 1 }} }}\n{consumers}"
        ));
        plan.capacity.required_shards
    };
    // The vectors count no key; here it is one byte.
    assert_eq!(shards("10000/s", "511 B", 4), 10);
    assert_eq!(shards("16.67/s", "3 KiB", 3), 1);
    assert_eq!(shards("100/s", "35 KiB", 0), 4);
    assert_eq!(shards("1000/s", "5 KiB", 0), 5);
    assert_eq!(shards("100000/s", "1000 B", 0), 100);
}

#[test]
fn a_scenario_is_billed_for_each_way_to_pay() {
    let text = "stream.shards = 4
load = { rate = \"1000/s\", duration = \"10s\" }
records.size = \"3064 B\"
keys = { distribution = \"weighted\", weights = { 12345678 = 1 } }
[[consumer]]
name = \"a\"
type = \"polling\"
";
    let cost = plan(text).capacity.cost;
    let totals: Vec<(String, u32, f64)> =
        cost.bills.iter().map(|bill| (bill.tariff.name().to_owned(), bill.shards, bill.total.unwrap())).collect();
    let expected = [
        // 4 shards, and 1,000 payload units a second.
        ("provisioned", 4, 4.0 * 10.95 + 2_628.0 * 0.014),
        // V8 of the fact sheet for 730 hours.
        ("on-demand Standard", 4, 30.623_1 / 24.0 * 730.0),
        ("on-demand Advantage", 4, 101.25 / 24.0 * 730.0),
    ];
    assert_eq!(totals.len(), expected.len(), "{totals:?}");
    for ((tariff, shards, total), expected) in totals.iter().zip(expected) {
        assert_eq!((tariff.as_str(), *shards), (expected.0, expected.1));
        assert!((total / expected.2 - 1.0).abs() < 1e-5, "{tariff}: {total} instead of {}", expected.2);
    }
    let free = cost.reading[0].polling.unwrap();
    assert!(free.abs() < 1e-9, "polling costs nothing: {free}");
    // 4 consumer-shards and 3,000 KiB a second.
    let fan_out = 4.0 * 10.95 + 3_072_000.0 * 2_628_000.0 / f64::from(1 << 30) * 0.013;
    assert!(close(cost.reading[0].fan_out.unwrap(), fan_out), "{:?}", cost.reading[0]);
    // All who poll share 2 MiB/s of a shard, and 80 % of it are planned with: from three on they need more shards, which cost.
    assert_eq!(cost.reading.iter().map(|row| row.polling_shards).collect::<Vec<_>>(), [4, 4, 6, 8, 10]);
    for row in &cost.reading {
        let further = f64::from(row.polling_shards - 4) * 10.95;
        assert!((row.polling.unwrap() - further).abs() < 1e-6 && row.polling_lag.is_some(), "{row:?}");
    }
}

#[test]
fn a_region_without_prices_has_no_bill_and_says_so() {
    let cost = plan("stream.shards = 1\nload = { rate = \"1/s\", duration = \"10s\" }\nrecords.size = \"1 KiB\"\ncost.region = \"mars-north-1\"").capacity.cost;
    assert!(cost.bills.is_empty() && cost.reading.is_empty());
    assert!(cost.notes.iter().any(|note| note.contains("No prices are known for mars-north-1")), "{:?}", cost.notes);
}

/// What is recommended carries the load in virtual time, with every shard as full as forecast.
#[test]
fn the_recommended_shards_carry_the_load() {
    for (rate, size, exponent) in
        [(3_000, 200, 0.5), (3_000, 2_000, 0.7), (9_000, 200, 0.7), (9_000, 2_000, 0.5), (5_000, 900, 0.0)]
    {
        let text = |shards: u32| {
            format!(
                "stream.shards = {shards}\nload = {{ rate = \"{rate}/s\", duration = \"10s\", warm_up = \"2s\" }}\n\
                 records.size = \"{size} B\"\nkeys = {{ distribution = \"zipf\", count = 2_000, exponent = {exponent} }}\n"
            )
        };
        let recommended = plan(&text(1)).capacity.recommended_shards;
        let skew = plan(&text(recommended)).capacity.skew.unwrap();
        assert_eq!(skew.fewest, Some(recommended), "{skew:?}");
        let scenario = scenario(&text(recommended));
        let simulated = simulated(&scenario);
        let counters = simulated.measurement.counters;
        assert_eq!((counters.throttled, counters.accepted), (0, counters.offered));
        let verdict = judged(&scenario, &simulated);
        let forecast = skew.rows.iter().find(|row| row.shards == recommended).unwrap().fullest;
        let measured = verdict.fullest_shard().unwrap();
        assert!(forecast <= 0.8 + 1e-9 && (measured / forecast - 1.0).abs() < 0.05, "{measured} instead of {forecast}");
    }
}
