//! What to take, and from what it was chosen.

use super::cost::{dollars, lag};
use crate::capacity::{Configuration, Tariff};
use crate::plan::{Plan, Recommendation};
use crate::units;

/// Why no number of shards does, and what would; `None` where the recommended number does.
pub fn unattainable(plan: &Plan) -> Option<String> {
    if plan.capacity.attainable {
        return None;
    }
    let hottest = plan.capacity.skew.as_ref().filter(|skew| skew.fewest.is_none() && skew.salts > 1);
    let why = match hottest {
        Some(skew) => format!(
            "No number of shards keeps each at {} at most: the hottest key alone fills {} of one.",
            plan.capacity.target_utilisation,
            units::Share(skew.floor)
        ),
        None => {
            format!(
                "No number of shards that was tried keeps each within {} and the objectives.",
                plan.capacity.target_utilisation
            )
        }
    };
    let then = plan.capacity.salting.map(|salting| {
        let shards = units::count(salting.shards.into());
        format!(" With each key spread over {}, {shards} shard(s) do.", salting.keys_of_each)
    });
    Some(format!("{why}{}", then.unwrap_or_default()))
}

/// The recommendation in lines.
pub fn lines(recommendation: &Recommendation) -> Vec<String> {
    let way = &recommendation.configuration;
    let stream = match way.tariff {
        Tariff::Provisioned => format!("{}, {} shard(s)", way.tariff.name(), units::count(way.shards.into())),
        tariff => tariff.name().to_owned(),
    };
    let packed = if way.aggregation { "aggregation as the KPL does" } else { "no aggregation" };
    let batch = format!(
        "{packed}, batches of up to {} records, linger {}: about {} records a call",
        units::count(recommendation.batch_records as u64),
        units::duration(way.linger),
        units::number(recommendation.records_per_call)
    );
    let costs = format!("{} a month, mean lag {}", dollars(way.monthly), lag(way.lag));
    let mut lines = vec![format!("recommended: {stream}; {costs}"), format!("producers: {batch}")];
    lines.extend(recommendation.readers.iter().map(|reader| format!("{}: {}", reader.name, reader.how)));
    lines
}

/// How a way is paid for, its shards, how it puts and reads, its lag, its price, and whether it meets the objectives.
pub fn cells(way: &Configuration) -> [String; 7] {
    let packed =
        if way.aggregation { format!("packed, {}", units::duration(way.linger)) } else { "one by one".to_owned() };
    [
        way.tariff.name().to_owned(),
        if way.tariff == Tariff::Provisioned { units::count(way.shards.into()) } else { "–".to_owned() },
        packed,
        way.reading.name().to_owned(),
        lag(way.lag),
        dollars(way.monthly),
        if way.meets_objectives { "met".to_owned() } else { "missed".to_owned() },
    ]
}
