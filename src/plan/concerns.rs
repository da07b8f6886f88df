//! What is legal in a scenario and perhaps not meant.

use std::time::Duration;

use super::Plan;
use crate::scenario::{Objectives, Scenario};
use crate::units;

/// Records of which a 99th percentile leaves ten beyond it.
const FEW_FOR_P99: f64 = 1_000.0;
/// The same for the 99.9th.
const FEW_FOR_P999: f64 = 10_000.0;
/// Less throttling than this is no plan to throttle.
const OVERLOAD_MIN: f64 = 0.001;

/// What a reader of the scenario should look at twice, in full sentences with what to do; nothing of it is wrong by itself.
pub fn concerns(scenario: &Scenario, plan: &Plan) -> Vec<String> {
    let (load, objectives) = (&scenario.load, &scenario.objectives);
    let mut found = Vec::new();
    let of_consumers = scenario.consumers.iter().any(|consumer| consumer.lag_p99.is_some());
    if *objectives == Objectives::default() && !of_consumers {
        found.push(
            "There are no objectives, so that only a run that is void or accepts nothing fails: add [slo], such as \
             throttled = \"0.1%\"."
                .to_owned(),
        );
    }
    let judged = load.duration.saturating_sub(load.warm_up);
    if load.warm_up > load.duration / 2 {
        found.push(format!(
            "The warm-up is most of the load, and only {} of {} are judged: shorten load.warm_up, or lengthen the load.",
            units::duration(judged),
            units::duration(load.duration)
        ));
    }
    found.extend(few_records(scenario, plan, judged));
    if plan.forecast.overload_share.0 >= OVERLOAD_MIN {
        let shards = if plan.capacity.recommended_shards > plan.forecast.scenario_shards {
            format!(
                " {} shards would do instead of {}.",
                plan.capacity.recommended_shards, plan.forecast.scenario_shards
            )
        } else {
            String::new()
        };
        found.push(format!(
            "The plan expects an overload: {} of the records are beyond what their shard can take. Leave it so if that is what \
             the scenario asks; `streamgauge plan` says which limit it is.{shards}",
            plan.forecast.overload_share
        ));
    }
    found
}

/// Percentiles that a few records decide.
fn few_records(scenario: &Scenario, plan: &Plan, judged: Duration) -> Option<String> {
    let objectives = &scenario.objectives;
    let records = plan.forecast.offered_rate.0 * judged.as_secs_f64();
    let p99 = objectives.put_p99.or(objectives.lag_p99).is_some()
        || scenario.consumers.iter().any(|consumer| consumer.lag_p99.is_some());
    let (name, few) = match objectives.put_p999 {
        Some(_) if records < FEW_FOR_P999 => ("99.9th", FEW_FOR_P999),
        _ if p99 && records < FEW_FOR_P99 => ("99th", FEW_FOR_P99),
        _ => return None,
    };
    Some(format!(
        "About {} records are judged, so that fewer than ten decide the {name} percentile: offer {} or more.",
        units::count(records.max(0.0).round() as u64),
        units::count(few as u64)
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::kinesis::Profile;
    use crate::plan::predict;
    use crate::prices::Prices;
    use crate::scenario::parse;

    const GOOD: &str = "[stream]\nshards = 2\n[load]\nrate = \"500/s\"\nduration = \"20s\"\nwarm_up = \"4s\"\n\
                        [records]\nsize = \"1 KiB\"\n[slo]\nput_p99 = \"1s\"\n";

    fn found(overrides: &[&str]) -> Vec<String> {
        let profile = Profile::newest();
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        let scenario = parse(Path::new("a.toml"), GOOD, &overrides, &profile).unwrap();
        concerns(&scenario, &predict(&scenario, &profile, &Prices::newest()))
    }

    #[test]
    fn a_good_scenario_gives_no_concern() {
        assert_eq!(found(&[]), [""; 0]);
        assert_eq!(found(&["slo={}", "consumer=[{name=\"a\",type=\"efo\",lag_p99=\"1s\"}]"]), [""; 0]);
    }

    #[test]
    fn each_concern_has_its_cause() {
        for (overrides, expected) in [
            (vec!["slo={}"], "There are no objectives"),
            (vec!["load.warm_up=11s"], "only 9 s of 20 s are judged"),
            (vec!["load.rate=50/s"], "About 800 records are judged, so that fewer than ten decide the 99th"),
            (vec!["slo.put_p999=1s"], "About 8,000 records are judged, so that fewer than ten decide the 99.9th"),
            (vec!["load.rate=4000/s"], "The plan expects an overload: "),
        ] {
            let found = found(&overrides);
            assert!(found.len() == 1 && found[0].contains(expected), "{overrides:?}: {found:?}");
        }
    }
}
