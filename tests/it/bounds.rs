//! Each bound of the plan with its demand, capacity, utilisation, headroom and shards; and consumers that catch up.

use streamgauge::capacity::{Bound, BoundName};
use streamgauge::forecast::CatchUp;
use streamgauge::verdict::{Agreement, judge};

use crate::support::model::{plan, predicted, scenario, simulated, simulation};

fn bound(toml: &str, name: &str) -> Bound {
    let plan = plan(toml);
    plan.capacity
        .bounds
        .iter()
        .find(|bound| bound.name.words() == name)
        .unwrap_or_else(|| panic!("{name}: {:#?}", plan.capacity.bounds))
        .clone()
}

/// Two shards that get 1,000 records/s of 1,000 bytes, keys of one byte included, and those consumers.
fn load(more: &str) -> String {
    format!(
        "stream.shards = 2\nload = {{ rate = \"1000/s\", duration = \"60s\" }}\nrecords.size = \"999 B\"\n\
         keys = {{ distribution = \"weighted\", weights = {{ a = 3, b = 1 }} }}\n{more}"
    )
}

const TWO_POLLERS: &str = "[[consumer]]\nname = \"p\"\ntype = \"polling\"\ninterval = \"1s\"\nlimit = 800\n\
                           [[consumer]]\nname = \"q\"\ntype = \"polling\"\ninterval = \"500ms\"\n";
const FAN_OUT: &str = "[[consumer]]\nname = \"f\"\ntype = \"efo\"\n[[consumer]]\nname = \"g\"\ntype = \"efo\"\n";
const SLOW: &str = "[[consumer]]\nname = \"s\"\ntype = \"efo\"\nprocessing = { per_record = \"4ms\" }\n";
const LAMBDA: &str = "[[consumer]]\nname = \"l\"\ntype = \"lambda\"\nbatch_size = 100\nparallelization_factor = 2\n\
                      processing = { per_batch = \"1s\" }\n";
const OUTAGE: &str = "[cost]\nretention = \"24h\"\n[[consumer]]\nname = \"o\"\ntype = \"polling\"\n\
                      [[event]]\nat = \"10s\"\nkind = \"stop-consumer\"\nconsumer = \"o\"\n\
                      [[event]]\nat = \"46s\"\nkind = \"start-consumer\"\nconsumer = \"o\"\n";

#[test]
fn each_bound_has_its_demand_and_what_is_left() {
    const MIB: f64 = 1_048_576.0;
    // Name, scenario, demand, capacity, shards.
    for (name, more, demand, capacity, shards) in [
        ("write records", "", 1_000.0, 2_000.0, Some(1)),
        ("write bytes", "", 1e6, 2.0 * MIB, Some(1)),
        ("hottest key", "", 750.0, 1_000.0, None),
        ("put call", "", 500.0, 500.0, None),
        ("put call", "producer.batch_records = 50", 50.0, 500.0, None),
        ("put call", "producer.api = \"PutRecord\"", 1.0, 500.0, None),
        ("shared read bytes", TWO_POLLERS, 2e6, 4.0 * MIB, Some(1)),
        ("shared read calls", TWO_POLLERS, 6.0, 10.0, None),
        ("polled records", TWO_POLLERS, 1_000.0, 1_600.0, Some(2)),
        ("fan-out bytes", FAN_OUT, 1e6, 4.0 * MIB, Some(1)),
        ("fan-out consumers", FAN_OUT, 2.0, 20.0, None),
        ("processed records", SLOW, 1_000.0, 500.0, Some(4)),
        // 1,000 records/s in batches of 100 that take a second: ten at once, of four lanes.
        ("processed records", LAMBDA, 1_000.0, 400.0, Some(5)),
        ("on-demand writes", "stream.mode = \"on-demand\"", 1e6, 10e9, None),
        ("on-demand writes", "stream.mode = \"on-demand\"\ncost.region = \"sa-east-1\"", 1e6, 200e6, None),
        ("retention", OUTAGE, 36.0, 86_400.0, None),
    ] {
        let found = bound(&load(more), name);
        let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 1e-9;
        assert!(near(found.demand, demand), "{name}, {more}: {found:?}");
        assert!(near(found.capacity, capacity), "{name}, {more}: {found:?}");
        assert!(near(found.utilisation.0, demand / capacity), "{name}: {found:?}");
        assert!((found.headroom().0 - (1.0 - demand / capacity)).abs() < 1e-9, "{name}: {found:?}");
        assert_eq!(found.shards, shards, "{name}, {more}: {found:?}");
        assert!(!found.note.is_empty());
    }
}

#[test]
fn the_account_has_to_have_room_for_what_is_recommended() {
    for (more, quota) in
        [("", 20_000.0), ("cost.region = \"sa-east-1\"", 1_000.0), ("cost.region = \"eu-west-1\"", 20_000.0)]
    {
        let plan = plan(&load(more));
        let found = plan.capacity.bounds.iter().find(|bound| bound.name == BoundName::AccountShards).unwrap();
        let shards = f64::from(plan.capacity.recommended_shards.max(2));
        assert_eq!((found.demand, found.capacity, found.shards), (shards, quota, None), "{found:?}");
    }
}

#[test]
fn invocations_at_once_are_those_of_littles_law() {
    let found = bound(&load(LAMBDA), "Lambda concurrency");
    assert!((found.demand - 10.0).abs() < 1e-9 && (found.capacity - 4.0).abs() < 1e-9, "{found:?}");
    assert!((found.headroom().0 + 1.5).abs() < 1e-9, "more is asked for than there is: {found:?}");
}

#[test]
fn what_is_used_up_and_does_not_go_by_shards_binds() {
    let many: String =
        (0..3).map(|n| format!("[[consumer]]\nname = \"p{n}\"\ntype = \"polling\"\ninterval = \"200ms\"\n")).collect();
    let plan = plan(&load(&many));
    assert_eq!(plan.capacity.binding, BoundName::SharedReadCalls);
    let calls = plan.capacity.bounds.iter().find(|bound| bound.name == BoundName::SharedReadCalls).unwrap();
    assert!((calls.utilisation.0 - 3.0).abs() < 1e-9 && calls.shards.is_none(), "{calls:?}");
}

#[test]
fn the_longest_outage_is_that_of_the_consumer_that_is_down_the_longest() {
    let event = |at: u32, kind: &str, name: &str| {
        format!("[[event]]\nat = \"{at}s\"\nkind = \"{kind}\"\nconsumer = \"{name}\"\n")
    };
    let consumers = "[[consumer]]\nname = \"a\"\ntype = \"polling\"\n[[consumer]]\nname = \"b\"\ntype = \"efo\"\n";
    let outage = |events: &str| {
        let toml = load(&format!("{consumers}{events}"));
        let bounds =
            plan(&toml.replace("duration = \"60s\" }", "duration = \"60s\", drain = \"20s\" }")).capacity.bounds;
        bounds.into_iter().find(|bound| bound.name == BoundName::Retention).map(|bound| (bound.demand, bound.note))
    };
    assert_eq!(outage(""), None);
    let twice = [
        event(5, "stop-consumer", "a"),
        event(9, "start-consumer", "a"),
        event(20, "kill-consumer", "b"),
        event(31, "start-consumer", "b"),
    ];
    let (longest, note) = outage(&twice.concat()).unwrap();
    assert!((longest - 11.0).abs() < 1e-9 && note.starts_with("b is down"), "{longest} {note}");
    // One that is not started again is down to the end of the drain.
    let (longest, note) = outage(&[event(5, "stop-consumer", "a"), event(20, "stop-consumer", "b")].concat()).unwrap();
    assert!((longest - 75.0).abs() < 1e-9 && note.starts_with("a is down"), "{longest} {note}");
    // Its first start is when it joins, and no outage.
    assert_eq!(outage(&event(5, "start-consumer", "a")), None);
}

fn catch_up(toml: &str) -> CatchUp {
    plan(toml).forecast.lags[0].catch_up
}

#[track_caller]
fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-6 * expected.abs().max(1.0), "{value} instead of {expected}");
}

const ONE_SHARD: &str =
    "stream.shards = 1\nrecords.size = \"999 B\"\nkeys = { distribution = \"weighted\", weights = { a = 1 } }\n";

#[test]
fn a_consumer_with_room_catches_up_in_proportion() {
    // 12 ms a record are 83.3 records/s, of which 50 come: 50 / (83.3 - 50) = 1.5 s for each second down.
    let toml = format!(
        "{ONE_SHARD}load = {{ rate = \"50/s\", duration = \"60s\" }}\n[[consumer]]\nname = \"a\"\ntype = \"efo\"\n\
         processing = {{ per_record = \"12ms\" }}\n"
    );
    let found = catch_up(&toml);
    near(found.capacity.unwrap(), 1_000.0 / 12.0);
    near(found.arriving, 50.0);
    near(found.per_second_down.unwrap(), 1.5);
    near(found.age_growth, 0.0);
    near(found.lost_after, 86_400.0);
}

#[test]
fn a_consumer_that_does_not_keep_up_falls_behind_and_loses() {
    // It takes 200 of 400 records/s: half a second of age each second, and after two retentions the oldest it has not read is gone.
    let toml = format!(
        "{ONE_SHARD}load = {{ rate = \"400/s\", duration = \"60s\" }}\n[cost]\nretention = \"48h\"\n[[consumer]]\nname = \"a\"\ntype = \"efo\"\n\
         processing = {{ per_record = \"5ms\" }}\n"
    );
    let found = catch_up(&toml);
    near(found.capacity.unwrap(), 200.0);
    assert_eq!(found.per_second_down, None);
    near(found.age_growth, 0.5);
    near(found.lost_after, 2.0 * 172_800.0);
}

#[test]
fn pollers_leave_one_another_what_is_left_of_a_shard() {
    // Of 2 MiB/s, the other poller takes the 500,000 bytes/s that come.
    let poller = |name: &str| format!("[[consumer]]\nname = \"{name}\"\ntype = \"polling\"\n");
    let toml = format!("{ONE_SHARD}load = {{ rate = \"500/s\", duration = \"60s\" }}\n{}{}", poller("a"), poller("b"));
    let found = catch_up(&toml);
    let capacity = (2_097_152.0 - 500_000.0) / 1_000.0;
    near(found.capacity.unwrap(), capacity);
    near(found.per_second_down.unwrap(), 500.0 / (capacity - 500.0));
    // By fan-out it has 2 MiB/s of its own.
    let alone = catch_up(&toml.replace("name = \"a\"\ntype = \"polling\"", "name = \"a\"\ntype = \"efo\""));
    near(alone.capacity.unwrap(), 2_097.152);
}

#[test]
fn what_a_shard_refuses_does_not_come_to_its_consumers() {
    let toml = format!(
        "{ONE_SHARD}load = {{ rate = \"3000/s\", duration = \"60s\" }}\n[[consumer]]\nname = \"a\"\ntype = \"efo\"\nprocessing = {{ per_record = \"500us\" }}\n"
    )
    .replace("999 B", "99 B");
    near(catch_up(&toml).arriving, 1_000.0);
    near(catch_up(&toml).capacity.unwrap(), 2_000.0);
}

/// A consumer that stops for ten seconds comes back as fast as predicted, and the comparison has the row.
#[test]
fn an_outage_is_caught_up_as_the_plan_says() {
    for (rate, per_record, kind) in [(50, "12ms", "efo"), (40, "15ms", "polling"), (60, "8ms", "polling")] {
        let toml = format!(
            "{ONE_SHARD}load = {{ rate = \"{rate}/s\", duration = \"90s\", drain = \"60s\" }}\n[[consumer]]\nname = \"a\"\ntype = \"{kind}\"\n\
             processing = {{ per_record = \"{per_record}\" }}\n[[event]]\nat = \"20s\"\nkind = \"stop-consumer\"\nconsumer = \"a\"\n\
             [[event]]\nat = \"30s\"\nkind = \"start-consumer\"\nconsumer = \"a\"\n"
        );
        let scenario = scenario(&toml);
        let plan = predicted(&scenario);
        let simulated = simulated(&scenario);
        let outage = simulated.measurement.consumers[0].work.outages[0];
        let took = outage.caught_up_after.unwrap().as_secs_f64();
        let predicted = plan.forecast.lags[0].catch_up.per_second_down.unwrap() * 10.0;
        assert!((took / predicted - 1.0).abs() < 0.1, "{kind}, {rate}/s: {took} s for {predicted} s");
        let verdict = judge(plan.expectation(), &simulated);
        let row = verdict.comparison.iter().find(|row| row.metric.to_string().starts_with("catch-up of a after 10 s"));
        assert_eq!(row.and_then(|row| row.agreement), Some(Agreement::Agrees), "{row:?}");
    }
}

/// What does not keep up falls behind each second by as much as predicted.
#[test]
fn an_iterator_ages_as_the_plan_says() {
    for (rate, per_record) in [(400, "5ms"), (100, "12ms"), (150, "20ms")] {
        let toml = format!(
            "{ONE_SHARD}load = {{ rate = \"{rate}/s\", duration = \"60s\" }}\n[[consumer]]\nname = \"a\"\ntype = \"polling\"\n\
             processing = {{ per_record = \"{per_record}\" }}\n"
        );
        let scenario = scenario(&toml);
        let growth = plan(&toml).forecast.lags[0].catch_up.age_growth;
        let simulated = simulation(&scenario);
        // Batches get longer and longer: when one is processed, its last record is as old as the iterator, and its first ones are older.
        let lags = simulated.measurement.consumers[0].lag_intervals.iter().filter(|(second, _)| *second >= 10);
        let ages: Vec<(f64, f64)> = lags.map(|(second, lag)| (*second as f64, lag.min.unwrap() as f64 / 1e9)).collect();
        let ((first, young), (last, old)) = (ages[0], ages[ages.len() - 1]);
        let measured = (old - young) / (last - first);
        assert!((measured / growth - 1.0).abs() < 0.05, "{rate}/s: {measured} for {growth}");
    }
}
