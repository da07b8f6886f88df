//! The words of refusals, which clients and their tests compare (fact sheet, section 2.5).

use super::*;

fn serialization(operation: &str, body: &str) -> String {
    let (name, message) = refusal(operation, body);
    assert_eq!(name, "SerializationException", "{operation} {body}: {message}");
    message
}

#[test]
fn types() {
    let cases = [
        ("StreamName", "true", "class java.lang.Boolean can not be converted to an String"),
        ("StreamName", "23", "class java.math.BigDecimal can not be converted to an String"),
        ("StreamName", "[]", "Start of list found where not expected"),
        ("StreamName", "{}", "Start of structure or map found where not expected."),
        ("ShardCount", r#""4""#, "class java.lang.String can not be converted to an Integer"),
        ("ShardCount", "true", "class java.lang.Boolean can not be converted to an Integer"),
        ("ShardCount", "[]", "Start of list found where not expected"),
        ("ShardCount", "{}", "Start of structure or map found where not expected."),
        ("StreamModeDetails", r#""a""#, "Expected null"),
        ("StreamModeDetails", "1", "Expected null"),
        ("StreamModeDetails", "[]", "Start of list found where not expected"),
        ("Tags", "1", "Expected map or null"),
        ("Tags", "[]", "Start of list found where not expected"),
        ("Tags", r#"{"a":1}"#, "class java.math.BigDecimal can not be converted to an String"),
    ];
    for (member, value, message) in cases {
        assert_eq!(serialization("CreateStream", &format!(r#"{{"{member}":{value}}}"#)), message, "{member}: {value}");
    }
    let cases = [
        ("PutRecord", r#"{"DryRun":1}"#, "class java.math.BigDecimal can not be converted to an Boolean"),
        ("PutRecord", r#"{"DryRun":"hell"}"#, "'HELL' can not be converted to an Boolean"),
        ("PutRecords", r#"{"Records":"a"}"#, "Expected list or null"),
        ("PutRecords", r#"{"Records":1}"#, "Expected list or null"),
        ("PutRecords", r#"{"Records":{}}"#, "Start of structure or map found where not expected."),
        ("PutRecords", r#"{"Records":["k"]}"#, "Expected null"),
        ("PutRecords", r#"{"Records":[["k"]]}"#, "Start of list found where not expected"),
        (
            "GetShardIterator",
            r#"{"Timestamp":"now"}"#,
            "class java.lang.String can not be converted to milliseconds since epoch",
        ),
    ];
    for (operation, body, message) in cases {
        assert_eq!(serialization(operation, body), message, "{operation} {body}");
    }
}

#[test]
fn blobs() {
    let cases = [
        ("true", "class java.lang.Boolean can not be converted to a Blob"),
        ("12", "class java.math.BigDecimal can not be converted to a Blob"),
        ("[]", "Start of list found where not expected"),
        (
            r#""abc""#,
            "'abc' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 3",
        ),
        (r#""=AAA""#, "'=AAA' can not be converted to a Blob: Invalid Base64 character: '='"),
        (r#""A%AA""#, "'A%AA' can not be converted to a Blob: Invalid Base64 character: '%'"),
        (r#""+/+=""#, "'+/+=' can not be converted to a Blob: Invalid last non-pad Base64 character dectected"),
    ];
    for (value, message) in cases {
        for operation in ["PutRecord", "PutRecords"] {
            let entry = format!(r#"{{"Data":{value},"PartitionKey":"k"}}"#);
            let body = if operation == "PutRecord" { entry } else { format!(r#"{{"Records":[{entry}]}}"#) };
            assert_eq!(serialization(operation, &body), message, "{value}");
        }
    }
}

#[test]
fn bodies_that_are_no_request() {
    for operation in Operation::ALL {
        for body in ["[]", "null", "{", "\u{0}", "1", "\"a\"", "{} {}"] {
            serialization(operation.name(), body);
        }
    }
    assert_eq!(serialization("PutRecord", "[]"), "Start of list found where not expected");
    assert_eq!(serialization("PutRecord", "1"), "Expected null");
    assert_eq!("Nonsense".parse::<Target>().unwrap_err().name, "UnknownOperationException");
}

fn violations(operation: &str, body: impl AsRef<[u8]>) -> String {
    let (name, message) = refusal(operation, body);
    assert_eq!(name, "ValidationException", "{operation}: {message}");
    message
}

/// The message about one violation.
fn violation(operation: &str, body: &str) -> String {
    let message = violations(operation, body);
    let rest = message.strip_prefix("1 validation error detected: Value ").unwrap_or_else(|| panic!("{message}"));
    rest.to_owned()
}

#[test]
fn constraints() {
    let failed = "failed to satisfy constraint: Member must";
    let cases = [
        ("CreateStream", "{}".to_owned(), format!("null at 'streamName' {failed} not be null")),
        ("CreateStream", r#"{"StreamName":null}"#.to_owned(), format!("null at 'streamName' {failed} not be null")),
        (
            "CreateStream",
            r#"{"StreamName":"a b"}"#.to_owned(),
            format!("'a b' at 'streamName' {failed} satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ),
        (
            "CreateStream",
            format!(r#"{{"StreamName":"{}"}}"#, "a".repeat(129)),
            format!("'{}' at 'streamName' {failed} have length less than or equal to 128", "a".repeat(129)),
        ),
        (
            "CreateStream",
            r#"{"StreamName":"a","ShardCount":0}"#.to_owned(),
            format!("'0' at 'shardCount' {failed} have value greater than or equal to 1"),
        ),
        (
            "CreateStream",
            r#"{"StreamName":"a","MaxRecordSizeInKiB":99999999999}"#.to_owned(),
            format!("'2147483647' at 'maxRecordSizeInKiB' {failed} have value less than or equal to 10240"),
        ),
        (
            "CreateStream",
            r#"{"StreamName":"a","StreamModeDetails":{}}"#.to_owned(),
            format!("null at 'streamModeDetails.streamMode' {failed} not be null"),
        ),
        (
            "CreateStream",
            r#"{"StreamName":"a","StreamModeDetails":{"StreamMode":"X"}}"#.to_owned(),
            format!("'X' at 'streamModeDetails.streamMode' {failed} satisfy enum value set: [PROVISIONED, ON_DEMAND]"),
        ),
        (
            "PutRecord",
            r#"{"Data":"","PartitionKey":"k","ExplicitHashKey":"01"}"#.to_owned(),
            format!(r"'01' at 'explicitHashKey' {failed} satisfy regular expression pattern: ^(0|([1-9]\d{{0,38}}))$"),
        ),
        (
            "PutRecords",
            r#"{"Records":[{"Data":"","PartitionKey":"k"},{"Data":"","PartitionKey":""}]}"#.to_owned(),
            format!("'' at 'records.2.member.partitionKey' {failed} have length greater than or equal to 1"),
        ),
        (
            "PutRecords",
            r#"{"Records":[{"Data":""},{"PartitionKey":"k"}]}"#.to_owned(),
            format!("null at 'records.2.member.data' {failed} not be null"),
        ),
        ("PutRecords", r#"{"Records":[null]}"#.to_owned(), format!("null at 'records.1.member' {failed} not be null")),
        (
            "PutRecords",
            r#"{"Records":[]}"#.to_owned(),
            format!("'[]' at 'records' {failed} have length greater than or equal to 1"),
        ),
        (
            "PutRecords",
            format!(r#"{{"Records":[{}]}}"#, vec![r#"{"Data":""}"#; 501].join(",")),
            format!("'[501 elements]' at 'records' {failed} have length less than or equal to 500"),
        ),
        (
            "GetRecords",
            r#"{"ShardIterator":"a","Limit":10001}"#.to_owned(),
            format!("'10001' at 'limit' {failed} have value less than or equal to 10000"),
        ),
        (
            "AddTagsToStream",
            r#"{"StreamName":"a","Tags":{}}"#.to_owned(),
            format!("'{{}}' at 'tags' {failed} have length greater than or equal to 1"),
        ),
        (
            "AddTagsToStream",
            r#"{"StreamName":"a","Tags":{"":"b"}}"#.to_owned(),
            format!(
                "'{{=b}}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: \
                 [Member must have length less than or equal to 128, {}]",
                "Member must have length greater than or equal to 1"
            ),
        ),
        (
            "AddTagsToStream",
            format!(r#"{{"StreamName":"a","Tags":{{"a":"{}"}}}}"#, "b".repeat(257)),
            format!(
                "'{{a={}}}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: \
                 [Member must have length less than or equal to 256, Member must have length greater than or equal to 0]",
                "b".repeat(257)
            ),
        ),
        (
            "AddTagsToStream",
            r#"{"StreamName":"a","Tags":{"a":null}}"#.to_owned(),
            format!("null at 'tags.a.member' {failed} not be null"),
        ),
        (
            "RemoveTagsFromStream",
            r#"{"StreamName":"a","TagKeys":["a","","b"]}"#.to_owned(),
            format!(
                "'[a, , b]' at 'tagKeys' {failed} satisfy constraint: [Member must have length less than or equal to \
                 128, Member must have length greater than or equal to 1]"
            ),
        ),
        (
            "EnableEnhancedMonitoring",
            r#"{"StreamName":"a","ShardLevelMetrics":["None"]}"#.to_owned(),
            format!(
                "'[None]' at 'shardLevelMetrics' {failed} satisfy constraint: [Member must satisfy enum value set: \
                 [IncomingBytes, IncomingRecords, OutgoingBytes, OutgoingRecords, WriteProvisionedThroughputExceeded, \
                 ReadProvisionedThroughputExceeded, IteratorAgeMilliseconds, ALL]]"
            ),
        ),
        (
            "SubscribeToShard",
            format!(r#"{{"ConsumerARN":"{CONSUMER_ARN}","ShardId":"s-1","StartingPosition":{{}}}}"#),
            format!("null at 'startingPosition.type' {failed} not be null"),
        ),
    ];
    for (operation, body, expected) in cases {
        assert_eq!(violation(operation, &body), expected, "{operation}");
    }
}

#[test]
fn several_violations_are_counted_in_one_message() {
    let message = violations("GetShardIterator", r#"{"StreamName":"","ShardId":""}"#);
    assert!(message.starts_with("5 validation errors detected: Value '' at 'streamName' failed"), "{message}");
    assert_eq!(message.matches("; Value").count(), 4, "{message}");
    assert!(
        message.ends_with("Value null at 'shardIteratorType' failed to satisfy constraint: Member must not be null")
    );
    let body = format!(r#"{{"Records":[{}]}}"#, vec!["{}"; 500].join(","));
    let message = violations("PutRecords", body);
    assert!(message.starts_with("500 validation errors detected: Value null at 'records.1.member.data'"), "{message}");
    assert_eq!(message.matches("; Value").count(), 9, "ten are listed");
}

#[test]
fn lengths_count_characters() {
    let record = |key: &str| format!(r#"{{"StreamName":"orders","Data":"","PartitionKey":"{key}"}}"#);
    assert!(read("PutRecord", record(&"é".repeat(256))).is_ok());
    assert!(violation("PutRecord", &record(&"é".repeat(257))).contains("at 'partitionKey'"));
}

#[test]
fn records_may_have_ten_mebibytes() {
    let record = |bytes: usize| {
        let data = STANDARD.encode_to_string(vec![7; bytes]);
        format!(r#"{{"StreamName":"orders","Data":"{data}","PartitionKey":"k"}}"#)
    };
    assert!(read("PutRecord", record(10 << 20)).is_ok());
    let expected = "'java.nio.HeapByteBuffer[pos=0 lim=10485761 cap=10485761]' at 'data' failed to satisfy constraint: \
                    Member must have length less than or equal to 10485760";
    assert_eq!(violation("PutRecord", &record((10 << 20) + 1)), expected);
}

#[test]
fn a_message_repeats_only_the_start_of_a_huge_value() {
    let huge = "é".repeat(1 << 20);
    let bodies = [
        ("CreateStream", format!(r#"{{"StreamName":"{huge}"}}"#)),
        ("PutRecord", format!(r#"{{"Data":"{huge}"}}"#)),
        ("PutRecord", format!(r#"{{"DryRun":"{huge}"}}"#)),
        ("PutRecord", format!(r#"{{"Data":"","ExplicitHashKey":"{huge}"}}"#)),
        ("AddTagsToStream", format!(r#"{{"Tags":{{"{huge}":null,"a":"{huge}"}}}}"#)),
        ("UntagResource", format!(r#"{{"TagKeys":["{huge}","{huge}"],"ResourceARN":"{huge}"}}"#)),
    ];
    for (operation, body) in bodies {
        let (_, message) = refusal(operation, &body);
        assert!(message.len() < 8 * SHOWN_BYTES, "{operation}: {}", message.len());
    }
}

#[test]
fn arguments_that_cannot_be_used() {
    let big = "340282366920938463463374607431768211456";
    let body = format!(r#"{{"StreamName":"orders","Data":"","PartitionKey":"k","ExplicitHashKey":"{big}"}}"#);
    let expected = format!(
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {big}"
    );
    assert_eq!(refusal("PutRecord", body), ("InvalidArgumentException".to_owned(), expected));
    let body = r#"{"StreamName":"orders","Data":"","PartitionKey":"k","SequenceNumberForOrdering":"0"}"#;
    let expected =
        "ExclusiveMinimumSequenceNumber 0 used in PutRecord on stream orders under account 000000000000 is invalid.";
    assert_eq!(refusal("PutRecord", body).1, expected);
    assert_eq!(refusal("GetRecords", r#"{"ShardIterator":"AAAA"}"#).1, "Invalid ShardIterator.");
    let body = r#"{"StreamName":"orders","EncryptionType":"NONE","KeyId":"k"}"#;
    assert_eq!(refusal("StartStreamEncryption", body).1, "EncryptionType must be KMS.");

    let iterator = |rest: &str| {
        refusal("GetShardIterator", format!(r#"{{"StreamName":"orders","ShardId":"shardId-000000000003",{rest}}}"#)).1
    };
    let message = iterator(r#""ShardIteratorType":"AT_SEQUENCE_NUMBER""#);
    assert!(message.ends_with("Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber."), "{message}");
    let message = iterator(r#""ShardIteratorType":"LATEST","StartingSequenceNumber":"5""#);
    assert!(message.ends_with("Request specified LATEST and also a StartingSequenceNumber."), "{message}");
    let message = iterator(r#""ShardIteratorType":"AT_TIMESTAMP""#);
    assert!(message.starts_with("Must specify timestampInMillis parameter"), "{message}");
    let message = iterator(r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":1763856101"#);
    assert!(
        message.ends_with("timestampInMillis: 1763856101000, currentTimestampInMillis: 1763856100000"),
        "{message}"
    );
    let message = iterator(r#""ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"5""#);
    assert!(message.starts_with("StartingSequenceNumber 5 used in GetShardIterator on shard shardId-00"), "{message}");

    let other = ARN.replace("000000000000", "123456789012");
    let (name, message) = refusal("DescribeStreamSummary", format!(r#"{{"StreamARN":"{other}"}}"#));
    assert_eq!(name, "ResourceNotFoundException");
    assert_eq!(message, "Stream orders under account 123456789012 not found.");
    let body = r#"{"StreamName":"orders","ShardToSplit":"one","NewStartingHashKey":"1"}"#;
    let (name, message) = refusal("SplitShard", body);
    assert_eq!(name, "ResourceNotFoundException");
    assert_eq!(message, "Shard one in stream orders under account 000000000000 does not exist");
}
