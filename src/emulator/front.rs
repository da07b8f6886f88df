//! The front door: which operation a request asks for, in which format, from its head alone (fact sheet, section 4,
//! "Front-door oddities"). The path and the host say nothing.

use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::wire::{Fault, Format, Target};

const TARGET_PREFIX: &str = "Kinesis_20131202.";

/// A request that is refused at the door.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub fault: Fault,
    /// How to write it; `None` is XML, for peers that speak neither JSON nor CBOR.
    pub format: Option<Format>,
}

/// Which operation a request asks for, and in which format. `empty` says that it has no body.
///
/// # Errors
/// It is none of the API.
pub(super) fn admit(parts: &Parts, empty: bool) -> Result<(Target, Format), Refusal> {
    let format = format(parts);
    let refuse = |fault, format| Err(Refusal { fault, format });
    if parts.method != Method::POST {
        let message = "Unable to determine service/operation name to be authorized";
        let fault = Fault { status: StatusCode::FORBIDDEN, ..Fault::client("AccessDeniedException", message) };
        return refuse(fault, format);
    }
    if empty {
        // Without a body, whatever is not JSON gets CBOR.
        let format = Some(format.unwrap_or(Format::Cbor));
        return match target(parts) {
            Ok(_) => refuse(Fault::serialization("The request has no body."), format),
            Err(fault) => refuse(fault, format),
        };
    }
    let Some(format) = format else {
        let fault = Fault { status: StatusCode::NOT_FOUND, ..Fault::unknown_operation("") };
        return refuse(fault, None);
    };
    let signed_query = parts
        .uri
        .query()
        .is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some("X-Amz-Algorithm")));
    if signed_query && parts.headers.contains_key(AUTHORIZATION) {
        let message = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.";
        return refuse(Fault::client("InvalidSignatureException", message), Some(format));
    }
    match target(parts) {
        Ok(target) => Ok((target, format)),
        Err(fault) => refuse(fault, Some(format)),
    }
}

impl Refusal {
    /// The body of the answer, and its content type.
    pub fn body(&self) -> (Vec<u8>, &'static str) {
        let Some(format) = self.format else {
            let (name, message) = (&self.fault.name, &self.fault.message);
            // Both are ours and have nothing to escape.
            let body = if message.is_empty() {
                format!("<{name}/>\n")
            } else {
                format!("<{name}>\n  <Message>{message}</Message>\n</{name}>\n")
            };
            return (body.into_bytes(), "application/xml");
        };
        (self.fault.body(format), format.content_type())
    }
}

fn format(parts: &Parts) -> Option<Format> {
    let content_type = parts.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    match content_type.split(';').next()?.trim() {
        "application/x-amz-json-1.1" | "application/json" => Some(Format::Json),
        "application/x-amz-cbor-1.1" => Some(Format::Cbor),
        _ => None,
    }
}

fn target(parts: &Parts) -> Result<Target, Fault> {
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let name = target.and_then(|target| target.strip_prefix(TARGET_PREFIX));
    name.ok_or_else(|| Fault::unknown_operation("X-Amz-Target must name a Kinesis_20131202 operation."))?.parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::Operation;

    fn parts(method: Method, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = hyper::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
    const CBOR: (&str, &str) = ("content-type", "application/x-amz-cbor-1.1");
    const PUT: (&str, &str) = ("x-amz-target", "Kinesis_20131202.PutRecord");

    #[test]
    fn operation_and_format_are_in_the_head() {
        let put = Target::Served(Operation::PutRecord);
        assert_eq!(admit(&parts(Method::POST, "/any/path?a=b", &[JSON, PUT]), false), Ok((put, Format::Json)));
        assert_eq!(admit(&parts(Method::POST, "/", &[CBOR, PUT]), false), Ok((put, Format::Cbor)));
        let with_charset = ("content-type", "application/x-amz-json-1.1; charset=utf-8");
        assert_eq!(admit(&parts(Method::POST, "/", &[with_charset, PUT]), false), Ok((put, Format::Json)));
        let queue = ("x-amz-target", "Kinesis_20131202.CreateQueue");
        let queue = admit(&parts(Method::POST, "/", &[JSON, queue]), false).unwrap().0;
        assert_eq!(queue, Target::NotEmulated("CreateQueue"));
    }

    /// Method, URI, headers, whether there is no body; status, name and format of the refusal.
    type Case<'a> = (Method, &'a str, &'a [(&'a str, &'a str)], bool, u16, &'a str, Option<Format>);

    #[test]
    fn what_is_no_request_of_the_api_is_refused_as_the_service_does() {
        let unknown = ("x-amz-target", "Kinesis_20131202.Nonsense");
        let signed = ("authorization", "AWS4-HMAC-SHA256 x");
        let text = ("content-type", "text/plain");
        let cases: &[Case<'_>] = &[
            (Method::GET, "/", &[], true, 403, "AccessDeniedException", None),
            (Method::PUT, "/", &[JSON, PUT], false, 403, "AccessDeniedException", Some(Format::Json)),
            (Method::POST, "/", &[PUT], true, 400, "SerializationException", Some(Format::Cbor)),
            (Method::POST, "/", &[JSON, PUT], true, 400, "SerializationException", Some(Format::Json)),
            (Method::POST, "/", &[unknown], true, 400, "UnknownOperationException", Some(Format::Cbor)),
            (Method::POST, "/", &[PUT], false, 404, "UnknownOperationException", None),
            (Method::POST, "/", &[PUT, text], false, 404, "UnknownOperationException", None),
            (Method::POST, "/", &[JSON], false, 400, "UnknownOperationException", Some(Format::Json)),
            (Method::POST, "/", &[CBOR, unknown], false, 400, "UnknownOperationException", Some(Format::Cbor)),
            (
                Method::POST,
                "/?X-Amz-Algorithm=AWS4-HMAC-SHA256",
                &[JSON, PUT, signed],
                false,
                400,
                "InvalidSignatureException",
                Some(Format::Json),
            ),
        ];
        for (method, uri, headers, empty, status, name, format) in cases {
            let refusal = admit(&parts(method.clone(), uri, headers), *empty).unwrap_err();
            let got = (refusal.fault.status.as_u16(), refusal.fault.name.as_ref(), refusal.format);
            assert_eq!(got, (*status, *name, *format), "{method} {uri} {headers:?}");
        }
    }

    #[test]
    fn peers_that_speak_neither_format_get_xml() {
        let body = |headers: &[(&str, &str)], method| {
            let (body, content_type) = admit(&parts(method, "/", headers), false).unwrap_err().body();
            assert_eq!(content_type, "application/xml");
            String::from_utf8(body).unwrap()
        };
        assert_eq!(body(&[PUT], Method::POST), "<UnknownOperationException/>\n");
        let message = "Unable to determine service/operation name to be authorized";
        let expected = format!("<AccessDeniedException>\n  <Message>{message}</Message>\n</AccessDeniedException>\n");
        assert_eq!(body(&[], Method::DELETE), expected);
    }
}
