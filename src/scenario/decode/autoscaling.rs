//! `[autoscaling]`: a scaling policy for the planner.

use std::time::Duration;

use crate::scenario::MOST_SHARDS;
use crate::scenario::diagnostics::Diagnostic;
use crate::scenario::reader::{Found, Placed, Reported, TableReader};
use crate::scenario::{Autoscaling, ScalingRule};
use crate::units::{self, Share};
use crate::workload::Schedule;

const MINUTE: Duration = Duration::from_secs(60);
/// Metrics of Kinesis come once a minute; a month of them is what the planner goes through.
const LONGEST: Duration = Duration::from_secs(730 * 3_600);

/// The policy, if there is one; `load` is the schedule and its length.
pub(super) fn autoscaling(
    root: &mut TableReader<'_>,
    load: Option<(&Schedule, Duration)>,
    closed_loop: bool,
) -> Result<Option<Autoscaling>, Reported> {
    let Some(place) = root.place("autoscaling") else {
        // Nothing was asked for: the key is known all the same.
        root.raw("autoscaling");
        return Ok(None);
    };
    let mut reader = root.section("autoscaling");
    if closed_loop {
        let problem = Diagnostic::new("a closed loop has no rate that shards could follow").at(Some(place), "");
        reader.problems().report(problem.help("remove [autoscaling], or give the load rates"));
    }
    let speedup = reader.or("speedup", 1.0);
    let speedup = reader.check(
        speedup,
        |speedup| speedup.is_finite() && *speedup > 0.0,
        "must be more than zero",
        "1440 makes a day of a load of a minute",
    );
    let speedup = long_enough(&reader, speedup, load);
    let scale_out = rule(&mut reader, "scale_out", &OUT);
    let scale_in = rule(&mut reader, "scale_in", &IN);
    if let (Ok(out), Ok(inwards)) = (&scale_out, &scale_in)
        && inwards.threshold.0 >= out.threshold.0
    {
        let problem = Diagnostic::new("shards would be added and removed at the same utilisation").at(reader.at(), "");
        let help = format!("let scale_in.below be less than scale_out.above, which is {}", out.threshold);
        reader.problems().report(problem.help(help));
    }
    let cooldown = reader.or("cooldown", 10 * MINUTE);
    let min_shards = reader.or("min_shards", 1);
    let min_shards = reader.within(min_shards, 1..=MOST_SHARDS);
    let max_shards = reader.or("max_shards", MOST_SHARDS);
    let least = min_shards.as_ref().map_or(1, |shards| shards.value);
    let max_shards = reader.within(max_shards, least..=MOST_SHARDS);
    reader.finish();
    Ok(Some(Autoscaling {
        speedup: speedup?.value,
        scale_out: scale_out?,
        scale_in: scale_in?,
        cooldown: cooldown?.value,
        min_shards: min_shards?.value,
        max_shards: max_shards?.value,
    }))
}

/// What the two rules differ in.
struct Side {
    threshold: &'static str,
    default: ScalingRule,
    factors: std::ops::RangeInclusive<f64>,
    factor_help: &'static str,
}

const OUT: Side = Side {
    threshold: "above",
    default: ScalingRule { threshold: Share(0.75), minutes: 3, factor: 2.0 },
    factors: 1.01..=2.0,
    factor_help: "UpdateShardCount takes up to twice the shards",
};
const IN: Side = Side {
    threshold: "below",
    default: ScalingRule { threshold: Share(0.3), minutes: 30, factor: 0.5 },
    factors: 0.5..=0.99,
    factor_help: "UpdateShardCount takes down to half of the shards",
};

fn rule(parent: &mut TableReader<'_>, key: &'static str, side: &Side) -> Result<ScalingRule, Reported> {
    let mut reader = parent.section(key);
    let threshold = reader.or(side.threshold, side.default.threshold);
    let threshold = reader.check(
        threshold,
        |share| share.0 > 0.0 && share.0 <= 1.0,
        "must be more than 0% and at most 100%",
        "it is the utilisation of the stream, such as \"75%\"",
    );
    let after = reader.or("after", MINUTE * side.default.minutes);
    let after = reader.check(
        after,
        |span| *span >= MINUTE && span.as_nanos().is_multiple_of(MINUTE.as_nanos()) && *span <= LONGEST,
        "must be whole minutes, at least one",
        "metrics come once a minute",
    );
    let factor = reader.or("factor", side.default.factor);
    let factor = reader.check(
        factor,
        |factor| side.factors.contains(factor),
        &format!("must be from {} to {}", side.factors.start(), side.factors.end()),
        side.factor_help,
    );
    reader.finish();
    let minutes = (after?.value.as_secs() / 60) as u32;
    Ok(ScalingRule { threshold: threshold?.value, minutes, factor: factor?.value })
}

/// On paper, the load takes between some minutes and a month.
fn long_enough(
    reader: &TableReader<'_>,
    speedup: Found<f64>,
    load: Option<(&Schedule, Duration)>,
) -> Result<Placed<f64>, Reported> {
    let speedup = speedup?;
    let Some((_, duration)) = load else { return Ok(speedup) };
    let seconds = duration.as_secs_f64() * speedup.value;
    if (600.0..=LONGEST.as_secs_f64()).contains(&seconds) {
        return Ok(speedup);
    }
    let on_paper = units::duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    let problem = speedup.problem("must make between ten minutes and a month of the load");
    let help = format!(
        "the load takes {}, and {on_paper} on paper; for a day, write speedup = {}",
        units::duration(duration),
        (86_400.0 / duration.as_secs_f64()).round().max(1.0)
    );
    Err(reader.problems().report(problem.help(help)))
}
