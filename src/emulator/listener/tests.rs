//! Peers that stall, flood or talk nonsense. The clock is tokio's, paused: it jumps to the next timer when nothing moves.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http2;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;
use crate::emulator::tests::settings;
use crate::emulator::{Credentials, Service, Tls};

const PUT: &str = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Kinesis_20131202.PutRecord\r\n";

fn server() -> Arc<Server> {
    Arc::new(Server::new(Arc::new(Service::new(settings()))))
}

/// A connection to `server`, and what keeps the server open.
fn connect(server: &Arc<Server>) -> (DuplexStream, watch::Sender<()>) {
    let (ours, theirs) = duplex(1 << 20);
    let (open, closing) = watch::channel(());
    tokio::spawn(serve_connection(theirs, Arc::clone(server), true, closing));
    (ours, open)
}

/// Sends `bytes`, one every `pause`, until the server closes the connection; gives the answer and how long it took.
async fn drip(bytes: &str, pause: Duration) -> (String, Duration) {
    let (connection, _open) = connect(&server());
    let begun = Instant::now();
    let (mut reader, mut writer) = tokio::io::split(connection);
    let bytes = bytes.to_owned();
    let sending = tokio::spawn(async move {
        for byte in bytes.bytes() {
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(pause).await;
        }
        // Half open: nothing is sent any more, but the connection is kept.
        std::future::pending::<()>().await;
    });
    let mut answer = Vec::new();
    // A reset tells as much as an end.
    let _ = reader.read_to_end(&mut answer).await;
    sending.abort();
    (String::from_utf8_lossy(&answer).into_owned(), begun.elapsed())
}

fn bound(limit: Duration) -> std::ops::RangeInclusive<Duration> {
    let grace = ConnectionLimits::default().grace;
    limit..=limit + grace + Duration::from_millis(10)
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed_after_the_idle_time() {
    let (answer, time) = drip("", Duration::ZERO).await;
    assert_eq!(answer, "");
    assert!(bound(ConnectionLimits::default().idle).contains(&time), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_is_not_waited_for() {
    for head in [PUT.repeat(40), "PRI * HTTP/2.0\r\n".to_owned()] {
        let (_, time) = drip(&head, Duration::from_secs(9)).await;
        assert!(bound(ConnectionLimits::default().idle).contains(&time), "{time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_byte_by_byte_is_refused() {
    let limits = ConnectionLimits::default();
    let (connection, _open) = connect(&server());
    let (mut reader, mut writer) = tokio::io::split(connection);
    writer.write_all(format!("{PUT}Content-Length: 1000\r\n\r\n").as_bytes()).await.unwrap();
    let sending = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let begun = Instant::now();
    let mut answer = Vec::new();
    let _ = reader.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("RequestTimeoutException"), "{answer}");
    assert!(bound(limits.body).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    sending.abort();
}

#[tokio::test(start_paused = true)]
async fn heads_that_are_too_long_or_nonsense_are_refused() {
    let long_header = format!("{PUT}X-Long: {}\r\n\r\n", "x".repeat(HEAD_BYTES as usize));
    let many_headers = format!("{PUT}{}\r\n", "X-Many: x\r\n".repeat(200));
    let nonsense = "\x16\x03\x01 this is TLS\r\n\r\n".to_owned();
    for (head, status) in [(long_header, "431"), (many_headers, "431"), (nonsense, "400")] {
        let (mut connection, _open) = connect(&server());
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_does_not_hold_the_connection() {
    let server = server();
    // Room for little: the answer has to wait for the reader.
    let (mut connection, theirs) = duplex(64);
    let (_open, closing) = watch::channel(());
    let served = tokio::spawn(serve_connection(theirs, Arc::clone(&server), true, closing));
    connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let begun = Instant::now();
    served.await.unwrap();
    assert!(bound(server.limits.idle).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_closed_and_a_used_one_is_kept() {
    let server = server();
    let (connection, _open) = connect(&server);
    let (mut sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(connection)).await.unwrap();
    let driver = tokio::spawn(driver);
    let begun = Instant::now();
    for _ in 0..5 {
        sleep(server.limits.idle - Duration::from_secs(1)).await;
        let request = Request::get("http://x/health").body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    }
    driver.await.unwrap().unwrap();
    assert!(bound(server.limits.idle * 6 - Duration::from_secs(5)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_thousand_requests_fit_on_one_http2_connection() {
    let server = server();
    let (connection, _open) = connect(&server);
    let (mut sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(connection)).await.unwrap();
    tokio::spawn(driver);
    // None of them has its body yet: all are open at once.
    let mut answers = JoinSet::new();
    let mut bodies = Vec::new();
    for _ in 0..1_000 {
        let (body_sender, body) = tokio::sync::mpsc::channel::<Bytes>(1);
        let request = Request::post("http://x/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "Kinesis_20131202.DescribeStreamSummary");
        answers.spawn(sender.send_request(request.body(Later(body)).unwrap()));
        bodies.push(body_sender);
    }
    for body in bodies {
        body.send(Bytes::from_static(b"{\"StreamName\":\"orders\"}")).await.unwrap();
    }
    for answer in answers.join_all().await {
        // There is no such stream: each request was read and answered.
        assert_eq!(answer.unwrap().status(), 400);
    }
}

#[tokio::test]
async fn where_signatures_are_asked_for_only_this_machine_sees_the_state() {
    let credentials =
        Credentials { access_key_id: "a".to_owned(), secret_access_key: "b".to_owned(), session_token: None };
    let signed = Arc::new(Server::new(Arc::new(Service::new(settings()))).with_credentials(credentials));
    for (server, local, path, status) in [
        (server(), false, "/state", "200"),
        (Arc::clone(&signed), true, "/metrics", "200"),
        (Arc::clone(&signed), true, "/state", "200"),
        (Arc::clone(&signed), false, "/health", "200"),
        (Arc::clone(&signed), false, "/metrics", "403"),
        (signed, false, "/state", "403"),
    ] {
        let (mut connection, theirs) = duplex(1 << 20);
        let (_open, closing) = watch::channel(());
        let served = tokio::spawn(serve_connection(theirs, server, local, closing));
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer[9..12]), status, "{path}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed_at_once_and_counted() {
    let grace = Duration::from_secs(3_600);
    let limits = ConnectionLimits { connections: 2, grace, ..ConnectionLimits::default() };
    let server = Arc::new(Server::new(Arc::new(Service::new(settings()))).with_limits(limits));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, Arc::clone(&server), async { drop(stopped.await) }));
    let health = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(health).await.unwrap();
        assert_eq!(connection.read_u8().await.unwrap(), b'H');
        kept.push(connection);
    }
    let mut refused = TcpStream::connect(address).await.unwrap();
    assert!(!matches!(refused.read(&mut [0]).await, Ok(1)), "it is closed without an answer");
    assert_eq!(server.counters.refused_connections.load(Ordering::Relaxed), 1);
    assert_eq!(server.counters.open_connections.get(), 2);
    // Connections without an open request are not granted the grace.
    drop(stop);
    timeout(grace / 2, serving).await.unwrap().unwrap();
    assert_eq!(server.counters.open_connections.get(), 0);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_or_is_none_is_ended() {
    let limits = ConnectionLimits { handshake: Duration::from_millis(20), ..ConnectionLimits::default() };
    let (tls, _) = Tls::generate("127.0.0.1").unwrap();
    let server = Arc::new(Server::new(Arc::new(Service::new(settings()))).with_limits(limits).with_tls(tls));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, Arc::clone(&server), std::future::pending()));
    for garbage in ["", "GET /health HTTP/1.1\r\n\r\n", "\x16\x03\x01\x7f\x7f\x01"] {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(garbage.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // At most an alert of TLS comes back.
        let _ = connection.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"));
    }
    assert_eq!(server.counters.failed_handshakes.load(Ordering::Relaxed), 3);
    serving.abort();
}

/// A body that is sent later.
struct Later(tokio::sync::mpsc::Receiver<Bytes>);

impl hyper::body::Body for Later {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        let bytes = self.get_mut().0.poll_recv(context);
        bytes.map(|bytes| bytes.map(|bytes| Ok(hyper::body::Frame::data(bytes))))
    }
}
