//! Changes of a stream under load: what they do to throttling, how long they take, and where explicit hash keys go.

use std::time::Duration;

use streamgauge::engine::{Progress, Target};
use streamgauge::forecast::expected_load;
use streamgauge::kinesis::{HashKey, HashKeyRange, Profile};
use streamgauge::measure::Measurement;
use streamgauge::scenario::Scenario;
use streamgauge::time::Time;
use tokio::sync::watch;

use crate::support::engine::{connected_for, run_on, run_with, undisturbed};
use crate::support::model::{exactly_once, measured, refusal, scenario};

/// An on-demand stream of four shards that takes a spike of 350 records of 20 KiB a second, for longer than its burst lasts: four
/// shards take 205, eight take 410.
fn spike(stream: &str, event: &str) -> String {
    format!(
        r#"
        stream = {{ mode = "on-demand", commitment = true{stream} }}
        records.size = "20 KiB"
        keys = {{ distribution = "uniform", count = 100, explicit_hash_keys = 8 }}
        producer = {{ linger = "10ms", retry.policy = "none" }}
        {event}
        [[load.phase]]
        shape = "constant"
        rate = "100/s"
        duration = "4s"
        [[load.phase]]
        shape = "constant"
        rate = "350/s"
        duration = "40s"
        "#
    )
}

const WARM: &str = "[[event]]\nat = \"2s\"\nkind = \"update-warm-throughput\"\nmib_per_second = 8\n";

fn last_open(measured: &Measurement) -> u32 {
    measured.open_shards.last().map_or(0, |(_, shards)| *shards)
}

#[test]
fn a_stream_that_was_warmed_before_a_spike_takes_it() {
    let (cold, warm) = (measured(&spike("", "")), measured(&spike("", WARM)));
    assert!(cold.counters.throttled > 300, "{:?}", cold.counters);
    assert_eq!((warm.counters.throttled, warm.counters.accepted), (0, 14_400), "{:?}", warm.counters);
    assert_eq!((last_open(&cold), last_open(&warm)), (4, 8));
    assert!(warm.events[0].problem.is_none(), "{:?}", warm.events);
    // Warmed two minutes too late, as long as it takes on AWS, it is as cold as the other.
    let late = measured(&spike(", transitions = 1", WARM));
    assert_eq!((late.counters.throttled, last_open(&late)), (cold.counters.throttled, 4));
    assert_eq!((late.events[0].until, &late.events[0].problem), (None, &None));
}

/// Two shards that run at 80 %, for longer than on-demand needs to notice; then twice that.
fn doubling(event: &str) -> String {
    format!(
        r#"
        stream.shards = 2
        records.size = "100 KiB"
        keys = {{ distribution = "uniform", count = 100, explicit_hash_keys = 4 }}
        producer = {{ linger = "10ms", retry.policy = "none" }}
        {event}
        [[load.phase]]
        shape = "constant"
        rate = "16/s"
        duration = "13m"
        [[load.phase]]
        shape = "constant"
        rate = "32/s"
        duration = "30s"
        "#
    )
}

#[test]
fn a_stream_that_was_switched_to_on_demand_grows_with_its_load() {
    let switch = "[[event]]\nat = \"5s\"\nkind = \"update-stream-mode\"\nmode = \"on-demand\"\n";
    let (stayed, switched) = (measured(&doubling("")), measured(&doubling(switch)));
    assert!(stayed.counters.throttled > 100, "{:?}", stayed.counters);
    assert_eq!((last_open(&stayed), last_open(&switched)), (2, 4));
    assert_eq!(switched.counters.throttled, 0, "{:?}", switched.counters);
    assert!(switched.events[0].problem.is_none(), "{:?}", switched.events);
}

/// A minute of load and four changes, the last two of them too late to be over before it ends.
fn resharded(transitions: u32) -> Measurement {
    measured(&format!(
        r#"
        stream = {{ shards = 4, transitions = {transitions} }}
        load = {{ rate = "100/s", duration = "60s", drain = "60s" }}
        records.size = "200 B"
        keys = {{ distribution = "uniform", count = 200 }}
        [[consumer]]
        name = "polls"
        type = "polling"
        [[consumer]]
        name = "pushed"
        type = "efo"
        [[event]]
        at = "5s"
        kind = "split-shard"
        shard = 0
        [[event]]
        at = "6s"
        kind = "merge-shards"
        shard = 3
        [[event]]
        at = "54s"
        kind = "split-shard"
        shard = 0
        [[event]]
        at = "55s"
        kind = "split-shard"
        shard = 1
        "#
    ))
}

#[test]
fn changes_take_as_long_as_on_aws_and_wait_for_one_another() {
    let (immediate, slow) = (resharded(0), resharded(1));
    let times = |measured: &Measurement| {
        let span = |event: &streamgauge::measure::EventRecord| (event.at, event.until);
        measured.events.iter().map(span).collect::<Vec<_>>()
    };
    let at = |seconds| (Time::from_secs(seconds), Some(Time::from_secs(seconds)));
    assert_eq!(times(&immediate), [at(5), at(6), at(54), at(55)]);
    assert!(immediate.events.iter().all(|event| event.problem.is_none()), "{:?}", immediate.events);
    // 24 s each, one after the other; the stream is UPDATING when the run ends, and the last one never has its turn.
    let slow_times = times(&slow);
    let span = |from, until| (Time::from_secs(from), Some(Time::from_secs(until)));
    assert_eq!(slow_times[..2], [span(5, 29), span(29, 53)]);
    assert_eq!(slow_times[2], (Time::from_secs(54), None));
    let problem = slow.events[3].problem.as_deref().unwrap();
    assert!(problem.contains("UPDATING"), "{problem}");
    assert_eq!((last_open(&immediate), last_open(&slow)), (6, 4));
    for measured in [&immediate, &slow] {
        assert_eq!(measured.counters.accepted, 6_000);
        measured.consumers.iter().for_each(|consumer| exactly_once(consumer, 6_000));
    }
}

#[test]
fn a_stream_cannot_be_warmed_without_the_commitment() {
    let toml = spike("", WARM).replace(", commitment = true", "");
    let refused = refusal(&toml);
    assert!(refused.contains("commitment = true"), "{refused}");
    for wrong in ["-1", "11", "nan"] {
        let toml = format!("stream = {{ shards = 1, transitions = {wrong} }}\nload.rate = \"1/s\"\n");
        let refused = refusal(&toml);
        assert!(refused.contains("`stream.transitions` must be from 0 to 10"), "{wrong}");
    }
}

/// Ranges of an eighth, an eighth, a quarter and a half of the key space.
fn uneven() -> Vec<HashKeyRange> {
    let eighths = HashKeyRange::initial(8);
    let joined = |first: usize, last: usize| HashKeyRange { start: eighths[first].start, end: eighths[last].end };
    vec![eighths[0], eighths[1], joined(2, 3), joined(4, 7)]
}

const EVEN_LOAD: &str = r#"
stream.shards = 4
load = { rate = "400/s", duration = "1s", drain = "10m" }
producer.timeout = "10m"
records.size = "200 B"
keys = { distribution = "uniform", count = 100, explicit_hash_keys = true }
"#;

#[test]
fn explicit_hash_keys_are_expected_to_be_even_on_uneven_shards() {
    let scenario = scenario(EVEN_LOAD);
    let rates = |ranges: &[HashKeyRange]| {
        let expected = expected_load(&scenario, &Profile::newest(), ranges);
        expected.iter().map(|shard| shard.records.0.round() as u64).collect::<Vec<_>>()
    };
    assert_eq!(rates(&uneven()), [100; 4]);
    assert_eq!(rates(&HashKeyRange::initial(2)), [200; 2]);
    // Arrival k is a function of the seed, of k and of the shards at the beginning, whoever asks.
    let (one, same) = (scenario.workload_on(&uneven()), scenario.workload_on(&uneven()));
    assert!((0..400).rev().all(|k| one.arrival(k) == same.arrival(k)));
    let place =
        |k: u64| uneven().iter().position(|range| range.contains(HashKey(one.arrival(k).explicit_hash_key.unwrap())));
    assert_eq!((0..5).map(place).collect::<Vec<_>>(), [Some(0), Some(1), Some(2), Some(3), Some(0)]);
}

/// Runs a scenario on an embedded emulator, after what `prepare` does to it.
async fn run_after<F: Future<Output = ()>>(
    scenario: &Scenario,
    prepare: impl FnOnce(aws_sdk_kinesis::Client) -> F,
) -> Measurement {
    let connection = connected_for(&Target::Embedded, scenario).await;
    prepare(connection.client.clone()).await;
    let run = run_with(&connection, scenario, watch::Sender::new(Progress::default())).await.unwrap();
    assert!(run.measurement.counters.balance(), "{:?}", run.measurement.counters);
    run.measurement
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explicit_hash_keys_go_to_each_shard_of_an_uneven_stream() {
    let scenario = scenario(&EVEN_LOAD.replace("stream.shards = 4", "stream = { name = \"uneven\", shards = 4 }"));
    let measured = run_after(&scenario, |client| async move {
        client.create_stream().stream_name("uneven").shard_count(2).send().await.unwrap();
        let quarters = HashKeyRange::initial(4);
        let eighths = HashKeyRange::initial(8);
        for (shard, key) in [("shardId-000000000000", quarters[1].start), ("shardId-000000000002", eighths[1].start)] {
            let split = client.split_shard().stream_name("uneven").shard_to_split(shard);
            split.new_starting_hash_key(key.to_string()).send().await.unwrap();
        }
    })
    .await;
    let accepted: Vec<u64> = measured.shards.iter().map(|shard| shard.accepted).collect();
    assert_eq!(accepted[..4], [100; 4], "{accepted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_warms_switches_and_waits_for_active() {
    let scenario = scenario(
        r#"
        stream = { mode = "on-demand", commitment = true, transitions = 0.01 }
        load = { rate = "100/s", duration = "4s", warm_up = "0s", drain = "10m" }
        producer.timeout = "10m"
        records.size = "200 B"
        keys = { distribution = "uniform", count = 100 }
        [[consumer]]
        name = "polls"
        type = "polling"
        [[event]]
        at = "100ms"
        kind = "update-warm-throughput"
        mib_per_second = 8
        [[event]]
        at = "101ms"
        kind = "update-stream-mode"
        mode = "provisioned"
        "#,
    );
    let run = undisturbed(Duration::from_secs(1), async || run_on(&Target::Embedded, &scenario).await.unwrap()).await;
    let measured = run.measurement;
    assert!(measured.counters.balance(), "{:?}", measured.counters);
    assert!(measured.events.iter().all(|event| event.problem.is_none()), "{:?}", measured.events);
    // The second change waited until the first had made the stream ACTIVE again, which takes 1.2 s at this scale.
    let (warm, switch) = (&measured.events[0], &measured.events[1]);
    let over = warm.until.unwrap();
    assert!(over.since(warm.at) >= Duration::from_millis(1_200) && switch.at >= over, "{:?}", measured.events);
    assert_eq!((last_open(&measured), measured.counters.accepted), (8, 400));
    assert!(measured.consumers[0].delivery.exactly_once(), "{:?}", measured.consumers[0].delivery);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_an_account_are_looked_at_and_never_changed() {
    let emulator = streamgauge::emulator::Embedded::start(streamgauge::kinesis::Settings::new(
        Profile::newest(),
        streamgauge::seed::Seed(1),
    ))
    .unwrap();
    let scenario = scenario(&spike("", WARM));
    let connection = connected_for(&Target::Endpoint(emulator.url()), &scenario).await;
    let refused = run_with(&connection, &scenario, watch::Sender::new(Progress::default())).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("never changes the settings of an account"), "{refused}");
    let settings = connection.client.describe_account_settings().send().await.unwrap();
    let status = settings.minimum_throughput_billing_commitment().map(|commitment| commitment.status().as_str());
    assert_eq!(status, Some("DISABLED"));
    assert!(connection.client.list_streams().send().await.unwrap().stream_names().is_empty());
}
