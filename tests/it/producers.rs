//! Producers as the KPL is set up, in virtual time: what it is known to collapse under, and explicit hash keys in its aggregates.

use crate::support::model::{exactly_once, measured};

#[test]
fn many_shards_and_a_long_linger_do_not_slow_the_producer_down() {
    let measured = measured(
        r#"
        stream.shards = 200
        load = { rate = "2000/s", duration = "10s", drain = "60s" }
        records.size = "100 B"
        keys = { distribution = "uniform", count = 20_000 }
        producer = { aggregation = true, linger = "2s", max_in_flight = 24 }
        [[consumer]]
        name = "pushed"
        type = "efo"
        "#,
    );
    let counters = &measured.counters;
    assert_eq!((counters.accepted, counters.throttled, counters.abandoned), (20_000, 0, 0), "{counters:?}");
    // Each shard's aggregate is closed after two seconds with the twenty records of that time in it.
    assert!((900..1_300).contains(&counters.attempts), "{counters:?}");
    // No record waits for longer than its linger and a batch's, and then for its call.
    let (p50, longest) =
        (measured.put["response"].p50.unwrap() / 1_000_000, measured.put["response"].max.unwrap() / 1_000_000);
    assert!((900..1_600).contains(&p50) && longest < 4_500, "{p50} ms, {longest} ms");
    // All shards began at once, and so their aggregates come at once, every two seconds and a little: four times until the ninth.
    let taken: u64 = measured.intervals[..9].iter().map(|second| second.accepted).sum();
    assert!((15_500..18_000).contains(&taken), "{taken}");
    exactly_once(&measured.consumers[0], 20_000);
}

#[test]
fn offering_half_as_much_again_as_a_shard_takes_does_not_lower_what_it_takes() {
    // The KPL's limiter lets 150 % of a shard's limits through, and repeats at once what is throttled.
    let measured = measured(
        r#"
        stream.shards = 2
        load = { rate = "3000/s", duration = "8s", drain = "60s" }
        records.size = "100 B"
        keys = { distribution = "uniform", count = 100, explicit_hash_keys = true }
        producer = { linger = "10ms", retry.policy = "immediate" }
        "#,
    );
    assert!(measured.counters.throttled > 8_000, "{:?}", measured.counters);
    for second in &measured.intervals[2..8] {
        assert!((1_900..=2_100).contains(&second.accepted), "{} in second {}", second.accepted, second.second);
    }
    assert!(measured.counters.balance());
}

#[test]
fn records_with_explicit_hash_keys_are_aggregated_for_their_shard() {
    let measured = measured(
        r#"
        stream.shards = 4
        load = { rate = "1000/s", duration = "4s", drain = "30s" }
        records.size = "100 B"
        keys = { distribution = "uniform", count = 100, explicit_hash_keys = true }
        producer = { aggregation = true, linger = "100ms" }
        [[consumer]]
        name = "polls"
        type = "polling"
        "#,
    );
    assert_eq!(measured.counters.accepted, 4_000);
    // A tenth of a second of a shard is 25 records: about forty aggregates for each.
    assert!((140..200).contains(&measured.counters.attempts), "{:?}", measured.counters);
    assert!(measured.shards.iter().all(|shard| shard.accepted == 1_000), "{:?}", measured.shards);
    exactly_once(&measured.consumers[0], 4_000);
}
