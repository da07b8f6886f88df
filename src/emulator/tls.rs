//! TLS: a certificate, generated or given, and the handshake.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

/// How long a generated certificate is valid; clients of macOS refuse a longer time than 825 days.
const VALIDITY: Duration = Duration::from_secs(397 * 86_400);
/// Clocks of containers and virtual machines are not always right.
const CLOCK_SKEW: Duration = Duration::from_secs(86_400);

/// The server's side of TLS.
#[derive(Clone)]
pub struct Tls {
    acceptor: tokio_rustls::TlsAcceptor,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file holds none.
    #[error("cannot read a certificate from `{}`: {reason}; it must hold the certificate and its chain as PEM", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key file holds none.
    #[error("cannot read a private key from `{}`: {reason}; it must hold an unencrypted key as PEM", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate and the key do not go together, or cannot be used.
    #[error(
        "the certificate cannot be used: {0}; it and the key must belong together, or leave both out to have one made"
    )]
    Unusable(#[from] rustls::Error),
    /// No certificate could be made.
    #[error("no certificate could be generated: {0}; give one with --tls-cert and --tls-key")]
    Generation(#[from] rcgen::Error),
}

impl Tls {
    /// TLS with a certificate for `localhost`, the loopback addresses and `host`, and the PEM of the authority that signed
    /// it, for clients to trust.
    ///
    /// The authority is made for this one certificate, and its key is forgotten: trusting it trusts nothing else.
    ///
    /// # Errors
    /// `host` cannot be in a certificate, or the system has no randomness.
    pub fn generate(host: &str) -> Result<(Self, String), TlsError> {
        let now = SystemTime::now();
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "streamgauge emulator, one-time authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (authority.not_before, authority.not_after) = ((now - CLOCK_SKEW).into(), (now + VALIDITY).into());
        let authority_key = KeyPair::generate()?;
        let authority_certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);

        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        if !names.iter().any(|name| name == host) {
            names.push(host.to_owned());
        }
        let mut server = CertificateParams::new(names)?;
        server.distinguished_name.push(DnType::CommonName, "streamgauge emulator");
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Without it, OpenSSL's strict mode, which Python 3.13 turned on, refuses the certificate.
        server.use_authority_key_identifier_extension = true;
        (server.not_before, server.not_after) = ((now - CLOCK_SKEW).into(), (now + VALIDITY).into());
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &issuer)?;

        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let tls = Self::new(vec![certificate.der().clone()], key.into())?;
        Ok((tls, authority_certificate.pem()))
    }

    /// TLS with a certificate (its chain included) and its key from PEM files.
    ///
    /// # Errors
    /// A file cannot be read, or the two do not go together.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let unreadable = |reason: String| TlsError::Certificate { path: certificate.to_owned(), reason };
        let chain = CertificateDer::pem_file_iter(certificate).map_err(|error| unreadable(error.to_string()))?;
        let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|error| unreadable(error.to_string()))?;
        if chain.is_empty() {
            return Err(unreadable("it holds no certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| TlsError::Key { path: key.to_owned(), reason: error.to_string() })?;
        Self::new(chain, key)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: Arc::new(config).into() })
    }

    /// Shakes hands with a client.
    pub(super) async fn accept<I: AsyncRead + AsyncWrite + Unpin>(&self, io: I) -> io::Result<TlsStream<I>> {
        self.acceptor.accept(io).await
    }
}

/// Shows nothing of the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_hold_no_certificate_or_key_are_named() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("empty.pem");
        let missing = Tls::from_files(&path, &path).unwrap_err().to_string();
        assert!(missing.contains("empty.pem") && missing.contains("certificate"), "{missing}");
        std::fs::write(&path, "").unwrap();
        assert!(Tls::from_files(&path, &path).unwrap_err().to_string().contains("holds no certificate"));

        let (_, authority) = Tls::generate("127.0.0.1").unwrap();
        std::fs::write(&path, authority).unwrap();
        assert!(Tls::from_files(&path, &path).unwrap_err().to_string().contains("private key"));
    }

    #[test]
    fn a_certificate_and_a_key_from_files_must_go_together() {
        let directory = tempfile::TempDir::new().unwrap();
        let (certificate, key) = (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
        let made = KeyPair::generate().unwrap();
        std::fs::write(&certificate, CertificateParams::default().self_signed(&made).unwrap().pem()).unwrap();
        std::fs::write(&key, made.serialize_pem()).unwrap();
        assert!(Tls::from_files(&certificate, &key).is_ok());
        std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(matches!(Tls::from_files(&certificate, &key), Err(TlsError::Unusable(_))));
    }
}
