//! A connection that sends requests of the Kinesis API.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Some emulators want to see a signature; none of those measured checks it.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261123/us-east-1/kinesis/aws4_request, \
     SignedHeaders=host;x-amz-date, Signature=0000000000000000000000000000000000000000000000000000000000000000";

/// Kept alive for as long as the server keeps it.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        Self { address, sender: connect(address).await }
    }

    /// Calls `operation` and gives the body of the answer, with its status if that is not 200.
    pub async fn try_call(&mut self, operation: &str, body: Bytes) -> Result<Bytes, String> {
        if self.sender.ready().await.is_err() {
            self.sender = connect(self.address).await;
        }
        let request = hyper::Request::post("/")
            .header("host", self.address.to_string())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
            .header("x-amz-date", "20261123T000000Z")
            .header("authorization", AUTHORIZATION)
            .body(Full::new(body))
            .unwrap();
        let response = self.sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        if status == 200 { Ok(body) } else { Err(format!("{status}: {}", String::from_utf8_lossy(&body))) }
    }

    /// [`Self::try_call`] of what must succeed.
    pub async fn call(&mut self, operation: &str, body: Bytes) -> Bytes {
        self.try_call(operation, body).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}
