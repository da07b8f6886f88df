//! What a scaling policy comes to on paper.

use crate::capacity::{ScalingForecast, ScalingOption};
use crate::units;

/// The load that is scaled for, in a sentence.
pub fn load(forecast: &ScalingForecast) -> String {
    format!(
        "The load as {} on paper, again and again for a month: {} on average, {} in the busiest minute.",
        units::duration(forecast.period),
        forecast.mean_rate,
        forecast.peak_rate
    )
}

/// Shards, hours of them, updates, minutes in which one was refused, throttled at all and in the first period, and dollars.
pub fn cells(option: &ScalingOption) -> [String; 7] {
    let (fewest, most) = (units::count(option.fewest_shards.into()), units::count(option.most_shards.into()));
    [
        if fewest == most { fewest } else { format!("{fewest}–{most}") },
        option.shard_hours.map_or_else(|| "–".to_owned(), units::number),
        format!("{:.1}", option.updates_per_day),
        units::count(option.refused_minutes),
        option.throttled.to_string(),
        option.throttled_at_first.to_string(),
        option.cost.map_or_else(|| "not known".to_owned(), units::dollars),
    ]
}

/// What the quota of the day refused, in lines.
pub fn refused(forecast: &ScalingForecast) -> Vec<String> {
    let refused = forecast.options.iter().filter(|option| option.refused_minutes > 0);
    let line = |option: &ScalingOption| {
        let minutes = units::count(option.refused_minutes);
        format!("{}: in {minutes} minutes an update was due that the quota of the day did not allow", option.name)
    };
    refused.map(line).collect()
}
