//! The consumer machines of a run, set up as the scenario says.

use std::collections::{BTreeMap, HashMap};

use crate::client::{Application, Start, Wire};
use crate::kinesis::Profile;
use crate::scenario::{Consumer, StartingPosition};

/// The application of a consumer, for a driver. `default` is where it starts if the scenario does not say, and `shard` and
/// `sequence` read the names of shards and numbers as the driver has them; what they do not know is left out.
pub fn application<W: Wire>(
    consumer: &Consumer,
    default: Start<W::Sequence>,
    profile: &Profile,
    shard: impl Fn(&str) -> Option<W::Shard>,
    sequence: impl Fn(&str) -> Option<W::Sequence>,
) -> Application<W> {
    let mut starts = HashMap::new();
    let mut each = |numbers: &BTreeMap<String, String>, start: fn(W::Sequence) -> Start<W::Sequence>| {
        let known = numbers.iter().filter_map(|(name, number)| Some((shard(name)?, start(sequence(number)?))));
        starts.extend(known);
        Start::TrimHorizon
    };
    let start = match &consumer.start {
        None => default,
        Some(StartingPosition::TrimHorizon) => Start::TrimHorizon,
        Some(StartingPosition::Latest) => Start::Latest,
        Some(StartingPosition::Ago(ago)) => Start::Ago(*ago),
        Some(StartingPosition::Timestamp(at)) => Start::Timestamp(*at),
        Some(StartingPosition::AtSequenceNumber(numbers)) => each(numbers, Start::AtSequence),
        Some(StartingPosition::AfterSequenceNumber(numbers)) => each(numbers, Start::After),
    };
    Application {
        name: consumer.name.clone(),
        kind: consumer.kind.clone(),
        start,
        starts,
        processing: consumer.processing.clone(),
        checkpoint: consumer.checkpoint,
        resubscribe_after: profile.fan_out.resubscribe_after,
        subscription_life: profile.fan_out.subscription_life,
    }
}
