//! `emulator`: what it is served with.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::address::ListenAddress;
use crate::units::Bytes;

/// Serve the emulator.
#[derive(Debug, Args)]
pub struct Emulator {
    /// The IP address and port to listen on; port 0 takes any free one. Any client that reaches it may use the emulator: an
    /// address that is not of the loopback interface opens it to the network, which is warned of.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4567")]
    pub listen: ListenAddress,
    /// The account in ARNs and messages: 12 digits.
    #[arg(long, value_name = "ID", default_value = "000000000000", value_parser = account)]
    pub account: String,
    /// The region in ARNs and in the scope of signatures.
    #[arg(long, value_name = "REGION", default_value = "us-east-1", value_parser = region)]
    pub region: String,
    /// Most bytes of records to hold. Beyond it, what all known readers have read is dropped first, then the oldest; `GET
    /// /metrics` counts it.
    #[arg(long, value_name = "SIZE", default_value = "512 MiB")]
    pub memory: Bytes,
    /// How long answers take.
    #[arg(long, value_enum, default_value_t = Latency::Aws)]
    pub latency: Latency,
    /// Which write limits hold for a shard.
    #[arg(long, value_enum, default_value_t = WriteLimits::Strict)]
    pub write_limits: WriteLimits,
    /// Limits and latencies to use instead of those compiled in: a TOML file of the form of profiles/aws-2026-11.toml.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Factor on the time that changes of state take: 1 is as on AWS, where a new stream is CREATING for 41 s; 0 makes changes
    /// immediate. The default is short enough for tests, and still lets a client fail that does not wait for ACTIVE.
    #[arg(long, value_name = "FACTOR", default_value = "0.01", value_parser = factor, allow_negative_numbers = true)]
    pub transitions: f64,
    /// The seed of the latencies.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub seed: u64,
    /// Speak TLS (HTTP/2 and HTTP/1.1), with a certificate made at the start for localhost and the address listened on.
    #[arg(long)]
    pub tls: bool,
    /// The certificate to use instead of a made one, its chain included, as PEM.
    #[arg(long, value_name = "FILE", requires_all = ["tls", "tls_key"])]
    pub tls_cert: Option<PathBuf>,
    /// The private key of that certificate, unencrypted, as PEM.
    #[arg(long, value_name = "FILE", requires_all = ["tls", "tls_cert"])]
    pub tls_key: Option<PathBuf>,
    /// Where to write, as PEM, the authority that signed the made certificate, for clients to trust (AWS_CA_BUNDLE,
    /// NODE_EXTRA_CA_CERTS). It is made anew at every start, and its key is forgotten.
    #[arg(long, value_name = "FILE", requires = "tls", conflicts_with = "tls_cert")]
    pub tls_cert_out: Option<PathBuf>,
    /// Answer only requests that are signed (Signature Version 4) with the credentials in the environment variables
    /// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, if it is set). `GET /metrics` and `GET /state` then
    /// answer only clients on this machine; `GET /health` answers everyone.
    #[arg(long)]
    pub require_auth: bool,
}

/// How long the emulator's answers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Latency {
    /// As long as measurements of AWS say.
    Aws,
    /// No longer than it takes this machine.
    None,
}

/// Which write limits of the profile hold for a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WriteLimits {
    /// Those that AWS states: 1,000 records/s and 1 MiB/s. Plan with these.
    Strict,
    /// What a shard was measured to take over minutes: some more.
    Field,
    /// None at all.
    None,
}

fn account(text: &str) -> Result<String, &'static str> {
    let valid = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if valid { Ok(text.to_owned()) } else { Err("an account has 12 digits") }
}

fn region(text: &str) -> Result<String, &'static str> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let valid = !text.is_empty() && text.bytes().all(letter);
    if valid { Ok(text.to_owned()) } else { Err("write a region such as us-east-1") }
}

fn factor(text: &str) -> Result<f64, &'static str> {
    let factor = text.parse().ok().filter(|factor| (0.0..=1000.0).contains(factor));
    factor.ok_or("write a number from 0 to 1000, such as 1 or 0.01")
}
