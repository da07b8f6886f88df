//! Where calls go: the embedded emulator, any endpoint, or AWS. All three are the same SDK client; only credentials and URL
//! differ.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_smithy_http_client::tls;

use super::EngineError;
use super::created::Place;
use super::embedded::{self, Embedded};
use super::endpoint::{AwsHosts, OnlyAws};
use crate::address::Target;
use crate::kinesis::{Profile, Settings};
use crate::seed::Seed;
use crate::units::Bytes;

/// A client for a target.
#[derive(Debug)]
pub struct Connection {
    /// The SDK's client for reading and for the control plane; its own retries are off.
    pub client: Client,
    /// The client for puts: the same, but with the timeout of the scenario's producer.
    pub puts: Client,
    /// The emulator that answers it, if it is the embedded one.
    pub embedded: Option<Embedded>,
    /// The region in use, for AWS.
    pub region: Option<String>,
    /// Where what a run creates stays until it is deleted; `None` for the embedded emulator.
    pub place: Option<Place>,
}

/// Connects to a target. `timeout` bounds every put, and nothing else; `seed` is that of the embedded emulator's latencies.
///
/// # Errors
/// The embedded emulator cannot bind a port; or for AWS, the environment names no region, or sends calls elsewhere.
pub async fn connect(
    target: &Target,
    timeout: Duration,
    profile: &Profile,
    seed: Seed,
) -> Result<Connection, EngineError> {
    let embedded = match target {
        Target::Embedded => Some(embedded::start(emulator_settings(profile, seed))?),
        Target::Endpoint(_) | Target::Aws => None,
    };
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let endpoint = match target {
        Target::Endpoint(url) => Some(url.clone()),
        Target::Embedded => embedded.as_ref().map(Embedded::url),
        Target::Aws => None,
    };
    let shared = aws_config::defaults(BehaviorVersion::latest()).http_client(https.clone());
    let shared = match endpoint {
        // An endpoint that is not AWS takes any credentials; those of the environment are never sent to it.
        Some(url) => shared
            .endpoint_url(url)
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("streamgauge", "streamgauge", None, None, "streamgauge")),
        None => shared,
    };
    let shared = shared.load().await;
    let Some(region) = shared.region().map(ToString::to_string) else { return Err(EngineError::NoRegion) };
    let mut config = aws_sdk_kinesis::config::Builder::from(&shared);
    if *target == Target::Aws {
        let hosts = AwsHosts::of(&region);
        hosts.check_resolved(config.clone()).await?;
        config = config.http_client(OnlyAws { hosts: hosts.into(), inner: https });
    }
    let client = |timeout: Duration| {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(timeout.min(CONNECT_TIMEOUT))
            .read_timeout(timeout)
            .operation_attempt_timeout(timeout)
            .operation_timeout(timeout)
            .build();
        let config = config
            .clone()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // A subscription without records is silent and not stalled.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Client::from_conf(config)
    };
    let place = place(target, &region);
    Ok(Connection { client: client(CALL_TIMEOUT), puts: client(timeout), embedded, region: Some(region), place })
}

/// How long calls other than puts may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

fn place(target: &Target, region: &str) -> Option<Place> {
    let place = |endpoint, profile| Some(Place { region: region.to_owned(), endpoint, profile });
    match target {
        Target::Embedded => None,
        Target::Endpoint(url) => place(Some(url.clone()), None),
        Target::Aws => place(None, std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty())),
    }
}

fn emulator_settings(profile: &Profile, seed: Seed) -> Settings {
    Settings {
        epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        memory_budget: EMULATOR_MEMORY,
        // A run should not wait 41 s for its stream; the profile's figure is for the standing emulator.
        transition_scale: 0.0,
        ..Settings::new(profile.clone(), seed)
    }
}

/// Records that the embedded emulator holds at most; beyond it, what all consumers have read goes first.
const EMULATOR_MEMORY: Bytes = Bytes(256 << 20);
