//! Addresses on the command line: where calls go, and where a server listens. There is no socket here.

use std::fmt;
use std::str::FromStr;

use core::net::{Ipv4Addr, SocketAddr};

/// Where calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The emulator inside this program.
    Embedded,
    /// An endpoint by its URL.
    Endpoint(String),
    /// Amazon Kinesis Data Streams, with the standard chain of credentials and region.
    Aws,
}

/// The text names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no target: write `embedded`, `aws`, or a URL such as `http://127.0.0.1:4567`")]
pub struct InvalidTarget(String);

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "aws" => Ok(Self::Aws),
            url => {
                let uri: http::Uri = url.parse().map_err(|_| InvalidTarget(url.to_owned()))?;
                let http = matches!(uri.scheme_str(), Some("http" | "https"));
                if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
                    // What stands before the `@` may be a secret: it is neither used nor shown.
                    return Err(InvalidTarget("a URL with credentials in it".to_owned()));
                }
                if http && uri.host().is_some_and(|host| !host.is_empty()) {
                    Ok(Self::Endpoint(url.to_owned()))
                } else {
                    Err(InvalidTarget(url.to_owned()))
                }
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::Endpoint(url) => f.write_str(url),
            Self::Aws => f.write_str("aws"),
        }
    }
}

/// Where a server listens: an address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

/// The text names no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write an IP address and a port, such as 127.0.0.1:4567 or [::1]:4567 (port 0 takes any free one)")]
pub struct InvalidListenAddress;

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, InvalidListenAddress> {
        let localhost = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
        let address = localhost.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        address.or_else(|| text.parse().ok()).map(Self).ok_or(InvalidListenAddress)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ListenAddress {
    /// Whether only processes of this machine can connect.
    pub fn is_loopback(&self) -> bool {
        self.0.ip().to_canonical().is_loopback()
    }

    /// The host that a certificate for this address must name besides the loopback ones.
    pub fn host(&self) -> String {
        self.0.ip().to_string()
    }

    /// The address as a socket takes it.
    pub const fn socket(&self) -> SocketAddr {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_from_text() {
        assert_eq!("embedded".parse(), Ok(Target::Embedded));
        assert_eq!("aws".parse(), Ok(Target::Aws));
        assert_eq!("http://127.0.0.1:4567".parse(), Ok(Target::Endpoint("http://127.0.0.1:4567".into())));
        for wrong in ["", "AWS", "127.0.0.1:4567", "ftp://localhost", "http://", "http//x"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_are_read_from_text() {
        for (text, loopback) in [
            ("127.0.0.1:4567", true),
            ("[::1]:0", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:4567", false),
            ("192.0.2.1:1", false),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.is_loopback()), (text, loopback));
        }
        assert_eq!("localhost:80".parse::<ListenAddress>().unwrap().to_string(), "127.0.0.1:80");
        for wrong in ["", "4567", "127.0.0.1", "example.com:80", "localhost:", "127.0.0.1:99999"] {
            assert_eq!(wrong.parse::<ListenAddress>(), Err(InvalidListenAddress), "{wrong}");
        }
    }
}
