//! The generator stands still for 500 ms: the pacer, what waits, the producer and its recorder in virtual time, as the session joins
//! them.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use super::super::pacer::Pacer;
use super::super::sdk::Sdk;
use super::*;
use crate::client::{CallId, EntryOutcome, ListedShard, Part, ShardMap, Start};
use crate::kinesis::{HashKeyRange, Profile};
use crate::measure::{Ending, ProcessRecord, PutRecording, RecordSet};
use crate::run::{Action, Run, Setup};
use crate::scenario;

const MILLI: Duration = Duration::from_millis(1);
/// How long the service takes.
const SERVICE: Duration = Duration::from_millis(10);

/// 2,000 records a second for 4 s. From the second second on, nothing happens for half a second: time passes, and nobody is there. With
/// `by_target`, the service stands still instead. Gives what was recorded, and why the run was given up.
fn stalled(overload: &str, by_target: bool) -> (PutRecording, Option<String>) {
    let toml = format!(
        r#"
        stream.shards = 4
        load = {{ rate = "2000/s", duration = "4s", warm_up = "0s", {overload} }}
        records.size = "100 B"
        producer = {{ linger = "0s", batch_records = 100, max_in_flight = 20 }}
        "#
    );
    let profile = Profile::newest();
    let scenario = match scenario::parse(Path::new("stall.toml"), &toml, &[], &profile) {
        Ok(scenario) => scenario,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    };
    let listed = HashKeyRange::initial(4).into_iter().enumerate();
    let listed = listed.map(|(id, range)| ListedShard { id: id.to_string(), range, parents: Vec::new(), open: true });
    let (mut run, _) = Run::<Sdk>::new(Setup {
        scenario: &scenario,
        profile: &profile,
        stream: "stream".to_owned(),
        shards: ShardMap::new(listed.collect()),
        number: 1,
        part: Part::WHOLE,
        default_start: Start::TrimHorizon,
    });
    let catch_up = scenario.load.overload.catch_up();
    let mut pacer = Pacer::new(run.workload().schedule().clone(), run.workload().count(), catch_up);
    let mut backlog = Backlog::default();
    let mut answers: VecDeque<(Time, Time, CallId, usize)> = VecDeque::new();
    let stall = Time::from_secs(1)..Time::from_millis(1_500);
    let mut now = Time::ZERO;
    while now < Time::from_secs(20) && run.is_offering() {
        if !by_target && stall.contains(&now) {
            now = stall.end;
        }
        let indifferent_until = run.indifferent_until().or(pacer.next_due()).unwrap_or(now);
        let release = pacer.release(indifferent_until, now);
        backlog.handle_release(release, |until, index, due| run.admit(now, until, index, due));
        while let Some((index, due)) = backlog.next(1) {
            run.admit(now, Time::ZERO, index, due);
        }
        while let Some((_, sent, id, entries)) = answers.pop_front_if(|answer| answer.0 <= now) {
            let accepted = EntryOutcome::Accepted { shard: Some(0), sequence: None };
            run.handle_put(now, sent, id, Ok(vec![accepted; entries]));
        }
        run.handle_timeout(now);
        while let Some(action) = run.poll_action(now) {
            let Action::Put(call) = action else { panic!("only records are put: {action:?}") };
            let stands = by_target && stall.contains(&now);
            answers.push_back((if stands { stall.end } else { now } + SERVICE, now, call.id, call.entries.len()));
        }
        run.record(usize::MAX);
        run.prepare(usize::MAX);
        now = now + MILLI;
    }
    let aborted = match run.ending() {
        Ending::Aborted { reason } => Some(reason.clone()),
        _ => None,
    };
    let (recording, _) = run.finish(now, ProcessRecord::default());
    let stream = recording.streams.into_iter().next();
    (stream.expect("a run has a stream").put, aborted)
}

#[test]
fn a_backlog_that_is_sent_is_sent_whole_and_its_wait_is_measured() {
    let (put, aborted) = stalled("overload = \"send\"", false);
    let counters = put.counters;
    assert!(counters.balance() && aborted.is_none(), "{counters:?}");
    assert_eq!((counters.offered, counters.accepted), (8_000, 8_000));
    let summary = |name: &str| put.logs[name].total().summary();
    // Somebody was there at 999 ms. The next record was due at 999.5 ms, and is acknowledged 10 ms after the end of the stall.
    assert_eq!(summary("response").max, Some(510_500_000));
    assert_eq!(summary("lateness").max, Some(500_500_000), "the wait is the generator's own");
    // Those of the stall, and no others, waited for more than the service: 999 were due a millisecond before its end or earlier.
    let response = put.logs["response"].total();
    assert!(response.quantile(0.87).is_some_and(|nanos| nanos <= 11_000_000), "{:?}", response.summary());
    assert!(response.quantile(0.88).is_some_and(|nanos| nanos > 11_000_000), "{:?}", response.summary());
}

/// The records that were not accepted.
fn missing(put: &PutRecording) -> Vec<u64> {
    let mut all = RecordSet::default();
    (0..8_000).for_each(|index| _ = all.insert(index));
    all.without(&put.ledger.accepted).collect()
}

#[test]
fn what_is_beyond_the_promise_is_dropped() {
    let (put, aborted) = stalled("overload = \"drop\", catch_up = 400", false);
    let counters = put.counters;
    assert!(counters.balance() && aborted.is_none(), "{counters:?}");
    // From 999.5 ms to 1.5 s, both included, 1,002 records are due. 400 of them may wait, the first among them.
    assert_eq!((counters.offered, counters.accepted, counters.abandoned), (8_000, 7_398, 602));
    assert_eq!(missing(&put), (2_000..2_602).collect::<Vec<_>>(), "the oldest but the first");
    let response = put.logs["response"].total();
    assert_eq!(response.summary().max, Some(510_500_000), "{:?}", response.summary());
}

#[test]
fn a_run_whose_backlog_is_beyond_the_promise_is_given_up() {
    let (put, aborted) = stalled("overload = \"abort\", catch_up = 400", false);
    let counters = put.counters;
    assert!(aborted.is_some_and(|reason| reason.contains("load.catch_up")), "{counters:?}");
    assert!(counters.balance(), "{counters:?}");
    assert!((2_000..=2_001).contains(&counters.offered), "what came before the stall: {counters:?}");
    let (put, aborted) = stalled("overload = \"abort\", catch_up = 1_100", false);
    assert_eq!((aborted, put.counters.accepted), (None, 8_000), "the promise holds all of it");
}

#[test]
fn a_target_that_stands_still_meets_the_same_rule() {
    let (put, _) = stalled("overload = \"send\"", true);
    let counters = put.counters;
    assert_eq!((counters.offered, counters.accepted), (8_000, 8_000));
    assert_eq!(put.logs["response"].total().summary().max, Some(510_500_000));
    assert!(put.logs["lateness"].total().summary().max < Some(2_000_000), "the generator is not late");
    let (put, _) = stalled("overload = \"drop\", catch_up = 400", true);
    let counters = put.counters;
    assert!(counters.balance() && counters.offered == 8_000, "{counters:?}");
    // Twenty calls are under way, with what each found; 400 records wait; the rest is given up.
    assert!(counters.abandoned > 400 && counters.accepted + counters.abandoned == 8_000, "{counters:?}");
    let missing = missing(&put);
    assert!(missing.windows(2).all(|pair| pair[1] == pair[0] + 1), "{missing:?}");
    // What waits keeps its place, and what comes then is given up, until the calls that go out after the stall are answered.
    assert!(missing.last().is_some_and(|last| (2_999..3_030).contains(last)), "{missing:?}");
}

#[test]
fn what_waits_goes_on_waiting_when_nothing_more_comes() {
    let mut backlog = Backlog::default();
    backlog.extend(3..5);
    backlog.extend(0..0);
    assert_eq!((backlog.next(1), backlog.next(1), backlog.next(1)), (Some((3, 2)), Some((4, 1)), None));
}
