//! What the ledger and the delivery check prove, in virtual time: faults are injected, and must be found, counted and placed.

use streamgauge::kinesis::{Damage, HashKey, HashKeyRange, locate};
use streamgauge::measure::{DeliveryFault, Finding};
use streamgauge::time::Time;

use crate::support::model::{load, measured, scenario, simulate};

/// One kind of damage for each of five shards.
fn damaged(seed: u64, more: &str) -> String {
    let fault = |(shard, damage): (usize, Damage)| {
        format!("[[fault]]\nkind = \"{}\"\nprobability = \"5%\"\nshard = {shard}\n", damage.word())
    };
    let faults: String = Damage::ALL.into_iter().enumerate().map(fault).collect();
    format!(
        r#"
        seed = {seed}
        stream.shards = 5
        load = {{ rate = "1000/s", duration = "10s", drain = "60s" }}
        records.size = "200 B"
        keys = {{ distribution = "uniform", count = 50 }}
        producer = {{ max_in_flight = 1, retry.policy = "none" }}
        [[consumer]]
        name = "polls"
        type = "polling"
        interval = "1s"
        [[consumer]]
        name = "pushed"
        type = "efo"
        {faults}{more}"#
    )
}

#[test]
fn all_that_is_damaged_is_found_counted_and_placed() {
    for seed in 1..=5 {
        let simulation = simulate(&damaged(seed, ""));
        let (injected_faults, consumers) = (&simulation.injected_faults, &simulation.measurement.consumers);
        let findings = Finding::of(injected_faults, consumers);
        // Four kinds for two consumers, and one for the answers of both.
        assert_eq!(findings.len(), 9, "{findings:#?}");
        for finding in &findings {
            assert!(finding.holds() && finding.injected >= 20, "seed {seed}: {finding:#?}");
        }
        for consumer in consumers {
            let check = &consumer.delivery;
            let of = |damage| injected_faults.count(damage);
            assert_eq!(check.lost, of(Damage::Lose) + of(Damage::Corrupt), "what cannot be read did not arrive");
            assert_eq!(check.delivered, check.accepted - check.lost);
            let nothing_else =
                (check.redelivered, check.copies_by_retries, check.unexpected, check.foreign, check.unread);
            assert_eq!(nothing_else, (0, 0, 0, 0, 0), "{check:?}");
            assert_eq!(check.duplicates, of(Damage::Duplicate));
        }
    }
}

#[test]
fn without_damage_nothing_is_found() {
    let simulation = simulate(damaged(1, "").split("[[fault]]").next().unwrap());
    assert!(Finding::of(&simulation.injected_faults, &simulation.measurement.consumers).is_empty());
    for consumer in &simulation.measurement.consumers {
        assert!(consumer.delivery.exactly_once() && consumer.delivery.in_order() && consumer.places.is_empty());
    }
}

#[test]
fn a_record_lost_before_a_reshard_is_placed_in_the_shard_that_took_it() {
    let toml = load(
        20,
        r#"
        [[consumer]]
        name = "polls"
        type = "polling"
        [[fault]]
        kind = "record-lost"
        probability = "0.5%"
        until = "5s"
        [[event]]
        at = "8s"
        kind = "update-shard-count"
        shards = 8
        "#,
    );
    let simulation = simulate(&toml);
    let lost = simulation.injected_faults.count(Damage::Lose);
    let findings = Finding::of(&simulation.injected_faults, &simulation.measurement.consumers);
    assert!(findings.len() == 1 && findings[0].holds(), "{findings:?}");
    assert!((3..=20).contains(&lost), "all of them are listed: {lost}");
    let workload = scenario(&toml).workload();
    for place in &simulation.measurement.consumers[0].places {
        assert_eq!(place.fault, DeliveryFault::Lost);
        let arrival = workload.arrival(place.index.unwrap());
        assert_eq!(*arrival.key, *place.partition_key);
        assert!(arrival.intended < Time::from_secs(5));
        // The four shards of the beginning took it, though others have its key now.
        let first = locate(&HashKeyRange::initial(4), HashKey::of(&arrival.key));
        assert_eq!(place.shard, format!("shardId-{first:012}"));
        assert!(place.sequence_number.as_ref().is_some_and(|number| number.len() == 56));
    }
}

#[test]
fn what_was_never_answered_is_unknown_and_resolved_by_the_consumers() {
    let simulation = simulate(
        r#"
        stream.shards = 2
        load = { rate = "500/s", duration = "5s", drain = "2s" }
        records.size = "100 B"
        producer = { timeout = "60s" }
        [[consumer]]
        name = "polls"
        type = "polling"
        [[fault]]
        kind = "delay"
        delay = "30s"
        from = "3s"
        operations = ["PutRecords"]
        "#,
    );
    let measured = &simulation.measurement;
    let counters = &measured.counters;
    assert_eq!((counters.offered, counters.in_flight, counters.failed), (2_500, 0, 0), "{counters:?}");
    assert!(counters.unknown > 0 && counters.accepted + counters.unknown + counters.abandoned == 2_500, "{counters:?}");
    // The service has stored all that was sent; only the answers are late.
    assert_eq!(measured.unknown_stored, Some(counters.unknown));
    assert_eq!(measured.consumers[0].delivery.unexpected, counters.unknown);
    let told = format!("{} record(s) were still under way when the run ended, and count as unknown", counters.unknown);
    assert!(measured.warnings.iter().any(|warning| warning.starts_with(&told)), "{:?}", measured.warnings);
    let letters = &simulation.details.dead_letters.listed;
    assert!(letters.iter().all(|letter| letter.reason.is_some_and(|reason| reason.word() == "run-ended")));
}

#[test]
fn credentials_that_expire_and_are_renewed_are_survived() {
    let measured = measured(&load(
        10,
        r#"
        producer = { retry = { policy = "exponential", attempts = 100 } }
        [[consumer]]
        name = "polls"
        type = "polling"
        [[fault]]
        kind = "expired-credentials"
        from = "3s"
        until = "5s"
        "#,
    ));
    assert_eq!((measured.counters.offered, measured.counters.accepted), (4_000, 4_000));
    assert_eq!(measured.errors_by_kind.keys().collect::<Vec<_>>(), ["expired-credentials"]);
    let times = measured.put["failed-expired-credentials"];
    assert_eq!(times.count, measured.errors_by_kind["expired-credentials"]);
    // Nothing of it is stored, so that nothing is stored twice.
    assert!(measured.consumers[0].delivery.exactly_once(), "{:?}", measured.consumers[0].delivery);
    assert!(measured.consumers[0].failed_calls["ExpiredTokenException"] > 0);
    assert!(measured.warnings.iter().any(|warning| warning.contains("ExpiredTokenException: The security token")));
}

#[test]
fn three_of_five_hundred_that_fail_are_tried_again_and_no_others() {
    // One call of 500 records, of which one shard gets three.
    let toml = |shard: &str| {
        format!(
            r#"
            stream.shards = 128
            load = {{ rate = "500/s", duration = "1s", warm_up = "0s", drain = "30s" }}
            records.size = "100 B"
            keys = {{ distribution = "sequential", count = 500 }}
            producer = {{ linger = "2s", batch_records = 500, retry = {{ policy = "exponential", base = "50ms", attempts = 5 }} }}
            [[consumer]]
            name = "polls"
            type = "polling"
            {shard}"#
        )
    };
    let parsed = scenario(&toml(""));
    let ranges = HashKeyRange::initial(128);
    let mut records = vec![0; 128];
    let workload = parsed.workload();
    (0..500).for_each(|index| records[locate(&ranges, HashKey::of(&workload.arrival(index).key))] += 1);
    let three = records.iter().position(|records| *records == 3).unwrap();
    let fault = format!(
        "[[fault]]\nkind = \"internal-failure\"\nshard = {three}\nuntil = \"1500ms\"\noperations = [\"PutRecords\"]\n"
    );
    let measured = measured(&toml(&fault));
    let counters = &measured.counters;
    assert_eq!((counters.calls, counters.attempts, counters.retried), (2, 503, 3), "{counters:?}");
    assert_eq!((counters.accepted, counters.errors, counters.failed), (500, 3, 0), "{counters:?}");
    assert_eq!(measured.put["failed-internal-failure"].count, 3);
    let check = &measured.consumers[0].delivery;
    assert!(check.exactly_once() && check.delivered == 500, "{check:?}");
}

#[test]
fn a_consumer_that_leaves_is_judged_by_what_was_there_and_not_waited_for() {
    let leaves = |more: &str| {
        measured(&load(
            20,
            &format!(
                r#"
                [[consumer]]
                name = "leaves"
                type = "polling"
                interval = "500ms"
                [[consumer]]
                name = "stays"
                type = "polling"
                interval = "500ms"
                [[event]]
                at = "12s"
                kind = "stop-consumer"
                consumer = "leaves"
                {more}"#
            ),
        ))
    };
    let measured = leaves("");
    let (left, stayed) = (&measured.consumers[0], &measured.consumers[1]);
    let presence = left.presence.unwrap();
    assert_eq!((presence.joined, presence.left), (None, Some(Time::from_secs(12))));
    assert!(left.delivery.exactly_once(), "{:?}", left.delivery);
    assert!((1_200..=2_800).contains(&left.delivery.accepted), "{:?}", left.delivery);
    assert_eq!(left.delivery.accepted + left.delivery.absent, 8_000);
    assert_eq!((stayed.presence, stayed.delivery.accepted, stayed.delivery.absent), (None, 8_000, 0));
    assert!(measured.intervals.len() <= 22, "nobody waits for who has left: {}", measured.intervals.len());
    // What it lost while it was there, it has lost.
    let fault = "[[fault]]\nkind = \"record-lost\"\nprobability = \"2%\"\nuntil = \"2s\"\n";
    let measured = leaves(fault);
    let (left, stayed) = (&measured.consumers[0].delivery, &measured.consumers[1].delivery);
    assert!(left.lost > 0 && left.lost == stayed.lost, "{left:?} {stayed:?}");
    // A consumer that comes back has never left.
    let back = leaves("[[event]]\nat = \"15s\"\nkind = \"start-consumer\"\nconsumer = \"leaves\"\n");
    assert_eq!((back.consumers[0].presence, back.consumers[0].delivery.delivered), (None, 8_000));
}
