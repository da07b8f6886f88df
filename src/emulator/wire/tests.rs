//! Each request as clients write it, right and wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::emulator::tests::settings;
use crate::emulator::token;
use crate::kinesis::{HashKey, IteratorToken, Position, PutEntry, SequenceNumber, StreamMode};

const OPERATIONS: [&str; 13] = [
    "CreateStream",
    "DeleteStream",
    "DescribeStream",
    "DescribeStreamSummary",
    "ListShards",
    "PutRecord",
    "PutRecords",
    "GetShardIterator",
    "GetRecords",
    "RegisterStreamConsumer",
    "DescribeStreamConsumer",
    "DeregisterStreamConsumer",
    "SubscribeToShard",
];
const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
const CONSUMER_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/billing:1763856000";
const NUMBER: &str = "49674026002850188218576229259473476449429298564223254594";

fn read(operation: &str, body: impl AsRef<[u8]>) -> Result<Decoded, Fault> {
    let settings = settings();
    decode(operation.parse()?, body.as_ref(), Context { settings: &settings, now: Time::from_secs(100) })
}

fn request(operation: &str, body: impl AsRef<[u8]>) -> Request {
    match read(operation, body) {
        Ok(Decoded::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn refusal(operation: &str, body: impl AsRef<[u8]>) -> (String, String) {
    let fault = read(operation, body).unwrap_err();
    (fault.name.into_owned(), fault.message)
}

fn orders() -> String {
    "orders".to_owned()
}

#[test]
fn requests_about_streams_are_read() {
    assert_eq!(
        request("CreateStream", r#"{"StreamName":"orders","ShardCount":4,"Tags":{"a":"b"}}"#),
        Request::CreateStream { stream: orders(), shards: Some(4), mode: StreamMode::Provisioned }
    );
    assert_eq!(
        request("CreateStream", r#"{"StreamName":"orders","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}"#),
        Request::CreateStream { stream: orders(), shards: None, mode: StreamMode::OnDemand }
    );
    assert_eq!(
        request("DeleteStream", format!(r#"{{"StreamARN":"{ARN}","EnforceConsumerDeletion":true}}"#)),
        Request::DeleteStream { stream: orders(), enforce_consumer_deletion: true }
    );
    assert_eq!(
        request("DescribeStreamSummary", format!(r#"{{"StreamARN":"{ARN}","StreamName":"orders"}}"#)),
        Request::DescribeStreamSummary { stream: orders() }
    );
    assert_eq!(
        read("DescribeStream", r#"{"StreamName":"orders","ExclusiveStartShardId":"shardId-000000000002"}"#),
        Ok(Decoded::DescribeStream { stream: orders(), limit: 100, after: Some(ShardId(2)) })
    );
}

#[test]
fn listings_of_shards_are_read() {
    let expected = |max_results, after| Ok(Decoded::ListShards { stream: orders(), max_results, after });
    assert_eq!(read("ListShards", r#"{"StreamName":"orders"}"#), expected(1000, None));
    let body = r#"{"StreamName":"orders","MaxResults":7,"ExclusiveStartShardId":"shard-3"}"#;
    assert_eq!(read("ListShards", body), expected(7, Some(ShardId(3))));
    let body = r#"{"StreamName":"orders","ShardFilter":{"Type":"AFTER_SHARD_ID","ShardId":"shardId-000000000001"}}"#;
    assert_eq!(read("ListShards", body), expected(1000, Some(ShardId(1))));

    let next = token::encode_shard_list(&token::ShardListToken { stream: orders(), after: ShardId(9) });
    assert_eq!(read("ListShards", format!(r#"{{"NextToken":"{next}"}}"#)), expected(1000, Some(ShardId(9))));
    let (_, message) = refusal("ListShards", format!(r#"{{"NextToken":"{next}","StreamName":"orders"}}"#));
    assert_eq!(message, "NextToken and StreamName cannot be provided together.");
    assert_eq!(refusal("ListShards", "{}").1, "Either NextToken or StreamName should be provided.");
    assert_eq!(refusal("ListShards", r#"{"NextToken":"AAAA"}"#).0, "InvalidArgumentException");
}

#[test]
fn puts_are_read() {
    let body = r#"{"StreamName":"orders","Data":"aGVsbG8=","PartitionKey":"a\"b","ExplicitHashKey":"12",
        "SequenceNumberForOrdering":"0"}"#;
    let entry = PutEntry {
        data: Bytes::from_static(b"hello"),
        partition_key: "a\"b".to_owned(),
        explicit_hash_key: Some(HashKey(12)),
    };
    assert_eq!(request("PutRecord", body), Request::PutRecord { stream: orders(), entry });

    let body = r#"{"StreamName":"orders","Records":[{"Data":"AAE=","PartitionKey":"k"},
        {"PartitionKey":"empty","Data":""},{"PartitionKey":"l","Data":"/w==","Unknown":{}}]}"#;
    let entry = |key: &str, data: &[u8]| PutEntry {
        data: Bytes::copy_from_slice(data),
        partition_key: key.to_owned(),
        explicit_hash_key: None,
    };
    let entries = vec![entry("k", &[0, 1]), entry("empty", &[]), entry("l", &[255])];
    assert_eq!(request("PutRecords", body), Request::PutRecords { stream: orders(), entries });
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
    // The run began at 1763856000.
    let at = r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":1763856099.25"#;
    assert_eq!(position(at), Position::AtTimestamp(Time::from_millis(99_250)));
    let at = r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":5"#;
    assert_eq!(position(at), Position::AtTimestamp(Time::ZERO));

    let iterator = IteratorToken {
        stream: orders(),
        shard: ShardId(3),
        offset: 5,
        reader: 1,
        serial: 2,
        issued: Time::from_secs(9),
    };
    let text = token::encode_iterator(&iterator);
    assert_eq!(
        request("GetRecords", format!(r#"{{"ShardIterator":"{text}"}}"#)),
        Request::GetRecords { iterator: iterator.clone(), limit: 10_000 }
    );
    let body = format!(r#"{{"ShardIterator":"\"{text}\"","Limit":3,"StreamARN":"{ARN}"}}"#);
    assert_eq!(request("GetRecords", body), Request::GetRecords { iterator, limit: 3 });
}

#[test]
fn requests_about_consumers_are_read() {
    let (stream, consumer) = (orders(), "billing".to_owned());
    assert_eq!(
        request("RegisterStreamConsumer", format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"billing"}}"#)),
        Request::RegisterStreamConsumer { stream: stream.clone(), consumer: consumer.clone() }
    );
    assert_eq!(
        request("DescribeStreamConsumer", format!(r#"{{"ConsumerARN":"{CONSUMER_ARN}"}}"#)),
        Request::DescribeStreamConsumer { stream: stream.clone(), consumer: consumer.clone() }
    );
    assert_eq!(
        request("DeregisterStreamConsumer", format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"billing"}}"#)),
        Request::DeregisterStreamConsumer { stream: stream.clone(), consumer: consumer.clone() }
    );
    let body = format!(
        r#"{{"ConsumerARN":"{CONSUMER_ARN}","ShardId":"shardId-000000000000",
           "StartingPosition":{{"Type":"AFTER_SEQUENCE_NUMBER","SequenceNumber":"{NUMBER}"}}}}"#
    );
    let position = Position::AfterSequenceNumber(NUMBER.parse().unwrap());
    assert_eq!(
        request("SubscribeToShard", body),
        Request::SubscribeToShard { stream, consumer, shard: ShardId(0), position }
    );
}

#[test]
fn missing_members_are_named() {
    let cases = [
        ("CreateStream", "1 validation error detected: Value null at 'streamName' failed"),
        ("PutRecord", "2 validation errors detected: Value null at 'partitionKey' failed"),
        ("PutRecords", "1 validation error detected: Value null at 'records' failed"),
        ("GetShardIterator", "2 validation errors detected: Value null at 'shardId' failed"),
        ("GetRecords", "1 validation error detected: Value null at 'shardIterator' failed"),
        ("RegisterStreamConsumer", "2 validation errors detected: Value null at 'streamARN' failed"),
        ("SubscribeToShard", "3 validation errors detected: Value null at 'consumerARN' failed"),
    ];
    for (operation, start) in cases {
        let (name, message) = refusal(operation, "{}");
        assert_eq!(name, "ValidationException", "{operation}");
        assert!(message.starts_with(start), "{operation}: {message}");
    }
    for operation in ["DeleteStream", "DescribeStream", "DescribeStreamSummary", "DescribeStreamConsumer"] {
        assert_eq!(refusal(operation, "{}").0, "InvalidArgumentException", "{operation}");
    }
}

#[test]
fn limits_of_puts_come_from_the_profile() {
    let entry = r#"{"Data":"AA==","PartitionKey":"k"}"#;
    let body = |count: usize| format!(r#"{{"StreamName":"orders","Records":[{}]}}"#, vec![entry; count].join(","));
    assert!(read("PutRecords", body(500)).is_ok());
    for count in [0, 501] {
        assert_eq!(refusal("PutRecords", body(count)).0, "ValidationException", "{count}");
    }

    let record = |bytes: usize, key: &str| {
        let data = STANDARD.encode(vec![7; bytes]);
        format!(r#"{{"StreamName":"orders","Data":"{data}","PartitionKey":"{key}"}}"#)
    };
    assert!(read("PutRecord", record((1 << 20) - 1, "k")).is_ok());
    assert_eq!(refusal("PutRecord", record(1 << 20, "k")).0, "InvalidArgumentException");
    assert!(refusal("PutRecord", record((1 << 20) + 1, "k")).1.contains("lim=1048577 cap=1048577]' at 'data'"));
    assert!(read("PutRecord", record(1, &"é".repeat(256))).is_ok());
    assert!(refusal("PutRecord", record(1, &"é".repeat(257))).1.contains("at 'partitionKey'"));

    let data = STANDARD.encode(vec![7; 1_000_000]);
    let entry = format!(r#"{{"Data":"{data}","PartitionKey":"k"}}"#);
    let body = format!(r#"{{"StreamName":"orders","Records":[{}]}}"#, [entry.as_str(); 11].join(","));
    assert_eq!(refusal("PutRecords", body).1, "Records size exceeds 10 MB limit");
}

#[test]
fn the_broken_entry_of_a_batch_is_named() {
    let body = r#"{"StreamName":"orders","Records":[{"Data":"","PartitionKey":"k"},{"Data":"","PartitionKey":""}]}"#;
    let (_, message) = refusal("PutRecords", body);
    assert!(
        message.starts_with("1 validation error detected: Value '' at 'records.2.member.partitionKey'"),
        "{message}"
    );
}

#[test]
fn arguments_that_cannot_be_used_are_refused_as_the_service_words_it() {
    let big = "340282366920938463463374607431768211456";
    let body = format!(r#"{{"StreamName":"orders","Data":"","PartitionKey":"k","ExplicitHashKey":"{big}"}}"#);
    let expected = format!(
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {big}"
    );
    assert_eq!(refusal("PutRecord", body), ("InvalidArgumentException".to_owned(), expected));

    let (_, message) = refusal("GetRecords", r#"{"ShardIterator":"AAAA"}"#);
    assert_eq!(message, "Invalid ShardIterator.");

    let iterator = |rest: &str| {
        refusal("GetShardIterator", format!(r#"{{"StreamName":"orders","ShardId":"shardId-000000000003",{rest}}}"#)).1
    };
    let message = iterator(r#""ShardIteratorType":"AT_SEQUENCE_NUMBER""#);
    assert!(message.ends_with("Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber."), "{message}");
    let message = iterator(r#""ShardIteratorType":"LATEST","StartingSequenceNumber":"5""#);
    assert!(message.ends_with("Request specified LATEST and also a StartingSequenceNumber."), "{message}");
    let message = iterator(r#""ShardIteratorType":"AT_TIMESTAMP""#);
    assert!(message.starts_with("Must specify timestampInMillis parameter"), "{message}");
    let message = iterator(r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":1763856101"#);
    assert!(
        message.ends_with("timestampInMillis: 1763856101000, currentTimestampInMillis: 1763856100000"),
        "{message}"
    );
    let message = iterator(r#""ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"5""#);
    assert!(message.starts_with("StartingSequenceNumber 5 used in GetShardIterator on shard shardId-00"), "{message}");

    let other = ARN.replace("000000000000", "123456789012");
    let (name, message) = refusal("DescribeStreamSummary", format!(r#"{{"StreamARN":"{other}"}}"#));
    assert_eq!(name, "ResourceNotFoundException");
    assert_eq!(message, "Stream orders under account 123456789012 not found.");
}

#[test]
fn a_dry_run_puts_nothing() {
    let body = r#"{"StreamName":"orders","Data":"","PartitionKey":"k","DryRun":true}"#;
    assert_eq!(refusal("PutRecord", body).0, "DryRunOperationException");
}

#[test]
fn malformed_bodies_are_serialization_exceptions() {
    for operation in OPERATIONS {
        for body in
            ["", "[]", "null", "{", "\u{0}", r#"{"StreamName":7,"StreamARN":7,"ConsumerARN":7,"ShardIterator":7}"#]
        {
            assert_eq!(refusal(operation, body).0, "SerializationException", "{operation} {body}");
        }
    }
    let cases = [
        ("CreateStream", r#"{"StreamName":"orders","ShardCount":"1"}"#),
        ("CreateStream", r#"{"StreamName":"orders","ShardCount":1.5}"#),
        ("PutRecord", r#"{"StreamName":"orders","Data":"%","PartitionKey":"k"}"#),
        ("PutRecord", r#"{"StreamName":"orders","Data":{},"PartitionKey":"k"}"#),
        ("PutRecord", r#"{"StreamName":"orders","Data":"","PartitionKey":"\ud800"}"#),
        ("PutRecords", r#"{"StreamName":"orders","Records":{}}"#),
        ("PutRecords", r#"{"StreamName":"orders","Records":[["","k",null]]}"#),
        ("GetShardIterator", r#"{"StreamName":"orders","Timestamp":"now"}"#),
        ("SubscribeToShard", r#"{"StartingPosition":["LATEST",null,null]}"#),
    ];
    for (operation, body) in cases {
        assert_eq!(refusal(operation, body).0, "SerializationException", "{operation} {body}");
    }
    assert_eq!("Nonsense".parse::<Operation>().unwrap_err().name, "UnknownOperationException");
}

/// JSON of the members that requests have, with values of any type.
fn members() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "StreamName",
        "StreamARN",
        "ConsumerARN",
        "ConsumerName",
        "ShardId",
        "ShardIterator",
        "ShardIteratorType",
        "Data",
        "PartitionKey",
        "ExplicitHashKey",
        "Records",
        "StartingPosition",
        "Timestamp",
        "Limit",
        "MaxResults",
        "NextToken",
        "StartingSequenceNumber",
        "ShardCount",
    ]);
    let value = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("1e308".to_owned()),
        Just("-0.0".to_owned()),
        Just(format!("\"{ARN}\"")),
        Just(format!("\"{CONSUMER_ARN}\"")),
        Just("\"shardId-4294967295\"".to_owned()),
        Just("\"AT_TIMESTAMP\"".to_owned()),
        Just(format!("\"{NUMBER}\"")),
        Just(r#"{"Type":"AT_TIMESTAMP","Timestamp":-1e300}"#.to_owned()),
        Just(r#"[{"Data":"AAAA","PartitionKey":"k"}]"#.to_owned()),
        "[ -~]{0,20}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    prop::collection::btree_map(name, value, 0..8).prop_map(|members| {
        let members: Vec<String> = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(operation in prop::sample::select(OPERATIONS.to_vec()), body: Vec<u8>) {
        let _ = read(operation, body);
    }

    #[test]
    fn arbitrary_members_never_panic(operation in prop::sample::select(OPERATIONS.to_vec()), body in members()) {
        let _ = read(operation, body);
    }

    #[test]
    fn blobs_arrive_as_they_were_sent(blobs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..20)) {
        let entries: Vec<String> = blobs
            .iter()
            .map(|blob| format!(r#"{{"Data":"{}","PartitionKey":"k"}}"#, STANDARD.encode(blob)))
            .collect();
        let body = format!(r#"{{"StreamName":"orders","Records":[{}]}}"#, entries.join(","));
        let Request::PutRecords { entries, .. } = request("PutRecords", body) else { panic!("not PutRecords") };
        let arrived: Vec<Vec<u8>> = entries.iter().map(|entry| entry.data.to_vec()).collect();
        prop_assert_eq!(arrived, blobs);
    }
}
