//! Consumers that stop, die and start again.

use super::*;

/// Reads ten records in two answers, checkpoints as told, and is killed at 300 ms and started at 1,000 ms; gives where it
/// reads on.
fn killed(checkpoint: Checkpoint) -> Start<u64> {
    let (mut consumer, ticket) = positioned(Application { checkpoint, ..application(POLLING) });
    calls(&mut consumer, ms(1));
    consumer.handle_outcome(ms(10), ticket, read("b", 0..5));
    calls(&mut consumer, ms(201));
    consumer.handle_outcome(ms(210), ticket, read("c", 5..10));
    assert_eq!(processed(&mut consumer), (0..10).collect::<Vec<_>>());
    consumer.handle_interruption(ms(300), Interruption::Kill);
    assert_eq!((calls(&mut consumer, ms(900)), consumer.is_running()), (vec![], false));
    consumer.handle_interruption(ms(1_000), Interruption::Start);
    let ReadCall::GetShardIterator { start, ticket: again, .. } = call(&mut consumer, ms(1_000)) else { panic!() };
    assert_ne!(again, ticket);
    // The answer to a call from before the end is not taken any more.
    consumer.handle_outcome(ms(1_001), ticket, read("x", 90..95));
    assert!(processed(&mut consumer).is_empty());
    start
}

#[test]
fn whoever_dies_goes_on_where_it_has_noted_to_be() {
    assert_eq!(killed(Checkpoint::EachBatch), Start::After(9));
    assert_eq!(killed(Checkpoint::Every(Duration::from_secs(1))), Start::TrimHorizon);
    // Noted with the first look after 200 ms, when five records were processed.
    assert_eq!(killed(Checkpoint::Every(Duration::from_millis(200))), Start::After(4));
    assert_eq!(killed(Checkpoint::Never), Start::TrimHorizon);
}

#[test]
fn a_stop_in_good_order_notes_what_is_processed_and_lets_the_batch_end() {
    let slow =
        Processing { per_record: ServiceTime::Constant { time: Duration::from_millis(10) }, ..Processing::default() };
    let rare = Checkpoint::Every(Duration::from_secs(100));
    let (mut consumer, ticket) = positioned(Application { processing: slow, checkpoint: rare, ..application(POLLING) });
    calls(&mut consumer, ms(1));
    consumer.handle_outcome(ms(10), ticket, read("b", 0..5));
    consumer.handle_interruption(ms(20), Interruption::Stop);
    calls(&mut consumer, ms(100));
    assert_eq!(processed(&mut consumer), [0, 1, 2, 3, 4]);
    consumer.handle_interruption(ms(500), Interruption::Start);
    let ReadCall::GetShardIterator { start, .. } = call(&mut consumer, ms(500)) else { panic!() };
    assert_eq!(start, Start::After(4));
}

#[test]
fn the_time_to_catch_up_ends_at_the_tip() {
    let (mut consumer, ticket) = positioned(application(POLLING));
    calls(&mut consumer, ms(1));
    consumer.handle_outcome(ms(10), ticket, read("b", 0..5));
    consumer.handle_interruption(ms(300), Interruption::Stop);
    consumer.handle_interruption(ms(1_000), Interruption::Start);
    let again = super::ticket(&call(&mut consumer, ms(1_000)));
    consumer.handle_outcome(ms(1_001), again, ReadOutcome::Iterator("c"));
    calls(&mut consumer, ms(1_001));
    let behind = Answer { behind: Duration::from_millis(500), ..answer(5..9) };
    consumer.handle_outcome(ms(1_010), again, ReadOutcome::Records { next: Some("d"), answer: behind });
    calls(&mut consumer, ms(1_201));
    consumer.handle_outcome(ms(1_210), again, read("e", 9..11));
    let outages = consumer.counts(ms(2_000)).outages;
    let outage = Outage { stopped: ms(300), started: Some(ms(1_000)), caught_up: Some(ms(1_210)) };
    assert_eq!(outages, [outage]);
}

/// A restart that finds 200 records, of which each takes 10 ms, and 100 more when it has processed them, and `then`.
fn caught_up(then: Option<u64>) -> Option<Time> {
    let slow =
        Processing { per_record: ServiceTime::Constant { time: Duration::from_millis(10) }, ..Processing::default() };
    let (mut consumer, ticket) = positioned(Application { processing: slow, ..application(POLLING) });
    calls(&mut consumer, ms(1));
    consumer.handle_outcome(ms(10), ticket, read("b", 0..5));
    calls(&mut consumer, ms(60));
    consumer.handle_interruption(ms(300), Interruption::Stop);
    consumer.handle_interruption(ms(1_000), Interruption::Start);
    let again = super::ticket(&call(&mut consumer, ms(1_000)));
    consumer.handle_outcome(ms(1_000), again, ReadOutcome::Iterator("c"));
    calls(&mut consumer, ms(1_000));
    consumer.handle_outcome(ms(1_000), again, read("d", 5..205));
    calls(&mut consumer, ms(3_000));
    if let Some(more) = then {
        consumer.handle_outcome(ms(3_000), again, read("e", 205..305));
        calls(&mut consumer, ms(4_000));
        consumer.handle_outcome(ms(4_000), again, read("f", 305..305 + more));
        calls(&mut consumer, ms(10_000));
    }
    consumer.counts(ms(10_000)).outages[0].caught_up
}

#[test]
fn whoever_takes_long_for_what_was_the_tip_has_not_caught_up() {
    assert_eq!(caught_up(Some(40)), Some(ms(4_000)), "what was the tip a second ago is near enough");
    assert_eq!(caught_up(None), Some(ms(3_000)), "nothing came after it");
}
