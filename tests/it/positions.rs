//! Where consumers start to read: the five positions of GetShardIterator, by polling and by enhanced fan-out.

use aws_sdk_kinesis::primitives::Blob;
use streamgauge::engine::{Progress, Target};
use streamgauge::kinesis::{SequenceNumber, ShardId};
use streamgauge::measure::ConsumerRecord;
use tokio::sync::watch;

use crate::support::engine::{connected, run_with};
use crate::support::model::{measured, scenario};

/// A consumer that joins after 10 of 20 s, on a shard that takes 100 records a second.
fn joins(kind: &str, start: &str) -> ConsumerRecord {
    let toml = format!(
        r#"
        stream.shards = 1
        load = {{ rate = "100/s", duration = "20s", drain = "15s" }}
        records.size = "200 B"
        producer.linger = "1ms"
        [[consumer]]
        name = "late"
        type = "{kind}"
        start = {start}
        [[event]]
        at = "10s"
        kind = "start-consumer"
        consumer = "late"
        "#
    );
    let consumer = measured(&toml).consumers.remove(0);
    // What was accepted before it was there is not judged.
    assert_eq!(consumer.delivery.accepted + consumer.delivery.absent, 2_000);
    assert!(consumer.failed_calls.is_empty(), "{:?}", consumer.failed_calls);
    consumer
}

#[test]
fn every_starting_position_is_read_from() {
    for kind in ["polling", "efo"] {
        let delivered = |start: &str| joins(kind, start).lag.count;
        assert_eq!(delivered("\"trim-horizon\""), 2_000, "{kind}");
        // Half of the records, and what a subscription or an iterator takes to be there.
        let latest = delivered("\"latest\"");
        assert!((970..=1_000).contains(&latest), "{kind}: {latest}");
        // `ago` counts from the moment in which the consumer begins: four of the ten seconds before it, too.
        let ago = delivered("{ ago = \"4s\" }");
        assert!((1_395..=1_405).contains(&ago), "{kind}: {ago}");
        assert_eq!(delivered("{ ago = \"1h\" }"), 2_000, "{kind}: longer ago than there is a stream");
        // A simulation begins with the year 2026, and its load ten seconds later.
        assert_eq!(delivered("{ timestamp = \"2026-01-01T00:00:16Z\" }"), ago, "{kind}");
        assert_eq!(delivered("{ timestamp = \"2025-12-31T00:00:00Z\" }"), 2_000, "{kind}");
        // The 601st record of the shard, which comes in the seventh second.
        let epoch = 1_767_225_600;
        let number = SequenceNumber { shard_created: epoch, index: 601, arrived: epoch + 16, shard: ShardId(0) };
        let at = |position: &str| format!("{{ {position} = {{ shardId-000000000000 = \"{number}\" }} }}");
        assert_eq!(delivered(&at("at_sequence_number")), 1_400, "{kind}");
        assert_eq!(delivered(&at("after_sequence_number")), 1_399, "{kind}");
        let other = "{ at_sequence_number = { shardId-000000000007 = \"1\" } }";
        assert_eq!(delivered(other), 2_000, "{kind}: shards that are not named are read from TRIM_HORIZON");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_holds_records_is_read_from_where_the_scenario_says() {
    let connection = connected(&Target::Embedded).await;
    let client = &connection.client;
    client.create_stream().stream_name("filled").shard_count(1).send().await.unwrap();
    let mut numbers = Vec::new();
    for _ in 0..10 {
        let put = client.put_record().stream_name("filled").partition_key("k").data(Blob::new("of somebody else"));
        numbers.push(put.send().await.unwrap().sequence_number().to_owned());
    }
    let fifth = &numbers[4];
    // With how many of the ten records each of them starts.
    let starts = [
        ("\"trim-horizon\"".to_owned(), 10),
        ("\"latest\"".to_owned(), 0),
        ("{ ago = \"1h\" }".to_owned(), 10),
        ("{ ago = \"0s\" }".to_owned(), 0),
        ("{ timestamp = \"2020-01-01T00:00:00Z\" }".to_owned(), 10),
        (format!("{{ at_sequence_number = {{ shardId-000000000000 = \"{fifth}\" }} }}"), 6),
        (format!("{{ after_sequence_number = {{ shardId-000000000000 = \"{fifth}\" }} }}"), 5),
    ];
    let mut toml = "stream = { name = \"filled\", shards = 1 }\n\
                    load = { rate = \"100/s\", duration = \"1s\", drain = \"10m\" }\nproducer.timeout = \"10m\"\nrecords.size = \"100 B\"\n"
        .to_owned();
    for (number, (start, _)) in starts.iter().enumerate() {
        // A shard has five calls a second for those that poll.
        let kind = if number % 2 == 0 { "type = \"efo\"" } else { "type = \"polling\"\ninterval = \"1s\"" };
        toml += &format!("[[consumer]]\nname = \"c{number}\"\n{kind}\nstart = {start}\n");
    }
    let run = run_with(&connection, &scenario(&toml), watch::Sender::new(Progress::default())).await.unwrap();
    for (consumer, (start, before)) in run.measurement.consumers.iter().zip(&starts) {
        let check = &consumer.delivery;
        assert_eq!((check.delivered, check.lost, check.foreign), (100, 0, *before), "{start}: {check:?}");
    }
}
