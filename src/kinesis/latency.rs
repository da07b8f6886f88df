//! Latency of the service, drawn from the profile (fact sheet, section 7).

use std::time::Duration;

use rand_distr::{Distribution, StandardNormal};

use super::profile::{LatencyProfile, Spread};
use crate::seed::{NamedSeed, Seed};
use crate::time::Time;

/// Draws how long the service takes.
///
/// Each delay is lognormal with the median and the 99th percentile of the profile, which grows with the utilisation of the
/// shard ([`LatencyProfile::widening`]).
#[derive(Debug, Clone)]
pub struct LatencyModel {
    enabled: bool,
    put: Draw,
    put_per_record: Duration,
    get: Draw,
    control: Draw,
    propagation: Draw,
    profile: LatencyProfile,
}

/// The propagation delay that a shard last had: drawing it anew for each record would cost more than storing the record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Propagation {
    /// In which half second, counted from one, and at which utilisation.
    drawn: (u64, f64),
    delay: Duration,
}

/// A distribution and its own random streams: draw k depends on the seed and k only.
#[derive(Debug, Clone)]
struct Draw {
    /// ln(median) and sigma of the lognormal distribution of seconds.
    parameters: (f64, f64),
    seeds: NamedSeed,
    drawn: u64,
}

const PROPAGATION_WINDOW_NANOS: u64 = 500_000_000;

impl LatencyModel {
    /// The model of a profile; one that is not `enabled` answers at once.
    pub fn new(profile: &LatencyProfile, seed: Seed, enabled: bool) -> Self {
        Self {
            enabled,
            put: Draw::new(&profile.put, seed.named("kinesis.latency.put")),
            put_per_record: profile.put_per_record,
            get: Draw::new(&profile.get, seed.named("kinesis.latency.get")),
            control: Draw::new(&profile.control, seed.named("kinesis.latency.control")),
            propagation: Draw::new(&profile.propagation, seed.named("kinesis.latency.propagation")),
            profile: profile.clone(),
        }
    }

    /// When a put of `records` records to shards of that `utilisation` is answered.
    pub fn put(&mut self, now: Time, records: usize, utilisation: f64) -> Time {
        if !self.enabled {
            return now;
        }
        let further = u32::try_from(records.saturating_sub(1)).unwrap_or(u32::MAX);
        let widening = self.profile.widening(utilisation);
        now + self.put.next(widening) + self.put_per_record.saturating_mul(further)
    }

    /// When a GetRecords call on a shard of that `utilisation` is answered.
    pub fn get(&mut self, now: Time, utilisation: f64) -> Time {
        let widening = self.profile.widening(utilisation);
        if self.enabled { now + self.get.next(widening) } else { now }
    }

    /// When a control-plane call is answered.
    pub fn control(&mut self, now: Time) -> Time {
        if self.enabled { now + self.control.next(0.0) } else { now }
    }

    /// How long after now consumers can see a record that a shard of that `utilisation` takes; `last` is what this was for
    /// its record before.
    ///
    /// The delay is constant for half a second and then drawn anew. A draw per record would be biased: records become
    /// visible in order, so each would wait for the slowest of its many predecessors.
    pub fn propagation(&self, now: Time, shard: u32, utilisation: f64, last: &mut Propagation) -> Duration {
        if !self.enabled {
            return Duration::ZERO;
        }
        let window = now.as_nanos() / PROPAGATION_WINDOW_NANOS;
        if last.drawn != (window + 1, utilisation) {
            let index = (u64::from(shard) << 32) | (window & 0xffff_ffff);
            let delay = self.propagation.at(index, self.profile.widening(utilisation));
            *last = Propagation { drawn: (window + 1, utilisation), delay };
        }
        last.delay
    }
}

impl Draw {
    fn new(spread: &Spread, seeds: NamedSeed) -> Self {
        Self { parameters: spread.log_parameters(), seeds, drawn: 0 }
    }

    fn next(&mut self, widening: f64) -> Duration {
        self.drawn += 1;
        self.at(self.drawn, widening)
    }

    fn at(&self, index: u64, widening: f64) -> Duration {
        let mut rng = self.seeds.at(index);
        let (mu, sigma) = self.parameters;
        let normal: f64 = StandardNormal.sample(&mut rng);
        Duration::from_secs_f64((mu + (sigma + widening) * normal).exp().min(3600.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::Profile;

    #[test]
    fn draws_have_the_percentiles_of_the_profile() {
        let profile = Profile::newest().latency;
        let mut model = LatencyModel::new(&profile, Seed(1), true);
        let mut draws: Vec<Duration> = (0..20_000).map(|_| model.put(Time::ZERO, 1, 0.0).since(Time::ZERO)).collect();
        draws.sort();
        // The bounds are four standard errors of the sample quantiles.
        assert!((draws[10_000].as_secs_f64() - 0.0073).abs() < 0.000_07, "{:?}", draws[10_000]);
        assert!((draws[19_800].as_secs_f64() - 0.0117).abs() < 0.000_4, "{:?}", draws[19_800]);
    }

    #[test]
    fn reads_and_the_control_plane_have_theirs() {
        let profile = Profile::newest().latency;
        let mut model = LatencyModel::new(&profile, Seed(1), true);
        let percentiles = |draw: &mut dyn FnMut() -> Time| {
            let mut draws: Vec<f64> = (0..20_000).map(|_| draw().as_secs_f64() * 1e3).collect();
            draws.sort_by(f64::total_cmp);
            (draws[10_000], draws[19_800])
        };
        // The bounds are four standard errors of the sample quantiles.
        let (median, p99) = percentiles(&mut || model.get(Time::ZERO, 0.0));
        assert!((median - 7.3).abs() < 0.07 && (p99 - 11.7).abs() < 0.4, "{median} {p99}");
        let (median, p99) = percentiles(&mut || model.control(Time::ZERO));
        assert!((median - 20.0).abs() < 0.4 && (p99 - 60.0).abs() < 4.0, "{median} {p99}");
    }

    #[test]
    fn at_80_percent_the_99th_percentile_is_the_stated_one() {
        let mut model = LatencyModel::new(&Profile::newest().latency, Seed(1), true);
        let mut draws: Vec<Duration> = (0..20_000).map(|_| model.put(Time::ZERO, 1, 0.8).since(Time::ZERO)).collect();
        draws.sort();
        assert!((draws[10_000].as_secs_f64() - 0.0073).abs() < 0.000_15, "{:?}", draws[10_000]);
        assert!((draws[19_800].as_secs_f64() - 0.020).abs() < 0.001_2, "{:?}", draws[19_800]);
    }

    #[test]
    fn a_larger_batch_takes_longer_by_its_records() {
        let profile = Profile::newest().latency;
        let single = LatencyModel::new(&profile, Seed(1), true).put(Time::ZERO, 1, 0.0);
        let batch = LatencyModel::new(&profile, Seed(1), true).put(Time::ZERO, 101, 0.0);
        assert_eq!(batch.since(single), Duration::from_millis(10));
    }

    #[test]
    fn a_disabled_model_answers_at_once() {
        let mut model = LatencyModel::new(&Profile::newest().latency, Seed(1), false);
        assert_eq!(model.put(Time::from_secs(3), 500, 0.5), Time::from_secs(3));
        assert_eq!(model.propagation(Time::from_secs(3), 0, 0.5, &mut Propagation::default()), Duration::ZERO);
    }
}
