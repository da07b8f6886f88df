//! `streamgauge emulator` as other programs meet it: its one line, its endpoints, its signals, TLS and signatures.

use std::io::{Read, Write};
use std::net::TcpStream;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::Blob;
use aws_smithy_http_client::tls;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::emulator::{EmulatorProcess, command, exchange};

/// An emulator that answers at once.
fn start(arguments: &[&str]) -> EmulatorProcess {
    EmulatorProcess::start(&[&["--latency", "none"], arguments].concat())
}

/// A client of `url` with a secret key, which trusts `authority` if there is one.
pub fn client(url: &str, key: &str, secret: &str, authority: Option<&str>) -> Client {
    let mut trust = tls::TrustStore::empty();
    if let Some(pem) = authority {
        trust = trust.with_pem_certificate(pem.as_bytes());
    }
    let context = tls::TlsContext::builder().with_trust_store(trust).build().unwrap();
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .tls_context(context)
        .build_https();
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(url)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

#[tokio::test]
async fn a_client_uses_it_and_its_endpoints_tell_of_it() {
    let emulator = start(&["--transitions", "0", "--account", "123456789012", "--region", "eu-west-1"]);
    assert_eq!(emulator.get("/health"), ("200".to_owned(), "ok".to_owned()));
    let client = client(&emulator.url, "any", "any", None);
    client.create_stream().stream_name("orders").shard_count(2).send().await.unwrap();
    let put = client.put_record().stream_name("orders").partition_key("k").data(Blob::new(vec![0; 99]));
    put.send().await.unwrap();
    assert!(client.describe_stream_summary().stream_name("no").send().await.is_err());

    let (status, metrics) = emulator.get("/metrics");
    assert_eq!(status, "200");
    for line in [
        "streamgauge_requests_total{operation=\"CreateStream\",status=\"200\"} 1",
        "streamgauge_requests_total{operation=\"DescribeStreamSummary\",status=\"400\"} 1",
        "streamgauge_requests_total{operation=\"PutRecord\",status=\"200\"} 1",
        "streamgauge_cloudwatch_sum{stream=\"orders\",metric=\"IncomingBytes\"} 100",
        "streamgauge_cloudwatch_samples{stream=\"orders\",metric=\"PutRecord.Success\"} 1",
        "streamgauge_memory_budget_bytes 536870912",
        "streamgauge_records_trimmed_early_total{read=\"false\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "`{line}` is not in:\n{metrics}");
    }
    let state: Value = serde_json::from_str(&emulator.get("/state").1).unwrap();
    assert_eq!((&state["account"], &state["region"]), (&"123456789012".into(), &"eu-west-1".into()));
    let stream = &state["streams"][0];
    assert_eq!((&stream["name"], &stream["status"]), (&"orders".into(), &"ACTIVE".into()));
    assert_eq!(stream["shards"][1]["ending_hash_key"], u128::MAX.to_string());
    assert_eq!(emulator.get("/other").0, "403");
}

#[tokio::test]
async fn a_new_stream_is_created_for_a_while_unless_told_otherwise() {
    let emulator = start(&["--transitions", "1"]);
    let client = client(&emulator.url, "any", "any", None);
    client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
    let summary = client.describe_stream_summary().stream_name("orders").send().await.unwrap();
    assert_eq!(summary.stream_description_summary.unwrap().stream_status.as_str(), "CREATING");
}

#[tokio::test]
async fn a_client_that_trusts_the_written_authority_speaks_tls() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("authority.pem");
    let emulator = start(&["--tls", "--tls-cert-out", path.to_str().unwrap()]);
    assert!(emulator.url.starts_with("https://127.0.0.1:"), "{}", emulator.url);
    let authority = std::fs::read_to_string(&path).unwrap();
    assert!(!authority.contains("PRIVATE"));
    let trusting = client(&emulator.url, "any", "any", Some(&authority));
    trusting.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
    let distrusting = client(&emulator.url, "any", "any", None);
    assert!(distrusting.create_stream().stream_name("orders").shard_count(1).send().await.is_err());
}

#[tokio::test]
async fn only_the_right_credentials_are_let_in() {
    let emulator = start(&["--require-auth"]);
    let create = async |key: &str, secret: &str| {
        let client = client(&emulator.url, key, secret, None);
        let error = client.create_stream().stream_name("orders").shard_count(1).send().await.err()?;
        Some((error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned()))
    };
    assert_eq!(create("AKIDEXAMPLE", "secret").await, None);
    let (code, message) = create("AKIDEXAMPLE", "wrong").await.unwrap();
    assert_eq!(code, "InvalidSignatureException");
    assert!(message.starts_with("The request signature we calculated does not match"), "{message}");
    let (code, message) = create("AKIDOTHER", "secret").await.unwrap();
    assert_eq!(code, "UnrecognizedClientException");
    assert_eq!(message, "The security token included in the request is invalid.");

    let request = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Amz-Target: Kinesis_20131202.ListShards\r\n\
                   Content-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}";
    let answer = exchange(emulator.address(), request);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("MissingAuthenticationTokenException"), "{answer}");
    // These stay open to this machine.
    assert_eq!((emulator.get("/health").0, emulator.get("/state").0), ("200".to_owned(), "200".to_owned()));
}

#[tokio::test]
async fn faults_are_put_and_shown_while_it_runs() {
    let emulator = start(&["--transitions", "0"]);
    let put = |document: &str| {
        let head = "PUT /faults HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        exchange(emulator.address(), &format!("{head}Content-Length: {}\r\n\r\n{document}", document.len()))
    };
    let client = client(&emulator.url, "any", "any", None);
    client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
    let answer = put(r#"[{"kind": "boom"}]"#);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("unknown variant `boom`"), "{answer}");
    assert!(put(r#"[{"kind": "service-unavailable"}]"#).starts_with("HTTP/1.1 204"));
    assert!(emulator.get("/faults").1.contains("service-unavailable"));
    let put_record = || client.put_record().stream_name("orders").partition_key("k").data(Blob::new(vec![0; 9])).send();
    let error = put_record().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 503);
    assert!(put(r#"[{"kind": "connection-dropped", "operations": ["PutRecord"]}]"#).starts_with("HTTP/1.1 204"));
    assert!(put_record().await.unwrap_err().raw_response().is_none(), "there is no answer at all");
    assert!(put("[]").starts_with("HTTP/1.1 204"));
    put_record().await.unwrap();
}

#[test]
#[cfg(unix)]
fn a_signal_stops_it_in_good_order() {
    for signal in ["INT", "TERM"] {
        let emulator = start(&[]);
        let idle = TcpStream::connect(emulator.address()).unwrap();
        emulator.signal(signal);
        assert_eq!(emulator.ended(), (Some(0), String::new()), "{signal}");
        drop(idle);
    }
}

#[test]
#[cfg(unix)]
fn a_second_signal_does_not_wait_for_open_requests() {
    let emulator = start(&[]);
    // The body never comes, so that the request is open for as long as the grace lasts.
    let mut open = TcpStream::connect(emulator.address()).unwrap();
    let head = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Kinesis_20131202.ListShards\r\n\
                Content-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    open.write_all(head.as_bytes()).unwrap();
    // The invitation to send the body says that the request has begun.
    let mut invitation = [0; 12];
    open.read_exact(&mut invitation).unwrap();
    assert_eq!(&invitation, b"HTTP/1.1 100");
    // Both signals wait for it when it goes on.
    for signal in ["STOP", "TERM", "INT", "CONT"] {
        emulator.signal(signal);
    }
    // Which of the two it sees first is not said.
    assert!(matches!(emulator.ended().0, Some(130 | 143)));
}

#[test]
fn what_cannot_be_served_exits_with_two_and_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).unwrap();
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing.pem").display().to_string();
    for (arguments, words) in [
        (&["--listen", taken.1.as_str()][..], "name another port with --listen"),
        (&["--listen", "4567"], "write an IP address and a port"),
        (&["--tls-cert", &missing], "--tls"),
        (&["--tls", "--tls-cert", &missing, "--tls-key", &missing], "missing.pem"),
        (&["--memory", "512"], "has no unit"),
        (&["--account", "1"], "12 digits"),
        (&["--transitions", "-1"], "from 0 to 1000"),
    ] {
        let output = command(arguments).output().unwrap();
        let problem = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {problem}");
        assert!(problem.contains(words), "{arguments:?}: {problem}");
        assert!(output.stdout.is_empty());
    }
    let output = command(&["--require-auth", "--listen", "127.0.0.1:0"]).env_remove("AWS_SECRET_ACCESS_KEY").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("AWS_SECRET_ACCESS_KEY is not set"));
}
