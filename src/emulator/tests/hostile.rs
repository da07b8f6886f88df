//! Requests that stop in the middle, lie about their length or are no HTTP at all: the next one is served as if nothing had
//! been.

use proptest::prelude::*;

use super::*;

fn still_serves(emulator: &Embedded) {
    assert_eq!(call(emulator, "DescribeStreamSummary", &json!({ "StreamName": "orders" })).status, 200);
}

/// Sends bytes and no more, and reads whatever comes back.
fn send_and_stop(emulator: &Embedded, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(emulator);
    // The server may close before all is written or read: that is its right.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn requests_that_stop_in_the_middle_leave_nothing_behind() {
    let emulator = with_stream();
    let body = json!({ "StreamName": "orders", "Data": "AAAA", "PartitionKey": "k" }).to_string();
    let whole = post("PutRecord", body.as_bytes());
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        let answer = send_and_stop(&emulator, &whole[..length]);
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{length}");
    }
    assert_eq!(emulator.usage().bytes, 0, "nothing of it was stored");
    still_serves(&emulator);
}

#[test]
fn a_body_longer_than_announced_is_not_a_second_request() {
    let emulator = with_stream();
    let mut request = post("DescribeLimits", b"{}");
    request.extend_from_slice(b"{}{}{}");
    let answer = send_and_stop(&emulator, &request);
    assert_eq!(answer.windows(9).filter(|window| window == b"HTTP/1.1 ").count(), 1);
    still_serves(&emulator);
}

#[test]
fn a_huge_announcement_is_refused_before_it_is_read() {
    let emulator = with_stream();
    for length in ["16777217", "9999999999999"] {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\n\
             X-Amz-Target: Kinesis_20131202.PutRecord\r\nContent-Length: {length}\r\n\r\n"
        );
        let mut stream = connect(&emulator);
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        let read = stream.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]);
        assert_eq!(answer, "HTTP/1.1 413");
    }
    still_serves(&emulator);
}

#[test]
fn arbitrary_bytes_never_stop_the_server() {
    let emulator = with_stream();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    let starts = prop::sample::select(vec![&b""[..], b"POST / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]);
    let bytes = (starts, prop::collection::vec(any::<u8>(), 0..300));
    let sent = runner.run(&bytes, |(start, rest)| {
        send_and_stop(&emulator, &[start, &rest].concat());
        Ok(())
    });
    sent.unwrap();
    still_serves(&emulator);
}
