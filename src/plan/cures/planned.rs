//! What would help a stream of which a shard is too full, before anything has run; the cheapest first.

use super::study::Cures;
use crate::capacity::{ReadingChoice, Tariff};
use crate::kinesis::{Profile, StreamMode};
use crate::scenario::Scenario;
use crate::units;
use crate::verdict::{Cure, Expectation};

/// A stream is uneven where its fullest shard has so many times the mean; then it pays to split that one alone.
const UNEVEN: f64 = 1.25;

/// The cures for the fullest shard of a plan; none if it stays within the target in the busiest second.
pub(in crate::plan) fn planned(scenario: &Scenario, profile: &Profile, plan: Expectation<'_>) -> Vec<Cure> {
    let own = plan
        .capacity
        .skew
        .as_ref()
        .and_then(|skew| skew.rows.iter().find(|row| row.shards == plan.forecast.scenario_shards));
    let busiest =
        plan.capacity.bounds.iter().filter(|bound| bound.name.is_of_writes()).map(|bound| bound.utilisation.0);
    let fullest = own.map_or_else(|| busiest.fold(0.0, f64::max), |row| row.fullest);
    let target = plan.capacity.target_utilisation.0;
    if fullest <= target + 1e-9 {
        return Vec::new();
    }
    let with = Cures { scenario, profile, plan };
    let floor = plan.capacity.skew.as_ref().map_or(0.0, |skew| skew.floor);
    let mut cures: Vec<Cure> = Vec::new();
    if floor > target {
        cures.extend(with.salt("the hottest key", floor));
    } else {
        cures.extend(with.more_shards());
        if own.is_some_and(|row| row.imbalance > UNEVEN) {
            cures.extend(with.split(fullest));
        }
    }
    cures.extend(with.distribute());
    cures.extend(switch_to_auto(scenario, plan));
    cures.extend(aggregate(plan));
    cures.sort_by(|a, b| a.monthly.unwrap_or(f64::INFINITY).total_cmp(&b.monthly.unwrap_or(f64::INFINITY)));
    cures
}

/// AUTO distribution is there on demand only.
fn switch_to_auto(scenario: &Scenario, plan: Expectation<'_>) -> Option<Cure> {
    if scenario.stream.mode == StreamMode::OnDemand {
        return None;
    }
    let total = |tariff| plan.capacity.cost.bills.iter().find(|bill| bill.tariff == tariff).and_then(|bill| bill.total);
    let own = plan.capacity.cost.bills.first().and_then(|bill| bill.total);
    Some(Cure {
        what: "switch to on-demand with AUTO distribution".to_owned(),
        monthly: total(Tariff::OnDemandStandard).zip(own).map(|(on_demand, own)| on_demand - own),
        trade_off: "the order of a key is lost, and so are aggregates that are unpacked by shard".to_owned(),
        settings: vec!["stream.mode=\"on-demand\"".to_owned(), "stream.distribution=\"auto\"".to_owned()],
    })
}

/// Aggregation, where the plan's ways to set up the scenario have it with fewer shards or a smaller bill.
fn aggregate(plan: Expectation<'_>) -> Option<Cure> {
    let own = plan.capacity.frontier.iter().find(|configuration| configuration.own)?;
    if own.aggregation {
        return None;
    }
    let packed = plan.capacity.frontier.iter().find(|other| {
        other.aggregation
            && other.tariff == own.tariff
            && other.reading == ReadingChoice::AsAsked
            && other.shards <= plan.forecast.scenario_shards
    })?;
    let linger = units::duration(packed.linger).replace(' ', "");
    Some(Cure {
        what: format!(
            "pack records as the KPL does, for up to {}: {} shard(s) do",
            units::duration(packed.linger),
            units::count(packed.shards.into())
        ),
        monthly: packed
            .monthly
            .zip(plan.capacity.cost.bills.first().and_then(|bill| bill.total))
            .map(|(packed, own)| packed - own),
        trade_off: "consumers have to unpack aggregates, and a record waits for its own".to_owned(),
        settings: vec!["producer.aggregation=true".to_owned(), format!("producer.linger=\"{linger}\"")],
    })
}
