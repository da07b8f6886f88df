//! Names of streams and consumers as ARNs.

use std::time::Duration;

use crate::emulator::validation::{TextRule, is_name};
use crate::kinesis::Settings;
use crate::time::Time;

/// Stream ARNs in requests.
pub(super) const STREAM_ARN: TextRule =
    TextRule::new(2048, r"arn:aws.*:kinesis:.*:\d{12}:stream/\S+", |text| parse_stream(text).is_some());
/// Consumer ARNs in requests.
pub(super) const CONSUMER_ARN: TextRule = TextRule::new(
    2048,
    r"^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+",
    |text| parse_consumer(text).is_some(),
);

/// A stream ARN, `arn:aws:kinesis:{region}:{account}:stream/{name}`.
pub(super) fn stream(settings: &Settings, name: &str) -> String {
    format!("arn:aws:kinesis:{}:{}:stream/{name}", settings.region, settings.account)
}

/// A consumer ARN: the ARN of its stream, its name and the second of its creation (fact sheet, section 1.4).
pub(super) fn consumer(settings: &Settings, name: &str, consumer: &str, created: Time) -> String {
    let created: Duration = settings.epoch + created.since(Time::ZERO);
    format!("{}/consumer/{consumer}:{}", stream(settings, name), created.as_secs())
}

/// The account and the rest after `stream/` of an ARN of a Kinesis stream; `None` if it is not of that form.
fn parse(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let account_digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if scheme != "arn" || !partition.starts_with("aws") || service != "kinesis" || !account_digits {
        return None;
    }
    Some((account, resource.strip_prefix("stream/")?))
}

/// Account and name of the stream that an ARN names; `None` if it is no stream ARN.
///
/// The region is not compared: a caller may point a client of any region at the emulator.
pub(super) fn parse_stream(arn: &str) -> Option<(&str, &str)> {
    parse(arn).filter(|(_, name)| is_name(name))
}

/// Account, stream and consumer that an ARN names; `None` if it is no consumer ARN.
///
/// The second of creation is checked for its form only.
pub(super) fn parse_consumer(arn: &str) -> Option<(&str, &str, &str)> {
    let (account, resource) = parse(arn)?;
    let (stream, rest) = resource.split_once("/consumer/")?;
    let (consumer, created) = rest.split_once(':')?;
    let right = is_name(stream) && is_name(consumer) && created.parse::<u64>().is_ok();
    right.then_some((account, stream, consumer))
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
        assert_eq!(parse_consumer(&arn), Some(("000000000000", "orders", "billing")));
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
    }
}
