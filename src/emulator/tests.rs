//! The emulator from outside, over plain sockets. The AWS SDK meets it in the integration tests.

mod hostile;
mod http2;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Header;
use base64_simd::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::kinesis::Profile;
use crate::seed::Seed;
use crate::units::Bytes;

/// A service without latency, whose time begins at 1763856000.
pub(super) fn settings() -> Settings {
    Settings {
        epoch: Duration::from_secs(1_763_856_000),
        memory_budget: Bytes(64 << 20),
        latency: false,
        control_limits: false,
        ..Settings::new(Profile::newest(), Seed(1))
    }
}

struct Answered {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(line, _)| line.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn connect(emulator: &Embedded) -> TcpStream {
    let stream = TcpStream::connect(emulator.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(600))).unwrap();
    stream
}

fn exchange(emulator: &Embedded, request: &[u8]) -> Answered {
    let mut stream = connect(emulator);
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head[9..12].parse().unwrap();
    Answered { status, head, body: answer[end..].to_vec() }
}

fn post(operation: &str, body: &[u8]) -> Vec<u8> {
    post_as(wire::Format::Json, operation, body)
}

fn post_as(format: wire::Format, operation: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /any/path HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {}\r\n\
         X-Amz-Target: Kinesis_20131202.{operation}\r\nContent-Length: {}\r\n\r\n",
        format.content_type(),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn call(emulator: &Embedded, operation: &str, body: &Value) -> Answered {
    exchange(emulator, &post(operation, body.to_string().as_bytes()))
}

fn with_stream() -> Embedded {
    let emulator = Embedded::start(settings()).unwrap();
    let created = call(&emulator, "CreateStream", &json!({ "StreamName": "orders", "ShardCount": 2 }));
    assert_eq!((created.status, created.body.len()), (200, 0));
    emulator
}

#[test]
fn a_record_comes_back_as_it_was_put() {
    let emulator = with_stream();
    let data = STANDARD.encode_to_string(b"\x00hello\xff");
    let entry = json!({ "Data": data, "PartitionKey": "k\u{e9}y \"1\"", "ExplicitHashKey": "0" });
    let put = call(&emulator, "PutRecords", &json!({ "StreamName": "orders", "Records": [entry] })).json();
    assert_eq!(put["FailedRecordCount"], 0);
    assert_eq!(put["Records"][0]["ShardId"], "shardId-000000000000");

    let start =
        json!({ "StreamName": "orders", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON" });
    let iterator = call(&emulator, "GetShardIterator", &start).json()["ShardIterator"].clone();
    let read = call(&emulator, "GetRecords", &json!({ "ShardIterator": iterator })).json();
    let record = &read["Records"][0];
    assert_eq!(record["Data"], Value::from(data));
    assert_eq!(record["PartitionKey"], "k\u{e9}y \"1\"");
    assert_eq!(record["SequenceNumber"], put["Records"][0]["SequenceNumber"]);
    let arrival = record["ApproximateArrivalTimestamp"].as_f64().unwrap();
    assert!((1_763_856_000.0..1_763_856_060.0).contains(&arrival), "{arrival}");
    assert!(read["NextShardIterator"].as_str().unwrap().len() < 512);
    assert_eq!(read["MillisBehindLatest"], 0);
    assert!(emulator.usage().bytes > 0);
    emulator.stop();
}

#[test]
fn streams_and_shards_are_described() {
    let emulator = with_stream();
    let summary = call(&emulator, "DescribeStreamSummary", &json!({ "StreamName": "orders" })).json();
    let summary = &summary["StreamDescriptionSummary"];
    assert_eq!(summary["StreamARN"], "arn:aws:kinesis:us-east-1:000000000000:stream/orders");
    assert_eq!((&summary["StreamStatus"], &summary["OpenShardCount"]), (&json!("ACTIVE"), &json!(2)));

    let first = call(&emulator, "ListShards", &json!({ "StreamName": "orders", "MaxResults": 1 })).json();
    assert_eq!(first["Shards"][0]["HashKeyRange"]["StartingHashKey"], "0");
    let next = call(&emulator, "ListShards", &json!({ "NextToken": first["NextToken"] })).json();
    assert_eq!(next["Shards"][0]["ShardId"], "shardId-000000000001");
    assert_eq!(next["NextToken"], Value::Null);

    let described = call(&emulator, "DescribeStream", &json!({ "StreamName": "orders", "Limit": 1 })).json();
    let described = &described["StreamDescription"];
    assert_eq!((&described["HasMoreShards"], &described["StreamName"]), (&json!(true), &json!("orders")));
    assert_eq!(described["Shards"].as_array().unwrap().len(), 1);
}

#[test]
fn every_answer_has_its_ids_and_type() {
    let emulator = with_stream();
    let answer = call(&emulator, "DescribeStreamSummary", &json!({ "StreamName": "nothing" }));
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({
            "__type": "ResourceNotFoundException",
            "message": "Stream nothing under account 000000000000 not found.",
        })
    );
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(answer.header("x-amzn-requestid").unwrap().len(), 36);
    assert_eq!(STANDARD.decode_to_vec(answer.header("x-amz-id-2").unwrap()).unwrap().len(), 72);
}

#[test]
fn requests_that_are_none_get_an_answer_too() {
    let emulator = Embedded::start(settings()).unwrap();
    let health = exchange(&emulator, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!((health.status, health.body.as_slice()), (200, b"ok".as_slice()));
    assert_eq!(exchange(&emulator, b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status, 403);

    let unknown = call(&emulator, "SplitTheAtom", &json!({}));
    assert_eq!((unknown.status, &unknown.json()["__type"]), (400, &json!("UnknownOperationException")));
    let malformed = exchange(&emulator, &post("PutRecord", b"{"));
    assert_eq!((malformed.status, &malformed.json()["__type"]), (400, &json!("SerializationException")));
    assert!(malformed.json()["Message"].is_string());
    let announced = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n\
                     X-Amz-Target: Kinesis_20131202.PutRecord\r\nContent-Length: 99999999\r\n\r\n";
    assert_eq!(exchange(&emulator, announced.as_bytes()).status, 413);
}

#[test]
fn a_body_that_grows_too_large_is_refused() {
    let mut profile = Profile::newest();
    profile.request.body_bytes = 1000;
    let small = Settings { profile: Arc::new(profile), ..settings() };
    let emulator = Embedded::start(small).unwrap();
    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001));
    let request = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: Kinesis_20131202.PutRecord\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"
    );
    assert_eq!(exchange(&emulator, request.as_bytes()).status, 413);
}

/// Reads the head of an event stream's answer.
fn event_stream_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(byte(stream));
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains("content-type: application/vnd.amazon.eventstream\r\n"), "{head}");
    assert!(!head.contains("content-length"), "{head}");
}

fn byte(stream: &mut TcpStream) -> u8 {
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    byte[0]
}

/// The next message: one HTTP chunk.
fn message(stream: &mut TcpStream) -> (String, Value) {
    let (kind, _, payload) = typed_message(&chunk(stream));
    (kind, serde_json::from_slice(&payload).unwrap())
}

fn chunk(stream: &mut TcpStream) -> Vec<u8> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(byte(stream));
    }
    let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
    let mut chunk = vec![0; size + 2];
    stream.read_exact(&mut chunk).unwrap();
    chunk.truncate(size);
    chunk
}

/// What a frame says it is, the content type of its payload, and the payload. Its checksums are checked on the way.
fn typed_message(frame: &[u8]) -> (String, String, Vec<u8>) {
    let DecodedFrame::Complete(message) = MessageFrameDecoder::new().decode_frame(&mut &frame[..]).unwrap() else {
        panic!("half a frame")
    };
    let header = |wanted: &[&str]| {
        let found = message.headers().iter().find(|header: &&Header| wanted.contains(&header.name().as_str()));
        found.unwrap().value().as_string().unwrap().as_str().to_owned()
    };
    let kind = header(&[":event-type", ":exception-type"]);
    (kind, header(&[":content-type"]), message.payload().to_vec())
}

fn subscribe(emulator: &Embedded) -> (TcpStream, String) {
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
    let registered =
        call(emulator, "RegisterStreamConsumer", &json!({ "StreamARN": arn, "ConsumerName": "billing" })).json();
    let consumer = registered["Consumer"]["ConsumerARN"].as_str().unwrap().to_owned();
    let body = json!({
        "ConsumerARN": consumer, "ShardId": "shardId-000000000000", "StartingPosition": { "Type": "LATEST" }
    });
    let mut stream = connect(emulator);
    stream.write_all(&post("SubscribeToShard", body.to_string().as_bytes())).unwrap();
    event_stream_head(&mut stream);
    assert_eq!(message(&mut stream), ("initial-response".to_owned(), json!({})));
    (stream, consumer)
}

#[test]
fn a_put_wakes_a_subscription() {
    let emulator = with_stream();
    let (mut stream, consumer) = subscribe(&emulator);
    let put = json!({ "StreamName": "orders", "Data": "AAAA", "PartitionKey": "k", "ExplicitHashKey": "0" });
    let put = call(&emulator, "PutRecord", &put).json();
    let (kind, event) = message(&mut stream);
    assert_eq!(kind, "SubscribeToShardEvent");
    assert_eq!(event["Records"][0]["Data"], "AAAA");
    assert_eq!(event["ContinuationSequenceNumber"], put["SequenceNumber"]);

    assert_eq!(call(&emulator, "DeregisterStreamConsumer", &json!({ "ConsumerARN": consumer })).status, 200);
    assert_eq!(message(&mut stream).0, "ResourceNotFoundException");
}

#[test]
fn a_cbor_client_gets_cbor_everywhere() {
    let emulator = with_stream();
    let call = |operation: &str, body: &[u8]| exchange(&emulator, &post_as(wire::Format::Cbor, operation, body));
    let missing = call("DescribeStreamSummary", b"\xa1\x6aStreamName\x64none");
    assert_eq!((missing.status, missing.header("content-type")), (400, Some("application/x-amz-cbor-1.1")));
    let message = b"\x67message\x78\x31Stream none under account 000000000000 not found.\xff";
    assert!(missing.body.ends_with(message), "{:?}", String::from_utf8_lossy(&missing.body));
    let nobody = call("PutRecord", b"");
    assert_eq!((nobody.status, nobody.header("content-type")), (400, Some("application/x-amz-cbor-1.1")));

    let (first, consumer) = subscribe(&emulator);
    drop(first);
    let mut body = minicbor::Encoder::new(Vec::new());
    body.begin_map().unwrap().str("ConsumerARN").unwrap().str(&consumer).unwrap();
    body.str("ShardId").unwrap().str("shardId-000000000001").unwrap();
    body.str("StartingPosition").unwrap().begin_map().unwrap().str("Type").unwrap().str("LATEST").unwrap();
    body.end().unwrap().end().unwrap();
    let mut stream = connect(&emulator);
    stream.write_all(&post_as(wire::Format::Cbor, "SubscribeToShard", &body.into_writer())).unwrap();
    event_stream_head(&mut stream);
    let cbor = "application/x-amz-cbor-1.1".to_owned();
    let initial = typed_message(&chunk(&mut stream));
    assert_eq!(initial, ("initial-response".to_owned(), cbor.clone(), b"\xbf\xff".to_vec()));
    let last_key = u128::MAX.to_string();
    let put = b"\xa4\x6aStreamName\x66orders\x64Data\x43\x00\x01\xff\x6cPartitionKey\x61k\x6fExplicitHashKey\x78\x27";
    assert_eq!(call("PutRecord", &[put, last_key.as_bytes()].concat()).status, 200);
    let (kind, content_type, payload) = typed_message(&chunk(&mut stream));
    assert_eq!((kind.as_str(), content_type), ("SubscribeToShardEvent", cbor));
    let data = b"\x64Data\x43\x00\x01\xff";
    assert!(payload.windows(data.len()).any(|window| window == data), "{payload:?}");
}

#[test]
fn peers_that_speak_no_protocol_of_ours_get_xml() {
    let emulator = with_stream();
    let request =
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    let answer = exchange(&emulator, request.as_bytes());
    assert_eq!((answer.status, answer.body.as_slice()), (404, b"<UnknownOperationException/>\n".as_slice()));
    assert!(answer.header("date").is_some());
    assert_eq!(answer.header("x-amzn-requestid").unwrap().len(), 36);
}

#[test]
fn stopping_ends_subscriptions_in_good_order() {
    let emulator = with_stream();
    let (mut stream, _) = subscribe(&emulator);
    emulator.stop();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"0\r\n\r\n");
}

#[test]
fn a_client_that_goes_away_closes_its_subscription() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let service = Arc::new(Service::new(settings()));
        let call = |operation: &str, body: Value| {
            let (answer, _) =
                service.call(operation.parse().unwrap(), wire::Format::Json, body.to_string().into_bytes());
            answer.unwrap()
        };
        call("CreateStream", json!({ "StreamName": "orders", "ShardCount": 1 }));
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
        call("RegisterStreamConsumer", json!({ "StreamARN": arn, "ConsumerName": "billing" }));
        let subscription = call(
            "SubscribeToShard",
            json!({
                "ConsumerARN": format!("{arn}/consumer/billing:1763856000"), "ShardId": "shardId-000000000000",
                "StartingPosition": { "Type": "LATEST" }
            }),
        );
        let service::Answer::Subscription(subscription) = subscription else { panic!("no subscription") };
        let (_closing_sender, closing) = tokio::sync::watch::channel(());
        let mut frames = event_stream::start(subscription, closing);
        assert!(frames.recv().await.is_some());
        assert_eq!(service.open_subscriptions(), 1);
        drop(frames);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(service.open_subscriptions(), 0);
    });
}
