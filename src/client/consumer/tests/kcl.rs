//! Workers that share the shards by leases.

use super::*;

fn kcl(workers: u32) -> ConsumerKind {
    ConsumerKind::Kcl {
        workers,
        idle_time: Duration::from_millis(1_500),
        limit: 10_000,
        failover_time: Duration::from_secs(10),
        fan_out: false,
    }
}

#[test]
fn the_shards_of_a_dead_worker_are_read_again_after_its_leases_have_run_out() {
    let mut consumer = begun(application(kcl(2)), 4);
    let first = calls(&mut consumer, ms(0));
    assert_eq!(first.len(), 4);
    for call in &first {
        consumer.handle_outcome(ms(1), ticket(call), ReadOutcome::Iterator("a"));
    }
    consumer.handle_interruption(ms(2), Interruption::KillWorker(1));
    let mut taken = Vec::new();
    while let Some(at) = consumer.poll_timeout().filter(|at| *at < Time::from_secs(60)) {
        for call in calls(&mut consumer, at) {
            match call {
                ReadCall::GetShardIterator { shard, ticket, .. } => {
                    taken.push((shard, at));
                    consumer.handle_outcome(at, ticket, ReadOutcome::Iterator("a"));
                }
                other => consumer.handle_outcome(at, ticket(&other), read("b", [])),
            }
        }
    }
    let shards: Vec<u32> = taken.iter().map(|(shard, _)| *shard).collect();
    assert_eq!(shards, [1, 3], "those of the second worker");
    // The lease is free 10 s after the death; the other worker looks every 20 s, and first after 10 s.
    assert!(taken.iter().all(|(_, at)| *at >= ms(10_002) && *at <= ms(30_000)), "{taken:?}");
    let counts = consumer.counts(Time::from_secs(60));
    assert_eq!((counts.leases.taken, counts.shards), (2, 4));
    assert!((30..80).contains(&counts.leases.renewals), "{}", counts.leases.renewals);
}

#[test]
fn the_library_reads_four_answers_ahead() {
    let slow =
        Processing { per_batch: ServiceTime::Constant { time: Duration::from_secs(60) }, ..Processing::default() };
    let mut consumer = begun(Application { processing: slow, ..application(kcl(1)) }, 1);
    let first = call(&mut consumer, ms(0));
    consumer.handle_outcome(ms(0), ticket(&first), ReadOutcome::Iterator("a"));
    let get = call(&mut consumer, ms(0));
    consumer.handle_outcome(ms(0), ticket(&get), read("b", [0]));
    let mut answers = 1;
    while let Some(at) = consumer.poll_timeout().filter(|at| *at < Time::from_secs(30)) {
        for call in calls(&mut consumer, at) {
            consumer.handle_outcome(at, ticket(&call), read("b", [answers]));
            answers += 1;
        }
    }
    assert_eq!(answers, 4);
}
