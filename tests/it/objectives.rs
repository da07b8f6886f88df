//! Each objective met, missed, and not measurable, by made-up runs.

use streamgauge::measure::{
    ConsumerRecord, Counters, DeliveryCheck, Interval, LatencySummary, Measurement, ShardInterval,
};
use streamgauge::verdict::{Conclusion, ObjectiveStatus};

use crate::support::model;
use crate::support::model::{made_up, only_shard, refusal, scenario};

use ObjectiveStatus::{Fail, NotMeasurable, Pass};

/// What a run of 20 s measured, with a warm-up of 5 s.
struct Run {
    /// Of a shard, per second: accepted and throttled records.
    seconds: Vec<(u32, u32)>,
    response: LatencySummary,
    lag: LatencySummary,
    delivery: DeliveryCheck,
}

/// A run in which all is well.
fn good() -> Run {
    let latency = |millis: u64| {
        let nanos = Some(millis * 1_000_000);
        LatencySummary { count: 1_000, p50: nanos, p99: nanos, p999: nanos, ..LatencySummary::default() }
    };
    let delivery = DeliveryCheck { accepted: 10_000, delivered: 10_000, ..DeliveryCheck::default() };
    Run { seconds: vec![(500, 0); 20], response: latency(30), lag: latency(300), delivery }
}

/// The one objective of `slo` on that run: its name, what was measured, its status and its note.
fn judged(slo: &str, run: &Run) -> (String, String, ObjectiveStatus, Option<String>) {
    let toml = format!(
        "stream.shards = 1\nload = {{ rate = \"500/s\", duration = \"20s\", warm_up = \"5s\" }}\nrecords.size = \"100 B\"\n\
         [[consumer]]\nname = \"reader\"\ntype = \"efo\"\n[slo]\n{slo}\n"
    );
    let scenario = scenario(&toml);
    let interval = |(second, (accepted, throttled)): (usize, &(u32, u32))| Interval {
        second: second as u64,
        offered: u64::from(*accepted),
        accepted: u64::from(*accepted),
        attempts: u64::from(accepted + throttled),
        throttled: u64::from(*throttled),
        shards: vec![ShardInterval {
            accepted: *accepted,
            bytes: accepted * 110,
            throttled: *throttled,
            ..ShardInterval::default()
        }],
        ..Interval::default()
    };
    let accepted: u64 = run.seconds.iter().map(|(accepted, _)| u64::from(*accepted)).sum();
    let consumer =
        ConsumerRecord { name: "reader".into(), lag: run.lag, delivery: run.delivery, ..ConsumerRecord::default() };
    let measurement = Measurement {
        counters: Counters { offered: accepted.max(1), accepted: accepted.max(1), ..Counters::default() },
        intervals: run.seconds.iter().enumerate().map(interval).collect(),
        put: [("response".to_owned(), run.response)].into(),
        shards: vec![only_shard(accepted, accepted * 110)],
        consumers: vec![consumer],
        ..Measurement::default()
    };
    let verdict = model::judged(&scenario, &made_up(&scenario, measurement));
    let [objective] = verdict.objectives.as_slice() else { panic!("{:#?}", verdict.objectives) };
    let expected = if objective.status == Pass { Conclusion::Met } else { Conclusion::Missed };
    assert_eq!(verdict.conclusion, expected, "{slo}: {}", verdict.sentence);
    (objective.metric.to_string(), objective.measured.to_string(), objective.status, objective.note.clone())
}

#[track_caller]
fn check(slo: &str, run: &Run, name: &str, measured: &str, status: ObjectiveStatus) {
    let (found, value, was, note) = judged(slo, run);
    assert_eq!((found.as_str(), value.as_str(), was), (name, measured, status), "{slo}");
    assert_eq!(note.is_some(), was == NotMeasurable, "what could not be measured says why: {slo}");
}

#[test]
fn throttled_attempts() {
    let (slo, name) = ("throttled = \"1%\"", "throttled attempts");
    check(slo, &good(), name, "0%", Pass);
    // The warm-up does not count.
    let with = |seconds: Vec<(u32, u32)>| Run { seconds, ..good() };
    let early: Vec<_> = (0..20).map(|second| (500, if second < 5 { 500 } else { 0 })).collect();
    check(slo, &with(early), name, "0%", Pass);
    check(slo, &with(vec![(495, 5); 20]), name, "1%", Pass);
    check(slo, &with(vec![(490, 10); 20]), name, "2%", Fail);
    check(slo, &with(vec![(0, 0); 20]), name, "–", NotMeasurable);
}

#[test]
fn utilisation_of_the_fullest_shard() {
    let (slo, name) = ("utilisation = \"80%\"", "utilisation of the fullest shard");
    let with = |seconds: Vec<(u32, u32)>| Run { seconds, ..good() };
    check(slo, &good(), name, "50% over 10 s", Pass);
    // One second is a matter of chance; ten are not.
    let peak = |seconds: std::ops::Range<usize>| {
        with((0..20).map(|s| (if seconds.contains(&s) { 900 } else { 500 }, 0)).collect())
    };
    check(slo, &peak(8..9), name, "54% over 10 s", Pass);
    check(slo, &peak(8..18), name, "90% over 10 s", Fail);
    check(slo, &peak(0..5), name, "50% over 10 s", Pass);
    check(slo, &with(Vec::new()), name, "–", NotMeasurable);
}

#[test]
fn put_latencies() {
    for (key, name) in [("put_p50", "put p50"), ("put_p99", "put p99"), ("put_p999", "put p99.9")] {
        check(&format!("{key} = \"30ms\""), &good(), name, "30 ms", Pass);
        check(&format!("{key} = \"29ms\""), &good(), name, "30 ms", Fail);
        let none = Run { response: LatencySummary::default(), ..good() };
        check(&format!("{key} = \"30ms\""), &none, name, "–", NotMeasurable);
    }
}

#[test]
fn lag() {
    let name = "lag p99 of reader";
    check("lag_p99 = \"300ms\"", &good(), name, "300 ms", Pass);
    check("lag_p99 = \"299ms\"", &good(), name, "300 ms", Fail);
    check("lag_p99 = \"300ms\"", &Run { lag: LatencySummary::default(), ..good() }, name, "–", NotMeasurable);
}

#[test]
fn delivery_and_order() {
    let with = |change: fn(&mut DeliveryCheck)| {
        let mut run = good();
        change(&mut run.delivery);
        run
    };
    let (complete, once, name) = ("delivery = \"complete\"", "delivery = \"exactly-once\"", "delivery to reader");
    let twice = with(|check| check.duplicates = 7);
    let lost = with(|check| (check.delivered, check.lost) = (9_990, 10));
    let nothing = Run { delivery: DeliveryCheck::default(), ..good() };
    check(complete, &twice, name, "0 lost, 7 twice", Pass);
    check(complete, &lost, name, "10 lost, 0 twice", Fail);
    check(complete, &nothing, name, "–", NotMeasurable);
    check(once, &good(), name, "0 lost, 0 twice", Pass);
    check(once, &twice, name, "0 lost, 7 twice", Fail);
    check(once, &nothing, name, "–", NotMeasurable);

    let (order, name) = ("order = \"per-key\"", "order for reader");
    check(order, &good(), name, "0 out of order", Pass);
    check(order, &with(|check| check.delivered_out_of_order = 3), name, "3 out of order", Fail);
    check(order, &with(|check| check.order_unchecked = 1), name, "–", NotMeasurable);
}

#[test]
fn lost_records_and_duplicates_each_for_themselves() {
    let with = |delivered, lost, unread, duplicates| {
        let delivery =
            DeliveryCheck { accepted: 10_000, delivered, lost, unread, duplicates, ..DeliveryCheck::default() };
        Run { delivery, ..good() }
    };
    let name = "lost to reader";
    check("lost = 0", &with(10_000, 0, 0, 50), name, "0 (0% of 10,000)", Pass);
    check("lost = 0", &with(9_999, 1, 0, 0), name, "1 (0.01% of 10,000)", Fail);
    check("lost = \"0\"", &with(9_999, 1, 0, 0), name, "1 (0.01% of 10,000)", Fail);
    check("lost = \"0.01%\"", &with(9_999, 1, 0, 0), name, "1 (0.01% of 10,000)", Pass);
    check("lost = \"0.01%\"", &with(9_998, 2, 0, 0), name, "2 (0.02% of 10,000)", Fail);
    // What was not read may be lost, too; what is lost beyond what is allowed is enough to know.
    check("lost = 1", &with(9_000, 0, 1_000, 0), name, "–", NotMeasurable);
    check("lost = 1", &with(8_998, 2, 1_000, 0), name, "2 (0.02% of 10,000)", Fail);
    let note = judged("lost = 1", &with(9_000, 0, 1_000, 0)).3.unwrap();
    assert!(note.contains("1,000 records were not read by the end"), "{note}");

    let name = "duplicates to reader";
    check("duplicates = 10", &with(9_990, 10, 0, 10), name, "10 (0.1% of 10,000)", Pass);
    check("duplicates = 10", &with(10_000, 0, 0, 11), name, "11 (0.11% of 10,000)", Fail);
    check("duplicates = \"0.1%\"", &with(10_000, 0, 0, 11), name, "11 (0.11% of 10,000)", Fail);
    check("duplicates = 0", &with(0, 10_000, 0, 0), name, "–", NotMeasurable);
}

#[test]
fn cost() {
    let name = "cost a month";
    check("cost_per_month = 1_000.0", &good(), name, "$42.05, predicted", Pass);
    let (found, measured, status, _) = judged("cost_per_month = 1.0", &good());
    assert_eq!((found.as_str(), status), (name, Fail), "{measured}");
    // The region of a later section: nothing is guessed.
    let unknown = "cost_per_month = 1_000.0\n[cost]\nregion = \"mars-north-1\"";
    let (found, measured, status, note) = judged(unknown, &good());
    assert_eq!((found.as_str(), measured.as_str(), status), (name, "–", NotMeasurable));
    assert!(note.unwrap().contains("price"));
}

#[test]
fn what_is_no_allowance_is_refused() {
    let problem = |slo: &str| {
        let toml = format!(
            "stream.shards = 1\nload = {{ rate = \"1/s\", duration = \"9s\" }}\nrecords.size = \"1 KiB\"\n\
             [[consumer]]\nname = \"reader\"\ntype = \"efo\"\n[slo]\n{slo}\n"
        );
        refusal(&toml)
    };
    assert!(problem("lost = -1").contains("negative"));
    assert!(problem("lost = 0.01").contains("1%"), "{}", problem("lost = 0.01"));
    assert!(problem("duplicates = \"few\"").contains("duplicates"));
    assert!(problem("duplicates = true").contains("duplicates"));
    assert!(problem("utilisation = \"0%\"").contains("more than nothing"));
}
