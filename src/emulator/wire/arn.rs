//! Names of streams and consumers as ARNs.

use std::time::Duration;

use crate::kinesis::{ConsumerName, Settings};
use crate::time::Time;

/// A stream ARN, `arn:aws:kinesis:{region}:{account}:stream/{name}`.
pub(super) fn stream(settings: &Settings, name: &str) -> String {
    format!("arn:aws:kinesis:{}:{}:stream/{name}", settings.region, settings.account)
}

/// A consumer ARN: the ARN of its stream, its name and the second of its creation (fact sheet, section 1.4).
pub(super) fn consumer(settings: &Settings, name: &str, consumer: &str, created: Time) -> String {
    let created: Duration = settings.epoch + created.since(Time::ZERO);
    format!("{}/consumer/{consumer}:{}", stream(settings, name), created.as_secs())
}

/// The account and the rest after it of an ARN of Kinesis; `None` if it is not of that form.
///
/// The region is not compared: a caller may point a client of any region at the emulator.
fn parse(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let account_digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let kinesis = scheme == "arn" && partition.starts_with("aws") && service == "kinesis" && account_digits;
    kinesis.then_some((account, resource))
}

/// Account and name of the stream that an ARN names; `None` if it is no stream ARN.
pub(super) fn parse_stream(arn: &str) -> Option<(&str, &str)> {
    let (account, resource) = parse(arn)?;
    Some((account, resource.strip_prefix("stream/").filter(|name| is_name(name))?))
}

/// The account and the consumer that an ARN names; `None` if it is no consumer ARN.
pub(super) fn parse_consumer(arn: &str) -> Option<(&str, ConsumerName)> {
    let (account, resource) = parse(arn)?;
    let (stream, rest) = resource.strip_prefix("stream/")?.split_once("/consumer/")?;
    let (consumer, created) = rest.split_once(':')?;
    if !is_name(stream) || !is_name(consumer) || !created.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let created = Some(created.parse().ok()?);
    Some((account, ConsumerName { stream: stream.to_owned(), consumer: consumer.to_owned(), created }))
}

/// Whether an ARN names a queue or a channel.
pub(super) fn is_not_emulated(arn: &str) -> bool {
    parse(arn).is_some_and(|(_, resource)| resource.starts_with("queue/") || resource.starts_with("channel/"))
}

/// Whether a text is a name of the API: 1 to 128 of `[a-zA-Z0-9_.-]`.
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let settings = crate::emulator::tests::settings();
        assert_eq!(stream(&settings, "orders"), "arn:aws:kinesis:us-east-1:000000000000:stream/orders");
        assert_eq!(parse_stream(&stream(&settings, "orders")), Some(("000000000000", "orders")));
        let arn = consumer(&settings, "orders", "billing", Time::from_millis(1_900));
        assert_eq!(arn, "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/billing:1763856001");
        let name =
            ConsumerName { stream: "orders".to_owned(), consumer: "billing".to_owned(), created: Some(1_763_856_001) };
        assert_eq!(parse_consumer(&arn), Some(("000000000000", name)));
    }

    #[test]
    fn other_forms_are_refused() {
        for wrong in
            ["", "orders", "arn:aws:kinesis:r:0:stream/x", "arn:aws:s3:r:000000000000:stream/x", "arn:aws:kinesis:r"]
        {
            assert_eq!(parse_stream(wrong), None, "{wrong}");
            assert_eq!(parse_consumer(wrong), None, "{wrong}");
        }
        assert_eq!(parse_stream("arn:aws:kinesis:r:000000000000:stream/x/consumer/c:1"), None);
        assert_eq!(parse_consumer("arn:aws:kinesis:r:000000000000:stream/x/consumer/c"), None);
        assert_eq!(parse_consumer("arn:aws:kinesis:r:000000000000:stream/x/consumer/c:-1"), None);
        assert!(is_not_emulated("arn:aws:kinesis:r:000000000000:queue/q"));
    }
}
