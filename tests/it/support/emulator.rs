//! `streamgauge emulator` in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use aws_sdk_kinesis::Client;
use streamgauge::engine::Target;

use super::engine::connected;

/// A running emulator; it is killed when it is dropped.
pub struct EmulatorProcess {
    process: Child,
    output: BufReader<ChildStdout>,
    pub url: String,
}

impl EmulatorProcess {
    /// An emulator on a free port that listens already.
    pub fn start(arguments: &[&str]) -> Self {
        let mut process = command(&[&["--listen", "127.0.0.1:0"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("it printed `{line}`")).trim().to_owned();
        Self { process, output, url }
    }

    /// Its IP address and port.
    pub fn address(&self) -> &str {
        self.url.split_once("//").unwrap().1
    }

    /// The status and body that a path is answered with.
    pub fn get(&self, path: &str) -> (String, String) {
        let answer = exchange(self.address(), &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].to_owned(), body.to_owned())
    }

    /// Sets the fault rules.
    pub fn put_faults(&self, rules: &str) {
        let length = rules.len();
        let head = format!("PUT /faults HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        let answer = exchange(self.address(), &(head + rules));
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        signal(self.process.id(), name);
    }

    /// Waits until it ends; gives its exit code and the rest of its output.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let code = self.process.wait().unwrap().code();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (code, rest)
    }

    /// A client with any credentials.
    pub async fn client(&self) -> Client {
        connected(&Target::Endpoint(self.url.clone())).await.client
    }

    /// How many bytes its streams hold.
    pub fn stored_bytes(&self) -> u64 {
        let metrics = self.get("/metrics").1;
        let stored = metrics.lines().find_map(|line| line.strip_prefix("streamgauge_stored_bytes "));
        stored.map_or(0, |stored| stored.trim().parse().unwrap())
    }

    /// Returns when its streams hold this many bytes.
    pub fn wait_for_bytes(&self, bytes: u64) {
        while self.stored_bytes() < bytes {
            std::thread::yield_now();
        }
    }
}

impl Drop for EmulatorProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program as an emulator, with credentials in its environment.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
    command.arg("emulator").args(arguments).env_remove("RUST_LOG").env_remove("AWS_SESSION_TOKEN");
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    command
}

/// All that comes back for a request; whoever answers closes the connection.
pub fn exchange(address: &str, request: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// Sends a process a signal.
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status().unwrap();
    assert!(sent.success(), "{name}");
}
