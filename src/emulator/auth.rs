//! Signature Version 4: whether a request was signed with the credentials that the server knows.
//!
//! Order and words of the refusals are those of AWS. The cryptography is that of the `hmac` and `sha2` crates.

use std::fmt;
use std::time::Duration;

use base64_simd::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::header::{AUTHORIZATION, HOST};
use hyper::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};

use super::wire::Fault;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kinesis";
const TERMINATOR: &str = "aws4_request";
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";
/// How far the date of a signature may be from the server's clock.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);
/// The longest life of a signature in the query.
const EXPIRES_MAX: u64 = 7 * 86_400;
/// All but the unreserved characters of RFC 3986 are escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The credentials that requests must be signed with.
#[derive(Clone)]
pub struct Credentials {
    /// The access key, which requests name.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// The token of temporary credentials, which requests must carry.
    pub session_token: Option<String>,
}

/// Never shows the secrets.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Judges signatures.
#[derive(Debug)]
pub(super) struct Authority {
    credentials: Credentials,
    region: String,
}

/// What a request says of its signature, in its headers or in its query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature {
    algorithm: String,
    credential: String,
    signed_headers: String,
    signature: String,
    date: String,
    session_token: Option<String>,
    /// How long a signature in the query is valid.
    expires: Option<String>,
}

impl Signature {
    /// Finds the signature of a request.
    ///
    /// # Errors
    /// There is none, there are two, or it is not complete.
    pub fn of(parts: &Parts) -> Result<Self, Fault> {
        let query = query(parts);
        let in_query = |name: &str| {
            let found = query.iter().find(|(key, _)| key == name.as_bytes());
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let header = header(parts, AUTHORIZATION.as_str());
        match (header, in_query("X-Amz-Algorithm")) {
            (Some(_), Some(_)) => {
                Err(invalid("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."))
            }
            (Some(header), None) if header.starts_with("AWS4-") => Self::of_header(parts, &header),
            (None, Some(algorithm)) => Self::of_query(algorithm, in_query),
            _ => Err(Fault::client("MissingAuthenticationTokenException", "Missing Authentication Token")),
        }
    }

    fn of_header(parts: &Parts, authorization: &str) -> Result<Self, Fault> {
        let (algorithm, fields) = authorization.split_once(' ').unwrap_or((authorization, ""));
        let fields: Vec<_> = fields.split(',').filter_map(|field| field.trim().split_once('=')).collect();
        let mut missing = String::new();
        let mut field = |name: &str| {
            let found = fields.iter().find(|(key, value)| *key == name && !value.is_empty());
            if found.is_none() {
                missing += &format!("Authorization header requires '{name}' parameter. ");
            }
            found.map(|(_, value)| (*value).to_owned()).unwrap_or_default()
        };
        let (credential, signature, signed_headers) = (field("Credential"), field("Signature"), field("SignedHeaders"));
        let date = header(parts, "x-amz-date").or_else(|| header(parts, "date")).unwrap_or_default();
        if date.is_empty() {
            missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
        }
        if !missing.is_empty() {
            let hash = STANDARD.encode_to_string(Sha256::digest(authorization));
            missing += &format!("(Hashed with SHA-256 and encoded with Base64) Authorization={hash}");
            return Err(incomplete(missing));
        }
        let session_token = header(parts, "x-amz-security-token");
        let algorithm = algorithm.to_owned();
        Ok(Self { algorithm, credential, signed_headers, signature, date, session_token, expires: None })
    }

    fn of_query(algorithm: String, in_query: impl Fn(&str) -> Option<String>) -> Result<Self, Fault> {
        let mut missing = String::new();
        let mut field = |name: &str| {
            let found = in_query(name).filter(|value| !value.is_empty());
            if found.is_none() {
                missing += &format!("AWS query-string parameters must include '{name}'. ");
            }
            found.unwrap_or_default()
        };
        let signature = Self {
            algorithm,
            credential: field("X-Amz-Credential"),
            signature: field("X-Amz-Signature"),
            signed_headers: field("X-Amz-SignedHeaders"),
            date: field("X-Amz-Date"),
            session_token: in_query("X-Amz-Security-Token"),
            expires: in_query("X-Amz-Expires"),
        };
        if missing.is_empty() {
            Ok(signature)
        } else {
            Err(incomplete(missing + "Re-examine the query-string parameters."))
        }
    }
}

impl Authority {
    /// Judges signatures made with `credentials` for Kinesis in `region`.
    pub fn new(credentials: Credentials, region: String) -> Self {
        Self { credentials, region }
    }

    /// Checks the signature of a request at `now`.
    ///
    /// # Errors
    /// The signature is malformed, too old, for something else, of other credentials, or not one of this request.
    pub fn verify(&self, parts: &Parts, signature: &Signature, body: &[u8], now: Timestamp) -> Result<(), Fault> {
        let date = date(&signature.date)?;
        check_age(date, signature.expires.as_deref(), now)?;
        let date = basic(date);
        let signed: Vec<&str> = signature.signed_headers.split(';').collect();
        let is_signed = |name: &str| signed.iter().any(|signed| signed.eq_ignore_ascii_case(name));
        if !is_signed("host") && !is_signed(":authority") {
            return Err(invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
        }
        // It names the operation: unsigned, anyone on the way could turn a read into a deletion.
        if !is_signed("x-amz-target") {
            return Err(invalid("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."));
        }
        if signature.algorithm != ALGORITHM {
            return Err(incomplete(format!("Unsupported AWS 'algorithm': '{}'.", signature.algorithm)));
        }
        let scope = self.check_scope(&signature.credential, &date)?;

        let digest = hex(&Sha256::digest(body));
        if header(parts, "x-amz-content-sha256").is_some_and(|claimed| claimed != digest) {
            return Err(mismatch());
        }
        let canonical = canonical_request(parts, &signed, &signature.signed_headers, &digest);
        let canonical = hex(&Sha256::digest(canonical));
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{canonical}");
        let given = unhex(&signature.signature).ok_or_else(mismatch)?;
        // Compares in constant time.
        mac(&self.signing_key(&date[..8]), text.as_bytes()).verify_slice(&given).map_err(|_| mismatch())?;
        if signature.session_token != self.credentials.session_token {
            return Err(unrecognized());
        }
        Ok(())
    }

    /// Checks what a signature is for and whose it is; gives its scope, such as `20261123/us-east-1/kinesis/aws4_request`.
    fn check_scope<'c>(&self, credential: &'c str, date: &str) -> Result<&'c str, Fault> {
        let elements: Vec<&str> = credential.split('/').collect();
        let [key, day, region, service, terminator] = elements[..] else {
            return Err(incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                 '{credential}'"
            )));
        };
        let mut wrong = String::new();
        if region != self.region {
            wrong += &format!("Credential should be scoped to a valid region, not '{region}'. ");
        }
        if service != SERVICE {
            wrong += &format!("Credential should be scoped to correct service: '{SERVICE}'. ");
        }
        if terminator != TERMINATOR {
            wrong +=
                &format!("Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'. ");
        }
        if day != &date[..8] {
            wrong += &format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{day}' != \
                 '{}', from '{date}'.",
                &date[..8]
            );
        }
        if !wrong.is_empty() {
            return Err(invalid(wrong.trim_end()));
        }
        if key != self.credentials.access_key_id {
            return Err(unrecognized());
        }
        Ok(credential.split_once('/').map_or("", |(_, scope)| scope))
    }

    fn signing_key(&self, day: &str) -> Vec<u8> {
        let secret = format!("AWS4{}", self.credentials.secret_access_key);
        [day, &self.region, SERVICE, TERMINATOR]
            .iter()
            .fold(secret.into_bytes(), |key, part| mac(&key, part.as_bytes()).finalize().into_bytes().to_vec())
    }
}

/// Reads the date of a signature: ISO 8601's basic format, or that of HTTP.
fn date(text: &str) -> Result<Timestamp, Fault> {
    // The parser alone would take fewer digits.
    let basic = DateTime::strptime(DATE_FORMAT, text).ok().filter(|_| text.len() == 16);
    let basic = basic.and_then(|date| TimeZone::UTC.to_timestamp(date).ok());
    let date = basic.or_else(|| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp()));
    // Years of four digits, so that they can be written again.
    date.filter(|date| (0..253_402_300_800).contains(&date.as_second())).ok_or_else(|| {
        incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })
}

fn check_age(date: Timestamp, expires: Option<&str>, now: Timestamp) -> Result<(), Fault> {
    let life = match expires {
        None => CLOCK_SKEW,
        Some(seconds) => {
            let seconds = seconds.parse().ok().filter(|seconds| (1..=EXPIRES_MAX).contains(seconds));
            Duration::from_secs(seconds.ok_or_else(|| {
                incomplete(format!("X-Amz-Expires must be a number of seconds from 1 to {EXPIRES_MAX}."))
            })?)
        }
    };
    let (date, now) = (date.as_second(), now.as_second());
    let text = |second| basic(Timestamp::from_second(second).unwrap_or_default());
    let (oldest, youngest) =
        (now.saturating_sub_unsigned(life.as_secs()), now.saturating_add_unsigned(CLOCK_SKEW.as_secs()));
    if date < oldest {
        let minutes = life.as_secs().div_ceil(60);
        return Err(invalid(format!(
            "Signature expired: {} is now earlier than {} ({} - {minutes} min.)",
            text(date),
            text(oldest),
            text(now)
        )));
    }
    if date > youngest {
        return Err(invalid(format!(
            "Signature not yet current: {} is still later than {} ({} + 5 min.)",
            text(date),
            text(youngest),
            text(now)
        )));
    }
    Ok(())
}

/// The request in the one form that both sides sign.
fn canonical_request(parts: &Parts, signed: &[&str], signed_headers: &str, digest: &str) -> String {
    let headers: String = signed
        .iter()
        .map(|name| {
            let name = name.to_ascii_lowercase();
            let value = match name.as_str() {
                // HTTP/2 has it in the target of the request.
                "host" | ":authority" => {
                    header(parts, HOST.as_str()).or_else(|| parts.uri.authority().map(ToString::to_string))
                }
                name => header(parts, name),
            };
            format!("{name}:{}\n", value.unwrap_or_default())
        })
        .collect();
    let (method, path) = (&parts.method, canonical_path(parts.uri.path()));
    let query = canonical_query(parts);
    format!("{method}\n{path}\n{query}\n{headers}\n{}\n{digest}", signed_headers.to_ascii_lowercase())
}

/// The path without empty and relative segments, escaped once more than it was sent, as all services but S3 do.
fn canonical_path(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(percent_encode(segment.as_bytes(), ESCAPED).to_string()),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

/// The query sorted and evenly escaped, without the signature itself.
fn canonical_query(parts: &Parts) -> String {
    let escaped = |bytes: &[u8]| percent_encode(bytes, ESCAPED).to_string();
    let mut pairs: Vec<(String, String)> = query(parts)
        .iter()
        .filter(|(name, _)| name != b"X-Amz-Signature")
        .map(|(name, value)| (escaped(name), escaped(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The parameters of the query, unescaped.
fn query(parts: &Parts) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (percent_decode_str(name).collect(), percent_decode_str(value).collect())).collect()
}

/// The value of a header as it is signed: several joined by commas, white space folded.
fn header(parts: &Parts, name: &str) -> Option<String> {
    let values = parts.headers.get_all(name).iter();
    let values: Vec<String> = values
        .map(|value| {
            let value = String::from_utf8_lossy(value.as_bytes());
            value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect();
    if values.is_empty() { None } else { Some(values.join(",")) }
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length: the error is that of other algorithms.
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}

fn basic(date: Timestamp) -> String {
    date.strftime(DATE_FORMAT).to_string()
}

fn incomplete(message: impl Into<String>) -> Fault {
    Fault::client("IncompleteSignatureException", message)
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidSignatureException", message)
}

fn mismatch() -> Fault {
    invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details.",
    )
}

fn unrecognized() -> Fault {
    Fault::client("UnrecognizedClientException", "The security token included in the request is invalid.")
}

#[cfg(test)]
mod tests;
