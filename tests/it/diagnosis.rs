//! "Why was I throttled?" against simulated runs whose cause is known, and each cure tried.

use streamgauge::kinesis::Profile;
use streamgauge::measure::EventRecord;
use streamgauge::plan::diagnose;
use streamgauge::result::RunResult;
use streamgauge::scenario::Scenario;
use streamgauge::time::Time;
use streamgauge::verdict::{Cause, Cure, Limit, ThrottleCause};

use crate::support::model::{overridden, predicted, scenario, simulated};

fn diagnosed(scenario: &Scenario, result: &RunResult) -> Vec<ThrottleCause> {
    diagnose(scenario, &Profile::newest(), predicted(scenario).expectation(), result)
}

/// What is left of what a cure is against: of the records that are given up if it is to try again, else of the throttled attempts or calls.
fn left_by(cure: &Cure, cause: Cause, toml: &str, result: &RunResult) -> f64 {
    let count = |result: &RunResult| match cause {
        Cause::SharedReads => result.measurement.consumers.iter().map(|consumer| consumer.throttled_calls).sum::<u64>(),
        _ if cure.what == "try throttled records again" => result.measurement.counters.failed,
        _ => result.measurement.counters.throttled,
    };
    let before = count(result);
    assert!(before > 0, "{} cures nothing", cure.what);
    count(&simulated(&overridden(toml, &cure.settings))) as f64 / before as f64
}

/// The first cause of what throttles in a scenario. Each of its cures that the scenario can say leaves at most a tenth.
fn first(toml: &str) -> (ThrottleCause, usize) {
    let scenario = scenario(toml);
    let result = simulated(&scenario);
    let causes = diagnosed(&scenario, &result);
    let throttled = result.measurement.counters.throttled;
    let writes = causes.iter().filter(|cause| cause.cause != Cause::SharedReads);
    assert_eq!(writes.map(|cause| cause.throttled).sum::<u64>(), throttled, "every throttled attempt has a cause");
    let reads: u64 = result.measurement.consumers.iter().map(|consumer| consumer.throttled_calls).sum();
    let calls = causes.iter().filter(|cause| cause.cause == Cause::SharedReads);
    assert_eq!(calls.map(|cause| cause.throttled).sum::<u64>(), reads);
    let cause = causes.into_iter().next().unwrap_or_else(|| panic!("nothing is throttled:\n{toml}"));
    let tried = tried(&cause, toml, &result);
    assert!(
        cause.cures.windows(2).all(|pair| pair[0].monthly.unwrap_or(f64::MAX) <= pair[1].monthly.unwrap_or(f64::MAX))
    );
    (cause, tried)
}

/// Tries the cures of a cause that the scenario can say, and returns how many.
fn tried(cause: &ThrottleCause, toml: &str, result: &RunResult) -> usize {
    let cures = cause.cures.iter().filter(|cure| !cure.settings.is_empty());
    cures
        .map(|cure| {
            let left = left_by(cure, cause.cause, toml, result);
            assert!(left <= 0.1, "{} ({:?}) leaves {left}", cure.what, cure.settings);
        })
        .count()
}

#[track_caller]
fn check(toml: &str, cause: Cause, bound: Limit, place: &str, cures: &[&str]) {
    let (found, tried) = first(toml);
    assert_eq!((found.cause, found.bound, found.place.as_str()), (cause, Some(bound), place), "{found:#?}");
    let names: Vec<&str> = found.cures.iter().map(|cure| cure.what.as_str()).collect();
    assert_eq!(names, cures, "{found:#?}");
    assert_eq!(tried, cures.len(), "each can be tried: {found:#?}");
}

#[test]
fn a_stream_that_is_too_small_by_records_packs_them_or_grows() {
    let toml = "stream = { shards = 2, transitions = 1 }\nload = { rate = \"2600/s\", duration = \"20s\", warm_up = \"0s\" }\n\
                records.size = \"200 B\"\nkeys = { distribution = \"uniform\", count = 10_000 }\n";
    check(toml, Cause::Overload, Limit::Records, "", &["pack records as the KPL does", "4 shards in place of 2"]);
}

#[test]
fn a_stream_that_is_too_small_by_bytes_grows() {
    let toml = "stream.shards = 2\nload = { rate = \"300/s\", duration = \"60s\", warm_up = \"0s\" }\n\
                records.size = \"10 KiB\"\nkeys = { distribution = \"uniform\", count = 10_000 }\n";
    check(toml, Cause::Overload, Limit::Bytes, "", &["4 shards in place of 2"]);
}

#[test]
fn a_shard_with_too_many_keys_is_named() {
    // Long enough that the seconds of the split are few.
    let toml = "seed = 11\nstream.shards = 4\nload = { rate = \"2100/s\", duration = \"150s\", warm_up = \"0s\" }\n\
                records.size = \"200 B\"\nkeys = { distribution = \"hot-set\", count = 5_000, hot = 14, share = \"90%\" }\n";
    let cures = ["pack records as the KPL does", "split the shard into 2", "5 shards in place of 4"];
    check(toml, Cause::HotShard, Limit::Records, "shardId-000000000001", &cures);
}

#[test]
fn a_hot_key_is_named_and_salted() {
    let toml = "stream.shards = 8\nload = { rate = \"3000/s\", duration = \"20s\", warm_up = \"0s\" }\n\
                records.size = \"200 B\"\nkeys = { distribution = \"hot-key\", count = 5_000, share = \"40%\" }\n";
    check(
        toml,
        Cause::HotKey,
        Limit::Records,
        "key key-000000 on shardId-000000000001",
        &["spread each key over 8 (`key#bucket`)"],
    );
}

#[test]
fn a_burst_is_no_overload() {
    let toml = "stream.shards = 1\n[load]\nwarm_up = \"0s\"\n[[load.phase]]\nshape = \"constant\"\nrate = \"780/s\"\nduration = \"20s\"\n\
                burst = { period = \"2s\", share = \"1%\" }\n[records]\nsize = \"200 B\"\n\
                [keys]\ndistribution = \"uniform\"\ncount = 10_000\n";
    let (found, tried) = first(toml);
    assert_eq!((found.cause, found.bound), (Cause::Burst, Some(Limit::Records)), "{found:#?}");
    assert_eq!(tried, 1, "more shards: {found:#?}");
    let (found, tried) = first(&format!("{toml}[producer]\nretry = {{ policy = \"none\" }}\n"));
    assert_eq!((found.cause, tried), (Cause::Burst, 2), "more shards, and to try again: {found:#?}");
}

#[test]
fn retries_of_what_is_over_are_a_storm() {
    // A spike of two seconds; the retries go on after it.
    let toml = "stream.shards = 1\n[load]\nwarm_up = \"0s\"\n[[load.phase]]\nshape = \"constant\"\nrate = \"4000/s\"\nduration = \"3s\"\n\
                [[load.phase]]\nshape = \"constant\"\nrate = \"300/s\"\nduration = \"20s\"\n[records]\nsize = \"100 B\"\n\
                [keys]\ndistribution = \"uniform\"\ncount = 10_000\n[producer]\nretry = { policy = \"immediate\", attempts = 1_000 }\n";
    let scenario = scenario(toml);
    let causes = diagnosed(&scenario, &simulated(&scenario));
    let kinds: Vec<Cause> = causes.iter().map(|cause| cause.cause).collect();
    assert!(kinds.contains(&Cause::RetryStorm) && kinds.contains(&Cause::Overload), "{causes:#?}");
    let storm = causes.iter().find(|cause| cause.cause == Cause::RetryStorm).unwrap();
    assert!(storm.window.0 >= 3, "{storm:#?}");
    let cures: Vec<&str> = storm.cures.iter().map(|cure| cure.what.as_str()).collect();
    assert_eq!(cures, ["retry with exponential delays and full jitter", "allow retries a budget"]);
    assert_eq!(tried(storm, toml, &simulated(&scenario)), 2);
}

#[test]
fn pollers_that_share_a_shard_are_told_to_poll_less_or_to_fan_out() {
    let poller = |name| format!("[[consumer]]\nname = \"{name}\"\ntype = \"polling\"\ninterval = \"250ms\"\n");
    let toml = format!(
        "stream.shards = 1\nload = {{ rate = \"100/s\", duration = \"20s\", warm_up = \"0s\" }}\nrecords.size = \"200 B\"\n{}{}",
        poller("a"),
        poller("b")
    );
    let (found, tried) = first(&toml);
    assert_eq!((found.cause, found.bound), (Cause::SharedReads, Some(Limit::Calls)), "{found:#?}");
    assert_eq!(tried, 2, "{found:#?}");
    // One that has settings of its own is not made anew from its name.
    let (found, tried) = first(&toml.replace("interval = \"250ms\"", "interval = \"250ms\"\nlag_p99 = \"9s\""));
    assert_eq!(tried, 1, "{found:#?}");
}

#[test]
fn an_application_of_the_library_is_told_to_fan_out_by_its_switch() {
    let kcl = |name| format!("[[consumer]]\nname = \"{name}\"\ntype = \"kcl\"\nidle_time = \"300ms\"\n");
    let toml = format!(
        "stream.shards = 1\nload = {{ rate = \"100/s\", duration = \"20s\", warm_up = \"0s\" }}\nrecords.size = \"200 B\"\n{}{}",
        kcl("a"),
        kcl("b")
    );
    let (found, tried) = first(&toml);
    assert_eq!((found.cause, tried), (Cause::SharedReads, 1), "{found:#?}");
    assert!(found.cures.iter().any(|cure| cure.settings == ["consumer.0.fan_out=true"]), "{found:#?}");
}

#[test]
fn a_reshard_that_comes_too_late_comes_before_the_load() {
    let toml = "stream = { shards = 2, transitions = 1 }\nload = { rate = \"2600/s\", duration = \"60s\", warm_up = \"0s\" }\n\
                records.size = \"200 B\"\nkeys = { distribution = \"uniform\", count = 10_000 }\n\
                [[event]]\nat = \"1s\"\nkind = \"update-shard-count\"\nshards = 4\n";
    let scenario = scenario(toml);
    let result = simulated(&scenario);
    let causes = diagnosed(&scenario, &result);
    let reshard = causes.iter().find(|cause| cause.cause == Cause::Reshard).unwrap_or_else(|| panic!("{causes:#?}"));
    assert_eq!(reshard.cures[0].settings, ["event=[]", "stream.shards=4"], "{reshard:#?}");
    assert_eq!(tried(reshard, toml, &result), 1);
}

#[test]
fn faults_of_the_scenario_are_its_own() {
    let toml = "stream.shards = 1\nload = { rate = \"100/s\", duration = \"10s\", warm_up = \"0s\" }\nrecords.size = \"200 B\"\n\
                [[fault]]\nkind = \"provisioned-throughput-exceeded\"\nfrom = \"2s\"\nuntil = \"4s\"\noperations = [\"PutRecords\"]\n";
    let (found, _) = first(toml);
    assert_eq!((found.cause, found.bound, found.cures.len()), (Cause::InjectedFault, None, 0), "{found:#?}");
}

#[test]
fn what_a_reshard_would_have_relieved_is_put_down_to_it() {
    let toml = "stream = { shards = 2, transitions = 1 }\nload = { rate = \"2600/s\", duration = \"20s\", warm_up = \"0s\" }\n\
                records.size = \"200 B\"\nkeys = { distribution = \"uniform\", count = 10_000 }\n";
    let scenario = scenario(toml);
    let mut result = simulated(&scenario);
    let record = |at, until: Option<u64>, reshards, problem: Option<&str>| EventRecord {
        at: Time::from_secs(at),
        until: until.map(Time::from_secs),
        label: "4 shards".to_owned(),
        problem: problem.map(str::to_owned),
        reshards,
        ..EventRecord::default()
    };
    result.measurement.events = vec![
        record(6, Some(9), true, None),
        record(12, Some(20), false, None),
        record(12, None, true, Some("refused")),
    ];
    let causes = diagnosed(&scenario, &result);
    let reshard = causes.iter().find(|cause| cause.cause == Cause::Reshard).unwrap();
    assert_eq!((reshard.window, reshard.seconds), ((6, 8), 6), "{reshard:#?}");
    let overload = causes.iter().find(|cause| cause.cause == Cause::Overload).unwrap();
    assert!(overload.window.0 < 6 && overload.window.1 > 12, "{overload:#?}");
}

#[test]
fn a_backlog_that_is_read_at_once_uses_up_the_bytes_and_not_the_calls() {
    let toml = "stream.shards = 1\nload = { rate = \"800/s\", duration = \"40s\", warm_up = \"0s\" }\nrecords.size = \"1000 B\"\n\
                [[consumer]]\nname = \"a\"\ntype = \"polling\"\ninterval = \"250ms\"\n\
                [[event]]\nat = \"8s\"\nkind = \"stop-consumer\"\nconsumer = \"a\"\n\
                [[event]]\nat = \"18s\"\nkind = \"start-consumer\"\nconsumer = \"a\"\n";
    let (found, tried) = first(toml);
    assert_eq!((found.cause, found.bound, tried), (Cause::SharedReads, Some(Limit::Bytes), 2), "{found:#?}");
    assert!(found.evidence.contains("In second 18 they read"), "{}", found.evidence);
    assert!(found.cures[0].settings[0].starts_with("consumer.0.limit="), "{found:#?}");
}
