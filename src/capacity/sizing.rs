//! How many shards a load needs: by each bound, by where its keys fall, and by its moments.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::bounds::bounds;
use super::quotas::quota_bounds;
use crate::forecast::{Demand, Flows, Placement, SkewForecast, Step, skew};
use crate::scenario::Scenario;
use crate::units::Share;
use crate::workload::{Keys, Schedule};

/// Most keys that each is spread over, and the shards over those of an even spread that are few enough.
const MOST_SALTS: u32 = 256;
const NEARLY_EVEN: f64 = 1.2;

/// What spreading keys comes to (`key#0`, `key#1`, …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Salting {
    /// Partition keys in the place of each.
    pub keys_of_each: u32,
    /// Fewest shards of which none is then fuller than the target in the busiest second.
    pub shards: u32,
}

/// The numbers of shards of a plan, and what they come from.
pub(crate) struct Sizing {
    pub bounds: Vec<Bound>,
    /// Fewest shards that carry the load if it spreads evenly.
    pub required: u32,
    /// Fewest of which none is fuller than the target by the average of its second.
    pub spread: u32,
    /// The same with room for moments.
    pub recommended: u32,
    /// Whether the recommended number keeps every shard within the target and the objective.
    pub attainable: bool,
    /// What spreading the keys comes to, where no number of shards does without.
    pub salting: Option<Salting>,
    pub skew: Option<SkewForecast>,
}

impl Sizing {
    /// That of the scenario as it is.
    pub fn of(flows: &Flows<'_>, steps: &[Step]) -> Self {
        let (scenario, profile, demand) = (flows.scenario, flows.profile, flows.demand);
        let target = scenario.target_utilisation.0;
        let mut bounds = bounds(scenario, profile, demand);
        let required = bounds.iter().filter_map(|bound| bound.shards).max().unwrap_or(1).max(1);
        let even = even_spread(&bounds, target).max(required);
        let load = demand.shards_filled(profile);
        let skew = if scenario.stream.auto_distribution {
            None
        } else {
            let asked = [demand.shards, required, even, even.saturating_mul(2), even.saturating_mul(4)];
            skew(flows.workload.keys(), flows.placement, demand.top_key, load, target, &asked)
        };
        let hopeless = skew.as_ref().is_some_and(|skew| skew.fewest.is_none());
        let spread = skew.as_ref().and_then(|skew| skew.fewest).map_or(even, |fewest| fewest.max(even));
        let read =
            if hopeless || skew.is_none() { Some(spread) } else { read_everywhere(flows, &bounds, spread, target) };
        let (spread, is_read) = (read.unwrap_or(spread), read.is_some());
        let for_moments = if hopeless { None } else { enough_for_bursts(flows, steps, spread, skew.is_none()) };
        let salts = skew.as_ref().map_or(1, |skew| skew.salts).max(2);
        let salting = hopeless.then(|| salting(flows, salts, load, target, even)).flatten();
        let recommended = for_moments.unwrap_or(spread);
        bounds.extend(quota_bounds(scenario, profile, demand, recommended));
        Self { bounds, required, spread, recommended, attainable: for_moments.is_some() && is_read, salting, skew }
    }
}

/// The fewest shards of which each bound fills no more than the target, if the load spreads evenly.
pub(crate) fn even_spread(bounds: &[Bound], target: f64) -> u32 {
    let at_target = |bound: &Bound| match bound.shards {
        Some(_) => (bound.demand / bound.capacity_per_shard / target - 1e-9).ceil() as u32,
        None => 1,
    };
    bounds.iter().map(at_target).max().unwrap_or(1).max(1)
}

/// The fewest shards from `spread` on of which the readers keep up with the fullest, too: what is put to a shard is read from it. `None` if
/// no number up to four times as many does.
fn read_everywhere(flows: &Flows<'_>, bounds: &[Bound], spread: u32, target: f64) -> Option<u32> {
    let reads = bounds.iter().filter(|bound| bound.shards.is_some() && !bound.name.is_of_writes());
    let load = reads.map(|bound| bound.demand / bound.capacity_per_shard).fold(0.0, f64::max);
    let fits = |shards: &u32| flows.placement.fullest(*shards).p99 * load <= target + 1e-9;
    let more = |shards: &u32| Some(shards + (shards / 50).max(1)).filter(|more| *more <= spread.saturating_mul(4));
    std::iter::successors(Some(spread), more).find(fits)
}

/// Share of the records that may be throttled.
pub(crate) fn allowed_throttling(flows: &Flows<'_>) -> Share {
    flows.scenario.objectives.allowed_throttling()
}

/// The fewest shards from `spread` on of which the fullest refuses no more than is allowed; `None` if no number up to four times as many
/// does.
fn enough_for_bursts(flows: &Flows<'_>, steps: &[Step], spread: u32, even: bool) -> Option<u32> {
    // Recorded arrivals have no rate that could be thinned out.
    if let Schedule::Recorded { .. } = flows.workload.schedule().rate() {
        return Some(spread);
    }
    let allowed = allowed_throttling(flows).0;
    let fullest = |shards: u32| if even { 1.0 / f64::from(shards) } else { flows.placement.fullest(shards).p99 };
    let fits = |shards: &u32| {
        let flow = flows.of(steps, fullest(*shards));
        flow.records - flow.accepted <= flow.records * allowed
    };
    let more = |shards: &u32| Some(shards + (shards / 20).max(1)).filter(|more| *more <= spread.saturating_mul(4));
    std::iter::successors(Some(spread), more).find(fits)
}

/// The keys to make of each, from `salts` on and twice as many each time, with which about the shards of an even spread do; else those with
/// which the fewest do. `None` where keys cannot be spread, or it does not help.
fn salting(flows: &Flows<'_>, salts: u32, load: f64, target: f64, even: u32) -> Option<Salting> {
    let keys = flows.workload.keys();
    if matches!(keys, Keys::Salted { .. } | Keys::Explicit { .. } | Keys::Recorded { .. }) {
        return None;
    }
    let count = flows.workload.count();
    let with = |keys_of_each: u32| {
        let salted = Keys::Salted { keys: Box::new(keys.clone()), buckets: keys_of_each };
        let forecast = skew(&salted, &Placement::new(&salted, count), salted.top_share(count), load, target, &[])?;
        Some(Salting { keys_of_each, shards: forecast.fewest?.max(even) })
    };
    let few = |salting: &Salting| f64::from(salting.shards) <= f64::from(even) * NEARLY_EVEN + 1.0;
    let tried = std::iter::successors(Some(salts), |salts| Some(salts * 2)).take_while(|salts| *salts <= MOST_SALTS);
    let mut best: Option<Salting> = None;
    for salting in tried.filter_map(with) {
        if best.is_none_or(|best| salting.shards < best.shards) {
            best = Some(salting);
        }
        if few(&salting) {
            break;
        }
    }
    best
}

/// The fewest shards for a load that is put and read otherwise than the scenario's, as `variant` says, as far as it goes without following it through its moments:
/// each within the target, and of the fullest, no more than is allowed refused in the long run at the peak. `None` where its hottest
/// key alone is too much.
pub(crate) fn sized(flows: &Flows<'_>, variant: &Scenario, demand: &Demand) -> Option<u32> {
    let profile = flows.profile;
    let target = flows.scenario.target_utilisation.0;
    let load = demand.shards_filled(profile);
    if demand.top_key * load > target + 1e-9 {
        return None;
    }
    let even = flows.scenario.stream.auto_distribution || flows.workload.keys().hash_keys().is_some();
    let fullest = |shards: u32| if even { 1.0 / f64::from(shards) } else { flows.placement.fullest(shards).p99 };
    let fits = |shards: &u32| {
        let share = fullest(*shards);
        let put = Flows { scenario: variant, demand, ..*flows };
        share * load <= target + 1e-9 && put.lost(demand.busiest * share, share).0 <= allowed_throttling(flows).0
    };
    let first = even_spread(&bounds(variant, profile, demand), target);
    let more = |shards: &u32| Some(shards + (shards / 20).max(1)).filter(|more| *more <= first.saturating_mul(4) + 8);
    std::iter::successors(Some(first), more).find(fits)
}
