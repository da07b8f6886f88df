//! HTTP/2 by prior knowledge, frame by frame: no client library lets a test say goodbye as early as some clients do.

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
/// `:status: 200` in HPACK's static table.
const STATUS_200: u8 = 0x88;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A header that HPACK is not to index.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap();
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn read_frame(stream: &mut TcpStream) -> Frame {
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).unwrap();
    let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Frame { kind: head[3], flags: head[4], stream: number, payload }
}

/// The next frame of stream 1.
fn answered(stream: &mut TcpStream) -> Frame {
    loop {
        let next = read_frame(stream);
        if next.stream == 1 {
            return next;
        }
        if next.kind == SETTINGS && next.flags & ACK == 0 {
            stream.write_all(&frame(SETTINGS, ACK, 0, &[])).unwrap();
        }
    }
}

/// Opens a connection and posts one request on stream 1.
fn posted(emulator: &Embedded, operation: &str, body: &Value) -> TcpStream {
    let mut stream = connect(emulator);
    // POST, http and / by their numbers.
    let mut headers = vec![0x83, 0x86, 0x84];
    headers.extend(literal(":authority", "127.0.0.1"));
    headers.extend(literal("content-type", "application/x-amz-json-1.1"));
    headers.extend(literal("x-amz-target", &format!("Kinesis_20131202.{operation}")));
    let request = [
        PREFACE.to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, END_HEADERS, 1, &headers),
        frame(DATA, END_STREAM, 1, body.to_string().as_bytes()),
    ];
    stream.write_all(&request.concat()).unwrap();
    stream
}

#[test]
fn a_request_is_answered() {
    let emulator = with_stream();
    let mut stream = posted(&emulator, "DescribeStreamSummary", &json!({ "StreamName": "orders" }));
    let head = answered(&mut stream);
    assert_eq!((head.kind, head.payload[0]), (HEADERS, STATUS_200));
    let body: Value = serde_json::from_slice(&answered(&mut stream).payload).unwrap();
    assert_eq!(body["StreamDescriptionSummary"]["StreamName"], "orders");
}

/// Puts rules into a running emulator.
fn put_faults(emulator: &Embedded, rules: &Value) {
    let rules = rules.to_string();
    let length = rules.len();
    let request =
        format!("PUT /faults HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{rules}");
    assert_eq!(exchange(emulator, request.as_bytes()).status, 204);
}

#[test]
fn a_broken_connection_resets_its_request_and_no_other() {
    let emulator = with_stream();
    put_faults(&emulator, &json!([{ "kind": "connection-dropped", "operations": ["PutRecord"] }]));
    let put = json!({ "StreamName": "orders", "Data": "AAAA", "PartitionKey": "k" });
    let mut stream = posted(&emulator, "PutRecord", &put);
    assert_eq!(answered(&mut stream).kind, RST_STREAM);
    // The connection lives.
    stream.write_all(&frame(PING, 0, 0, &[7; 8])).unwrap();
    while read_frame(&mut stream).kind != PING {}
}

/// The SDK for JavaScript closes its session right after the head of the answer, and goes on reading: a server that takes
/// GOAWAY for the end of the connection cuts its subscription off.
#[test]
fn a_subscription_goes_on_after_goaway() {
    let emulator = with_stream();
    let (first, consumer) = subscribe(&emulator);
    drop(first);
    let body = json!({
        "ConsumerARN": consumer, "ShardId": "shardId-000000000001", "StartingPosition": { "Type": "LATEST" }
    });
    let mut stream = posted(&emulator, "SubscribeToShard", &body);
    let head = answered(&mut stream);
    assert_eq!((head.kind, head.payload[0], head.flags & END_STREAM), (HEADERS, STATUS_200, 0));
    // No stream of the server was seen, and no error.
    stream.write_all(&frame(GOAWAY, 0, 0, &[0; 8])).unwrap();

    assert_eq!(typed_message(&answered(&mut stream).payload).0, "initial-response");
    // Its answer shows that the server has seen the GOAWAY before it.
    stream.write_all(&frame(PING, 0, 0, &[7; 8])).unwrap();
    while read_frame(&mut stream).kind != PING {}
    for data in ["AAAA", "AAAB", "AAAC"] {
        let last_key = u128::MAX.to_string();
        let put = json!({ "StreamName": "orders", "Data": data, "PartitionKey": "k", "ExplicitHashKey": last_key });
        assert_eq!(call(&emulator, "PutRecord", &put).status, 200);
        let pushed = answered(&mut stream);
        assert_eq!((pushed.kind, pushed.flags & END_STREAM), (DATA, 0));
        let (kind, _, payload) = typed_message(&pushed.payload);
        assert_eq!(kind, "SubscribeToShardEvent");
        let event: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(event["Records"][0]["Data"], data);
    }
}
