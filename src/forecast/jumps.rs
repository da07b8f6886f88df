//! What a bucket lacks of which a few records use up the burst: a Markov chain on a grid, record by record.
//!
//! A diffusion ([`super::burst`]) takes records for drops. Where ten of them empty the bucket, each is a jump: from what it lacks, x, a
//! record of s tokens leads to x + s if that is no more than the burst, and else it is refused and x stays. Between the records x goes
//! down at the rate of the bucket. The number of records in a time is Poisson, or binomial where each of evenly spaced ones falls to
//! the shard with some chance; the chain is followed through both, so that records, tokens and seconds that are refused come out
//! as they are, up to the grid (uniformisation: Jensen, Skand. Aktuarietidskr. 36, 1953).

use super::bucket::{Bucket, Lost, full};

/// Cells of the grid, from a full bucket to an empty one: thirteen refill in a tenth of the burst, which is what a shard's bucket gets in a
/// second, so that one second can be like the one before it.
const CELLS: usize = 131;
/// Chance of more records than were followed, in a time.
const NEGLIGIBLE: f64 = 1e-10;
/// Most records in a time that are followed in one go: exp(-x) has to stay a number.
const MOST_AT_ONCE: f64 = 32.0;
/// From this chance on, what falls to the shard is as good as a Poisson process.
const RARE: f64 = 0.05;

/// Records of about one size.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Class {
    /// Share of the records.
    chance: f64,
    tokens: f64,
}

/// The chance of each amount that a bucket lacks.
#[derive(Debug, Clone)]
pub(crate) struct Jumps {
    bucket: Bucket,
    classes: Vec<Class>,
    /// Chance that one of evenly spaced records falls to the shard; `None` for a Poisson process.
    each: Option<f64>,
    cells: Vec<f64>,
    /// Cells that have refilled and records that were due, and were not whole.
    refilled: f64,
    due: f64,
}

impl Jumps {
    /// A full bucket, and the records that will come: the mean tokens of equal parts of them, and the dispersion of their number.
    pub fn new(bucket: Bucket, sizes: &[f64], dispersion: f64) -> Self {
        let cell = bucket.burst / (CELLS - 1) as f64;
        // Sizes in the same cell are one class.
        let mut classes: Vec<Class> = Vec::new();
        let part = 1.0 / sizes.len().max(1) as f64;
        for size in sizes {
            let same = |class: &&mut Class| (class.tokens / cell).floor() == (size / cell).floor();
            match classes.last_mut().filter(same) {
                Some(class) => {
                    let chance = class.chance + part;
                    class.tokens = (class.tokens * class.chance + size * part) / chance;
                    class.chance = chance;
                }
                None => classes.push(Class { chance: part, tokens: *size }),
            }
        }
        let each = Some(1.0 - dispersion).filter(|each| *each > RARE);
        Self { bucket, classes, each, cells: full(CELLS), refilled: 0.0, due: 0.0 }
    }

    /// The same, of a full bucket.
    pub fn as_full(&self) -> Self {
        Self { cells: full(CELLS), refilled: 0.0, due: 0.0, ..self.clone() }
    }

    /// Whether the next second brings records and refills cells at the same moments.
    pub fn is_in_step_with(&self, other: &Self) -> bool {
        (self.due - other.due).abs() < 1e-9 && (self.refilled - other.refilled).abs() < 1e-9
    }

    /// How likely the bucket lacks which part of its burst, from none to all.
    pub fn cells(&self) -> &[f64] {
        &self.cells
    }

    /// Lets `records` come within `seconds`, and returns what is refused of them on average. With `leaves`, what has met a refusal is
    /// taken out.
    pub fn pass(&mut self, records: f64, seconds: f64, leaves: bool) -> Lost {
        let refills = self.refilled + self.bucket.rate * seconds * (CELLS - 1) as f64 / self.bucket.burst;
        let whole = (refills + 1e-9).floor();
        self.refilled = refills - whole;
        let turns = whole.max((records / MOST_AT_ONCE).ceil()).max(1.0);
        let mut lost = Lost::default();
        let mut drained = 0.0;
        for turn in 1..=turns as u64 {
            lost += self.arrive(records / turns, leaves);
            while drained + 1.0 <= whole * turn as f64 / turns + 1e-9 {
                self.refill_a_cell();
                drained += 1.0;
            }
        }
        lost
    }

    fn refill_a_cell(&mut self) {
        let first = self.cells[0];
        self.cells.rotate_left(1);
        self.cells[0] += first;
        self.cells[CELLS - 1] = 0.0;
    }

    fn arrive(&mut self, records: f64, leaves: bool) -> Lost {
        let mut lost = Lost::default();
        if let Some(each) = self.each {
            self.due += records / each;
            let slots = (self.due + 1e-9).floor();
            self.due -= slots;
            for _ in 0..slots as u64 {
                let (after, refused) = self.one(&self.cells, leaves);
                lost += refused * each;
                self.cells.iter_mut().zip(after).for_each(|(cell, after)| *cell += each * (after - *cell));
            }
            return lost;
        }
        // So many with the chance of a Poisson variable; `more` is that of more than were followed.
        let mut chance = (-records).exp();
        let mut more = 1.0 - chance;
        let mut after = self.cells.clone();
        let mut all: Vec<f64> = after.iter().map(|cell| cell * chance).collect();
        let mut number = 0.0;
        while more > NEGLIGIBLE && number < 4.0 * MOST_AT_ONCE {
            let (next, refused) = self.one(&after, leaves);
            lost += refused * more;
            number += 1.0;
            chance *= records / number;
            more -= chance;
            all.iter_mut().zip(&next).for_each(|(all, next)| *all += chance * next);
            after = next;
        }
        // What was not followed stays, or chances would no longer come to one after many seconds.
        all.iter_mut().zip(&after).for_each(|(all, after)| *all += more.max(0.0) * after);
        self.cells = all;
        lost
    }

    /// Where one record leads, and what is refused of it.
    fn one(&self, from: &[f64], leaves: bool) -> (Vec<f64>, Lost) {
        let last = CELLS - 1;
        let cell = self.bucket.burst / last as f64;
        let mut after = vec![0.0; CELLS];
        let mut lost = Lost::default();
        for Class { chance, tokens } in &self.classes {
            let jump = tokens / cell;
            let (whole, part) = ((jump.floor() as usize).min(last), jump.fract());
            // Cells refill in one go, so what is lacking lies evenly within one cell below its place.
            let fits = |place: usize| ((self.bucket.burst - tokens) / cell - place as f64 + 1.0).clamp(0.0, 1.0);
            let surely = (((self.bucket.burst - tokens) / cell).floor().max(-1.0) + 1.0) as usize;
            let surely = surely.min(CELLS).min(last.saturating_sub(whole));
            for place in 0..surely {
                let moved = from[place] * chance;
                after[place + whole] += moved * (1.0 - part);
                after[place + whole + 1] += moved * part;
            }
            let mut refused = 0.0;
            for place in surely..CELLS {
                let (moved, fits) = (from[place] * chance, fits(place));
                after[(place + whole).min(last)] += moved * fits * (1.0 - part);
                after[(place + whole + 1).min(last)] += moved * fits * part;
                refused += moved * (1.0 - fits);
                after[place] += if leaves { 0.0 } else { moved * (1.0 - fits) };
            }
            lost += Lost { tokens: refused * tokens, records: refused };
        }
        (after, lost)
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::seed::Seed;

    const BUCKET: Bucket = Bucket { rate: 1.0, burst: 10.0 };

    /// Shares of the records and of the seconds that are refused, in the long run, one record after the other.
    fn one_by_one(sizes: &[f64], rate: f64, poisson: bool) -> (f64, f64) {
        const SECONDS: u64 = 400_000;
        let mut rng = Seed(5).stream("plan.jumps", 0);
        let (mut lack, mut at, mut hit) = (0.0f64, 0.0f64, None);
        let (mut records, mut refused, mut seconds) = (0u64, 0u64, 0u64);
        loop {
            let gap = if poisson { -(1.0 - rng.random::<f64>()).ln() / rate } else { 1.0 / rate };
            at += gap;
            if at >= SECONDS as f64 {
                return (refused as f64 / records as f64, seconds as f64 / SECONDS as f64);
            }
            lack = (lack - gap * BUCKET.rate).max(0.0);
            let size = sizes[rng.random_range(0..sizes.len())];
            records += 1;
            if lack + size <= BUCKET.burst {
                lack += size;
                continue;
            }
            refused += 1;
            let second = Some(at as u64);
            seconds += u64::from(hit != second);
            hit = second;
        }
    }

    #[test]
    fn it_is_what_comes_of_one_record_after_the_other() {
        for (sizes, rate, poisson) in [
            (vec![1.0], 0.9, true),
            (vec![1.0], 1.5, true),
            (vec![0.3], 3.5, true),
            (vec![0.1, 0.1, 0.1, 0.9], 3.0, true),
            (vec![0.2, 1.8], 1.05, false),
            (vec![2.3], 0.43, true),
        ] {
            let mut lack = Jumps::new(BUCKET, &sizes, if poisson { 1.0 } else { 0.0 });
            for _ in 0..300 {
                lack.pass(rate, 1.0, false);
            }
            let (mut lost, mut hit) = (0.0, 0.0);
            for _ in 0..40 {
                let mut spared = lack.clone();
                spared.pass(rate, 1.0, true);
                hit += 1.0 - spared.cells().iter().sum::<f64>();
                lost += lack.pass(rate, 1.0, false).records;
            }
            let (records, seconds) = one_by_one(&sizes, rate, poisson);
            let near = |ours: f64, exact: f64| (ours - exact).abs() <= 0.002 + 0.03 * exact;
            assert!(near(lost / 40.0 / rate, records), "{sizes:?} {rate}: {} for {records}", lost / 40.0 / rate);
            assert!(near(hit / 40.0, seconds), "{sizes:?} {rate}: {} for {seconds}", hit / 40.0);
        }
    }

    #[test]
    fn chances_come_to_one_and_a_record_that_never_fits_is_refused() {
        let mut lack = Jumps::new(BUCKET, &[0.5, 12.0], 1.0);
        let lost = lack.pass(100.0, 1.0, false);
        assert!((lack.cells().iter().sum::<f64>() - 1.0).abs() < 1e-6);
        assert!(lost.records > 50.0 && lost.records < 100.0 && lost.tokens > 600.0, "{lost:?}");
    }
}
