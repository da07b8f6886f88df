//! The emulator through the real AWS SDK over loopback: every operation, and what it refuses.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    ConsumerStatus, PutRecordsRequestEntry, ShardIteratorType, StartingPosition, StreamStatus,
    SubscribeToShardEventStream,
};
use streamgauge::engine::{Connection, Target};
use streamgauge::kinesis::Profile;

use crate::support::engine::connected_with;

const STREAM: &str = "orders";

async fn with_stream(shards: i32) -> Connection {
    with_profile(shards, &Profile::newest()).await
}

async fn with_profile(shards: i32, profile: &Profile) -> Connection {
    let connection = connected_with(&Target::Embedded, profile).await;
    connection.client.create_stream().stream_name(STREAM).shard_count(shards).send().await.unwrap();
    connection
}

fn code<E: ProvideErrorMetadata, R>(result: Result<impl Sized, SdkError<E, R>>) -> (String, String) {
    match result {
        Ok(_) => panic!("the call succeeded"),
        Err(error) => (error.code().unwrap_or_default().into(), error.message().unwrap_or_default().into()),
    }
}

fn entries(records: usize, bytes: usize) -> Vec<PutRecordsRequestEntry> {
    let entry = |n| {
        let data = Blob::new(format!("{n:0>bytes$}").into_bytes());
        PutRecordsRequestEntry::builder().partition_key(format!("key-{n}")).data(data).build().unwrap()
    };
    (0..records).map(entry).collect()
}

async fn iterator(client: &Client, shard: &str, kind: ShardIteratorType) -> String {
    let request = client.get_shard_iterator().stream_name(STREAM).shard_id(shard).shard_iterator_type(kind);
    request.send().await.unwrap().shard_iterator.unwrap()
}

#[tokio::test]
async fn a_stream_is_created_described_listed_and_deleted() {
    let connection = with_stream(4).await;
    let client = &connection.client;
    let summary = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
    let summary = summary.stream_description_summary.unwrap();
    assert_eq!((summary.stream_status, summary.open_shard_count), (StreamStatus::Active, 4));
    assert_eq!(summary.stream_arn, "arn:aws:kinesis:us-east-1:000000000000:stream/orders");

    let by_arn = client.describe_stream_summary().stream_arn(&summary.stream_arn).send().await.unwrap();
    assert_eq!(by_arn.stream_description_summary.unwrap().stream_name, STREAM);

    let first = client.list_shards().stream_name(STREAM).max_results(3).send().await.unwrap();
    let rest = client.list_shards().next_token(first.next_token.clone().unwrap()).send().await.unwrap();
    let ids: Vec<&str> = first.shards().iter().chain(rest.shards()).map(|shard| shard.shard_id()).collect();
    assert_eq!(ids, ["shardId-000000000000", "shardId-000000000001", "shardId-000000000002", "shardId-000000000003"]);
    assert_eq!(rest.next_token, None);
    let last = rest.shards()[0].hash_key_range().unwrap();
    assert_eq!(last.ending_hash_key(), u128::MAX.to_string());

    let again = client.create_stream().stream_name(STREAM).shard_count(1).send().await;
    let (kind, message) = code(again);
    assert_eq!(kind, "ResourceInUseException");
    assert_eq!(message, "Stream orders under account 000000000000 already exists.");

    client.delete_stream().stream_name(STREAM).send().await.unwrap();
    let (kind, message) = code(client.describe_stream_summary().stream_name(STREAM).send().await);
    assert_eq!(kind, "ResourceNotFoundException");
    assert_eq!(message, "Stream orders under account 000000000000 not found.");
}

#[tokio::test]
async fn records_come_back_byte_for_byte_and_in_order() {
    // Without the quota of five calls per second, a reader need not pause.
    let mut profile = Profile::newest();
    profile.read.calls_per_second = 1_000_000;
    let connection = with_profile(1, &profile).await;
    let client = &connection.client;
    let blob: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let put = client.put_record().stream_name(STREAM).partition_key("ключ").data(Blob::new(blob.clone()));
    let receipt = put.send().await.unwrap();
    let batch = client.put_records().stream_name(STREAM).set_records(Some(entries(500, 100))).send().await.unwrap();
    assert_eq!((batch.failed_record_count, batch.records().len()), (Some(0), 500));

    let mut token = Some(iterator(client, "shardId-000000000000", ShardIteratorType::TrimHorizon).await);
    let mut records = Vec::new();
    // Records become visible after a while, as on AWS: an empty answer is legal, the next one may have them.
    for _ in 0..10_000 {
        let answer = client.get_records().set_shard_iterator(token.take()).send().await.unwrap();
        records.extend_from_slice(answer.records());
        token = answer.next_shard_iterator;
        if records.len() == 501 {
            break;
        }
    }
    assert_eq!(records.len(), 501);
    assert_eq!(records[0].data().as_ref(), blob);
    assert_eq!(records[0].partition_key(), Some("ключ"));
    assert_eq!(records[0].sequence_number(), receipt.sequence_number);
    let numbers: Vec<&str> = records.iter().map(|record| record.sequence_number()).collect();
    assert!(numbers.is_sorted(), "sequence numbers of equal length grow as text");
    assert!(records[1..].iter().enumerate().all(|(n, r)| r.partition_key() == Some(&format!("key-{n}"))));
}

#[tokio::test]
async fn an_overload_is_refused_record_by_record_within_one_answer() {
    let mut profile = Profile::newest();
    profile.write.records_per_second = 1;
    let connection = with_profile(1, &profile).await;
    let mut failed = 0;
    let mut accepted = 0;
    for _ in 0..4 {
        let put = connection.client.put_records().stream_name(STREAM).set_records(Some(entries(500, 20)));
        let answer = put.send().await.unwrap();
        let refused: Vec<_> = answer.records().iter().filter(|record| record.error_code().is_some()).collect();
        assert_eq!(answer.failed_record_count, Some(refused.len() as i32));
        for record in &refused {
            assert_eq!(record.error_code(), Some("ProvisionedThroughputExceededException"));
            assert_eq!(
                record.error_message(),
                Some("Rate exceeded for shard shardId-000000000000 in stream orders under account 000000000000.")
            );
            assert_eq!((record.shard_id(), record.sequence_number()), (None, None));
        }
        failed += refused.len();
        accepted += 500 - refused.len();
    }
    // A burst of 1,000 and what refills meanwhile: how much depends on the machine, that there is a limit does not.
    assert!(accepted >= 1_000 && failed > 0, "accepted {accepted}, failed {failed}");
}

#[tokio::test]
async fn a_subscription_pushes_what_is_put() {
    // Nobody may take over the subscription, and no event comes of itself, however slow the machine is.
    let mut profile = Profile::newest();
    profile.fan_out.resubscribe_after = Duration::from_secs(3_600);
    profile.fan_out.idle_event = Duration::from_secs(3_600);
    let connection = with_profile(2, &profile).await;
    let client = &connection.client;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
    let consumer = client.register_stream_consumer().stream_arn(arn).consumer_name("alerts").send().await.unwrap();
    let consumer = consumer.consumer.unwrap();
    assert_eq!(consumer.consumer_status, ConsumerStatus::Active);
    let position = StartingPosition::builder().r#type(ShardIteratorType::Latest).build().unwrap();
    let subscribe = || {
        let request = client.subscribe_to_shard().consumer_arn(&consumer.consumer_arn).shard_id("shardId-000000000000");
        request.starting_position(position.clone()).send()
    };
    let mut subscription = subscribe().await.unwrap();
    let (kind, message) = code(subscribe().await);
    assert_eq!(kind, "ResourceInUseException");
    assert!(message.contains("Another active subscription exists for this consumer"), "{message}");

    let put = client.put_record().stream_name(STREAM).partition_key("k").explicit_hash_key("0");
    let receipt = put.data(Blob::new(b"hello".to_vec())).send().await.unwrap();
    let event = subscription.event_stream.recv().await.unwrap().unwrap();
    let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event else { panic!("another event") };
    assert_eq!(event.records()[0].data().as_ref(), b"hello");
    assert_eq!(event.continuation_sequence_number(), receipt.sequence_number);
    assert_eq!(event.millis_behind_latest(), 0);

    // A consumer that is removed ends its subscriptions with an error inside the stream.
    client.deregister_stream_consumer().consumer_arn(&consumer.consumer_arn).send().await.unwrap();
    let ended = subscription.event_stream.recv().await.unwrap_err();
    let ended = ended.into_service_error();
    assert!(ended.is_resource_not_found_exception(), "{ended:?}");
}

#[tokio::test]
async fn bad_requests_get_the_errors_of_aws() {
    let connection = with_stream(1).await;
    let client = &connection.client;
    let (kind, message) = code(client.create_stream().stream_name("a b").shard_count(1).send().await);
    assert_eq!(kind, "ValidationException");
    assert!(message.starts_with("1 validation error detected: Value 'a b' at 'streamName' failed"), "{message}");

    let (kind, _) = code(client.get_records().shard_iterator("AAAA").send().await);
    assert_eq!(kind, "InvalidArgumentException");

    let missing = client.put_record().stream_name("missing").partition_key("k").data(Blob::new(vec![1]));
    assert_eq!(code(missing.send().await).0, "ResourceNotFoundException");

    let shard = client.get_shard_iterator().stream_name(STREAM).shard_id("shardId-000000000009");
    let (kind, message) = code(shard.shard_iterator_type(ShardIteratorType::Latest).send().await);
    assert_eq!(kind, "ResourceNotFoundException");
    assert_eq!(message, "Shard shardId-000000000009 in stream orders under account 000000000000 does not exist");

    // The stream's own limit, 1 MiB with the partition key, and the largest one that any stream can have.
    let large = client.put_record().stream_name(STREAM).partition_key("k").data(Blob::new(vec![0; 1 << 20]));
    assert_eq!(code(large.send().await).0, "InvalidArgumentException");
    let large = client.put_record().stream_name(STREAM).partition_key("k").data(Blob::new(vec![0; (10 << 20) + 1]));
    assert_eq!(code(large.send().await).0, "ValidationException");

    let many = client.put_records().stream_name(STREAM).set_records(Some(entries(501, 1)));
    assert_eq!(code(many.send().await).0, "ValidationException");
}

#[tokio::test]
async fn six_calls_in_a_second_are_one_too_many() {
    let connection = with_stream(1).await;
    let client = &connection.client;
    let token = iterator(client, "shardId-000000000000", ShardIteratorType::Latest).await;
    // So many that no machine is too slow to exceed the quota.
    let calls = (0..200).map(|_| client.get_records().shard_iterator(&token).send());
    let answers = futures(calls).await;
    let throttled = answers.into_iter().filter(|answer| {
        answer.as_ref().err().and_then(ProvideErrorMetadata::code) == Some("ProvisionedThroughputExceededException")
    });
    assert!(throttled.count() > 0);
}

/// Runs all at once.
async fn futures<T: Send + 'static>(calls: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let mut set = tokio::task::JoinSet::new();
    calls.for_each(|call| drop(set.spawn(call)));
    set.join_all().await
}
