//! The server's process: its start, its end, and what the kernel says of it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const START_LIMIT: Duration = Duration::from_secs(60);
/// USER_HZ, in which /proc counts; fixed on all platforms that Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server; it is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process until it took a connection.
    pub ready: Duration,
}

impl Process {
    /// Starts `command` on a free port and waits until it takes connections.
    pub fn start(command: &[String]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let words: Vec<String> =
            command.iter().map(|word| word.replace("{port}", &address.port().to_string())).collect();
        let begun = Instant::now();
        let child = Command::new(&words[0]).args(&words[1..]).stdout(Stdio::null()).spawn().unwrap();
        let mut process = Self { child, address, ready: Duration::ZERO };
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < START_LIMIT, "{words:?} does not listen on {address}");
            assert!(process.child.try_wait().unwrap().is_none(), "{words:?} has ended");
            sleep(Duration::from_micros(500));
        }
        process.ready = begun.elapsed();
        process
    }

    /// CPU seconds, user and system, of all its threads so far.
    pub fn cpu(&self) -> f64 {
        let stat = self.read("stat");
        // The name before the last parenthesis may hold anything; utime and stime are fields 14 and 15.
        let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
        let ticks = |field: usize| fields[field - 3].parse::<f64>().unwrap();
        (ticks(14) + ticks(15)) / TICKS_PER_SECOND
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> f64 {
        let status = self.read("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
