//! How much a shard throttles although it has room on average: what its token buckets lack, as a diffusion.
//!
//! A bucket of `burst` tokens that refills at `rate` refuses a record when it lacks more than `burst` less the record. What it lacks
//! goes up by the tokens of each record and down at `rate`, never below nothing: a queue with room for `burst`, whose losses are the
//! throttled records. With many records per filling it moves like a Brownian motion between two reflecting barriers, with the drift
//! `demand - rate` and the variance of the arriving tokens (Harrison, Brownian Motion and Stochastic Flow Systems, 1985; Kobayashi,
//! J. ACM 21, 1974). Its distribution is followed through the load, on a grid; for a load that never changes it comes to
//! [`lost_in_the_long_run`]. Of so many tokens lost at the barrier, records are refused as by a Poisson process: the chance that none is, is that of
//! an elastic barrier (Itô and McKean, Diffusion Processes and their Sample Paths, 1965, section 2.3). Where few records fill the bucket, each is a
//! jump of its own ([`super::jumps`]).

use super::bucket::{Bucket, Lost, full};
use super::jumps::Jumps;

/// Cells of the grid, from a full bucket to an empty one.
const CELLS: usize = 64;
/// Part of a cell's content that one pass of the diffusion moves to each side: at most a quarter is stable and smooth.
const MOST_MOVED: f64 = 0.25;
/// A bucket that is empty with less than this chance, in the long run at the highest rate, is not looked at.
const NEGLIGIBLE: f64 = 1e-9;
/// Chance by which a cell may change in a second that changes nothing.
const SETTLED: f64 = 1e-7;
/// Seconds in which records are followed one by one, where they differ from one another: a millisecond of computing each.
const MOST_FOLLOWED: usize = 4_000;
/// Records to a burst, weighed by their tokens, from which on they are as good as a diffusion.
const MANY: f64 = 40.0;

/// The records that take from a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Arrivals<'a> {
    /// Mean and mean square of the tokens that a record takes.
    pub tokens: (f64, f64),
    /// Mean tokens of equal parts of the records, ascending; empty if they are not known one by one.
    pub sizes: &'a [f64],
    /// Variance over mean of the number of records in a time: 0 for an even flow, 1 for a Poisson process.
    pub dispersion: f64,
}

/// A time of one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    /// Its length, in seconds. It lies within one whole second of the load.
    pub seconds: f64,
    /// Records offered to all shards in it.
    pub offered: f64,
    /// Whether it lies in the judged part of the load.
    pub judged: bool,
    /// Whether it is the last one of its second.
    pub ends_second: bool,
}

/// What a bucket refuses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Refused {
    /// Share of the tokens of the judged part of the load.
    pub share: f64,
    /// Share of its records; `None` where only the tokens are known.
    pub records: Option<f64>,
    /// Share of its seconds in which a record is refused.
    pub seconds: f64,
}

impl Arrivals<'_> {
    /// Variance of the tokens that `records` arrivals take.
    fn variance(&self, records: f64) -> f64 {
        let (mean, square) = self.tokens;
        // The variance of a sum of so many: of the sizes, and of their number.
        records * (square - mean * mean * (1.0 - self.dispersion)).max(0.0)
    }

    /// Whether so few of them empty the bucket that each counts.
    fn are_few(&self, bucket: Bucket) -> bool {
        let (mean, square) = self.tokens;
        !self.sizes.is_empty() && bucket.burst * mean < MANY * square
    }
}

/// Share of the tokens asked for that a bucket refuses in the long run, at `records` per second: the time that the reflected Brownian
/// motion spends at its barrier, `drift / (1 - exp(-2 drift burst / variance)) / demand`.
pub(crate) fn lost_in_the_long_run(bucket: Bucket, arrivals: Arrivals<'_>, records: f64) -> f64 {
    let (demand, variance) = (records * arrivals.tokens.0, arrivals.variance(records));
    let drift = demand - bucket.rate;
    if demand <= 0.0 {
        return 0.0;
    }
    if variance <= 0.0 {
        return drift.max(0.0) / demand;
    }
    let exponent = 2.0 * drift * bucket.burst / variance;
    // Where the drift vanishes, so do both parts of the fraction; their limit is the variance over twice the room.
    let pushed = if exponent.abs() < 1e-6 { variance / (2.0 * bucket.burst) } else { drift / -(-exponent).exp_m1() };
    pushed / demand
}

/// What a bucket that starts full refuses of a load, of whose records the shard gets `share`.
pub(crate) fn refused(bucket: Bucket, arrivals: Arrivals<'_>, steps: &[Step], share: f64) -> Refused {
    // A record on a border takes no time.
    let highest = steps.iter().filter(|step| step.seconds > 1e-6).map(|step| step.offered * share / step.seconds);
    let highest = highest.fold(0.0, f64::max);
    if lost_in_the_long_run(bucket, arrivals, highest) < NEGLIGIBLE {
        return Refused::default();
    }
    let too_many = arrivals.are_few(bucket) && !can_be_followed(arrivals, steps);
    let arrivals = if too_many { Arrivals { sizes: &[], ..arrivals } } else { arrivals };
    let mut lack = Lack::new(bucket, arrivals);
    // The same, of which what has met the empty bucket in this second is taken out.
    let mut spared = lack.clone();
    let (mut asked, mut lost, mut seconds, mut hit) = (Lost::default(), Lost::default(), 0.0, 0.0);
    let mut second_judged = false;
    let mut settled: Option<((f64, f64), Lost, f64)> = None;
    for step in steps {
        let records = step.offered * share;
        let due = Lost { tokens: records * arrivals.tokens.0, records };
        let rate = records / step.seconds.max(f64::MIN_POSITIVE);
        let fills = (bucket.rate * step.seconds - due.tokens) / bucket.burst;
        if lack.is_as_good_as_full(fills)
            && spared.is_as_good_as_full(fills)
            && lost_in_the_long_run(bucket, arrivals, rate) < NEGLIGIBLE
        {
            // Nothing happens, for most of most days.
            asked += if step.judged { due } else { Lost::default() };
            seconds += if step.ends_second && (step.judged || second_judged) { 1.0 } else { 0.0 };
            second_judged = !step.ends_second && (step.judged || second_judged);
            (lack, spared) = (lack.as_full(), spared.as_full());
            settled = None;
            continue;
        }
        // A load that stays the same brings the bucket to where it stays the same.
        let whole_second = step.ends_second && spared.content() >= 1.0 - NEGLIGIBLE;
        let (refused, spared_content) = match settled {
            Some((same, refused, content)) if is_as_good_as(same, (step.offered, step.seconds)) => (refused, content),
            _ => {
                let before = lack.clone();
                let refused = lack.pass(arrivals, records, step.seconds, false);
                spared.pass(arrivals, records, step.seconds, true);
                let stays = whole_second && lack.is_close_to(&before);
                settled = stays.then(|| ((step.offered, step.seconds), refused, spared.content()));
                (refused, spared.content())
            }
        };
        if step.judged {
            asked += due;
            lost += refused;
        }
        second_judged |= step.judged;
        if step.ends_second {
            if second_judged {
                seconds += 1.0;
                hit += 1.0 - spared_content;
            }
            spared = lack.clone();
            second_judged = false;
        }
    }
    lack.refused((lost, asked), (hit, seconds))
}

/// Whether few enough seconds differ from the one before them for records to be followed one by one.
fn can_be_followed(arrivals: Arrivals<'_>, steps: &[Step]) -> bool {
    let same = |pair: &&[Step]| is_as_good_as((pair[0].offered, pair[0].seconds), (pair[1].offered, pair[1].seconds));
    let changing = steps.windows(2).filter(|pair| !same(pair)).count();
    // Seconds of an even flow differ by the fractions of a record that they leave to the next one.
    let unsettled = if arrivals.dispersion < 1.0 { steps.len() } else { changing };
    unsettled <= MOST_FOLLOWED
}

/// Whether two steps are the same but for rounding: of a constant rate, each comes out of a difference of sums.
fn is_as_good_as(one: (f64, f64), other: (f64, f64)) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs();
    near(one.0, other.0) && near(one.1, other.1)
}

/// How the tokens that a bucket lacks are distributed.
#[derive(Debug, Clone)]
enum Lack {
    /// A flow without chance: so many are lacking, with a chance of one, or of nothing. Records refused since there was room are counted
    /// with fractions; the first is refused as soon as there is one.
    Known { bucket: Bucket, lacking: f64, chance: f64, refused: f64 },
    /// The chance of each cell.
    Spread { bucket: Bucket, cells: Vec<f64> },
    /// The same, by jumps.
    ByRecord(Jumps),
}

impl Lack {
    /// What a full bucket lacks, with a law for such arrivals.
    fn new(bucket: Bucket, arrivals: Arrivals<'_>) -> Self {
        // As good as none: sums of shares round.
        if arrivals.variance(1.0) <= 1e-6 * arrivals.tokens.1 {
            return Self::Known { bucket, lacking: 0.0, chance: 1.0, refused: 0.0 };
        }
        if arrivals.are_few(bucket) {
            return Self::ByRecord(Jumps::new(bucket, arrivals.sizes, arrivals.dispersion));
        }
        Self::Spread { bucket, cells: full(CELLS) }
    }

    /// The same, of a full bucket.
    fn as_full(&self) -> Self {
        match self {
            Self::Known { bucket, .. } => Self::Known { bucket: *bucket, lacking: 0.0, chance: 1.0, refused: 0.0 },
            Self::Spread { bucket, .. } => Self::Spread { bucket: *bucket, cells: full(CELLS) },
            Self::ByRecord(jumps) => Self::ByRecord(jumps.as_full()),
        }
    }

    /// Whether the bucket is full for certain after `fills` of it.
    fn is_as_good_as_full(&self, fills: f64) -> bool {
        let full = |cells: &[f64]| {
            let next_to_full = cells.len() / 8;
            fills * cells.len() as f64 > next_to_full as f64
                && cells[..next_to_full].iter().sum::<f64>() > 1.0 - NEGLIGIBLE
        };
        match self {
            Self::Known { bucket, lacking, chance, .. } => *chance >= 1.0 && *lacking <= fills * bucket.burst,
            Self::Spread { cells, .. } => full(cells),
            Self::ByRecord(jumps) => full(jumps.cells()),
        }
    }

    /// Whether nothing has changed since it was `before`.
    fn is_close_to(&self, before: &Self) -> bool {
        let close = |now: &[f64], then: &[f64]| now.iter().zip(then).all(|(now, then)| (now - then).abs() < SETTLED);
        match (self, before) {
            // A record that is refused now and then makes seconds differ that are otherwise the same.
            (Self::Known { lacking: now, refused, .. }, Self::Known { lacking: then, refused: before, .. }) => {
                now == then && (refused == before || refused - before >= 1.0)
            }
            (Self::Spread { cells: now, .. }, Self::Spread { cells: then, .. }) => close(now, then),
            (Self::ByRecord(now), Self::ByRecord(then)) => {
                now.is_in_step_with(then) && close(now.cells(), then.cells())
            }
            _ => false,
        }
    }

    /// What was refused, of what was asked for and of the seconds that were looked at.
    fn refused(&self, (lost, asked): (Lost, Lost), (hit, seconds): (f64, f64)) -> Refused {
        let part = |lost: f64, asked: f64| if asked > 0.0 { (lost / asked).clamp(0.0, 1.0) } else { 0.0 };
        let records = part(lost.records, asked.records);
        let by_second = part(hit, seconds);
        Refused {
            share: part(lost.tokens, asked.tokens),
            records: matches!(self, Self::ByRecord(_)).then_some(records),
            // No second throttles without a record that is refused, which a diffusion does not know.
            seconds: match self {
                Self::Spread { .. } => by_second.min(lost.records / seconds.max(1.0)),
                _ => by_second,
            },
        }
    }

    /// What of it there is.
    fn content(&self) -> f64 {
        match self {
            Self::Known { chance, .. } => *chance,
            Self::Spread { cells, .. } => cells.iter().sum(),
            Self::ByRecord(jumps) => jumps.cells().iter().sum(),
        }
    }

    /// Lets `records` come within `seconds`, and returns what is refused of them on average. With `leaves`, what meets the empty
    /// bucket is taken out.
    fn pass(&mut self, arrivals: Arrivals<'_>, records: f64, seconds: f64, leaves: bool) -> Lost {
        let (size, tokens) = (arrivals.tokens.0, records * arrivals.tokens.0);
        let of_tokens = |tokens: f64| Lost { tokens, records: tokens / size.max(f64::MIN_POSITIVE) };
        match self {
            Self::Known { bucket, lacking, chance, refused } => {
                let refills = bucket.rate * seconds;
                let filled = *lacking + tokens - refills;
                // A record needs all of its tokens at once: what refills between it and the one before it comes too late for the last one.
                let room = bucket.burst - size * (refills / tokens.max(f64::MIN_POSITIVE)).min(1.0);
                if *lacking < room - 1e-9 * bucket.burst {
                    *refused = 0.0;
                }
                let before = *refused;
                let too_many = (filled - room.max(*lacking)) / size.max(f64::MIN_POSITIVE);
                if tokens > refills && too_many > 1e-9 {
                    *refused += too_many;
                }
                if leaves && (*refused - 1e-9).ceil() > (before - 1e-9).ceil() {
                    *chance = 0.0;
                }
                *lacking = filled.clamp(0.0, bucket.burst);
                of_tokens((filled - bucket.burst).max(0.0))
            }
            Self::Spread { bucket, cells } => {
                let cell = bucket.burst / (CELLS - 1) as f64;
                let moves = (tokens - bucket.rate * seconds) / cell;
                let spread = arrivals.variance(records) / (cell * cell);
                // Drift and chance take turns, often enough that neither crosses much of the bucket without the other.
                // Where there is no chance, one move is exact, and many would blur it.
                let turns =
                    if spread > 0.0 { (moves.abs() / (CELLS as f64 / 10.0)).max(spread / (CELLS as f64)) } else { 1.0 };
                let turns = turns.ceil().max(1.0);
                // Records refused of each cell that goes over the edge; large ones make up most of it.
                let refusals = leaves.then(|| cell * size / arrivals.tokens.1.max(f64::MIN_POSITIVE));
                let mut lost = 0.0;
                for _ in 0..turns as u64 {
                    lost += drift(cells, moves / turns, refusals);
                    lost += diffuse(cells, spread / turns, refusals);
                }
                of_tokens(lost * cell)
            }
            Self::ByRecord(jumps) => jumps.pass(records, seconds, leaves),
        }
    }
}

/// Moves everything by `cells_moved` cells and returns what goes over the edge of the empty bucket, in cells. With `refusals` of each such cell, on
/// average, what has met one is taken out: the edge is elastic.
fn drift(cells: &mut [f64], cells_moved: f64, refusals: Option<f64>) -> f64 {
    let last = cells.len() - 1;
    let mut moved = vec![0.0; cells.len()];
    let mut lost = 0.0;
    for (place, content) in cells.iter().enumerate().filter(|(_, content)| **content > 0.0) {
        let goal = place as f64 + cells_moved;
        if goal >= last as f64 {
            let over = goal - last as f64;
            lost += content * over;
            moved[last] += content * refusals.map_or(1.0, |refusals| (-refusals * over).exp());
        } else if goal <= 0.0 {
            moved[0] += content;
        } else {
            // Shared between the two cells next to the goal, so that the mean is right.
            let (below, part) = (goal.floor() as usize, goal.fract());
            moved[below] += content * (1.0 - part);
            moved[below + 1] += content * part;
        }
    }
    cells.copy_from_slice(&moved);
    lost
}

/// Spreads everything by a variance of `spread` square cells; else as [`drift`].
fn diffuse(cells: &mut [f64], spread: f64, refusals: Option<f64>) -> f64 {
    let passes = (spread / (2.0 * MOST_MOVED)).ceil();
    if passes < 1.0 {
        return 0.0;
    }
    let (part, last) = (spread / (2.0 * passes), cells.len() - 1);
    let leaves = refusals.map_or(0.0, |refusals| -(-refusals).exp_m1());
    let mut lost = 0.0;
    for _ in 0..passes as u64 {
        let over = cells[last] * part;
        lost += over;
        let mut before = cells[0];
        for place in 0..=last {
            let here = cells[place];
            let after = if place < last { cells[place + 1] } else { here };
            cells[place] = here + part * (before - 2.0 * here + after);
            before = here;
        }
        cells[last] -= over * leaves;
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::{Profile, WriteLimits, WriteQuota};
    use crate::time::Time;

    const UNIT: Bucket = Bucket { rate: 1_000.0, burst: 1_000.0 };
    const POISSON: Arrivals<'_> = Arrivals { tokens: (1.0, 1.0), sizes: &[], dispersion: 1.0 };

    fn steady(rate: f64, seconds: u64, judged_from: u64) -> Vec<Step> {
        (0..seconds)
            .map(|second| Step { seconds: 1.0, offered: rate, judged: second >= judged_from, ends_second: true })
            .collect()
    }

    #[test]
    fn a_steady_load_comes_to_the_closed_form() {
        let small = Bucket { rate: 100.0, burst: 20.0 };
        for rate in [60.0, 80.0, 90.0, 100.0, 110.0, 150.0] {
            let exact = lost_in_the_long_run(small, POISSON, rate);
            let followed = refused(small, POISSON, &steady(rate, 60, 30), 1.0).share;
            assert!((followed - exact).abs() < 0.003 + 0.03 * exact, "{rate}/s: {followed} for {exact}");
        }
    }

    #[test]
    fn the_closed_form_meets_the_loss_of_a_queue_with_so_much_room() {
        // M/D/1 with room for a wait: G' = λ (G(x) - G(x - D)), and 1 - G / (1 + ρ G) of the arrivals find no room (Gouweleeuw and
        // Tijms, 1998; the density below the barrier is that of the queue without one).
        let exact = |rho: f64, room: f64| {
            let (steps, per) = ((room * 1_000.0) as usize, 1_000);
            let mut g = vec![1.0f64];
            for at in 0..steps {
                let before = if at >= per { g[at - per] } else { 0.0 };
                g.push(g[at] + rho * (g[at] - before) / per as f64);
            }
            1.0 - g[steps] / (1.0 + rho * g[steps])
        };
        for burst in [10.0, 30.0, 100.0] {
            for rho in [0.8, 0.9, 0.97, 1.0, 1.03, 1.1, 1.3] {
                let bucket = Bucket { rate: 1.0, burst };
                let (ours, queue) = (lost_in_the_long_run(bucket, POISSON, rho), exact(rho, burst - 1.0));
                assert!((ours - queue).abs() < 0.005f64.max(0.05 * queue), "{rho} of {burst}: {ours} for {queue}");
            }
        }
    }

    #[test]
    fn a_load_without_chance_loses_what_the_burst_does_not_hold() {
        let even = Arrivals { dispersion: 0.0, ..POISSON };
        let refused_at = |rate: f64| refused(UNIT, even, &steady(rate, 20, 0), 1.0);
        assert_eq!(refused_at(1_000.0), Refused::default());
        // 20 s at 1,100/s are 22,000 records; the shard takes 1,000 at once and 20,000 in time.
        assert!((refused_at(1_100.0).share - 1_000.0 / 22_000.0).abs() < 1e-9);
        // The first that finds no token comes when 999.1 are lacking, just before the tenth second ends.
        assert!((refused_at(1_100.0).seconds - 0.55).abs() < 1e-9);
    }

    #[test]
    fn the_seconds_that_throttle_are_those_of_the_service() {
        // Evenly spaced, put to the quota one by one.
        let service = |rate: u64| {
            let limits = WriteLimits { records_per_second: 1_000, record_burst: 1_000, ..Profile::newest().write };
            let mut quota = WriteQuota::new(&limits);
            let refused =
                (0..rate * 20).filter(|k| quota.admit(Time::from_nanos(k * 1_000_000_000 / rate), 1).is_err());
            let mut seconds: Vec<u64> = refused.map(|k| k / rate).collect();
            seconds.dedup();
            seconds.len() as f64 / 20.0
        };
        let even = Arrivals { dispersion: 0.0, ..POISSON };
        for rate in [1_000, 1_050, 1_060, 1_100, 1_250, 2_000, 5_000] {
            let ours = refused(UNIT, even, &steady(rate as f64, 20, 0), 1.0).seconds;
            assert!((ours - service(rate)).abs() < 1e-9, "{rate}/s: {ours} for {}", service(rate));
        }
    }

    #[test]
    fn a_bucket_that_starts_full_throttles_later_than_in_the_long_run() {
        let early = refused(UNIT, POISSON, &steady(1_000.0, 60, 0), 1.0);
        let long = lost_in_the_long_run(UNIT, POISSON, 1_000.0);
        assert!(early.share < long / 10.0 && (long - 0.000_5).abs() < 1e-6, "{early:?} {long}");
    }

    #[test]
    fn micro_bursts_throttle_below_the_mean_rate_of_a_shard() {
        // 800 records of each second within 10 ms: the bucket holds them. 1,600 every 2 s: it does not.
        let bursts = |every: f64, amount: f64| -> Vec<Step> {
            let step = |seconds, offered, ends_second| Step { seconds, offered, judged: true, ends_second };
            (0..30)
                .flat_map(|_| {
                    let mut steps = vec![step(0.01, amount, false), step(0.99, 0.0, true)];
                    steps.extend((1..every as u64).map(|_| step(1.0, 0.0, true)));
                    steps
                })
                .collect()
        };
        let even = Arrivals { dispersion: 0.0, ..POISSON };
        assert_eq!(refused(UNIT, even, &bursts(1.0, 800.0), 1.0), Refused::default());
        let two = refused(UNIT, even, &bursts(2.0, 1_600.0), 1.0);
        assert!((two.share - 590.0 / 1_600.0).abs() < 1e-9 && (two.seconds - 0.5).abs() < 1e-9, "{two:?}");
    }
}
