//! Consumers in virtual time: fan-out over the life of subscriptions, on-failure destinations, times of processing, and objectives
//! of their own.

use streamgauge::client::FailureReason;
use streamgauge::scenario::Delivery;
use streamgauge::verdict::{Figure, Metric, ObjectiveStatus};

use crate::support::model::{exactly_once, judged, measured, refusal, scenario, scenario_at, simulated, simulation};

#[test]
fn subscriptions_are_renewed_before_they_end_and_lose_nothing() {
    let measured = measured(
        r#"
        stream.shards = 4
        load = { rate = "5/s", duration = "12m", drain = "60s" }
        records.size = "200 B"
        keys = { distribution = "uniform", count = 200 }
        [[consumer]]
        name = "pushed"
        type = "efo"
        "#,
    );
    let pushed = &measured.consumers[0];
    exactly_once(pushed, 3_600);
    // One at the beginning, and two more after 4 min 50 s each; none ended and had to be opened again.
    assert_eq!(pushed.calls, 4 * 3, "{:?}", pushed.failed_calls);
    // Nobody notices: no record waits longer than a record ever waits.
    let longest = pushed.lag.max.unwrap() / 1_000_000;
    assert!(longest < 1_000, "{longest} ms");
}

/// A function that fails one batch in three, and always those with a poisonous record.
fn function(more: &str) -> String {
    format!(
        r#"
        stream.shards = 2
        load = {{ rate = "200/s", duration = "10s", drain = "120s" }}
        records.size = "200 B"
        keys = {{ distribution = "uniform", count = 200 }}
        [[consumer]]
        name = "function"
        type = "lambda"
        batch_size = 20
        {more}
        "#
    )
}

#[test]
fn batches_that_are_given_up_go_to_the_on_failure_destination() {
    let work = "processing = { per_batch = \"5ms\", poison = \"1%\", attempts = 3, retry_delay = \"10ms\" }";
    let told = measured(&function(&format!("on_failure = true\n{work}"))).consumers.remove(0);
    let batches = &told.failed_batches;
    assert!(!batches.is_empty() && batches.len() as u64 == told.on_failure_batches);
    assert_eq!(told.on_failure_records, told.discarded["failed"]);
    assert_eq!(batches.iter().map(|batch| batch.records).sum::<u64>(), told.on_failure_records);
    for batch in batches {
        assert_eq!((batch.attempts, batch.reason), (3, FailureReason::AttemptsExhausted));
        assert!(batch.shard.starts_with("shardId-00000000000") && (1..=20).contains(&batch.records), "{batch:?}");
        let index = |number: &str| number.parse::<streamgauge::kinesis::SequenceNumber>().unwrap().index;
        let (first, last) = (index(&batch.first_sequence_number), index(&batch.last_sequence_number));
        assert_eq!(last - first + 1, batch.records, "the records of a lane of its own follow one another");
    }
    // Split in halves, what is given up is the poison alone, as far as it goes.
    let halved = measured(&function(&format!("on_failure = true\nbisect = true\n{work}"))).consumers.remove(0);
    assert!(halved.failed_batches.iter().all(|batch| batch.records == 1), "{:?}", halved.failed_batches[0]);
    assert!((5..=45).contains(&halved.on_failure_records), "1% of 2,000 are 20: {}", halved.on_failure_records);
    // Without a destination nothing is told, and the same is given up.
    let untold = measured(&function(work)).consumers.remove(0);
    assert_eq!((untold.on_failure_batches, untold.discarded["failed"]), (0, told.on_failure_records));
}

#[test]
fn records_that_have_grown_too_old_are_told_apart() {
    let slow = "on_failure = true\nmaximum_record_age = \"3s\"\nprocessing = { per_batch = \"400ms\" }";
    let told = measured(&function(slow)).consumers.remove(0);
    assert!(told.discarded["too old"] > 100, "{:?}", told.discarded);
    assert_eq!(told.on_failure_records, told.discarded["too old"]);
    let reason = |batch: &streamgauge::client::FailedBatch| (batch.reason, batch.attempts);
    assert!(told.failed_batches.iter().map(reason).all(|found| found == (FailureReason::RecordAgeExceeded, 0)));
}

#[test]
fn work_may_take_times_of_any_distribution() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("times.csv"), "time,count\n1ms, 900\n9ms, 100\n").unwrap();
    for (distribution, mean) in [
        ("{ distribution = \"normal\", mean = \"2ms\", deviation = \"500us\" }", 2.0),
        ("{ distribution = \"pareto\", min = \"1ms\", shape = 2.0, max = \"1s\" }", 1.999),
        ("{ distribution = \"empirical\", file = \"times.csv\" }", 1.8),
        (
            "{ distribution = \"mix\", of = [{ weight = 9, time = \"1ms\" }, \
             { weight = 1, distribution = \"empirical\", file = \"times.csv\" }] }",
            1.08,
        ),
    ] {
        let toml = function(&format!("processing = {{ per_record = {distribution} }}"));
        let scenario = scenario_at(&directory.path().join("test.toml"), &toml, &[]);
        let planned = scenario.consumers[0].processing.per_record.mean().as_secs_f64() * 1e3;
        assert!((planned - mean).abs() < 0.002, "{distribution}: {planned} ms");
        let simulated = simulation(&scenario).measurement;
        let busy = simulated.consumers[0].work.busy.as_secs_f64() * 1e3 / 2_000.0;
        assert!((busy / mean - 1.0).abs() < 0.2, "{distribution}: {busy} ms for {mean}");
    }
    for (wrong, words) in [
        ("{ distribution = \"pareto\", min = \"2s\", shape = 1.5, max = \"1s\" }", "must not be above"),
        (
            "{ distribution = \"normal\", mean = \"2ms\", deviation = \"1ms\", p99 = \"1s\" }",
            "has no meaning for this distribution",
        ),
        ("{ distribution = \"empirical\", file = \"nowhere.csv\" }", "cannot be read"),
        ("{ distribution = \"mix\", of = [] }", "must be a list of times"),
        ("{ distribution = \"mix\", of = [{ weight = 0, time = \"1ms\" }] }", "must be more than zero"),
    ] {
        let toml = function(&format!("processing = {{ per_record = {wrong} }}"));
        let refused = refusal(&toml);
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn consumers_have_objectives_of_their_own() {
    let toml = r#"
        stream.shards = 2
        load = { rate = "100/s", duration = "14s", drain = "10s" }
        records.size = "200 B"
        slo = { delivery = "exactly-once", order = "per-key" }
        [[consumer]]
        name = "strict"
        type = "polling"
        interval = "500ms"
        [[consumer]]
        name = "loose"
        type = "polling"
        interval = "500ms"
        start = "latest"
        delivery = "complete"
        order = "any"
        [[event]]
        at = "2s"
        kind = "start-consumer"
        consumer = "loose"
    "#;
    let scenario = scenario(toml);
    let verdict = judged(&scenario, &simulated(&scenario));
    let found: Vec<_> = verdict.objectives.into_iter().map(|found| (found.metric, found.limit, found.status)).collect();
    let consumer = |name: &str| name.to_owned();
    assert_eq!(
        found,
        [
            (Metric::Order { consumer: consumer("strict") }, Figure::OrderPerKey, ObjectiveStatus::Pass),
            (
                Metric::Delivery { consumer: consumer("strict") },
                Figure::Promise(Delivery::ExactlyOnce),
                ObjectiveStatus::Pass
            ),
            (
                Metric::Delivery { consumer: consumer("loose") },
                Figure::Promise(Delivery::Complete),
                ObjectiveStatus::Pass
            ),
        ]
    );
}
