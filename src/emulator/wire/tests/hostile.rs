//! Whatever a peer sends gets an answer, and the short way never comes to another result than the long one.

use proptest::prelude::*;

use super::*;

fn operations() -> impl Strategy<Value = Target> {
    let served = Operation::ALL.iter().copied().map(Target::Served);
    prop::sample::select(served.chain(Target::NOT_EMULATED.into_iter().map(Target::NotEmulated)).collect::<Vec<_>>())
}

fn formats() -> impl Strategy<Value = Format> {
    prop::sample::select(vec![Format::Json, Format::Cbor])
}

/// JSON of the members that requests have, with values of any type.
fn members() -> impl Strategy<Value = String> {
    let mut names: Vec<&str> = Vec::new();
    for operation in Operation::ALL {
        if let Some(model::Shape { kind: model::Kind::Structure(members), .. }) = model::model().input(operation.name())
        {
            names.extend(members.iter().map(|member| member.name.as_str()));
        }
    }
    names.sort_unstable();
    names.dedup();
    let value = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("1e308".to_owned()),
        Just("-0.0".to_owned()),
        Just("123456789012345678901234567890".to_owned()),
        Just(format!("\"{ARN}\"")),
        Just(format!("\"{CONSUMER_ARN}\"")),
        Just("\"shardId-4294967295\"".to_owned()),
        Just("\"AT_TIMESTAMP\"".to_owned()),
        Just(format!("\"{NUMBER}\"")),
        Just(r#"{"Type":"AT_TIMESTAMP","Timestamp":-1e300}"#.to_owned()),
        Just(r#"[{"Data":"AAAA","PartitionKey":"k"}]"#.to_owned()),
        Just(r#"{"a":"b"}"#.to_owned()),
        "[ -~]{0,20}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    prop::collection::btree_map(prop::sample::select(names), value, 0..8).prop_map(|members| {
        let members: Vec<String> = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

/// Puts that are almost right: pieces of bodies, most of which fit together.
fn puts() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        6 => "[a-zA-Z0-9_.-]{1,12}",
        1 => "\\PC{0,12}",
        1 => Just("é".repeat(200)),
        1 => Just("a\\u0041".to_owned()),
        1 => Just("\u{1}".to_owned()),
    ];
    let data = prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..60).prop_map(|blob| STANDARD.encode_to_string(blob)),
        1 => "[A-Za-z0-9+/=]{0,12}",
    ];
    let hash_key = prop_oneof![any::<u128>().prop_map(|key| key.to_string()), "[0-9]{0,41}"];
    let member = prop_oneof![
        8 => data.prop_map(|data| format!(r#""Data":"{data}""#)),
        8 => text.clone().prop_map(|key| format!(r#""PartitionKey":"{key}""#)),
        4 => hash_key.prop_map(|key| format!(r#""ExplicitHashKey": "{key}""#)),
        1 => Just(r#""Data":null"#.to_owned()),
        1 => Just(r#""Unknown":{"a":[1]}"#.to_owned()),
        1 => Just(format!(r#""SequenceNumberForOrdering":"{NUMBER}""#)),
    ];
    let record = prop::collection::vec(member, 1..4).prop_map(|members| members.join(","));
    let stream = prop_oneof![
        4 => Just(r#""StreamName":"orders""#.to_owned()),
        2 => Just(format!(r#""StreamARN":"{ARN}""#)),
        1 => Just(format!(r#""StreamName":"orders", "StreamARN":"{ARN}""#)),
        1 => text.prop_map(|name| format!(r#""StreamName":"{name}""#)),
        1 => Just(r#""DryRun":true"#.to_owned()),
    ];
    (stream, prop::collection::vec(record, 1..5), any::<bool>(), any::<bool>()).prop_map(
        |(stream, records, one, first)| {
            let rest = if one {
                records.concat()
            } else {
                format!(
                    r#""Records":[{}]"#,
                    records.iter().map(|record| format!("{{{record}}}")).collect::<Vec<_>>().join(" ,\n")
                )
            };
            if first { format!("{{{stream},{rest}}}") } else { format!("{{ {rest} ,\t{stream}}}\n") }
        },
    )
}

fn check_short_way(body: &[u8]) {
    let settings = settings();
    let context = Context { settings: &settings, now: Time::from_secs(100) };
    for operation in [Operation::PutRecord, Operation::PutRecords] {
        if let Some(put) = fast::read(operation, body, context) {
            let short = put.request(body.to_vec());
            let long = decode_with_care(Target::Served(operation), Format::Json, body, context);
            assert_eq!(short, long, "{}", String::from_utf8_lossy(body));
        }
    }
}

#[test]
fn the_short_way_takes_what_sdks_write() {
    let settings = settings();
    let context = Context { settings: &settings, now: Time::from_secs(100) };
    let takes = |operation, body: &str| {
        check_short_way(body.as_bytes());
        fast::read(operation, body.as_bytes(), context).is_some()
    };
    // boto3, the SDKs for Rust and JavaScript, and the AWS CLI differ in white space and order.
    assert!(takes(Operation::PutRecord, r#"{"StreamName": "orders", "Data": "aGk=", "PartitionKey": "k"}"#));
    assert!(takes(
        Operation::PutRecord,
        r#"{"StreamName":"orders","Data":"aGk=","PartitionKey":"k","ExplicitHashKey":"0"}"#
    ));
    assert!(takes(Operation::PutRecords, r#"{"Records":[{"Data":"aGk=","PartitionKey":"k"}],"StreamName":"orders"}"#));
    let by_arn = format!(r#"{{"StreamARN":"{ARN}","Records":[{{"PartitionKey":"k","Data":""}},{{"Data":"AA=="}}]}}"#);
    assert!(takes(Operation::PutRecords, &by_arn));
    for unusual in [
        r#"{"StreamName":"orders","Data":"aGk=","PartitionKey":"k","DryRun":true}"#,
        r#"{"StreamName":"orders","Data":"aGk=","PartitionKey":"k\n"}"#,
        r#"{"StreamName":"orders","Data":"aGk=","PartitionKey":"k"} {}"#,
        r#"{"StreamName":"orders","Data":"aGk=","PartitionKey":"k","Data":""}"#,
        r#"{"StreamName":"orders","PartitionKey":"k"}"#,
        r#"{"StreamName":"orders","Data":"aGl=","PartitionKey":"k"}"#,
        r#"{"Data":"aGk=","PartitionKey":"k"}"#,
        r#"{"StreamName":"or ders","Data":"aGk=","PartitionKey":"k"}"#,
    ] {
        assert!(!takes(Operation::PutRecord, unusual), "{unusual}");
    }
}

#[test]
fn the_limits_of_the_short_way_are_those_of_the_model() {
    let entry = r#"{"Data":"AA==","PartitionKey":"k"}"#;
    for (count, taken) in [(0, false), (1, true), (500, true), (501, false)] {
        let body = format!(r#"{{"StreamName":"orders","Records":[{}]}}"#, vec![entry; count].join(","));
        let settings = settings();
        let context = Context { settings: &settings, now: Time::ZERO };
        assert_eq!(fast::read(Operation::PutRecords, body.as_bytes(), context).is_some(), taken, "{count}");
        assert_eq!(read("PutRecords", body).is_ok(), taken, "{count}");
    }
    for bytes in [(10 << 20) - 1, 10 << 20, (10 << 20) + 1] {
        let data = STANDARD.encode_to_string(vec![1; bytes]);
        check_short_way(format!(r#"{{"StreamName":"orders","Data":"{data}","PartitionKey":"k"}}"#).as_bytes());
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(target in operations(), format in formats(), body: Vec<u8>) {
        let settings = settings();
        let _ = decode(target, format, body, Context { settings: &settings, now: Time::from_secs(100) });
    }

    #[test]
    fn arbitrary_members_never_panic(target in operations(), body in members()) {
        let settings = settings();
        let _ = decode(target, Format::Json, body.into_bytes(), Context { settings: &settings, now: Time::from_secs(100) });
    }

    #[test]
    fn damaged_cbor_never_panics(
        target in operations(), at in 0usize..1000, byte: u8, cut in 0usize..1000, body in members(),
    ) {
        let value: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let mut cbor = to_cbor(&value);
        if let Some(place) = cbor.get_mut(at) {
            *place = byte;
        }
        cbor.truncate(cbor.len().min(cut.max(1)));
        let settings = settings();
        let _ = decode(target, Format::Cbor, cbor, Context { settings: &settings, now: Time::from_secs(100) });
    }

    #[test]
    fn both_formats_are_read_the_same(target in operations(), body in members()) {
        // Numbers that JSON cannot keep exactly are not the same in both.
        let value: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let cbor = to_cbor(&value);
        let settings = settings();
        let context = Context { settings: &settings, now: Time::from_secs(100) };
        prop_assert_eq!(
            decode(target, Format::Json, body.into_bytes(), context),
            decode(target, Format::Cbor, cbor, context)
        );
    }

    #[test]
    fn the_short_way_and_the_long_one_agree(body in puts()) {
        check_short_way(body.as_bytes());
    }

    #[test]
    fn the_short_way_and_the_long_one_agree_on_damaged_bodies(body in puts(), at in 0usize..400, byte: u8) {
        let mut body = body.into_bytes();
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        check_short_way(&body);
        body.truncate(at);
        check_short_way(&body);
    }

    #[test]
    fn blobs_arrive_as_they_were_sent(blobs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..20)) {
        let entries: Vec<String> = blobs
            .iter()
            .map(|blob| format!(r#"{{"Data":"{}","PartitionKey":"k"}}"#, STANDARD.encode_to_string(blob)))
            .collect();
        let body = format!(r#"{{"StreamName":"orders","Records":[{}]}}"#, entries.join(","));
        let Request::PutRecords { entries, .. } = request("PutRecords", body) else { panic!("not PutRecords") };
        let arrived: Vec<Vec<u8>> = entries.iter().map(|entry| entry.data.to_vec()).collect();
        prop_assert_eq!(arrived, blobs);
    }
}

/// The CBOR of a JSON value.
fn to_cbor(value: &serde_json::Value) -> Vec<u8> {
    let mut encoder = minicbor::Encoder::new(Vec::new());
    write_cbor(&mut encoder, value).unwrap();
    encoder.into_writer()
}

fn write_cbor(
    encoder: &mut minicbor::Encoder<Vec<u8>>,
    value: &serde_json::Value,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    use serde_json::Value as Json;
    match value {
        Json::Null => encoder.null()?,
        Json::Bool(value) => encoder.bool(*value)?,
        Json::Number(number) => match number.as_i64() {
            Some(number) => encoder.i64(number)?,
            None => encoder.f64(number.as_f64().unwrap())?,
        },
        Json::String(text) => encoder.str(text)?,
        Json::Array(elements) => {
            encoder.array(elements.len() as u64)?;
            return elements.iter().try_for_each(|element| write_cbor(encoder, element));
        }
        Json::Object(members) => {
            encoder.begin_map()?;
            for (name, value) in members {
                encoder.str(name)?;
                write_cbor(encoder, value)?;
            }
            encoder.end()?
        }
    };
    Ok(())
}
