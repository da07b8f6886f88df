//! Whether a call to AWS goes to AWS. Endpoints come from many places (the environment, a profile, its services section, FIPS and
//! dual-stack settings, the account of the credentials, the ARN of a stream), so what is looked at is the address that the SDK has
//! resolved, at the last moment before it connects.
//!
//! These are the calls to Kinesis. Where credentials come from (STS, SSO, the metadata of an instance, a process) is the SDK's
//! matter: those calls go where the AWS configuration says.

use std::sync::{Arc, OnceLock};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::{Builder, Credentials};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::EngineError;
use super::errors::describe;

/// Partitions of AWS: how the names of their regions begin, and the DNS suffixes of their services, for IPv4 and for dual-stack
/// endpoints (the partitions of the SDK's endpoint rules). The first that fits is meant; the last fits all others, as in the SDK.
const PARTITIONS: &[(&str, [&str; 2])] = &[
    ("cn-", ["amazonaws.com.cn", "api.amazonwebservices.com.cn"]),
    ("eusc-", ["amazonaws.eu", "api.amazonwebservices.eu"]),
    ("us-iso-", ["c2s.ic.gov", "api.aws.ic.gov"]),
    ("us-isob-", ["sc2s.sgov.gov", "api.aws.scloud"]),
    ("eu-isoe-", ["cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"]),
    ("us-isof-", ["csp.hci.ic.gov", "api.aws.hci.ic.gov"]),
    // GovCloud has the suffixes of the commercial regions.
    ("", ["amazonaws.com", "api.aws"]),
];

/// The names of the service in hosts. Calls that name a stream or consumer by its ARN have hosts of their account.
const SERVICES: &[&str] =
    &["kinesis", "kinesis-fips", "control-kinesis", "control-kinesis-fips", "data-kinesis", "data-kinesis-fips"];

/// The hosts that AWS answers for Kinesis in a region.
#[derive(Debug, Clone)]
pub(super) struct AwsHosts {
    region: String,
    suffixes: [&'static str; 2],
}

impl AwsHosts {
    /// Those of a region.
    pub fn of(region: &str) -> Self {
        let suffixes = PARTITIONS.iter().find(|(begin, _)| region.starts_with(begin)).map_or([""; 2], |(_, s)| *s);
        Self { region: region.to_owned(), suffixes }
    }

    /// Whether this is an address of Kinesis in the region, over TLS: the regional host, one of FIPS or dual stack, one of an
    /// account, or an interface VPC endpoint. Other hosts under AWS's domains (load balancers, buckets, functions, endpoint services)
    /// may be anybody's.
    fn include(&self, url: &str) -> bool {
        let Ok(uri) = url.parse::<hyper::Uri>() else { return false };
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let regional = |suffix: &str| {
            let rest = host.strip_suffix(suffix)?.strip_suffix('.')?;
            if let Some(interface) = rest.strip_suffix(".vpce") {
                let labels: Vec<&str> = interface.strip_suffix(&self.region)?.strip_suffix('.')?.split('.').collect();
                let [id, service] = labels[..] else { return None };
                return Some(id.starts_with("vpce-") && SERVICES.contains(&service));
            }
            let service = rest.strip_suffix(&self.region)?.strip_suffix('.')?.rsplit('.').next()?;
            Some(SERVICES.contains(&service))
        };
        let secret = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        uri.scheme_str() == Some("https")
            && !secret
            && self.suffixes.iter().any(|suffix| regional(suffix) == Some(true))
    }

    /// The regional host.
    fn regional(&self) -> String {
        format!("kinesis.{}.{}", self.region, self.suffixes[0])
    }

    /// Refuses an address that is not AWS's.
    fn check(&self, url: &str) -> Result<(), EngineError> {
        if self.include(url) {
            return Ok(());
        }
        Err(EngineError::Redirected { url: place(url), region: self.region.clone(), regional: self.regional() })
    }

    /// Looks where the SDK would send calls with this configuration. Nothing is sent, and no credentials are asked for.
    ///
    /// # Errors
    /// The SDK finds no address, or one that is not AWS's.
    pub async fn check_resolved(&self, config: Builder) -> Result<(), EngineError> {
        let seen = Seen::default();
        let nobody = Credentials::new("streamgauge", "streamgauge", None, None, "streamgauge");
        let config =
            config.credentials_provider(nobody).http_client(seen.clone()).retry_config(RetryConfig::disabled()).build();
        let answer = Client::from_conf(config).list_streams().send().await;
        match (seen.0.get(), answer) {
            (Some(url), _) => self.check(url),
            (None, Err(error)) => Err(EngineError::NoEndpoint(describe(&error))),
            // It cannot be: whoever would have answered only takes note of the address.
            (None, Ok(_)) => Err(EngineError::NoEndpoint("its address is not known".to_owned())),
        }
    }
}

/// Scheme, host and port of a URL: the rest may hold secrets.
fn place(url: &str) -> String {
    let Ok(uri) = url.parse::<hyper::Uri>() else { return "an address that is no URL".to_owned() };
    let port = uri.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default())
}

/// An HTTP client that connects to AWS alone.
#[derive(Debug, Clone)]
pub(super) struct OnlyAws {
    pub hosts: Arc<AwsHosts>,
    pub inner: SharedHttpClient,
}

impl HttpClient for OnlyAws {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(OnlyAwsConnector { hosts: self.hosts.clone(), inner })
    }
}

#[derive(Debug)]
struct OnlyAwsConnector {
    hosts: Arc<AwsHosts>,
    inner: SharedHttpConnector,
}

impl HttpConnector for OnlyAwsConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.hosts.check(request.uri()) {
            Ok(()) => self.inner.call(request),
            Err(refused) => HttpConnectorFuture::ready(Err(ConnectorError::user(refused.into()))),
        }
    }
}

/// An HTTP client that takes note of the address, and connects to nothing.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<OnceLock<String>>);

impl HttpClient for Seen {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Seen {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.get_or_init(|| request.uri().to_owned());
        HttpConnectorFuture::ready(Err(ConnectorError::user("this call only asks for its address".into())))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::config::{BehaviorVersion, Region};

    use super::*;

    #[test]
    fn the_hosts_of_kinesis_are_those_of_its_partition_and_region() {
        for (region, host) in [
            ("eu-west-1", "kinesis.eu-west-1.amazonaws.com"),
            ("eu-west-1", "KINESIS.eu-west-1.amazonaws.com."),
            ("eu-west-1", "kinesis.eu-west-1.amazonaws.com:443"),
            ("eu-west-1", "kinesis.eu-west-1.api.aws"),
            ("us-east-1", "kinesis-fips.us-east-1.amazonaws.com"),
            ("us-east-1", "kinesis-fips.us-east-1.api.aws"),
            ("us-east-1", "123456789012.control-kinesis.us-east-1.amazonaws.com"),
            ("us-east-1", "123456789012.data-kinesis-fips.us-east-1.api.aws"),
            ("us-east-1", "vpce-0abc-1.kinesis.us-east-1.vpce.amazonaws.com"),
            ("us-gov-west-1", "kinesis.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", "kinesis.us-gov-west-1.api.aws"),
            ("cn-north-1", "kinesis.cn-north-1.amazonaws.com.cn"),
            ("cn-north-1", "kinesis-fips.cn-north-1.api.amazonwebservices.com.cn"),
            ("eusc-de-east-1", "kinesis.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", "1.data-kinesis.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "kinesis.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", "kinesis.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", "kinesis.us-isof-south-1.csp.hci.ic.gov"),
            // As the SDK does with regions that are newer than it.
            ("nz-new-1", "kinesis.nz-new-1.amazonaws.com"),
        ] {
            assert!(AwsHosts::of(region).include(&format!("https://{host}/")), "{host}");
            assert!(!AwsHosts::of(region).include(&format!("http://{host}/")), "{host} without TLS");
            assert!(!AwsHosts::of("ap-south-1").include(&format!("https://{host}/")), "{host} from another region");
        }
    }

    #[test]
    fn whatever_else_has_a_name_like_it_is_refused() {
        let hosts = AwsHosts::of("us-east-1");
        for url in [
            "https://127.0.0.1:4567/",
            "https://[::1]/",
            "https://localhost/",
            "https://example.com/",
            "https://kinesis.us-east-1.amazonaws.com.example.com/",
            "https://kinesis.us-east-1.amazonaws.com@example.com/",
            "https://user:word@kinesis.us-east-1.amazonaws.com/",
            "https://example.com/kinesis.us-east-1.amazonaws.com",
            "https://example.com#.kinesis.us-east-1.amazonaws.com",
            "https://xkinesis.us-east-1.amazonaws.com/",
            "https://kinesisus-east-1.amazonaws.com/",
            "https://kinesis.us-east-1amazonaws.com/",
            "https://kinesis.us-east-1.myamazonaws.com/",
            "https://us-east-1.amazonaws.com/",
            "https://amazonaws.com/",
            "https://kinesis.us-east-1.amazonaws.com.cn/",
            "https://sts.us-east-1.amazonaws.com/",
            "https://kinesis.s3.us-east-1.amazonaws.com/",
            "https://x.execute-api.us-east-1.amazonaws.com/",
            "https://kinesis.elb.us-east-1.amazonaws.com/",
            "https://ec2-1-2-3-4.compute-1.amazonaws.com/",
            "https://vpce-0abc-1.vpce-svc-0def.us-east-1.vpce.amazonaws.com/",
            "https://kinesis.us-east-1.vpce.amazonaws.com/",
            "https:///",
            "/",
            "",
        ] {
            assert!(!hosts.include(url), "{url}");
        }
        let refused = hosts.check("https://user:word@example.com:1/path?token=word").unwrap_err().to_string();
        assert!(refused.contains("https://example.com:1,") && !refused.contains("word"), "{refused}");
    }

    /// A configuration as the SDK makes it.
    fn config(region: &str) -> Builder {
        aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
    }

    #[tokio::test]
    async fn what_the_sdk_resolves_for_every_partition_is_taken_for_aws() {
        for region in [
            "us-east-1",
            "ca-west-1",
            "us-gov-east-1",
            "cn-northwest-1",
            "eusc-de-east-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
            "us-isof-south-1",
            "nz-new-1",
        ] {
            let hosts = AwsHosts::of(region);
            for (fips, dual) in [(false, false), (true, false), (false, true), (true, true)] {
                let settings = config(region).use_fips(fips).use_dual_stack(dual);
                hosts.check_resolved(settings).await.unwrap_or_else(|error| panic!("{region} {fips} {dual}: {error}"));
            }
        }
    }

    #[tokio::test]
    async fn a_region_that_is_an_address_is_refused() {
        for region in ["x.example.com/", "us-east-1.example.com#", "example.com:80", "a b"] {
            let refused = AwsHosts::of(region).check_resolved(config(region)).await;
            let refused = refused.expect_err(region);
            assert!(matches!(refused, EngineError::Redirected { .. } | EngineError::NoEndpoint(_)), "{refused}");
        }
    }

    #[tokio::test]
    async fn fips_settings_and_an_endpoint_contradict_each_other() {
        let settings = config("us-east-1").use_fips(true).endpoint_url("http://127.0.0.1:1");
        let refused = AwsHosts::of("us-east-1").check_resolved(settings).await.unwrap_err();
        assert!(matches!(&refused, EngineError::NoEndpoint(why) if why.contains("FIPS")), "{refused}");
    }

    #[tokio::test]
    async fn a_call_to_anybody_else_fails_before_it_connects() {
        // Whatever passes the gate ends here.
        let inner = Seen::default();
        let gate = OnlyAws { hosts: Arc::new(AwsHosts::of("us-east-1")), inner: SharedHttpClient::new(inner.clone()) };
        let nobody = Credentials::new("a", "b", None, None, "test");
        let with = |settings: Builder| {
            let settings = settings.credentials_provider(nobody.clone()).http_client(gate.clone());
            Client::from_conf(settings.retry_config(RetryConfig::disabled()).build())
        };
        let other = with(config("us-east-1").endpoint_url("https://example.com"));
        let error = other.list_streams().send().await.unwrap_err();
        assert_eq!(super::super::errors::classify(&error), crate::client::Failure::Rejected, "it is not tried again");
        assert!(describe(&error).contains("https://example.com"), "{}", describe(&error));
        assert!(inner.0.get().is_none());
        let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";
        let _ = with(config("us-east-1")).describe_stream_summary().stream_arn(arn).send().await;
        let of_account = "https://123456789012.control-kinesis.us-east-1.amazonaws.com/";
        assert_eq!(inner.0.get().map(String::as_str), Some(of_account));
    }
}
