//! How much a shard throttles although it has room on average: what its token buckets lack, as a diffusion.
//!
//! A bucket of `burst` tokens that refills at `rate` refuses a record when it lacks more than `burst` less the record. What it lacks
//! goes up by the tokens of each record and down at `rate`, never below nothing: a queue with room for `burst`, whose losses are the
//! throttled records. With many records per filling it moves like a Brownian motion between two reflecting barriers, with the drift
//! `demand - rate` and the variance of the arriving tokens (Harrison, Brownian Motion and Stochastic Flow Systems, 1985; Kobayashi,
//! J. ACM 21, 1974). Its distribution is followed through the load, on a grid; for a load that never changes it comes to
//! [`lost_in_the_long_run`].

/// Cells of the grid, from a full bucket to an empty one.
const CELLS: usize = 64;
/// Part of a cell's content that one pass of the diffusion moves to each side: at most a quarter is stable and smooth.
const MOST_MOVED: f64 = 0.25;
/// A bucket that is empty with less than this chance, in the long run at the highest rate, is not looked at.
const NEGLIGIBLE: f64 = 1e-9;
/// Chance by which a cell may change in a second that changes nothing.
const SETTLED: f64 = 1e-7;

/// Tokens that refill at `rate` per second, up to `burst`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub rate: f64,
    pub burst: f64,
}

/// The records that take from a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arrivals {
    /// Mean and mean square of the tokens that a record takes.
    pub tokens: (f64, f64),
    /// Variance over mean of the number of records in a time: 0 for an even flow, 1 for a Poisson process.
    pub dispersion: f64,
}

/// A time of one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// Its length, in seconds. It lies within one whole second of the load, or is longer than one.
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
pub(super) struct Refused {
    /// Share of the tokens of the judged part of the load.
    pub share: f64,
    /// Share of its seconds in which a record is refused.
    pub seconds: f64,
}

impl Arrivals {
    /// Variance of the tokens that `records` arrivals take.
    fn variance(&self, records: f64) -> f64 {
        let (mean, square) = self.tokens;
        // The variance of a sum of so many: of the sizes, and of their number.
        records * (square - mean * mean * (1.0 - self.dispersion)).max(0.0)
    }
}

/// Share of the tokens asked for that a bucket refuses in the long run, at `records` per second: the time that the reflected Brownian
/// motion spends at its barrier, `drift / (1 - exp(-2 drift burst / variance)) / demand`.
pub(super) fn lost_in_the_long_run(bucket: Bucket, arrivals: Arrivals, records: f64) -> f64 {
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
pub(super) fn refused(bucket: Bucket, arrivals: Arrivals, steps: &[Step], share: f64) -> Refused {
    let highest = steps.iter().filter(|step| step.seconds > 0.0).map(|step| step.offered * share / step.seconds);
    let highest = highest.fold(0.0, f64::max);
    if lost_in_the_long_run(bucket, arrivals, highest) < NEGLIGIBLE {
        return Refused::default();
    }
    // As good as none: sums of shares round.
    let even = arrivals.variance(1.0) <= 1e-6 * arrivals.tokens.1;
    let mut lack = Lack::new(bucket, even);
    // The same, of which what has met the empty bucket in this second is taken out.
    let mut spared = lack.clone();
    let (mut asked, mut lost, mut seconds, mut hit) = (0.0, 0.0, 0.0, 0.0);
    let mut second_judged = false;
    let mut settled: Option<((f64, f64), f64, f64)> = None;
    for step in steps {
        let records = step.offered * share;
        let (tokens, variance) = (records * arrivals.tokens.0, arrivals.variance(records));
        let rate = records / step.seconds.max(f64::MIN_POSITIVE);
        let fills = (bucket.rate * step.seconds - tokens) / bucket.burst;
        if lack.is_as_good_as_full(fills)
            && spared.is_as_good_as_full(fills)
            && lost_in_the_long_run(bucket, arrivals, rate) < NEGLIGIBLE
        {
            // Nothing happens, for most of most days.
            asked += if step.judged { tokens } else { 0.0 };
            seconds += if step.ends_second && (step.judged || second_judged) { 1.0 } else { 0.0 };
            second_judged = !step.ends_second && (step.judged || second_judged);
            (lack, spared) = (Lack::new(bucket, even), Lack::new(bucket, even));
            continue;
        }
        // A load that stays the same brings the bucket to where it stays the same.
        let whole_second = step.ends_second && spared.content() >= 1.0 - NEGLIGIBLE;
        let (refused, spared_content) = match settled {
            Some((same, refused, content)) if same == (step.offered, step.seconds) => (refused, content),
            _ => {
                let before = lack.clone();
                let refused = lack.pass(tokens, variance, step.seconds, false);
                spared.pass(tokens, variance, step.seconds, true);
                let stays = whole_second && lack.is_close_to(&before);
                settled = stays.then(|| ((step.offered, step.seconds), refused, spared.content()));
                (refused, spared.content())
            }
        };
        if step.judged {
            asked += tokens;
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
    Refused {
        share: if asked > 0.0 { (lost / asked).clamp(0.0, 1.0) } else { 0.0 },
        seconds: if seconds > 0.0 { (hit / seconds).clamp(0.0, 1.0) } else { 0.0 },
    }
}

/// How the tokens that a bucket lacks are distributed.
#[derive(Debug, Clone)]
enum Lack {
    /// A flow without chance: so many are lacking, with a chance of one, or of nothing.
    Known { bucket: Bucket, lacking: f64, chance: f64 },
    /// The chance of each cell.
    Spread { bucket: Bucket, cells: Vec<f64> },
}

impl Lack {
    fn new(bucket: Bucket, even: bool) -> Self {
        if even {
            return Self::Known { bucket, lacking: 0.0, chance: 1.0 };
        }
        let mut cells = vec![0.0; CELLS];
        cells[0] = 1.0;
        Self::Spread { bucket, cells }
    }

    /// Whether the bucket is full for certain after `fills` of it.
    fn is_as_good_as_full(&self, fills: f64) -> bool {
        match self {
            Self::Known { bucket, lacking, chance } => *chance >= 1.0 && *lacking <= fills * bucket.burst,
            Self::Spread { cells, .. } => {
                let next_to_full = CELLS / 8;
                fills * CELLS as f64 > next_to_full as f64
                    && cells[..next_to_full].iter().sum::<f64>() > 1.0 - NEGLIGIBLE
            }
        }
    }

    /// Whether nothing has changed since it was `before`.
    fn is_close_to(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Known { lacking: now, .. }, Self::Known { lacking: then, .. }) => now == then,
            (Self::Spread { cells: now, .. }, Self::Spread { cells: then, .. }) => {
                now.iter().zip(then).all(|(now, then)| (now - then).abs() < SETTLED)
            }
            _ => false,
        }
    }

    /// What of it there is.
    fn content(&self) -> f64 {
        match self {
            Self::Known { chance, .. } => *chance,
            Self::Spread { cells, .. } => cells.iter().sum(),
        }
    }

    /// Lets `tokens` with this variance come within `seconds`, and returns how many are refused on average. With `leaves`, what meets the
    /// empty bucket is taken out.
    fn pass(&mut self, tokens: f64, variance: f64, seconds: f64, leaves: bool) -> f64 {
        match self {
            Self::Known { bucket, lacking, chance } => {
                let filled = *lacking + tokens - bucket.rate * seconds;
                *lacking = filled.clamp(0.0, bucket.burst);
                let lost = (filled - bucket.burst).max(0.0);
                if leaves && lost > 1e-9 * bucket.burst {
                    *chance = 0.0;
                }
                lost
            }
            Self::Spread { bucket, cells } => {
                let cell = bucket.burst / (CELLS - 1) as f64;
                let moves = (tokens - bucket.rate * seconds) / cell;
                let spread = variance / (cell * cell);
                // Drift and chance take turns, often enough that neither crosses much of the bucket without the other.
                let turns = (moves.abs() / (CELLS as f64 / 10.0)).max(spread / (CELLS as f64)).ceil().max(1.0);
                let mut lost = 0.0;
                for _ in 0..turns as u64 {
                    lost += drift(cells, moves / turns, leaves);
                    lost += diffuse(cells, spread / turns, leaves);
                }
                lost * cell
            }
        }
    }
}

/// Moves everything by `cells_moved` cells and returns what goes over the edge of the empty bucket, in cells.
fn drift(cells: &mut [f64], cells_moved: f64, leaves: bool) -> f64 {
    let last = cells.len() - 1;
    let mut moved = vec![0.0; cells.len()];
    let mut lost = 0.0;
    for (place, content) in cells.iter().enumerate().filter(|(_, content)| **content > 0.0) {
        let goal = place as f64 + cells_moved;
        if goal >= last as f64 {
            lost += content * (goal - last as f64);
            if !leaves || goal <= last as f64 {
                moved[last] += content;
            }
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

/// Spreads everything by a variance of `spread` square cells and returns what goes over the edge, in cells.
fn diffuse(cells: &mut [f64], spread: f64, leaves: bool) -> f64 {
    let passes = (spread / (2.0 * MOST_MOVED)).ceil();
    if passes < 1.0 {
        return 0.0;
    }
    let (part, last) = (spread / (2.0 * passes), cells.len() - 1);
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
        if leaves {
            cells[last] -= over;
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Bucket = Bucket { rate: 1_000.0, burst: 1_000.0 };
    const POISSON: Arrivals = Arrivals { tokens: (1.0, 1.0), dispersion: 1.0 };

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
        assert!((refused_at(1_100.0).seconds - 0.5).abs() < 1e-9);
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
