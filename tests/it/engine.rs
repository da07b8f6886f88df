//! The engine against the embedded emulator, over the real SDK. Runs are short; what is checked are laws, not times.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use streamgauge::emulator::Embedded;
use streamgauge::engine::{Control, EngineError, Progress, Target, connect, run};
use streamgauge::kinesis::{Profile, Settings};
use streamgauge::measure::{Ending, Finding, Outcome};
use streamgauge::scenario::Scenario;
use streamgauge::seed::Seed;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::support::engine::{connected_for, connected_with, run_on, run_with, undisturbed};
use crate::support::model::scenario;

const TWO_CONSUMERS: &str = r#"
[stream]
shards = 2
[load]
rate = "400/s"
duration = "1s"
drain = "10m"
[producer]
timeout = "10m"
[records]
size = { distribution = "uniform", min = "19 B", max = "2 KiB" }
[keys]
distribution = "uniform"
count = 100
[[consumer]]
name = "poller"
type = "polling"
[[consumer]]
name = "pushed"
type = "efo"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_reaches_every_consumer_once() {
    let run = run_on(&Target::Embedded, &scenario(TWO_CONSUMERS)).await.unwrap();
    let measured = &run.measurement;
    assert_eq!(run.ending, Ending::Complete);
    assert!(measured.counters.balance());
    assert_eq!((measured.counters.offered, measured.counters.accepted, measured.counters.in_flight), (400, 400, 0));
    for consumer in &measured.consumers {
        assert!(consumer.delivery.exactly_once(), "{}: {:?}", consumer.name, consumer.delivery);
        assert_eq!((consumer.delivery.delivered, consumer.lag.count), (400, 400));
        assert!(consumer.failed_calls.is_empty(), "{:?}", consumer.failed_calls);
    }
    assert_eq!(measured.shards.iter().map(|shard| shard.accepted).sum::<u64>(), 400);
    assert_eq!(measured.put["response"].count, 400);
    assert_eq!(measured.intervals.iter().map(|interval| interval.accepted).sum::<u64>(), 400);
    assert!(measured.warnings.is_empty(), "{:?}", measured.warnings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overload_throttles_and_the_ledger_balances() {
    let overload = r#"
        stream.shards = 1
        load = { rate = "3000/s", duration = "1s", drain = "10m" }
        records.size = "100 B"
        keys = { distribution = "uniform", count = 1 }
        producer = { timeout = "10m", protocol = "PROTOCOL", retry.policy = "none" }
    "#;
    // So few that no machine is too slow to exceed them.
    let mut profile = Profile::newest();
    profile.write.records_per_second = 10;
    for protocol in ["json", "cbor"] {
        let overload = scenario(&overload.replace("PROTOCOL", protocol));
        let connection = connected_with(&Target::Embedded, &profile).await;
        let run = run_with(&connection, &overload, watch::Sender::new(Progress::default())).await.unwrap();
        let counters = &run.measurement.counters;
        assert!(counters.balance() && counters.offered == 3_000, "{counters:?}");
        assert!(counters.throttled > 0 && counters.failed == counters.throttled, "{counters:?}");
        assert_eq!(counters.accepted + counters.failed, 3_000);
        assert_eq!(run.measurement.put["throttled"].count, counters.throttled);
        assert_eq!(run.measurement.shards[0].throttled, counters.throttled);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_written_in_cbor_reach_every_consumer_once() {
    let cbor = TWO_CONSUMERS.replace("[producer]", "[producer]\nprotocol = \"cbor\"");
    let run = run_on(&Target::Embedded, &scenario(&cbor)).await.unwrap();
    let measured = &run.measurement;
    assert_eq!((measured.counters.accepted, measured.counters.in_flight), (400, 0));
    assert!(measured.consumers.iter().all(|consumer| consumer.delivery.exactly_once()));
    assert!(measured.warnings.is_empty(), "{:?}", measured.warnings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_keeps_what_it_measured() {
    let profile = Profile::newest();
    let scenario = scenario(&TWO_CONSUMERS.replace("\"1s\"", "\"1000s\""));
    let connection = connect(&Target::Embedded, scenario.producer.timeout, &profile, scenario.seed).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let progress = watch::Sender::new(Progress::default());
    let mut watched = progress.subscribe();
    tokio::spawn(async move {
        let _ = watched.wait_for(|progress| progress.counters.accepted > 0).await;
        stop.send_replace(true);
    });
    let run = run(&connection, &scenario, &profile, Control::new(stopped, progress)).await.unwrap();
    assert_eq!(run.ending, Ending::Interrupted);
    let counters = &run.measurement.counters;
    assert!(counters.balance() && counters.accepted > 0 && counters.offered < 400_000, "{counters:?}");
    assert_eq!(run.measurement.consumers.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_before_the_load_leaves_nothing_behind() {
    let profile = Profile::newest();
    let scenario = scenario(TWO_CONSUMERS);
    let connection = connect(&Target::Embedded, scenario.producer.timeout, &profile, scenario.seed).await.unwrap();
    let (_stop, stop) = watch::channel(true);
    let control = Control::new(stop, watch::Sender::new(Progress::default()));
    let ended = run(&connection, &scenario, &profile, control).await;
    assert!(matches!(ended, Err(EngineError::Stopped)), "{ended:?}");
    let streams = connection.client.list_streams().send().await.unwrap();
    for name in streams.stream_names() {
        let summary = connection.client.describe_stream_summary().stream_name(name).send().await.unwrap();
        let summary = summary.stream_description_summary().unwrap();
        assert_eq!(summary.stream_status(), &aws_sdk_kinesis::types::StreamStatus::Deleting, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_not_there_is_named() {
    // A port that is taken, so that nobody else gets it, and on which nobody listens.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let target = Target::Endpoint(format!("http://{}", socket.local_addr().unwrap()));
    let error = run_on(&target, &scenario(TWO_CONSUMERS)).await.unwrap_err().to_string();
    assert!(error.contains("cannot be created") && error.contains("refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_dies_leaves_a_balanced_ledger() {
    let scenario = scenario(
        r#"
        stream.shards = 1
        load = { rate = "500/s", duration = "4s", warm_up = "0s", drain = "1s" }
        records.size = "100 B"
        producer = { timeout = "10m", retry = { policy = "exponential", base = "50ms", cap = "200ms", attempts = 3 } }
        [[consumer]]
        name = "poller"
        type = "polling"
    "#,
    );
    let run = undisturbed(Duration::from_secs(1), async || {
        let mut embedded = connected_for(&Target::Embedded, &scenario).await;
        let emulator = embedded.embedded.take().unwrap();
        let progress = watch::Sender::new(Progress::default());
        let mut watched = progress.subscribe();
        let killer = tokio::spawn(async move {
            let _ = watched.wait_for(|progress| progress.counters.accepted > 0).await;
            tokio::task::spawn_blocking(move || emulator.stop()).await.unwrap();
        });
        let run = run_with(&embedded, &scenario, progress).await.unwrap();
        killer.await.unwrap();
        run
    })
    .await;
    let counters = &run.measurement.counters;
    assert!(counters.balance(), "{counters:?}");
    assert_eq!(counters.offered, 2_000, "the load goes on");
    assert!(counters.accepted > 0 && counters.failed + counters.unknown + counters.abandoned > 0, "{counters:?}");
    assert!(!run.measurement.warnings.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_the_scenario_hit_and_every_record_is_accounted_for() {
    let faulty = |protocol: &str, fault: &str| {
        format!(
            "stream.shards = 1
            load = {{ rate = \"500/s\", duration = \"1s\", drain = \"10m\" }}
            records.size = \"100 B\"
            producer = {{ protocol = \"{protocol}\", timeout = \"10m\", retry = {{ policy = \"none\" }} }}
            [[fault]]
            {fault}
            operations = [\"PutRecords\"]"
        )
    };
    for protocol in ["json", "cbor"] {
        let failing = scenario(&faulty(protocol, "kind = \"internal-failure\""));
        let run = run_on(&Target::Embedded, &failing).await.unwrap();
        let counters = &run.measurement.counters;
        assert!(counters.balance() && counters.failed == 500 && counters.accepted == 0, "{counters:?}");
        let warnings = &run.measurement.warnings;
        assert!(warnings.iter().any(|warning| warning.contains("InternalFailure")), "{warnings:?}");
    }
    // Half of the calls whose connection breaks are stored: nobody can say of which, so that all are unknown.
    let dropped = scenario(&faulty("json", "kind = \"connection-dropped\""));
    let run = run_on(&Target::Embedded, &dropped).await.unwrap();
    let counters = &run.measurement.counters;
    assert!(counters.balance() && counters.accepted == 0, "{counters:?}");
    assert_eq!((counters.failed, counters.unknown), (0, 500), "{counters:?}");
    assert_eq!(kinds(&run), [("connection-reset", 500)]);
}

/// The kinds of errors, and how many attempts ended so.
fn kinds(run: &Outcome) -> Vec<(&str, u64)> {
    run.measurement.errors_by_kind.iter().map(|(kind, attempts)| (kind.as_str(), *attempts)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_error_has_its_name_its_count_and_its_times() {
    let faulty = |fault: &str, timeout: &str, seconds: u64| {
        scenario(&format!(
            "stream.shards = 1
            load = {{ rate = \"200/s\", duration = \"{seconds}s\", warm_up = \"0s\", drain = \"10m\" }}
            records.size = \"100 B\"
            producer = {{ timeout = \"{timeout}\", retry.policy = \"none\" }}
            [[consumer]]
            name = \"polls\"
            type = \"polling\"
            [[fault]]
            {fault}
            operations = [\"PutRecords\"]"
        ))
    };
    // What is only late is stored all the same: nobody says so but the consumer, which reads it before what was acknowledged later.
    let late = faulty("kind = \"delay\"\ndelay = \"3s\"\nuntil = \"1s\"", "500ms", 3);
    let late = undisturbed(Duration::from_millis(300), async || run_on(&Target::Embedded, &late).await.unwrap()).await;
    let (measured, unknown) = (&late.measurement, late.measurement.counters.unknown);
    assert_eq!(kinds(&late), [("timeout", unknown)]);
    assert!((100..=300).contains(&unknown), "those of the first second: {:?}", measured.counters);
    assert_eq!(measured.unknown_stored, Some(unknown), "{:?}", measured.counters);
    let times = measured.put["failed-timeout"];
    assert!(times.count == unknown && times.min >= Some(500_000_000), "nobody gives up too soon: {times:?}");
    for (fault, kind) in [
        ("kind = \"expired-credentials\"", "expired-credentials"),
        ("kind = \"service-unavailable\"", "internal-failure"),
    ] {
        let run = run_on(&Target::Embedded, &faulty(fault, "10m", 1)).await.unwrap();
        assert_eq!(kinds(&run), [(kind, 200)]);
        let counters = &run.measurement.counters;
        assert_eq!((counters.failed, counters.unknown, counters.accepted), (200, 0, 0), "{counters:?}");
        assert_eq!(run.measurement.put[&format!("failed-{kind}")].count, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_emulator_damages_is_found_counted_and_placed() {
    let run = run_on(&Target::Embedded, &scenario(DAMAGED)).await.unwrap();
    let findings = Finding::of(&run.injected_faults, &run.measurement.consumers);
    assert!(findings.len() == 3 && findings.iter().all(Finding::holds), "{findings:#?}");
}

const DAMAGED: &str = r#"
stream.shards = 3
load = { rate = "600/s", duration = "2s", drain = "20s" }
records.size = "100 B"
keys = { distribution = "uniform", count = 30 }
producer = { max_in_flight = 1, timeout = "10m", retry.policy = "none" }
[[consumer]]
name = "polls"
type = "polling"
[[fault]]
kind = "record-lost"
probability = "10%"
shard = 0
[[fault]]
kind = "record-duplicated"
probability = "10%"
shard = 1
[[fault]]
kind = "record-corrupted"
probability = "10%"
shard = 2
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_retries_of_the_sdk_are_off() {
    let profile = Profile::newest();
    let scenario = scenario(
        "stream.shards = 1
        load = { rate = \"500/s\", duration = \"1s\", drain = \"10m\" }
        records.size = \"100 B\"
        producer = { timeout = \"10m\", retry = { policy = \"exponential\", base = \"20ms\", attempts = 20 } }
        [[fault]]
        kind = \"internal-failure\"
        probability = \"30%\"
        operations = [\"PutRecords\"]
        [[fault]]
        kind = \"connection-dropped\"
        probability = \"20%\"
        operations = [\"PutRecords\"]",
    );
    let settings = Settings { transition_scale: 0.0, ..Settings::new(profile.clone(), Seed(1)) };
    let emulator = Embedded::start(settings).unwrap();
    let target: SocketAddr = emulator.url().trim_start_matches("http://").parse().unwrap();
    emulator.set_faults(&scenario.faults);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Target::Endpoint(format!("http://{}", listener.local_addr().unwrap()));
    let requests = Arc::new(AtomicU64::new(0));
    tokio::spawn(count_puts(listener, target, requests.clone()));
    let run = run_on(&endpoint, &scenario).await.unwrap();
    let counters = &run.measurement.counters;
    assert!(counters.errors > 0 && counters.balance(), "{counters:?}");
    let requests = requests.load(Ordering::SeqCst);
    assert_eq!(requests, counters.calls, "each call of the run is one request: {counters:?}");
}

/// Passes connections on to `target`, and counts the heads of PutRecords requests on the way.
async fn count_puts(listener: TcpListener, target: SocketAddr, requests: Arc<AtomicU64>) {
    const HEAD: &[u8] = b"Kinesis_20131202.PutRecords";
    while let Ok((client, _)) = listener.accept().await {
        let requests = requests.clone();
        tokio::spawn(async move {
            let server = TcpStream::connect(target).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let back = async { _ = tokio::io::copy(&mut from_server, &mut to_client).await };
            let forth = async {
                // Behind what was looked at is what may be the beginning of a head.
                let (mut seen, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
                while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                    seen.extend_from_slice(&buffer[..read]);
                    let heads = seen.windows(HEAD.len()).filter(|window| *window == HEAD).count();
                    requests.fetch_add(heads as u64, Ordering::SeqCst);
                    seen.drain(..seen.len() - seen.len().min(HEAD.len() - 1));
                    if to_server.write_all(&buffer[..read]).await.is_err() {
                        break;
                    }
                }
            };
            // Whichever side ends: the connection does.
            tokio::select! { () = back => {}, () = forth => {} }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_that_come_and_go_are_judged_by_what_was_there() {
    let scenario = scenario(
        r#"
        stream.shards = 1
        load = { rate = "100/s", duration = "9s", warm_up = "0s", drain = "10m" }
        records.size = "100 B"
        producer.timeout = "10m"
        [[consumer]]
        name = "leaves"
        type = "polling"
        [[consumer]]
        name = "joins-at-the-tip"
        type = "polling"
        start = "latest"
        [[consumer]]
        name = "joins-at-the-oldest"
        type = "polling"
        start = "trim-horizon"
        [[event]]
        at = "1s"
        kind = "start-consumer"
        consumer = "joins-at-the-tip"
        [[event]]
        at = "1s"
        kind = "start-consumer"
        consumer = "joins-at-the-oldest"
        [[event]]
        at = "8s"
        kind = "stop-consumer"
        consumer = "leaves"
        "#,
    );
    let run = undisturbed(Duration::from_secs(1), async || run_on(&Target::Embedded, &scenario).await.unwrap()).await;
    let measured = &run.measurement;
    assert_eq!((run.ending, measured.counters.accepted), (Ending::Complete, 900));
    let [leaves, tip, oldest] = &measured.consumers[..] else { panic!("{:?}", measured.consumers) };
    for consumer in [leaves, tip, oldest] {
        assert!(consumer.delivery.exactly_once(), "{}: {:?}", consumer.name, consumer.delivery);
        assert_eq!(consumer.delivery.accepted + consumer.delivery.absent, 900);
    }
    assert!(leaves.delivery.absent >= 500 && leaves.presence.unwrap().left.is_some(), "{leaves:?}");
    assert!(tip.delivery.absent >= 500 && tip.presence.unwrap().joined.is_some(), "{tip:?}");
    assert_eq!(oldest.delivery.delivered, 900);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_stream_is_used_and_left_alone() {
    let named = TWO_CONSUMERS.replace("[stream]", "[stream]\nname = \"mine\"");
    let scenario = scenario(&named);
    let connection = connected_for(&Target::Embedded, &scenario).await;
    let client = &connection.client;
    client.create_stream().stream_name("mine").shard_count(2).send().await.unwrap();
    let foreign = aws_sdk_kinesis::primitives::Blob::new(b"not ours".to_vec());
    client.put_record().stream_name("mine").partition_key("k").data(foreign).send().await.unwrap();
    let run = run_with(&connection, &scenario, watch::Sender::new(Progress::default())).await.unwrap();
    assert!(run.measurement.consumers.iter().all(|consumer| consumer.delivery.delivered == 400));
    let summary = client.describe_stream_summary().stream_name("mine").send().await.unwrap();
    let summary = summary.stream_description_summary.unwrap();
    assert_eq!(summary.consumer_count, Some(0), "the registration of the run is gone, the stream is not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_follow_a_stream_that_somebody_else_reshards() {
    let named = TWO_CONSUMERS.replace("[stream]", "[stream]\nname = \"mine\"");
    let scenario = scenario(&named.replace("duration = \"1s\"", "duration = \"4s\"\nwarm_up = \"0s\""));
    let run = undisturbed(Duration::from_secs(1), async || {
        let connection = connected_for(&Target::Embedded, &scenario).await;
        let client = connection.client.clone();
        client.create_stream().stream_name("mine").shard_count(2).send().await.unwrap();
        let progress = watch::Sender::new(Progress::default());
        let mut watched = progress.subscribe();
        tokio::spawn(async move {
            let _ = watched.wait_for(|progress| progress.counters.accepted > 0).await;
            let split = client.split_shard().stream_name("mine").shard_to_split("shardId-000000000000");
            split.new_starting_hash_key((1u128 << 126).to_string()).send().await.unwrap();
        });
        run_with(&connection, &scenario, progress).await.unwrap()
    })
    .await;
    let measured = &run.measurement;
    assert!(measured.counters.balance() && measured.counters.accepted == 1_600, "{:?}", measured.counters);
    assert_eq!(measured.shards.len(), 4, "two, and the two that one of them became");
    let closed = measured.shards[0].accepted;
    let children: u64 = measured.shards[2..].iter().map(|shard| shard.accepted).sum();
    assert!(closed > 0 && children + measured.accepted_by_new_shards > 0, "{:?}", measured.shards);
    for consumer in &measured.consumers {
        assert!(consumer.delivery.exactly_once(), "{}: {:?}", consumer.name, consumer.delivery);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_that_is_too_short_shows_in_the_counters() {
    let short = TWO_CONSUMERS.replace("drain = \"10m\"", "drain = \"1ms\"");
    let run = run_on(&Target::Embedded, &scenario(&short)).await.unwrap();
    let counters = &run.measurement.counters;
    assert!(counters.balance());
    assert_eq!(counters.in_flight, 0, "what was never answered is unknown: {counters:?}");
    let unread = run.measurement.consumers.iter().any(|c| c.delivery.unread > 0);
    assert!(counters.unknown > 0 || unread, "{counters:?}");
    let told = run.measurement.warnings.iter().any(|warning| warning.contains("count as unknown"));
    assert_eq!(told, counters.unknown > 0);
}

/// Passes connections on to `target` while it is alive. When it dies, nobody listens and every connection breaks; when it comes back, it
/// listens on the same port.
async fn proxy(address: SocketAddr, target: SocketAddr, mut alive: watch::Receiver<bool>) {
    while alive.wait_for(|alive| *alive).await.is_ok() {
        let listener = bound(address).listen(1_024).unwrap();
        loop {
            let (mut dies, mut ends) = (alive.clone(), alive.clone());
            tokio::select! {
                Ok((mut client, _)) = listener.accept() => {
                    tokio::spawn(async move {
                        let mut server = TcpStream::connect(target).await.unwrap();
                        tokio::select! {
                            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                            _ = ends.wait_for(|alive| !alive) => {}
                        }
                    });
                }
                _ = dies.wait_for(|alive| !alive) => break,
            }
        }
    }
}

/// A socket that has an address, which another one may have as well, and on which nobody listens yet.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    #[cfg(unix)]
    socket.set_reuseport(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// Runs a scenario against a target that dies in the second second, and comes back in the fourth.
async fn run_with_an_outage(scenario: &Scenario) -> Outcome {
    let settings = Settings { transition_scale: 0.0, ..Settings::new(Profile::newest(), Seed(1)) };
    let emulator = Embedded::start(settings).unwrap();
    let target: SocketAddr = emulator.url().trim_start_matches("http://").parse().unwrap();
    // As long as it is there, the system gives its port to nobody else while the target is away.
    let placeholder = bound("127.0.0.1:0".parse().unwrap());
    let address = placeholder.local_addr().unwrap();
    let alive = watch::Sender::new(true);
    tokio::spawn(proxy(address, target, alive.subscribe()));
    // The load begins with a target that is there.
    while TcpStream::connect(address).await.is_err() {
        tokio::task::yield_now().await;
    }
    let connection = connected_for(&Target::Endpoint(format!("http://{address}")), scenario).await;
    let progress = watch::Sender::new(Progress::default());
    let mut watched = progress.subscribe();
    tokio::spawn(async move {
        let second = |second: u64| move |progress: &Progress| progress.now.second() >= second;
        let _ = watched.wait_for(second(1)).await;
        alive.send_replace(false);
        let _ = watched.wait_for(second(3)).await;
        alive.send_replace(true);
        std::future::pending::<()>().await;
    });
    run_with(&connection, scenario, progress).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_dies_and_comes_back_is_survived() {
    let retry = "[producer]\nretry = { policy = \"exponential\", cap = \"500ms\", attempts = 1000 }";
    let longer = TWO_CONSUMERS.replace("[producer]", retry);
    let scenario = scenario(&longer.replace("duration = \"1s\"", "duration = \"5s\"\nwarm_up = \"0s\""));
    let run = undisturbed(Duration::from_millis(500), async || run_with_an_outage(&scenario).await).await;
    let measured = &run.measurement;
    assert_eq!(run.ending, Ending::Complete);
    assert!(measured.counters.balance() && measured.counters.offered == 2_000, "{:?}", measured.counters);
    assert_eq!((measured.counters.failed, measured.counters.in_flight), (0, 0), "{:?}", measured.counters);
    assert!(measured.errors_by_kind.contains_key("unreachable"), "{:?}", measured.errors_by_kind);
    let errors: Vec<u64> = measured.intervals.iter().map(|second| second.errors).collect();
    assert!(errors[0] == 0 && errors.iter().sum::<u64>() > 0, "the gap is visible: {errors:?}");
    for consumer in &measured.consumers {
        assert!(consumer.delivery.complete(), "{}: {:?}", consumer.name, consumer.delivery);
        assert!(!consumer.failed_calls.is_empty(), "{} noticed", consumer.name);
    }
}

/// What an engine run of a scenario measured; every record must be accounted for.
async fn measured(toml: &str) -> streamgauge::measure::Measurement {
    let scenario = scenario(toml);
    let run =
        undisturbed(Duration::from_millis(500), async || run_on(&Target::Embedded, &scenario).await.unwrap()).await;
    assert_eq!(run.ending, Ending::Complete);
    let counters = &run.measurement.counters;
    assert!(counters.balance() && counters.in_flight == 0, "{counters:?}");
    run.measurement
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_kinds_of_consumers_read_what_single_puts_write() {
    let measured = measured(
        r#"
        stream.shards = 2
        load = { rate = "100/s", duration = "1s", warm_up = "0s", drain = "10m" }
        records.size = "200 B"
        producer = { api = "PutRecord", timeout = "10m" }
        [[consumer]]
        name = "library"
        type = "kcl"
        workers = 2
        idle_time = "500ms"
        [[consumer]]
        name = "function"
        type = "lambda"
        parallelization_factor = 3
        processing = { per_batch = "1ms" }
        [[consumer]]
        name = "delivery"
        type = "firehose"
        buffer_interval = "2s"
        "#,
    )
    .await;
    let counters = &measured.counters;
    assert_eq!((counters.accepted, counters.attempts, counters.calls), (100, 100, 100), "{counters:?}");
    for consumer in &measured.consumers {
        assert!(consumer.delivery.exactly_once(), "{}: {:?}", consumer.name, consumer.delivery);
        assert_eq!((consumer.delivery.delivered, consumer.lag.count), (100, 100), "{}", consumer.name);
    }
    let work = |name: &str| &measured.consumers.iter().find(|consumer| consumer.name == name).unwrap().work;
    assert!(work("library").lease_renewals > 0 && work("library").checkpoints > 0, "{:?}", work("library"));
    assert!((2..=4).contains(&work("delivery").batches), "a buffer or two for each shard: {:?}", work("delivery"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_die_and_join_lose_nothing() {
    let measured = measured(
        r#"
        stream.shards = 4
        load = { rate = "200/s", duration = "3s", warm_up = "0s", drain = "10m" }
        records.size = "200 B"
        producer.timeout = "10m"
        keys = { distribution = "uniform", count = 100 }
        [[consumer]]
        name = "library"
        type = "kcl"
        workers = 2
        idle_time = "200ms"
        failover_time = "1s"
        checkpoint = "1s"
        [[event]]
        at = "1s"
        kind = "kill-worker"
        consumer = "library"
        worker = 1
        [[event]]
        at = "2s"
        kind = "add-worker"
        consumer = "library"
        "#,
    )
    .await;
    let library = &measured.consumers[0];
    assert!(library.delivery.complete() && library.delivery.delivered == 600, "{:?}", library.delivery);
    assert!(library.work.leases_taken >= 2, "the two of the dead worker: {:?}", library.work);
    assert_eq!(measured.events.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_a_key_is_kept_against_faults() {
    let measured = measured(
        r#"
        stream.shards = 2
        load = { rate = "300/s", duration = "2s", warm_up = "0s", drain = "10m" }
        records.size = "200 B"
        keys = { distribution = "uniform", count = 20 }
        producer = { order = "per-key", linger = "5ms", batch_records = 10, timeout = "10m", retry = { policy = "exponential", base = "10ms", cap = "100ms", attempts = 50 } }
        [[consumer]]
        name = "pushed"
        type = "efo"
        [[fault]]
        kind = "internal-failure"
        probability = "20%"
        operations = ["PutRecords"]
        [[fault]]
        kind = "connection-dropped"
        probability = "5%"
        operations = ["PutRecords"]
        "#,
    )
    .await;
    let pushed = &measured.consumers[0].delivery;
    assert!(measured.counters.errors > 20, "{:?}", measured.counters);
    assert_eq!((measured.counters.accepted, pushed.delivered), (600, 600), "{pushed:?}");
    assert!(pushed.in_order() && pushed.lost == 0, "{pushed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_somebody_else_takes_over_loses_nothing() {
    let scenario = scenario(
        r#"
        stream = { name = "shared", shards = 1 }
        load = { rate = "50/s", duration = "8s", warm_up = "0s", drain = "10m" }
        records.size = "200 B"
        producer.timeout = "10m"
        [[consumer]]
        name = "pushed"
        type = "efo"
        "#,
    );
    let mut taken = Err(String::new());
    let run = undisturbed(Duration::from_millis(500), async || {
        let connection = connected_for(&Target::Embedded, &scenario).await;
        let client = connection.client.clone();
        client.create_stream().stream_name("shared").shard_count(1).send().await.unwrap();
        let progress = watch::Sender::new(Progress::default());
        let taking = tokio::spawn(take_over(client, progress.subscribe()));
        let run = run_with(&connection, &scenario, progress).await.unwrap();
        taken = taking.await.unwrap();
        run
    })
    .await;
    assert_eq!(taken, Ok(true), "the other one has got something");
    let pushed = &run.measurement.consumers[0];
    assert!(pushed.calls >= 2, "it had to subscribe again");
    assert!(pushed.delivery.exactly_once() && pushed.delivery.delivered == 400, "{:?}", pushed.delivery);
}

/// Subscribes in place of the only consumer of the stream `shared`, and tells whether something came.
async fn take_over(client: aws_sdk_kinesis::Client, mut watched: watch::Receiver<Progress>) -> Result<bool, String> {
    // A subscription can be taken over when it is five seconds old.
    let _ = watched.wait_for(|progress| progress.now.second() >= 6).await;
    let summary = client.describe_stream_summary().stream_name("shared").send().await.unwrap();
    let stream = summary.stream_description_summary().unwrap().stream_arn().to_owned();
    let consumers = client.list_stream_consumers().stream_arn(stream).send().await.unwrap();
    // It is gone if the run is over.
    let consumer = consumers.consumers().first().ok_or("no consumer is registered")?.consumer_arn();
    let from = aws_sdk_kinesis::types::StartingPosition::builder()
        .r#type(aws_sdk_kinesis::types::ShardIteratorType::Latest)
        .build()
        .unwrap();
    let subscribe = client.subscribe_to_shard().consumer_arn(consumer);
    let subscribe = subscribe.shard_id("shardId-000000000000").starting_position(from);
    let mut events = subscribe.send().await.map_err(|error| format!("{error:?}"))?.event_stream;
    events.recv().await.map(|event| event.is_some()).map_err(|error| format!("{error:?}"))
}
