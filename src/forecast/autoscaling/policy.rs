//! A scaling policy, minute by minute, within the rules of UpdateShardCount.

use std::collections::VecDeque;
use std::time::Duration;

use crate::kinesis::Profile;
use crate::scenario::Autoscaling;

const MINUTES_PER_DAY: u64 = 24 * 60;

/// The number of shards of a stream that is scaled by a policy. It looks at the metrics once a minute.
#[derive(Debug)]
pub(crate) struct Scaler<'a> {
    policy: &'a Autoscaling,
    profile: &'a Profile,
    shards: u32,
    /// Minutes above and below the thresholds, one after the other, up to now.
    above: u32,
    below: u32,
    /// An update under way: the minute in which it is done, and to how many shards.
    under_way: Option<(u64, u32)>,
    /// No update before this minute.
    rests_until: u64,
    /// The minutes of the updates of the last 24 hours.
    updates: VecDeque<u64>,
    /// Updates so far, and minutes in which one was due that the quota of the day did not allow.
    pub made: u64,
    pub refused_minutes: u64,
}

impl<'a> Scaler<'a> {
    /// A stream that begins with so many shards.
    pub fn new(policy: &'a Autoscaling, profile: &'a Profile, shards: u32) -> Self {
        Self {
            policy,
            profile,
            shards: shards.clamp(policy.min_shards, policy.max_shards),
            above: 0,
            below: 0,
            under_way: None,
            rests_until: 0,
            updates: VecDeque::new(),
            made: 0,
            refused_minutes: 0,
        }
    }

    /// Open shards now.
    pub const fn shards(&self) -> u32 {
        self.shards
    }

    /// The metrics of the minute that ends at `minute` are there: the stream was so full.
    pub fn handle_minute(&mut self, minute: u64, utilisation: f64) {
        if let Some((done, target)) = self.under_way.filter(|(done, _)| *done <= minute) {
            (self.shards, self.under_way) = (target, None);
            self.rests_until = done + whole_minutes(self.policy.cooldown);
            // What was measured before was measured on other shards.
            (self.above, self.below) = (0, 0);
            return;
        }
        let (out, inwards) = (&self.policy.scale_out, &self.policy.scale_in);
        self.above = if utilisation > out.threshold.0 { self.above.saturating_add(1) } else { 0 };
        self.below = if utilisation < inwards.threshold.0 { self.below.saturating_add(1) } else { 0 };
        if self.under_way.is_some() || minute < self.rests_until {
            return;
        }
        let target = if self.above >= out.minutes {
            self.more()
        } else if self.below >= inwards.minutes {
            self.fewer()
        } else {
            return;
        };
        if target != self.shards {
            self.update(minute, target);
        }
    }

    fn more(&self) -> u32 {
        let asked = (f64::from(self.shards) * self.policy.scale_out.factor).ceil() as u32;
        let most = self.shards.saturating_mul(2).min(self.policy.max_shards).min(self.profile.reshard.most_shards);
        asked.min(most).max(self.shards)
    }

    fn fewer(&self) -> u32 {
        let asked = (f64::from(self.shards) * self.policy.scale_in.factor).floor() as u32;
        asked.max(self.shards.div_ceil(2)).max(self.policy.min_shards).min(self.shards)
    }

    /// UpdateShardCount: so often in 24 hours, and it takes its time.
    fn update(&mut self, minute: u64, target: u32) {
        while self.updates.front().is_some_and(|made| made + MINUTES_PER_DAY <= minute) {
            self.updates.pop_front();
        }
        if self.updates.len() >= self.profile.reshard.updates_per_day {
            self.refused_minutes += 1;
            return;
        }
        self.updates.push_back(minute);
        self.made += 1;
        let transition = &self.profile.transition;
        // Each split and merge on the way takes a step; as many as the larger number of shards is near enough.
        let steps = transition.update_shard_count_step.saturating_mul(self.shards.max(target));
        let takes = whole_minutes(transition.update_shard_count + steps);
        self.under_way = Some((minute + takes.max(1), target));
    }
}

fn whole_minutes(span: Duration) -> u64 {
    span.as_secs_f64().div_euclid(60.0) as u64 + u64::from(span.as_secs_f64().rem_euclid(60.0) > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::ScalingRule;
    use crate::units::Share;

    fn policy() -> Autoscaling {
        Autoscaling {
            speedup: 1.0,
            scale_out: ScalingRule { threshold: Share(0.75), minutes: 3, factor: 2.0 },
            scale_in: ScalingRule { threshold: Share(0.3), minutes: 5, factor: 0.5 },
            cooldown: Duration::from_secs(600),
            min_shards: 2,
            max_shards: 100,
        }
    }

    /// The shards after each minute of a utilisation.
    fn follow(scaler: &mut Scaler<'_>, minutes: std::ops::Range<u64>, utilisation: f64) -> Vec<u32> {
        let minute = |minute| {
            scaler.handle_minute(minute, utilisation);
            scaler.shards()
        };
        minutes.map(minute).collect()
    }

    #[test]
    fn shards_come_after_the_minutes_of_the_rule_and_the_time_of_the_update_and_then_it_rests() {
        let (policy, profile) = (policy(), Profile::newest());
        let mut scaler = Scaler::new(&policy, &profile, 4);
        let shards = follow(&mut scaler, 1..31, 0.8);
        // Above since minute 1, asked for in minute 3, 60 s and 8 steps of 1 s: two minutes.
        assert_eq!(&shards[..5], [4, 4, 4, 4, 8]);
        // Ten minutes of rest from minute 5 on, then two more minutes.
        assert!(shards[5..16].iter().all(|shards| *shards == 8), "{shards:?}");
        assert_eq!(shards[16], 16, "{shards:?}");
    }

    #[test]
    fn one_minute_below_the_threshold_begins_the_count_anew() {
        let (policy, profile) = (policy(), Profile::newest());
        let mut scaler = Scaler::new(&policy, &profile, 4);
        for minute in 1..100 {
            scaler.handle_minute(minute, if minute % 3 == 0 { 0.5 } else { 0.9 });
        }
        assert_eq!((scaler.shards(), scaler.made), (4, 0));
    }

    #[test]
    fn it_goes_down_to_half_at_most_and_never_below_its_least() {
        let policy = Autoscaling { scale_in: ScalingRule { factor: 0.5, ..policy().scale_in }, ..policy() };
        let profile = Profile::newest();
        let mut scaler = Scaler::new(&policy, &profile, 9);
        let shards = follow(&mut scaler, 1..120, 0.1);
        let mut steps = shards.clone();
        steps.dedup();
        assert_eq!(steps, [9, 5, 3, 2]);
    }

    #[test]
    fn the_eleventh_update_of_a_day_is_refused_until_the_first_is_a_day_old() {
        let policy = Autoscaling { cooldown: Duration::ZERO, ..policy() };
        let profile = Profile::newest();
        let mut scaler = Scaler::new(&policy, &profile, 2);
        for minute in 1..1_440 {
            // Full until it has grown, and empty until it has shrunk.
            scaler.handle_minute(minute, if scaler.shards() < 4 { 0.9 } else { 0.1 });
        }
        assert_eq!(scaler.made, 10);
        assert!(scaler.refused_minutes > 1_000);
        let refused = scaler.refused_minutes;
        for minute in 1_440..1_450 {
            scaler.handle_minute(minute, if scaler.shards() < 4 { 0.9 } else { 0.1 });
        }
        assert_eq!(scaler.made, 11, "the first was made in minute 3 of the day before");
        assert!(scaler.refused_minutes > refused);
    }
}
