//! Answers in both formats.

use minicbor::Decoder;
use minicbor::data::Type;
use serde_json::{Value as Json, json};

use super::*;
use crate::kinesis::{
    BillingCommitment, ChildShard, CommitmentStatus, ConsumerDescription, Encryption, ErrorKind, GetRecords,
    HashKeyRange, Limits, PutReceipt, ReadRecord, Response, ServiceError, ShardDescription, Status, StreamDescription,
    SubscriptionEvent, WarmThroughput,
};

fn body(format: Format, answer: &Response, page: &Page) -> Vec<u8> {
    let settings = settings();
    response(format, answer, page, Context { settings: &settings, now: Time::from_secs(100) })
}

/// The answer as JSON, after a check that CBOR says the same.
fn answer(answer: &Response) -> Json {
    answer_to(answer, &Page::None)
}

fn answer_to(answer: &Response, page: &Page) -> Json {
    let json: Json = serde_json::from_slice(&body(Format::Json, answer, page)).unwrap();
    same(&json, &body(Format::Cbor, answer, page));
    json
}

fn same(json: &Json, cbor: &[u8]) {
    let mut decoder = Decoder::new(cbor);
    assert_eq!(from_cbor(&mut decoder), *json);
    assert_eq!(decoder.position(), cbor.len());
}

/// CBOR as the JSON that says the same: blobs in base64, moments in seconds.
fn from_cbor(decoder: &mut Decoder<'_>) -> Json {
    match decoder.datatype().unwrap() {
        Type::Bool => decoder.bool().unwrap().into(),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().unwrap().into(),
        Type::Bytes => STANDARD.encode_to_string(decoder.bytes().unwrap()).into(),
        Type::String => decoder.str().unwrap().into(),
        Type::Tag => {
            assert_eq!(decoder.tag().unwrap().as_u64(), 1);
            (decoder.u64().unwrap() as f64 / 1e3).into()
        }
        Type::ArrayIndef => {
            decoder.array().unwrap();
            let mut elements = Vec::new();
            while decoder.datatype().unwrap() != Type::Break {
                elements.push(from_cbor(decoder));
            }
            decoder.set_position(decoder.position() + 1);
            elements.into()
        }
        Type::MapIndef => {
            decoder.map().unwrap();
            let mut members = serde_json::Map::new();
            while decoder.datatype().unwrap() != Type::Break {
                let name = decoder.str().unwrap().to_owned();
                assert!(members.insert(name, from_cbor(decoder)).is_none(), "written twice");
            }
            decoder.set_position(decoder.position() + 1);
            members.into()
        }
        other => panic!("{other}"),
    }
}

fn number(index: u64) -> SequenceNumber {
    SequenceNumber { index, ..NUMBER.parse().unwrap() }
}

fn range() -> HashKeyRange {
    HashKeyRange { start: HashKey(0), end: HashKey(u128::MAX) }
}

fn record(key: &'static str, encrypted: bool) -> ReadRecord {
    ReadRecord {
        sequence_number: number(7),
        arrival: Time::from_millis(1_005),
        data: Bytes::from_static(b"\x00\xff"),
        padding: 0,
        partition_key: Bytes::from_static(key.as_bytes()),
        encrypted,
    }
}

fn child() -> ChildShard {
    ChildShard { shard: ShardId(3), parents: vec![ShardId(0), ShardId(1)], range: range() }
}

fn description() -> StreamDescription {
    StreamDescription {
        stream: orders(),
        status: Status::Updating,
        mode: StreamMode::OnDemand,
        retention_hours: 24,
        created: Time::from_millis(500),
        encryption: Encryption::Kms("alias/k".to_owned()),
        monitoring: vec![ShardMetric::IncomingBytes],
        open_shards: 4,
        consumers: 2,
        warm_throughput: Some(WarmThroughput { target: 100, current: 50 }),
        max_record_kib: 1024,
        distribution: Distribution::Auto,
    }
}

fn shard() -> ShardDescription {
    ShardDescription {
        shard: ShardId(2),
        parent: Some(ShardId(0)),
        adjacent_parent: Some(ShardId(1)),
        range: range(),
        starting_sequence_number: number(0),
        ending_sequence_number: Some(number(1)),
    }
}

fn consumer() -> ConsumerDescription {
    ConsumerDescription {
        stream: orders(),
        consumer: "billing".to_owned(),
        status: Status::Active,
        created: Time::from_millis(1_900),
    }
}

#[test]
fn operations_without_an_output_have_an_empty_body() {
    for format in [Format::Json, Format::Cbor] {
        assert!(body(format, &Response::Empty, &Page::None).is_empty());
    }
    assert_eq!(answer(&Response::GetResourcePolicy(None)), json!({}));
    assert_eq!(answer(&Response::GetResourcePolicy(Some("{}".to_owned()))), json!({ "Policy": "{}" }));
}

#[test]
fn puts() {
    let receipt = PutReceipt { shard: ShardId(3), sequence_number: NUMBER.parse().unwrap() };
    let expected = json!({ "ShardId": "shardId-000000000003", "SequenceNumber": NUMBER });
    assert_eq!(answer(&Response::PutRecord { receipt, encryption: Encryption::None }), expected);
    let refused = ServiceError::new(ErrorKind::ProvisionedThroughputExceeded, "Rate \"exceeded\"");
    let receipts = vec![Ok(receipt), Err(refused)];
    let encryption = Encryption::Kms("k".to_owned());
    let failed = json!({ "ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate \"exceeded\"" });
    assert_eq!(
        answer(&Response::PutRecords { receipts, encryption }),
        json!({ "FailedRecordCount": 1, "Records": [expected, failed], "EncryptionType": "KMS" })
    );
}

#[test]
fn reads() {
    let written = |key: &str| {
        json!({
            "SequenceNumber": number(7).to_string(), "ApproximateArrivalTimestamp": 1_763_856_001.005,
            "Data": "AP8=", "PartitionKey": key,
        })
    };
    let mut second = written("k");
    second["EncryptionType"] = "KMS".into();
    let mut third = written("");
    third.as_object_mut().unwrap().remove("PartitionKey");
    let records = vec![record("é\"\n", false), record("k", true), record("", false)];
    let next =
        IteratorToken { stream: orders(), shard: ShardId(0), offset: 3, reader: 1, serial: 2, issued: Time::ZERO };
    let more = GetRecords { records, next: Some(next.clone()), millis_behind_latest: 70, children: Vec::new() };
    assert_eq!(
        answer(&Response::GetRecords(more)),
        json!({
            "Records": [written("é\"\n"), second, third], "NextShardIterator": token::encode_iterator(&next),
            "MillisBehindLatest": 70,
        })
    );
    let end = GetRecords { records: Vec::new(), next: None, millis_behind_latest: 0, children: vec![child()] };
    let children = json!([{
        "ShardId": "shardId-000000000003", "ParentShards": ["shardId-000000000000", "shardId-000000000001"],
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": u128::MAX.to_string() },
    }]);
    let expected = json!({ "Records": [], "MillisBehindLatest": 0, "ChildShards": children });
    assert_eq!(answer(&Response::GetRecords(end)), expected);

    let at_end = SubscriptionEvent {
        records: vec![record("k", false)],
        continuation: None,
        millis_behind_latest: 5,
        children: vec![child()],
    };
    let settings = settings();
    let written_event = |at: &SubscriptionEvent| -> Json {
        let json = serde_json::from_slice(&event(Format::Json, at, &settings)).unwrap();
        same(&json, &event(Format::Cbor, at, &settings));
        json
    };
    let expected = json!({ "Records": [written("k")], "MillisBehindLatest": 5, "ChildShards": children });
    assert_eq!(written_event(&at_end), expected);
    let between = SubscriptionEvent { continuation: Some(number(9)), children: Vec::new(), ..at_end };
    let expected = json!({
        "Records": [written("k")], "MillisBehindLatest": 5, "ContinuationSequenceNumber": number(9).to_string(),
    });
    assert_eq!(written_event(&between), expected);
}

#[test]
fn streams() {
    let stream = json!({
        "StreamName": "orders", "StreamARN": ARN, "StreamStatus": "UPDATING",
        "StreamModeDetails": { "StreamMode": "ON_DEMAND" }, "StreamCreationTimestamp": 1_763_856_000.5,
    });
    let with = |base: &Json, more: Json| {
        let mut all = base.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let common = with(
        &stream,
        json!({
            "RetentionPeriodHours": 24, "EnhancedMonitoring": [{ "ShardLevelMetrics": ["IncomingBytes"] }],
            "EncryptionType": "KMS", "KeyId": "alias/k",
        }),
    );
    let shard_json = json!({
        "ShardId": "shardId-000000000002", "ParentShardId": "shardId-000000000000",
        "AdjacentParentShardId": "shardId-000000000001",
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": u128::MAX.to_string() },
        "SequenceNumberRange": {
            "StartingSequenceNumber": number(0).to_string(), "EndingSequenceNumber": number(1).to_string(),
        },
    });
    let described = Response::DescribeStream { description: description(), shards: vec![shard()], more: true };
    let expected = with(&common, json!({ "Shards": [shard_json], "HasMoreShards": true }));
    assert_eq!(answer(&described), json!({ "StreamDescription": expected }));
    let expected = with(
        &common,
        json!({
            "OpenShardCount": 4, "ConsumerCount": 2, "WarmThroughput": { "TargetMiBps": 100, "CurrentMiBps": 50 },
            "MaxRecordSizeInKiB": 1024, "RecordDistributionStrategy": "AUTO", "ChannelCount": 0, "QueueCount": 0,
        }),
    );
    let summary = Response::DescribeStreamSummary(description());
    assert_eq!(answer(&summary), json!({ "StreamDescriptionSummary": expected }));

    let listed = answer(&Response::ListStreams { streams: vec![description()], more: true });
    let next = token::decode_streams(listed["NextToken"].as_str().unwrap()).unwrap();
    assert_eq!((next.after.as_str(), next.issued), ("orders", Time::from_secs(100)));
    assert_eq!(listed["StreamNames"], json!(["orders"]));
    assert_eq!((&listed["HasMoreStreams"], &listed["StreamSummaries"]), (&json!(true), &json!([stream])));
    let listed = answer(&Response::ListStreams { streams: Vec::new(), more: false });
    assert_eq!(listed, json!({ "StreamNames": [], "HasMoreStreams": false, "StreamSummaries": [] }));

    let page = Page::Shards { stream: orders(), filter: ShardFilter::AtLatest };
    let listed = answer_to(&Response::ListShards { shards: vec![shard()], more: true }, &page);
    assert_eq!(listed["Shards"], json!([shard_json]));
    let next = token::decode_shards(listed["NextToken"].as_str().unwrap()).unwrap();
    let issued = Time::from_secs(100);
    let expected = token::ShardToken { stream: orders(), filter: ShardFilter::AtLatest, after: ShardId(2), issued };
    assert_eq!(next, expected);
    let last = answer_to(&Response::ListShards { shards: vec![shard()], more: false }, &page);
    assert_eq!(last, json!({ "Shards": [shard_json] }));
}

#[test]
fn consumers() {
    let consumer_json = json!({
        "ConsumerName": "billing", "ConsumerARN": CONSUMER_ARN.replace(":1763856000", ":1763856001"),
        "ConsumerStatus": "ACTIVE", "ConsumerCreationTimestamp": 1_763_856_001.9,
    });
    let registered = answer(&Response::RegisterStreamConsumer(consumer()));
    assert_eq!(registered, json!({ "Consumer": consumer_json }));
    let mut described = consumer_json.clone();
    described["StreamARN"] = ARN.into();
    let answered = answer(&Response::DescribeStreamConsumer(consumer()));
    assert_eq!(answered, json!({ "ConsumerDescription": described }));
    let page = Page::Consumers { stream: orders() };
    let listed = answer_to(&Response::ListStreamConsumers { consumers: vec![consumer()], more: true }, &page);
    assert_eq!(listed["Consumers"], json!([consumer_json]));
    let next = token::decode_consumers(listed["NextToken"].as_str().unwrap()).unwrap();
    assert_eq!((next.stream.as_str(), next.after.as_str()), ("orders", "billing"));
}

#[test]
fn the_rest() {
    let names = json!({ "StreamName": "orders", "StreamARN": ARN });
    let check = |response: Response, members: Json| {
        let mut expected = names.clone();
        expected.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        assert_eq!(answer(&response), expected);
    };
    check(
        Response::UpdateShardCount { stream: orders(), current: 4, target: 3 },
        json!({ "CurrentShardCount": 4, "TargetShardCount": 3 }),
    );
    check(
        Response::UpdateStreamWarmThroughput {
            stream: orders(),
            warm_throughput: WarmThroughput { target: 100, current: 0 },
        },
        json!({ "WarmThroughput": { "TargetMiBps": 100, "CurrentMiBps": 0 } }),
    );
    check(
        Response::EnhancedMonitoring {
            stream: orders(),
            current: Vec::new(),
            desired: vec![ShardMetric::OutgoingBytes],
        },
        json!({ "CurrentShardLevelMetrics": [], "DesiredShardLevelMetrics": ["OutgoingBytes"] }),
    );
    let tags = vec![("a".to_owned(), "b".to_owned()), ("c".to_owned(), String::new())];
    let tags_json = json!([{ "Key": "a", "Value": "b" }, { "Key": "c", "Value": "" }]);
    assert_eq!(answer(&Response::ListTagsForResource(tags.iter().cloned().collect())), json!({ "Tags": tags_json }));
    let listed = answer(&Response::ListTagsForStream { tags, more: true });
    assert_eq!(listed, json!({ "Tags": tags_json, "HasMoreTags": true }));
    let limits = Limits { shard_limit: 20_000, open_shards: 7, on_demand_streams: 1, on_demand_stream_limit: 50 };
    assert_eq!(
        answer(&Response::DescribeLimits(limits)),
        json!({
            "ShardLimit": 20_000, "OpenShardCount": 7, "OnDemandStreamCount": 1, "OnDemandStreamCountLimit": 50,
            "ChannelCount": 0,
        })
    );
    let commitment = BillingCommitment {
        status: CommitmentStatus::EnabledUntilEarliestAllowedEnd,
        started: Some(Time::from_secs(1)),
        ended: None,
        earliest_end: Some(Time::from_secs(86_401)),
    };
    let expected = json!({ "MinimumThroughputBillingCommitment": {
        "Status": "ENABLED_UNTIL_EARLIEST_ALLOWED_END", "StartedAt": 1_763_856_001.0,
        "EarliestAllowedEndAt": 1_763_942_401.0,
    } });
    assert_eq!(answer(&Response::DescribeAccountSettings(commitment)), expected);
    assert_eq!(answer(&Response::UpdateAccountSettings(commitment)), expected);
}

#[test]
fn exceptions_inside_a_stream_have_the_names_of_shapes() {
    let fault = |kind| Fault::from(ServiceError::new(kind, "no"));
    let (name, payload) = exception(Format::Json, &fault(ErrorKind::ResourceInUse));
    assert_eq!((name.as_str(), payload.as_slice()), ("ResourceInUseException", br#"{"message":"no"}"#.as_slice()));
    let (name, payload) = exception(Format::Cbor, &fault(ErrorKind::InternalFailure));
    assert_eq!(
        (name.as_str(), payload.as_slice()),
        ("InternalFailureException", b"\xbf\x67message\x62no\xff".as_slice())
    );
    assert_eq!(initial_response(Format::Json), b"{}");
    assert_eq!(initial_response(Format::Cbor), b"\xbf\xff");
}
