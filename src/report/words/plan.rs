//! What a plan says of shards, moments, keys and consumers.

use std::time::Duration;

use crate::capacity::Bound;
use crate::forecast::CatchUp;
use crate::plan::Plan;
use crate::report::content::Text;
use crate::units;

/// What to take and which bound binds, in sentences.
pub fn shards(plan: &Plan) -> Text {
    let (required, recommended) =
        (units::count(plan.capacity.required_shards.into()), units::count(plan.capacity.recommended_shards.into()));
    let condition = if plan.capacity.attainable {
        format!("{} full at most", plan.capacity.target_utilisation)
    } else {
        "if the load spread evenly".to_owned()
    };
    let own = units::count(plan.forecast.scenario_shards.into());
    Text::from("Shards: ")
        .strong(format!("{required} required"))
        .and(", ")
        .strong(format!("{recommended} recommended"))
        .and(format!(" ({condition}); the scenario has {own}. The bound that binds: "))
        .strong(plan.capacity.binding.words())
        .and(".")
}

/// What the load comes to, and how long putting it takes.
pub fn load(plan: &Plan) -> Vec<String> {
    let fullest = plan.forecast.shards.iter().map(|shard| shard.utilisation).fold(0.0, f64::max);
    let (p50, p99) = (super::nanos(Some(plan.forecast.put.p50)), super::nanos(Some(plan.forecast.put.p99)));
    vec![
        format!(
            "offered {}, accepted {}; the fullest shard is offered {} of its write capacity",
            plan.forecast.offered_rate,
            plan.forecast.accepted_rate,
            units::Share(fullest)
        ),
        format!("put p50 {p50}, p99 {p99}, without retries"),
    ]
}

/// The mean lag of each consumer, and how it catches up.
pub fn lags(plan: &Plan) -> Vec<String> {
    let line = |lag: &crate::forecast::LagForecast| {
        let mean = lag.mean.map_or_else(|| "grows without bound".to_owned(), |mean| super::nanos(Some(mean)));
        format!("mean lag of {}: {mean}; {}", lag.consumer, catch_up(&lag.catch_up))
    };
    plan.forecast.lags.iter().map(line).collect()
}

/// What a bound asks for, what there is, how full that is, what is left, and the shards that it takes.
pub fn bound(bound: &Bound) -> [String; 5] {
    [
        bound.demanded().in_full(),
        bound.available().in_full(),
        bound.utilisation.to_string(),
        bound.headroom().to_string(),
        super::count(bound.shards.map(u64::from)),
    ]
}

/// What moments do to shards that have room on average.
pub fn throttling(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    let seconds = plan.forecast.throttled_seconds.0;
    lines.push(if seconds < 1e-6 {
        "throttled: nothing, by the average and by chance".to_owned()
    } else {
        let worst = plan.forecast.shards.iter().map(|shard| shard.throttled.0).fold(0.0, f64::max);
        format!(
            "throttled: {} of the records, in {} of the seconds; of the fullest shard {}",
            plan.forecast.overload_share,
            plan.forecast.throttled_seconds,
            units::Share(worst)
        )
    });
    if plan.capacity.shards_for_bursts > 0 {
        lines.push(format!(
            "{} of the shards recommended are there for moments above the average",
            units::count(plan.capacity.shards_for_bursts.into())
        ));
    }
    lines
}

/// What becomes of a consumer that was down, or does not keep up.
pub fn catch_up(catch_up: &CatchUp) -> String {
    let span = |seconds: f64| units::duration(Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
    match catch_up.per_second_down {
        Some(per_second) => format!(
            "an hour down takes {} to catch up, {} lose records",
            span(per_second * 3_600.0),
            span(catch_up.lost_after)
        ),
        None if catch_up.age_growth > 0.0 => format!(
            "falls behind {} in each second, and loses records after {}",
            span(catch_up.age_growth),
            span(catch_up.lost_after)
        ),
        None => "has no room to catch up after an outage".to_owned(),
    }
}

/// How uneven the load is within its seconds.
pub fn dispersion(plan: &Plan) -> Option<String> {
    // Evenly spaced records need no words.
    let dispersion = plan.forecast.dispersion.filter(|dispersion| *dispersion >= 0.05)?;
    Some(format!(
        "within its seconds the load has an index of dispersion of {}, counted in tenths of a second: evenly spaced records have 0, by \
         chance it is 1",
        units::number(dispersion)
    ))
}

/// What the keys make of other numbers of shards.
pub fn skew(plan: &Plan) -> Vec<String> {
    let Some(skew) = &plan.capacity.skew else { return Vec::new() };
    let row = |row: &crate::forecast::SkewRow| {
        let (shards, fullest) = (units::count(row.shards.into()), units::Share(row.fullest));
        // Where keys are many, it is a matter of chance, within bounds.
        let p99 = units::Share(row.fullest_p99).to_string();
        if p99 == fullest.to_string() {
            format!("{fullest} with {shards}")
        } else {
            format!("{fullest} (p99 {p99}) with {shards}")
        }
    };
    let rows: Vec<String> = skew.rows.iter().map(row).collect();
    let mut lines = vec![format!("the fullest shard in the busiest second: {}", rows.join(", "))];
    let useful = skew.useful_up_to.filter(|shards| *shards <= 1_000).map_or_else(String::new, |shards| {
        format!("; beyond {} more do not help, because of the hottest key", units::count(shards.into()))
    });
    lines.push(format!(
        "the fullest has no more than {} times the mean up to {} shard(s){useful}",
        crate::forecast::SkewForecast::IMBALANCE,
        units::count(skew.balanced_up_to.into())
    ));
    let target = plan.capacity.target_utilisation;
    if skew.salts > 1 {
        lines.push(format!(
            "the hottest key alone fills {} of a shard, whatever their number: spread it over {} keys",
            units::Share(skew.floor),
            skew.salts
        ));
    } else if skew.fewest.is_none() {
        lines.push(format!("no number of shards that was tried keeps every one at {target} at most: spread the keys"));
    }
    lines
}
