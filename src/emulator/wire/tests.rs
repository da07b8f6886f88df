//! Each request as clients write it, right and wrong.

mod answers;
mod hostile;
mod wording;

use base64_simd::STANDARD;
use bytes::Bytes;

use super::*;
use crate::emulator::tests::settings;
use crate::kinesis::{
    ConsumerName, CreateStream, Distribution, HashKey, IteratorToken, ListShards, Position, PutEntry, Resource,
    SequenceNumber, ShardFilter, ShardId, ShardMetric, StreamMode, Tags,
};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
const CONSUMER_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/billing:1763856000";
const NUMBER: &str = "49674026002850188218576229259473476449429298564223254594";

/// Reads a request of the 100th second.
fn read_as(format: Format, operation: &str, body: &[u8]) -> Result<Request, Fault> {
    let settings = settings();
    decode(operation.parse()?, format, body.to_vec(), Context { settings: &settings, now: Time::from_secs(100) })
}

fn read(operation: &str, body: impl AsRef<[u8]>) -> Result<Request, Fault> {
    read_as(Format::Json, operation, body.as_ref())
}

fn request(operation: &str, body: impl AsRef<[u8]>) -> Request {
    read(operation, body).unwrap()
}

fn refusal(operation: &str, body: impl AsRef<[u8]>) -> (String, String) {
    let fault = read(operation, body).unwrap_err();
    (fault.name.into_owned(), fault.message)
}

fn orders() -> String {
    "orders".to_owned()
}

fn billing(created: Option<u64>) -> ConsumerName {
    ConsumerName { stream: orders(), consumer: "billing".to_owned(), created }
}

#[test]
fn streams_are_created() {
    assert_eq!(
        request("CreateStream", r#"{"StreamName":"orders","ShardCount":4}"#),
        Request::CreateStream(CreateStream::provisioned("orders", 4))
    );
    let body = r#"{"StreamName":"orders","StreamModeDetails":{"StreamMode":"ON_DEMAND"},"Tags":{"a":"b"},
        "WarmThroughputMiBps":0,"MaxRecordSizeInKiB":10240,"RecordDistributionStrategy":"AUTO","StreamModeDetail":7}"#;
    let expected = CreateStream {
        tags: Tags::from([("a".to_owned(), "b".to_owned())]),
        warm_throughput: Some(0),
        max_record_kib: Some(10_240),
        distribution: Distribution::Auto,
        ..CreateStream::on_demand("orders")
    };
    assert_eq!(request("CreateStream", body), Request::CreateStream(expected));
}

#[test]
fn every_operation_takes_the_name_of_a_stream_its_arn_or_both() {
    let cases = [
        ("DeleteStream", "", Request::DeleteStream { stream: orders(), enforce_consumer_deletion: false }),
        ("DescribeStreamSummary", "", Request::DescribeStreamSummary { stream: orders() }),
        ("DescribeStream", r#","Limit":9000"#, Request::DescribeStream { stream: orders(), limit: 100, after: None }),
        (
            "UpdateShardCount",
            r#","TargetShardCount":7,"ScalingType":"UNIFORM_SCALING""#,
            Request::UpdateShardCount { stream: orders(), target: 7 },
        ),
        (
            "UpdateStreamMode",
            r#","StreamModeDetails":{"StreamMode":"ON_DEMAND"}"#,
            Request::UpdateStreamMode { stream: orders(), mode: StreamMode::OnDemand, warm_throughput: None },
        ),
        (
            "UpdateStreamWarmThroughput",
            r#","WarmThroughputMiBps":100"#,
            Request::UpdateStreamWarmThroughput { stream: orders(), warm_throughput: 100 },
        ),
        (
            "UpdateMaxRecordSize",
            r#","MaxRecordSizeInKiB":2048"#,
            Request::UpdateMaxRecordSize { stream: orders(), max_record_kib: 2048 },
        ),
        (
            "UpdateStreamRecordDistributionStrategy",
            r#","RecordDistributionStrategy":"AUTO""#,
            Request::UpdateStreamRecordDistributionStrategy { stream: orders(), distribution: Distribution::Auto },
        ),
        (
            "IncreaseStreamRetentionPeriod",
            r#","RetentionPeriodHours":-3"#,
            Request::IncreaseStreamRetentionPeriod { stream: orders(), hours: -3 },
        ),
        (
            "DecreaseStreamRetentionPeriod",
            r#","RetentionPeriodHours":24"#,
            Request::DecreaseStreamRetentionPeriod { stream: orders(), hours: 24 },
        ),
        (
            "EnableEnhancedMonitoring",
            r#","ShardLevelMetrics":["ALL"]"#,
            Request::EnableEnhancedMonitoring { stream: orders(), metrics: ShardMetric::ALL.to_vec() },
        ),
        (
            "DisableEnhancedMonitoring",
            r#","ShardLevelMetrics":["OutgoingBytes","IncomingBytes","OutgoingBytes"]"#,
            Request::DisableEnhancedMonitoring {
                stream: orders(),
                metrics: vec![ShardMetric::IncomingBytes, ShardMetric::OutgoingBytes],
            },
        ),
        (
            "StartStreamEncryption",
            r#","EncryptionType":"KMS","KeyId":"alias/aws/kinesis""#,
            Request::StartStreamEncryption { stream: orders(), key: "alias/aws/kinesis".to_owned() },
        ),
        (
            "StopStreamEncryption",
            r#","EncryptionType":"KMS","KeyId":"alias/aws/kinesis""#,
            Request::StopStreamEncryption { stream: orders() },
        ),
        (
            "AddTagsToStream",
            r#","Tags":{"a":"b"}"#,
            Request::AddTagsToStream { stream: orders(), tags: Tags::from([("a".to_owned(), "b".to_owned())]) },
        ),
        (
            "RemoveTagsFromStream",
            r#","TagKeys":["a"]"#,
            Request::RemoveTagsFromStream { stream: orders(), keys: vec!["a".to_owned()] },
        ),
        (
            "ListTagsForStream",
            r#","ExclusiveStartTagKey":"a""#,
            Request::ListTagsForStream { stream: orders(), limit: 50, after: Some("a".to_owned()) },
        ),
        (
            "SplitShard",
            r#","ShardToSplit":"shard-3","NewStartingHashKey":"12""#,
            Request::SplitShard { stream: orders(), shard: ShardId(3), new_starting_hash_key: HashKey(12) },
        ),
        (
            "MergeShards",
            r#","ShardToMerge":"shard-3","AdjacentShardToMerge":"shardId-000000000004""#,
            Request::MergeShards { stream: orders(), shard: ShardId(3), adjacent: ShardId(4) },
        ),
    ];
    for (operation, rest, expected) in cases {
        let named = [
            format!(r#"{{"StreamARN":"{ARN}"{rest}}}"#),
            format!(r#"{{"StreamName":"orders","StreamARN":"{ARN}","StreamId":"abcdefghij0123456789-abc"{rest}}}"#),
        ];
        for body in named {
            assert_eq!(read(operation, &body).as_ref(), Ok(&expected), "{operation}");
        }
        let differs = format!(r#"{{"StreamName":"other","StreamARN":"{ARN}"{rest}}}"#);
        let takes_names = !operation.starts_with("UpdateMax") && !operation.ends_with("Mode");
        if takes_names && !operation.ends_with("Strategy") {
            assert_eq!(request(operation, format!(r#"{{"StreamName":"orders"{rest}}}"#)), expected);
            let expected = "StreamName and StreamARN must name the same stream.";
            assert_eq!(refusal(operation, differs), ("InvalidArgumentException".to_owned(), expected.to_owned()));
            let only_id = format!(r#"{{"StreamId":"abcdefghij0123456789-abc"{rest}}}"#);
            assert!(refusal(operation, only_id).1.starts_with("StreamId is reserved"), "{operation}");
            let neither = format!("{{{}}}", rest.trim_start_matches(','));
            assert_eq!(refusal(operation, neither).1, "Either StreamName or StreamARN must be given.");
        }
    }
}

#[test]
fn shards_are_listed() {
    let list = |filter, after, limit| {
        Request::ListShards(ListShards { stream: orders(), created: None, filter, after, limit })
    };
    let all = ShardFilter::FromTrimHorizon;
    assert_eq!(request("ListShards", r#"{"StreamName":"orders"}"#), list(all, None, 1000));
    let body = r#"{"StreamName":"orders","MaxResults":7,"ExclusiveStartShardId":"shard-3"}"#;
    assert_eq!(request("ListShards", body), list(all, Some(ShardId(3)), 7));
    let at = Time::from_millis(99_250);
    let filters = [
        (r#""Type":"AFTER_SHARD_ID","ShardId":"shardId-000000000001""#, ShardFilter::AfterShardId(ShardId(1))),
        (r#""Type":"AT_TRIM_HORIZON""#, ShardFilter::AtTrimHorizon),
        (r#""Type":"FROM_TRIM_HORIZON""#, all),
        (r#""Type":"AT_LATEST""#, ShardFilter::AtLatest),
        (r#""Type":"AT_TIMESTAMP","Timestamp":1763856099.25"#, ShardFilter::AtTimestamp(at)),
        (r#""Type":"FROM_TIMESTAMP","Timestamp":1763856099.25"#, ShardFilter::FromTimestamp(at)),
    ];
    for (written, filter) in filters {
        let body = format!(r#"{{"StreamName":"orders","ShardFilter":{{{written}}},"MaxResults":10000}}"#);
        assert_eq!(request("ListShards", body), list(filter, None, 1000));
    }
    for needy in ["AFTER_SHARD_ID", "AT_TIMESTAMP", "FROM_TIMESTAMP"] {
        let body = format!(r#"{{"StreamName":"orders","ShardFilter":{{"Type":"{needy}"}}}}"#);
        assert!(refusal("ListShards", body).1.starts_with("A ShardFilter of type"));
    }
}

#[test]
fn a_next_token_carries_the_listing_and_excludes_what_would_ask_again() {
    let (filter, issued) = (ShardFilter::AtLatest, Time::from_secs(90));
    let page = token::ShardToken { stream: orders(), filter, after: ShardId(9), issued };
    let next = token::encode_shards(&page);
    let expected =
        Request::ListShards(ListShards { stream: orders(), created: None, filter, after: Some(ShardId(9)), limit: 5 });
    for rest in [String::new(), format!(r#","StreamARN":"{ARN}""#)] {
        let body = format!(r#"{{"NextToken":"{next}","MaxResults":5{rest}}}"#);
        assert_eq!(request("ListShards", body), expected);
    }
    for (member, value) in [
        ("StreamName", r#""orders""#),
        ("ExclusiveStartShardId", r#""shardId-000000000000""#),
        ("StreamCreationTimestamp", "1763856000"),
    ] {
        let (name, message) = refusal("ListShards", format!(r#"{{"NextToken":"{next}","{member}":{value}}}"#));
        assert_eq!(name, "InvalidArgumentException");
        assert_eq!(message, format!("NextToken and {member} cannot be provided together."));
    }
    assert_eq!(refusal("ListShards", "{}").1, "Either NextToken or StreamName should be provided.");
    assert_eq!(refusal("ListShards", r#"{"NextToken":"AAAA"}"#).0, "InvalidArgumentException");

    let settings = settings();
    let body = format!(r#"{{"NextToken":"{next}"}}"#);
    let at = |now| {
        let context = Context { settings: &settings, now };
        decode(Target::Served(Operation::ListShards), Format::Json, body.clone().into_bytes(), context)
    };
    assert!(at(Time::from_secs(389)).is_ok());
    assert_eq!(at(Time::from_secs(390)).unwrap_err().name, "ExpiredNextTokenException");
}

#[test]
fn streams_and_consumers_are_listed() {
    assert_eq!(request("ListStreams", "{}"), Request::ListStreams { limit: 100, after: None });
    let body = r#"{"Limit":10000,"ExclusiveStartStreamName":"a"}"#;
    assert_eq!(request("ListStreams", body), Request::ListStreams { limit: 10_000, after: Some("a".to_owned()) });
    let token = |stream: &str| token::NameToken {
        stream: stream.to_owned(),
        after: "b".to_owned(),
        issued: Time::from_secs(99),
    };
    let next = token::encode_streams(&token(""));
    let expected = Request::ListStreams { limit: 100, after: Some("b".to_owned()) };
    assert_eq!(request("ListStreams", format!(r#"{{"NextToken":"{next}"}}"#)), expected);
    let both = format!(r#"{{"NextToken":"{next}","ExclusiveStartStreamName":"a"}}"#);
    assert_eq!(refusal("ListStreams", both).1, "NextToken and ExclusiveStartStreamName cannot be provided together.");

    let list = |created, after: Option<&str>| Request::ListStreamConsumers {
        stream: orders(),
        created,
        limit: 100,
        after: after.map(str::to_owned),
    };
    let body = format!(r#"{{"StreamARN":"{ARN}","StreamCreationTimestamp":1763856001}}"#);
    assert_eq!(request("ListStreamConsumers", body), list(Some(Time::from_secs(1)), None));
    let next = token::encode_consumers(&token("orders"));
    let body = format!(r#"{{"StreamARN":"{ARN}","NextToken":"{next}"}}"#);
    assert_eq!(request("ListStreamConsumers", body), list(None, Some("b")));
    let other = token::encode_consumers(&token("other"));
    let body = format!(r#"{{"StreamARN":"{ARN}","NextToken":"{other}"}}"#);
    assert_eq!(refusal("ListStreamConsumers", body).1, "Invalid NextToken.");
}

#[test]
fn puts_are_read() {
    let body = format!(
        r#"{{"StreamName":"orders","Data":"aGVsbG8=","PartitionKey":"a\"b","ExplicitHashKey":"12",
        "SequenceNumberForOrdering":"{NUMBER}"}}"#
    );
    let entry = PutEntry {
        data: Bytes::from_static(b"hello"),
        padding: 0,
        partition_key: Bytes::from_static(b"a\"b"),
        explicit_hash_key: Some(HashKey(12)),
    };
    let after = Some(NUMBER.parse().unwrap());
    let expected = Request::PutRecord { stream: orders(), entry, after };
    assert_eq!(request("PutRecord", &body), expected);
    assert_eq!(request("PutRecord", body.replace("a\\\"b", "a\\u0022b")), expected);

    let body = r#"{"StreamName":"orders","Records":[{"Data":"AAE=","PartitionKey":"k"},
        {"PartitionKey":"empty","Data":""},{"PartitionKey":"l","Data":"/w==","Unknown":{}},{"Data":""}]}"#;
    let entry = |key: &str, data: &[u8]| PutEntry {
        data: Bytes::copy_from_slice(data),
        padding: 0,
        partition_key: Bytes::copy_from_slice(key.as_bytes()),
        explicit_hash_key: None,
    };
    let entries = vec![entry("k", &[0, 1]), entry("empty", &[]), entry("l", &[255]), entry("", &[])];
    assert_eq!(request("PutRecords", body), Request::PutRecords { stream: orders(), entries: entries.clone() });

    let cbor = b"\xa2\x6aStreamName\x66orders\x67Records\x84\xa2\x64Data\x42\x00\x01\x6cPartitionKey\x61k\
        \xa2\x64Data\x40\x6cPartitionKey\x65empty\xa2\x64Data\x41\xff\x6cPartitionKey\x61l\xa1\x64Data\x40";
    assert_eq!(read_as(Format::Cbor, "PutRecords", cbor), Ok(Request::PutRecords { stream: orders(), entries }));
}

#[test]
fn reads_are_read() {
    let body = |rest: &str| format!(r#"{{"StreamName":"orders","ShardId":"shardId-000000000003",{rest}}}"#);
    let position = |rest: &str| match request("GetShardIterator", body(rest)) {
        Request::GetShardIterator { shard: ShardId(3), position, .. } => position,
        other => panic!("{other:?}"),
    };
    let number: SequenceNumber = NUMBER.parse().unwrap();
    assert_eq!(position(r#""ShardIteratorType":"LATEST""#), Position::Latest);
    assert_eq!(position(r#""ShardIteratorType":"TRIM_HORIZON""#), Position::TrimHorizon);
    let at = format!(r#""ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"{NUMBER}""#);
    assert_eq!(position(&at), Position::AtSequenceNumber(number));
    // The service began at 1763856000.
    let at = r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":1763856099.25"#;
    assert_eq!(position(at), Position::AtTimestamp(Time::from_millis(99_250)));
    let at = r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":5"#;
    assert_eq!(position(at), Position::AtTimestamp(Time::ZERO));

    let mut cbor = b"\xbf\x6aStreamName\x66orders\x67ShardId\x67shard-3\x71ShardIteratorType\x6cAT_TIMESTAMP".to_vec();
    cbor.extend_from_slice(b"\x69Timestamp\xc1\x1b");
    cbor.extend_from_slice(&1_763_856_099_250u64.to_be_bytes());
    cbor.push(0xff);
    let Ok(Request::GetShardIterator { position, .. }) = read_as(Format::Cbor, "GetShardIterator", &cbor) else {
        panic!()
    };
    assert_eq!(position, Position::AtTimestamp(Time::from_millis(99_250)));

    let (issued, shard) = (Time::from_secs(9), ShardId(3));
    let iterator = IteratorToken { stream: orders(), shard, offset: 5, reader: 1, serial: 2, issued };
    let text = token::encode_iterator(&iterator);
    assert_eq!(
        request("GetRecords", format!(r#"{{"ShardIterator":"{text}"}}"#)),
        Request::GetRecords { iterator: iterator.clone(), limit: 10_000 }
    );
    let body = format!(r#"{{"ShardIterator":"\"{text}\"","Limit":3.9,"StreamARN":"{ARN}"}}"#);
    assert_eq!(request("GetRecords", body), Request::GetRecords { iterator, limit: 3 });
}

#[test]
fn consumers_are_named_by_their_arn_or_by_stream_and_name() {
    assert_eq!(
        request(
            "RegisterStreamConsumer",
            format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"billing","Tags":{{"a":""}}}}"#)
        ),
        Request::RegisterStreamConsumer {
            stream: orders(),
            consumer: "billing".to_owned(),
            tags: Tags::from([("a".to_owned(), String::new())])
        }
    );
    let by_arn = format!(r#"{{"ConsumerARN":"{CONSUMER_ARN}"}}"#);
    let created = Some(1_763_856_000);
    assert_eq!(request("DescribeStreamConsumer", by_arn), Request::DescribeStreamConsumer(billing(created)));
    let by_name = format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"billing"}}"#);
    assert_eq!(request("DeregisterStreamConsumer", by_name), Request::DeregisterStreamConsumer(billing(None)));
    let both = format!(r#"{{"ConsumerARN":"{CONSUMER_ARN}","ConsumerName":"other"}}"#);
    assert!(refusal("DescribeStreamConsumer", both).1.ends_with("must name the same consumer."));

    let body = format!(
        r#"{{"ConsumerARN":"{CONSUMER_ARN}","ShardId":"shardId-000000000000",
           "StartingPosition":{{"Type":"AFTER_SEQUENCE_NUMBER","SequenceNumber":"{NUMBER}"}}}}"#
    );
    let position = Position::AfterSequenceNumber(NUMBER.parse().unwrap());
    assert_eq!(
        request("SubscribeToShard", body),
        Request::SubscribeToShard { consumer: billing(created), shard: ShardId(0), position }
    );
}

#[test]
fn tags_and_policies_belong_to_streams_and_consumers() {
    let stream = Resource::Stream(orders());
    let consumer = Resource::Consumer(billing(Some(1_763_856_000)));
    assert_eq!(
        request("TagResource", format!(r#"{{"ResourceARN":"{ARN}","Tags":{{"a":"b"}}}}"#)),
        Request::TagResource { resource: stream.clone(), tags: Tags::from([("a".to_owned(), "b".to_owned())]) }
    );
    assert_eq!(
        request("UntagResource", format!(r#"{{"ResourceARN":"{CONSUMER_ARN}","TagKeys":["a"]}}"#)),
        Request::UntagResource { resource: consumer.clone(), keys: vec!["a".to_owned()] }
    );
    let by_arn = |arn: &str| format!(r#"{{"ResourceARN":"{arn}","Policy":"{{}}"}}"#);
    assert_eq!(request("ListTagsForResource", by_arn(ARN)), Request::ListTagsForResource { resource: stream.clone() });
    assert_eq!(
        request("PutResourcePolicy", by_arn(CONSUMER_ARN)),
        Request::PutResourcePolicy { resource: consumer, policy: "{}".to_owned() }
    );
    assert_eq!(request("GetResourcePolicy", by_arn(ARN)), Request::GetResourcePolicy { resource: stream.clone() });
    assert_eq!(request("DeleteResourcePolicy", by_arn(ARN)), Request::DeleteResourcePolicy { resource: stream });
    let queue = ARN.replace("stream/orders", "queue/orders");
    assert_eq!(refusal("GetResourcePolicy", by_arn(&queue)).0, "UnsupportedOperationException");
    let nonsense = format!("{ARN}/nonsense");
    assert_eq!(refusal("GetResourcePolicy", by_arn(&nonsense)).1, "Invalid ResourceARN.");
}

#[test]
fn requests_about_the_account_are_read() {
    assert_eq!(request("DescribeLimits", "{}"), Request::DescribeLimits);
    assert_eq!(request("DescribeAccountSettings", "{}"), Request::DescribeAccountSettings);
    let body = r#"{"MinimumThroughputBillingCommitment":{"Status":"ENABLED"}}"#;
    let expected = Request::UpdateAccountSettings { minimum_throughput_billing_commitment: true };
    assert_eq!(request("UpdateAccountSettings", body), expected);
}

#[test]
fn queues_and_channels_are_checked_and_then_refused_for_good() {
    let (name, message) = refusal("CreateQueue", r#"{"QueueName":"q"}"#);
    assert_eq!(name, "ValidationException");
    assert!(message.contains("Value null at 'streamConfigurationList'"), "{message}");
    let body = format!(r#"{{"QueueName":"q","StreamConfigurationList":[{{"StreamARN":"{ARN}"}}]}}"#);
    let fault = read("CreateQueue", body).unwrap_err();
    assert_eq!((fault.status.as_u16(), fault.name.as_ref()), (400, "UnsupportedOperationException"));
    assert!(fault.message.starts_with("CreateQueue is not emulated"), "{}", fault.message);
    for name in Target::NOT_EMULATED {
        assert!(model::model().input(name).is_some(), "{name}");
    }
}

#[test]
fn a_dry_run_puts_nothing() {
    let body = r#"{"StreamName":"orders","Data":"","PartitionKey":"k","DryRun":true}"#;
    assert_eq!(refusal("PutRecord", body).0, "DryRunOperationException");
}

#[test]
fn records_stay_in_the_memory_of_their_request() {
    let entry = format!(r#"{{"Data":"{}","PartitionKey":"key"}}"#, STANDARD.encode_to_string([7; 1024]));
    let body = format!(r#"{{"StreamName":"orders","Records":[{}]}}"#, vec![entry; 500].join(",")).into_bytes();
    let memory = body.as_ptr_range();
    let settings = settings();
    let context = Context { settings: &settings, now: Time::ZERO };
    let request = decode(Target::Served(Operation::PutRecords), Format::Json, body, context).unwrap();
    let Request::PutRecords { entries, .. } = request else { panic!() };
    assert_eq!(entries.len(), 500);
    for entry in entries {
        assert_eq!((&entry.data[..], &entry.partition_key[..]), (&[7; 1024][..], &b"key"[..]));
        for part in [entry.data, entry.partition_key] {
            assert!(memory.contains(&part.as_ptr()));
        }
    }
}
