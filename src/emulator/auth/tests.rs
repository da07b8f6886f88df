//! Signatures against vectors that were computed with Python's `hmac` and `hashlib`, by a script that reproduces the
//! published vector "get-vanilla" of AWS's test suite.

use hyper::Request;
use proptest::prelude::*;

use super::*;

const DATE: &str = "20261123T062551Z";
const SCOPE: &str = "AKIDEXAMPLE/20261123/us-east-1/kinesis/aws4_request";
const HEADERS: &str = "content-type;host;x-amz-date;x-amz-target";
const SIGNATURE: &str = "fa9ece595079abff4c7212b2d13c4219496269b7e8503f124540bec83cb82cc5";
const BODY: &[u8] = b"{\"StreamName\":\"orders\"}";
const QUERY: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261123%2Fus-east-1%2Fkinesis\
                     %2Faws4_request&X-Amz-Date=20261123T062551Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host%3Bx-amz-target\
                     &X-Amz-Signature=a923362a98c9be9a16d046e955ae22375ada937c7c5ed9294e38fd530bd6bb23";

fn authority() -> Authority {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: None,
    };
    Authority::new(credentials, "us-east-1".to_owned())
}

fn authorization(credential: &str, headers: &str, signature: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={headers}, Signature={signature}")
}

/// The request of the first vector, with some headers replaced; an empty value leaves a header out.
fn request(uri: &str, replaced: &[(&str, &str)]) -> Parts {
    let authorization = authorization(SCOPE, HEADERS, SIGNATURE);
    let headers = [
        ("host", "localhost:4567"),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-date", DATE),
        ("x-amz-target", "Kinesis_20131202.ListShards"),
        ("authorization", authorization.as_str()),
    ];
    let kept = headers.iter().filter(|(name, _)| replaced.iter().all(|(other, _)| name != other));
    let mut request = Request::post(uri);
    for (name, value) in kept.chain(replaced).filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn now() -> Timestamp {
    date(DATE).unwrap()
}

fn verify(parts: &Parts, body: &[u8], now: Timestamp) -> Result<(), (String, String)> {
    let verified = Signature::of(parts).and_then(|signature| authority().verify(parts, &signature, body, now));
    verified.map_err(|fault| (fault.name.into_owned(), fault.message))
}

fn refusal(replaced: &[(&str, &str)]) -> (String, String) {
    verify(&request("/", replaced), BODY, now()).unwrap_err()
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + seconds).unwrap()
}

#[test]
fn a_signature_in_the_headers_is_accepted() {
    assert_eq!(verify(&request("/", &[]), BODY, now()), Ok(()));
    // HTTP/2 has the host in the target.
    assert_eq!(verify(&request("http://localhost:4567/", &[("host", "")]), BODY, now()), Ok(()));
}

#[test]
fn path_query_and_headers_are_brought_into_canonical_form() {
    let signature = "4a23b49f06556917bbc2aae8ac56a83c14a192861de631aa4a8d3f9143d71eca";
    let headers = "content-type;host;my-header;x-amz-date;x-amz-target";
    let authorization = authorization(SCOPE, headers, signature);
    let replaced = [("authorization", authorization.as_str()), ("my-header", " a   b"), ("my-header", "c")];
    let parts = request("/x/../a%20b//c/./?b=2&a=x%20y", &replaced);
    // A last segment that is a dot leaves the slash before it.
    assert_eq!(canonical_path(parts.uri.path()), "/a%2520b/c/");
    assert_eq!(verify(&parts, b"", now()), Ok(()));
}

#[test]
fn a_signature_in_the_query_is_accepted_while_it_lasts() {
    let bare = [("authorization", ""), ("x-amz-date", "")];
    let parts = request(&format!("/?{QUERY}"), &bare);
    assert_eq!(verify(&parts, b"{}", later(900)), Ok(()));
    let (kind, message) = verify(&parts, b"{}", later(901)).unwrap_err();
    assert_eq!(kind, "InvalidSignatureException");
    assert_eq!(
        message,
        "Signature expired: 20261123T062551Z is now earlier than 20261123T062552Z (20261123T064052Z - 15 min.)"
    );
    let (kind, _) = verify(&request(&format!("/?{}", QUERY.replace("=900", "=0")), &bare), b"{}", now()).unwrap_err();
    assert_eq!(kind, "IncompleteSignatureException");
    let (kind, message) = verify(&request("/?X-Amz-Algorithm=AWS4-HMAC-SHA256", &bare), b"{}", now()).unwrap_err();
    assert_eq!(kind, "IncompleteSignatureException");
    assert!(message.starts_with("AWS query-string parameters must include 'X-Amz-Credential'. AWS"), "{message}");
}

#[test]
fn whatever_is_changed_breaks_the_signature() {
    let mismatch = mismatch();
    let mismatch = (mismatch.name.into_owned(), mismatch.message);
    assert_eq!(verify(&request("/", &[]), b"{\"StreamName\":\"other\"}", now()), Err(mismatch.clone()));
    assert_eq!(verify(&request("/other", &[]), BODY, now()), Err(mismatch.clone()));
    assert_eq!(verify(&request("/?a=b", &[]), BODY, now()), Err(mismatch.clone()));
    for (name, value) in [
        ("x-amz-target", "Kinesis_20131202.DeleteStream"),
        ("host", "localhost:4568"),
        ("content-type", "application/x-amz-cbor-1.1"),
        ("x-amz-date", "20261123T062552Z"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
    ] {
        assert_eq!(refusal(&[(name, value)]), mismatch, "{name}");
    }
    for signature in [&SIGNATURE[1..], &SIGNATURE[2..], &SIGNATURE.replace('f', "e"), "zz", "é"] {
        assert_eq!(refusal(&[("authorization", &authorization(SCOPE, HEADERS, signature))]), mismatch, "{signature}");
    }
}

#[test]
fn a_request_without_a_signature_lacks_its_token() {
    let missing = ("MissingAuthenticationTokenException".to_owned(), "Missing Authentication Token".to_owned());
    assert_eq!(refusal(&[("authorization", "")]), missing);
    assert_eq!(refusal(&[("authorization", "Basic YTpi")]), missing);
}

#[test]
fn two_signatures_are_one_too_many() {
    let (kind, message) = verify(&request(&format!("/?{QUERY}"), &[]), BODY, now()).unwrap_err();
    assert_eq!(kind, "InvalidSignatureException");
    assert!(message.starts_with("Found both"), "{message}");
}

#[test]
fn an_incomplete_signature_says_what_is_missing() {
    let (kind, message) = refusal(&[("authorization", "AWS4-HMAC-SHA256"), ("x-amz-date", "")]);
    assert_eq!(kind, "IncompleteSignatureException");
    assert_eq!(
        message,
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. \
         Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a \
         'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) \
         Authorization=YI2YWea8FSxnksZL2ETHbs5elHm9HQufxTLK0W0ffV0="
    );
    for (name, value) in [
        ("x-amz-date", "2026"),
        ("x-amz-date", "99999999T999999Z"),
        ("authorization", &authorization("AKIDEXAMPLE/20261123", HEADERS, SIGNATURE)),
        ("authorization", &authorization(SCOPE, HEADERS, SIGNATURE).replace("SHA256", "SHA1")),
    ] {
        assert_eq!(refusal(&[(name, value)]).0, "IncompleteSignatureException", "{value}");
    }
}

#[test]
fn a_signature_is_good_for_five_minutes() {
    let at = |seconds| verify(&request("/", &[]), BODY, later(seconds));
    assert_eq!((at(300), at(-300)), (Ok(()), Ok(())));
    assert_eq!(
        at(301).unwrap_err().1,
        "Signature expired: 20261123T062551Z is now earlier than 20261123T062552Z (20261123T063052Z - 5 min.)"
    );
    assert_eq!(
        at(-301).unwrap_err().1,
        "Signature not yet current: 20261123T062551Z is still later than 20261123T062550Z (20261123T062050Z + 5 min.)"
    );
}

#[test]
fn a_signature_for_something_else_is_refused() {
    for (part, wrong, words) in [
        ("us-east-1", "eu-west-1", "Credential should be scoped to a valid region, not 'eu-west-1'."),
        ("kinesis", "dynamodb", "Credential should be scoped to correct service: 'kinesis'."),
        ("aws4_request", "aws5", "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'."),
        ("20261123", "20261122", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date"),
    ] {
        let authorization = authorization(&SCOPE.replace(part, wrong), HEADERS, SIGNATURE);
        let (kind, message) = refusal(&[("authorization", &authorization)]);
        assert_eq!(kind, "InvalidSignatureException");
        assert!(message.starts_with(words), "{message}");
    }
    for needed in ["host;", ";x-amz-target"] {
        let authorization = authorization(SCOPE, &HEADERS.replace(needed, ""), SIGNATURE);
        let (kind, message) = refusal(&[("authorization", &authorization)]);
        assert_eq!(kind, "InvalidSignatureException");
        assert!(message.contains("must be a 'SignedHeader' in the AWS Authorization."), "{message}");
    }
}

#[test]
fn unknown_keys_and_tokens_are_not_recognized() {
    let unrecognized = unrecognized();
    let unrecognized = (unrecognized.name.into_owned(), unrecognized.message);
    let other = authorization(&SCOPE.replace("AKIDEXAMPLE", "AKIDOTHER"), HEADERS, SIGNATURE);
    assert_eq!(refusal(&[("authorization", &other)]), unrecognized);
    assert_eq!(refusal(&[("x-amz-security-token", "stolen")]), unrecognized);
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", authority());
    assert!(shown.contains("AKIDEXAMPLE") && !shown.contains("wJalr"), "{shown}");
}

proptest! {
    #[test]
    fn no_header_or_query_makes_it_panic(
        authorization in "(AWS4-)?[ -~]{0,80}", date in "[ -~]{0,20}", query in "[a-zA-Z0-9%=&+-]{0,60}"
    ) {
        let parts = request(&format!("/%zz/..?{query}"), &[("authorization", &authorization), ("x-amz-date", &date)]);
        prop_assert!(verify(&parts, BODY, now()).is_err());
    }

    #[test]
    fn no_credential_or_list_of_headers_makes_it_panic(credential in "[ -~&&[^,]]{0,60}", headers in "[ -~&&[^,]]{0,60}") {
        let parts = request("/", &[("authorization", &authorization(&credential, &headers, SIGNATURE))]);
        prop_assert!(verify(&parts, BODY, now()).is_err());
    }
}
