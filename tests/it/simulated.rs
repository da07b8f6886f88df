//! Whole scenarios in virtual time: the producer, every kind of consumer and the service together, with exact counts.

use std::path::Path;

use streamgauge::client::Reason;
use streamgauge::kinesis::Profile;
use streamgauge::measure::{Ending, Outcome};
use streamgauge::time::Time;
use streamgauge::{scenario, simulator};

use crate::support::model::{exactly_once, load, measured, simulate};

#[test]
fn records_smaller_than_the_usual_header_are_verified_too() {
    let sizes = "size = { distribution = \"uniform\", min = \"19 B\", max = \"30 B\" }";
    let consumer = "[[consumer]]\nname = \"small\"\ntype = \"polling\"";
    let measured = measured(&load(5, consumer).replace("size = \"200 B\"", sizes));
    exactly_once(&measured.consumers[0], 2_000);
    // Their intended time is known to the microsecond: no lag is shorter than the call that reads it.
    assert!(measured.consumers[0].lag.min.is_some_and(|lag| lag > 1_000_000), "{:?}", measured.consumers[0].lag);
}

/// Every kind, with as many pollers as a shard has calls for.
const EVERY_KIND: &str = r#"
    [[consumer]]
    name = "polls"
    type = "polling"
    interval = "1s"
    [[consumer]]
    name = "pushed"
    type = "efo"
    [[consumer]]
    name = "library"
    type = "kcl"
    workers = 2
    [[consumer]]
    name = "pushed-library"
    type = "kcl"
    fan_out = true
    [[consumer]]
    name = "function"
    type = "lambda"
    parallelization_factor = 3
    processing = { per_batch = "20ms" }
    [[consumer]]
    name = "delivery"
    type = "firehose"
    buffer_interval = "10s"
"#;

#[test]
fn every_kind_of_consumer_gets_every_record_once() {
    let measured = measured(&load(20, EVERY_KIND));
    assert_eq!(measured.counters.accepted, 8_000);
    for consumer in &measured.consumers {
        exactly_once(consumer, 8_000);
        assert_eq!((consumer.lag.count, consumer.throttled_calls), (8_000, 0), "{}", consumer.name);
    }
    let lag = |name: &str| measured.consumers.iter().find(|c| c.name == name).unwrap().lag.p50.unwrap() / 1_000_000;
    // Half an interval of waiting at least tells polling from fan-out; the buffers of Firehose wait for up to 10 s.
    assert!(lag("pushed") < 200 && lag("polls") > 400 && lag("library") > 600 && lag("delivery") > 4_000);
    let work = |name: &str| measured.consumers.iter().find(|c| c.name == name).unwrap().work.clone();
    assert!(work("function").batches > 100 && work("library").checkpoints > 10 && work("library").lease_renewals > 10);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = |toml: &str| serde_json::to_string(&measured(toml)).unwrap();
    let faults =
        "[[fault]]\nkind = \"internal-failure\"\nprobability = \"2%\"\noperations = [\"PutRecords\", \"GetRecords\"]\n";
    let toml = load(10, &format!("{EVERY_KIND}{faults}"));
    let first = bytes(&toml);
    assert_eq!(first, bytes(&toml));
    assert_ne!(first, bytes(&format!("seed = 7\n{toml}")));
}

#[test]
fn a_consumer_that_is_killed_reads_again_what_it_had_not_noted() {
    let killed = |checkpoint: &str| {
        let toml = load(
            30,
            &format!(
                r#"
                [[consumer]]
                name = "polls"
                type = "polling"
                checkpoint = "{checkpoint}"
                [[event]]
                at = "12s"
                kind = "kill-consumer"
                consumer = "polls"
                [[event]]
                at = "20s"
                kind = "start-consumer"
                consumer = "polls"
                "#
            ),
        );
        let measured = measured(&toml);
        let consumer = &measured.consumers[0];
        assert!(consumer.delivery.complete() && consumer.delivery.delivered == 12_000, "{:?}", consumer.delivery);
        let outage = consumer.work.outages[0];
        assert_eq!(outage.down, Some(std::time::Duration::from_secs(8)));
        assert!(outage.caught_up_after.is_some_and(|time| time.as_millis() < 3_000), "{outage:?}");
        assert_eq!(measured.events.len(), 2);
        consumer.delivery.duplicates
    };
    assert_eq!(killed("each-batch"), 0);
    // At least once: what was processed since the last note comes again, up to five seconds of 400 records.
    let redelivered = killed("5s");
    assert!((1..=2_080).contains(&redelivered), "{redelivered}");
    // Without notes it starts over: all that was processed in 12 s.
    assert!((4_600..=4_800).contains(&killed("never")));
}

#[test]
fn a_worker_that_dies_is_replaced_when_its_leases_have_run_out() {
    let measured = measured(&load(
        60,
        r#"
        [[consumer]]
        name = "library"
        type = "kcl"
        workers = 2
        checkpoint = "1s"
        [[event]]
        at = "5s"
        kind = "kill-worker"
        consumer = "library"
        worker = 1
        [[event]]
        at = "40s"
        kind = "add-worker"
        consumer = "library"
        "#,
    ));
    let consumer = &measured.consumers[0];
    assert!(consumer.delivery.complete() && consumer.delivery.delivered == 24_000, "{:?}", consumer.delivery);
    assert!(consumer.work.leases_taken >= 3, "two of the dead worker, and one for the new one: {:?}", consumer.work);
    // The shards of the dead worker stand still for 10 s at least.
    assert!(consumer.lag.max.unwrap() > 10_000_000_000);
}

#[test]
fn resharding_under_load_loses_nothing() {
    let events = r#"
        [[event]]
        at = "4s"
        kind = "split-shard"
        shard = "hottest"
        [[event]]
        at = "8s"
        kind = "merge-shards"
        shard = 2
        [[event]]
        at = "12s"
        kind = "update-shard-count"
        shards = 8
        [[event]]
        at = "16s"
        kind = "update-shard-count"
        shards = 4
    "#;
    let measured = measured(&load(30, &format!("{EVERY_KIND}{events}")));
    assert_eq!(measured.counters.accepted, 12_000);
    assert!(
        measured.events.iter().all(|event| event.problem.is_none() && event.until.is_some()),
        "{:?}",
        measured.events
    );
    assert!(measured.shards.len() > 15, "{}", measured.shards.len());
    for consumer in &measured.consumers {
        exactly_once(consumer, 12_000);
    }
}

#[test]
fn a_consumer_that_joins_at_the_tip_misses_what_was_before() {
    let joins = |start: &str| {
        let toml = load(
            20,
            &format!(
                r#"
                [[consumer]]
                name = "late"
                type = "polling"
                start = "{start}"
                [[event]]
                at = "10s"
                kind = "start-consumer"
                consumer = "late"
                "#
            ),
        )
        .replace("drain = \"120s\"", "drain = \"15s\"");
        let consumer = measured(&toml).consumers[0].clone();
        assert_eq!(consumer.presence.and_then(|presence| presence.joined), Some(Time::from_secs(10)));
        consumer.delivery
    };
    let oldest = joins("trim-horizon");
    assert_eq!((oldest.accepted, oldest.lost, oldest.absent), (8_000, 0, 0));
    // It is judged by what was accepted from the sixth second after it joined on, and has seen more.
    let late = joins("latest");
    assert_eq!((late.lost, late.unread, late.unexpected), (0, 0, 0), "{late:?}");
    assert!(late.delivered == late.accepted && (1_200..=2_100).contains(&late.accepted), "{late:?}");
    assert_eq!(late.accepted + late.absent, 8_000);
}

#[test]
fn processing_that_is_too_slow_makes_the_lag_grow() {
    let slow = |per_record: &str| {
        let toml = load(
            30,
            &format!(
                "[[consumer]]\nname = \"slow\"\ntype = \"polling\"\nprocessing = {{ per_record = \"{per_record}\" }}\n"
            ),
        );
        measured(&toml).consumers[0].clone()
    };
    // 100 records a second and shard: 5 ms each is half of the time, 12 ms is a fifth too much.
    let (enough, too_slow) = (slow("5ms"), slow("12ms"));
    assert!(enough.lag.max.unwrap() < 2_000_000_000, "{:?}", enough.lag);
    assert!(too_slow.lag.max.unwrap() > 4_000_000_000, "{:?}", too_slow.lag);
    assert!(too_slow.read_lag.is_some_and(|read| read.max < too_slow.lag.max));
    exactly_once(&too_slow, 12_000);
}

#[test]
fn what_a_function_gives_up_is_counted() {
    let measured = measured(&load(
        10,
        r#"
        [[consumer]]
        name = "function"
        type = "lambda"
        bisect = true
        processing = { per_batch = "5ms", poison = "1%", attempts = 2, retry_delay = "10ms" }
        "#,
    ));
    let consumer = &measured.consumers[0];
    let failed = consumer.discarded["failed"];
    assert!((15..=80).contains(&failed), "1 % of 4,000 are 40: {failed}");
    assert_eq!(consumer.delivery.lost, 0, "what is given up was delivered all the same");
    assert_eq!(consumer.lag.count + failed, 4_000);
    assert!(consumer.work.failed_batches >= failed);
}

#[test]
fn a_target_that_stops_answering_and_comes_back_is_survived() {
    let measured = measured(&load(
        20,
        r#"
        producer = { timeout = "500ms", retry = { policy = "exponential", attempts = 100 } }
        [[consumer]]
        name = "polls"
        type = "polling"
        [[fault]]
        kind = "connection-dropped"
        from = "5s"
        until = "10s"
        operations = ["PutRecords"]
        "#,
    ));
    assert_eq!((measured.counters.offered, measured.counters.accepted), (8_000, 8_000));
    assert!(measured.counters.errors > 0);
    let gap: u64 = measured.intervals[6..9].iter().map(|interval| interval.accepted).sum();
    assert_eq!(gap, 0, "nothing is acknowledged while no connection holds");
    let delivery = &measured.consumers[0].delivery;
    assert!(delivery.complete() && delivery.duplicates > 0, "half of the lost calls were carried out: {delivery:?}");
    assert_eq!(measured.events[0].label, "fault: connections dropped");
}

#[test]
fn aggregation_takes_fewer_kinesis_records_for_the_same_load() {
    let toml = |aggregation: &str| {
        format!(
            r#"
            stream.shards = 2
            load = {{ rate = "4000/s", duration = "10s", drain = "60s" }}
            records.size = "100 B"
            keys = {{ distribution = "uniform", count = 500 }}
            producer = {{ linger = "100ms", aggregation = {aggregation}, retry.policy = "none" }}
            [[consumer]]
            name = "polls"
            type = "polling"
            "#
        )
    };
    let (plain, packed) = (measured(&toml("false")), measured(&toml("true")));
    // 2,000 records a second are twice what a shard takes; packed, they are few.
    assert!(plain.counters.throttled > 10_000, "{:?}", plain.counters);
    assert_eq!((packed.counters.accepted, packed.counters.throttled), (40_000, 0));
    assert!(packed.counters.attempts < 1_000, "{:?}", packed.counters);
    exactly_once(&packed.consumers[0], 40_000);
    let service: u32 = packed.intervals.iter().flat_map(|i| &i.shards).map(|cell| cell.service_records).sum();
    assert_eq!(u64::from(service), packed.counters.attempts);
}

#[test]
fn every_kind_of_error_is_told_apart_and_what_is_unknown_is_resolved() {
    let measured = measured(&load(
        10,
        r#"
        producer = { timeout = "300ms", retry.policy = "none" }
        [[consumer]]
        name = "polls"
        type = "polling"
        [[fault]]
        kind = "internal-failure"
        probability = "10%"
        operations = ["PutRecords"]
        [[fault]]
        kind = "connection-dropped"
        probability = "10%"
        operations = ["PutRecords"]
        [[fault]]
        kind = "delay"
        delay = "2s"
        probability = "10%"
        operations = ["PutRecords"]
        "#,
    ));
    let kinds: Vec<&str> = measured.errors_by_kind.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["connection-reset", "internal-failure", "timeout"]);
    assert_eq!(measured.errors_by_kind.values().sum::<u64>(), measured.counters.errors);
    let timed = |kind: &str| measured.put[&format!("failed-{kind}")];
    assert_eq!(timed("timeout").min, Some(300_000_000));
    let (unknown, stored) = (measured.counters.unknown, measured.unknown_stored.unwrap());
    // All that was only late, and half of what was cut off, was stored.
    assert!(stored > unknown / 2 && stored < unknown, "{stored} of {unknown}");
    assert_eq!(measured.consumers[0].delivery.unexpected, stored);
}

#[test]
fn records_that_were_not_accepted_are_listed() {
    let simulation = simulate(
        r#"
        stream.shards = 1
        load = { rate = "3000/s", duration = "2s" }
        records.size = "100 B"
        keys = { distribution = "uniform", count = 1 }
        producer = { dead_letters = 100, retry.policy = "none" }
        "#,
    );
    let letters = &simulation.details.dead_letters;
    assert_eq!((letters.listed.len(), letters.omitted + 100), (100, simulation.measurement.counters.failed));
    assert_eq!(letters.listed[0].reason.map(Reason::word), Some("throttled"));
}

#[test]
fn retries_overtake_unless_the_order_of_a_key_is_kept() {
    let toml = |order: &str| {
        load(
            10,
            &format!(
                r#"
                producer = {{ order = "{order}", linger = "5ms" }}
                [[consumer]]
                name = "polls"
                type = "polling"
                dedupe_window = 1000
                [[fault]]
                kind = "internal-failure"
                probability = "20%"
                operations = ["PutRecords"]
                [[fault]]
                kind = "connection-dropped"
                probability = "5%"
                operations = ["PutRecords"]
                "#
            ),
        )
    };
    let (any, kept) = (measured(&toml("any")), measured(&toml("per-key")));
    let (any, kept) = (&any.consumers[0], &kept.consumers[0]);
    assert!(any.delivery.written_out_of_order > 50, "{:?}", any.delivery);
    assert_eq!((any.delivery.delivered_out_of_order, any.delivery.lost), (0, 0));
    assert!(kept.delivery.in_order() && kept.delivery.lost == 0, "{:?}", kept.delivery);
    // Half of the broken connections had carried their records out: the retries made copies, and the window knows them.
    for delivery in [any.delivery, kept.delivery] {
        assert!(
            delivery.copies_by_retries > 0 && delivery.redelivered + delivery.copies_otherwise == 0,
            "{delivery:?}"
        );
        assert_eq!(delivery.duplicates_past_window, Some(0));
    }
    let first = &any.places[0];
    assert!(first.shard.starts_with("shardId-") && first.partition_key.starts_with("key-"), "{first:?}");
}

/// 1,000 records a second, and a target that takes half a second longer for half a second.
fn stalled(overload: &str) -> Outcome {
    simulate(&format!(
        r#"
        stream.shards = 4
        load = {{ rate = "1000/s", duration = "10s", {overload} }}
        records.size = "200 B"
        keys = {{ distribution = "uniform", count = 200 }}
        producer = {{ batch_records = 50, max_in_flight = 2 }}
        [[fault]]
        kind = "delay"
        delay = "500ms"
        from = "2s"
        until = "2500ms"
        operations = ["PutRecords"]
        [[consumer]]
        name = "pushed"
        type = "efo"
        "#
    ))
}

#[test]
fn what_a_stall_leaves_is_sent_dropped_or_ends_the_run() {
    let all = stalled(r#"overload = "send""#);
    let sent = &all.measurement;
    assert_eq!((all.ending, sent.counters.accepted, sent.counters.offered), (Ending::Complete, 10_000, 10_000));
    // The wait for the target counts, from the moment each record was due.
    let longest = sent.put["response"].max.unwrap() / 1_000_000;
    assert!((500..1_200).contains(&longest), "{longest} ms");
    exactly_once(&sent.consumers[0], 10_000);

    let some = stalled(r#"overload = "drop", catch_up = 150"#);
    let dropped = &some.measurement;
    assert_eq!((some.ending, dropped.counters.offered), (Ending::Complete, 10_000));
    assert!((100..500).contains(&dropped.counters.abandoned), "{:?}", dropped.counters);
    assert_eq!(dropped.counters.accepted + dropped.counters.abandoned, 10_000);
    assert!(some.details.dead_letters.listed.iter().all(|letter| letter.reason == Some(Reason::Overload)));
    assert_eq!(some.details.dead_letters.listed.len() as u64, dropped.counters.abandoned);
    let (slower, faster) = (sent.put["response"].mean, dropped.put["response"].mean);
    assert!(faster < slower, "what is not sent does not hold up the rest: {faster:?}, {slower:?}");
    assert_eq!(dropped.digest, sent.digest, "both offered the same records");

    let none = stalled(r#"overload = "abort", catch_up = 150"#);
    let Ending::Aborted { reason } = &none.ending else { panic!("{:?}", none.ending) };
    assert!(reason.contains("(151)") && reason.contains("load.catch_up allows (150)"), "{reason}");
    assert!((2.0..3.0).contains(&none.load_ended.as_secs_f64()), "{:?}", none.load_ended);
}

/// A shard takes a third of the load, and whoever reads it delivers once a minute at the soonest.
const BEYOND_A_SHARD: &str = r#"
    seed = 3
    stream.shards = 1
    load = { rate = "3000/s", duration = "20s", warm_up = "0s", drain = "90s", overload = "abort", catch_up = 2000 }
    records.size = "200 B"
    keys = { distribution = "uniform", count = 1000 }
    [[consumer]]
    name = "fire"
    type = "firehose"
    "#;

#[test]
fn what_ends_before_its_time_waits_three_seconds_at_most() {
    let aborted = simulate(BEYOND_A_SHARD);
    assert!(matches!(aborted.ending, Ending::Aborted { .. }), "{:?}", aborted.ending);
    let seconds = aborted.measurement.intervals.len() as f64;
    let ended = aborted.load_ended.as_secs_f64() + 3.0;
    assert!((ended..ended + 1.0).contains(&seconds), "it ended at {ended} s, and there are {seconds} seconds");

    let profile = Profile::newest();
    let scenario =
        scenario::parse(Path::new("test.toml"), BEYOND_A_SHARD, &["load.catch_up=100000".to_owned()], &profile);
    let stopped_at = |second: u64| {
        let stopped = simulator::run(scenario.as_ref().unwrap(), &profile, &mut |now| now.second() < second).unwrap();
        assert_eq!(stopped.ending, Ending::Interrupted);
        (stopped.load_ended.second(), stopped.measurement.intervals.len() as u64)
    };
    assert_eq!(stopped_at(2), (2, 6), "while load is offered");
    assert_eq!(stopped_at(25), (20, 26), "while it waits already");
}

#[test]
fn a_closed_loop_asks_for_what_it_gets() {
    let closed = |producers: u32, seconds: u32| {
        let simulation = simulate(&format!(
            r#"
            stream.shards = 50
            load = {{ model = "closed", producers = {producers}, duration = "{seconds}s", drain = "60s" }}
            records.size = "100 B"
            keys = {{ distribution = "uniform", count = 10_000 }}
            producer.batch_records = 100
            [[consumer]]
            name = "pushed"
            type = "efo"
            "#
        ));
        assert_eq!(simulation.ending, Ending::Complete);
        simulation.measurement
    };
    let (one, four) = (closed(1, 10), closed(4, 10));
    // Little's law: each producer has one batch under way, whatever the time that it takes.
    for (measured, producers) in [(&one, 1.0), (&four, 4.0)] {
        let rate = measured.counters.accepted as f64 / 10.0;
        let under_way = rate * measured.put["service"].mean.unwrap() / 1e9;
        assert!(
            (under_way - 100.0 * producers).abs() < 2.0 * producers,
            "{under_way} under way of {producers} producers"
        );
        assert_eq!(measured.put["lateness"].max, Some(0), "nothing is late that is due whenever there is room");
        assert_eq!((measured.digest, measured.consumers[0].delivery.lost), (None, 0));
    }
    assert_eq!(four.intervals.iter().map(|interval| interval.open_calls).max(), Some(4));
    assert!(four.counters.accepted > 3 * one.counters.accepted);
}

#[test]
fn the_rate_is_the_scenarios() {
    for (rate, seconds) in [(1, 60), (333, 30), (7_777, 10), (100_000, 1)] {
        let measured = measured(&format!(
            "stream.shards = 200\nload = {{ rate = \"{rate}/s\", duration = \"{seconds}s\" }}\nrecords.size = \"100 B\"\n\
             keys = {{ distribution = \"uniform\", count = 20_000 }}\nproducer.max_in_flight = 1000"
        ));
        let counters = &measured.counters;
        assert_eq!((counters.offered, counters.accepted), (rate * seconds, rate * seconds), "{rate}/s");
        assert!(measured.intervals.iter().take(seconds as usize).all(|second| second.offered == rate), "{rate}/s");
    }
}
