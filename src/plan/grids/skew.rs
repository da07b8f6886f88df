//! The forecast of the fullest shard against keys placed by their MD5, over a grid of numbers of keys, exponents of Zipf's law, and shards.
//!
//! Each placement has names of its own, by a prefix. Where every key is placed one by one, forecast and placement are the same for each prefix; of
//! more keys, the heaviest keep their names, as the planner knows them, and the others have a prefix.

use std::fmt::Write as _;

use rayon::prelude::*;

use super::plot::Plot;
use super::{reports, writes_reports};
use crate::forecast::{PLACED_KEYS, Placement};
use crate::kinesis::HashKey;
use crate::workload::Keys;

/// Part of what is simulated within which a forecast holds.
const TOLERANCE: f64 = 0.05;
/// Placements of a row of the table, and of the same when the usual tests make it again.
const PLACEMENTS: usize = 150;
const FEWER_PLACEMENTS: usize = 50;

const PLACED: [u64; 3] = [100, 1_000, 10_000];
const ESTIMATED: [u64; 3] = [100_000, 300_000, 1_000_000];
const EXPONENTS: [f64; 4] = [0.0, 0.6, 1.0, 1.2];
const SHARDS: [u32; 4] = [2, 20, 200, 1_000];

/// How many times the mean the fullest shard takes: the median, and what one of a hundred placements exceeds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Imbalance {
    median: f64,
    p99: f64,
}

struct Row {
    keys: u64,
    exponent: f64,
    shards: u32,
    predicted: Imbalance,
    simulated: Imbalance,
}

impl Row {
    fn errors(&self) -> (f64, f64) {
        (self.predicted.median / self.simulated.median - 1.0, self.predicted.p99 / self.simulated.p99 - 1.0)
    }

    fn holds(&self) -> bool {
        let (median, p99) = self.errors();
        median.abs() <= TOLERANCE && p99.abs() <= TOLERANCE
    }

    fn family(&self) -> &'static str {
        if self.keys <= PLACED_KEYS { "every key placed" } else { "the heaviest 16,384 placed" }
    }

    fn words(&self) -> String {
        let Self { keys, exponent, shards, predicted, simulated } = self;
        format!("{keys} keys, {exponent}, {shards} shards: {predicted:?} predicted, {simulated:?} simulated")
    }
}

fn keys(count: u64, exponent: f64) -> Keys {
    if exponent == 0.0 { Keys::uniform(count) } else { Keys::zipf(count, exponent).unwrap() }
}

/// Of some imbalances.
fn imbalance(mut found: Vec<f64>) -> Imbalance {
    found.sort_by(f64::total_cmp);
    Imbalance { median: found[found.len() / 2], p99: found[found.len() * 99 / 100] }
}

fn predicted(keys: &Keys, shards: u32) -> Imbalance {
    let fullest = Placement::new(keys, 0).fullest(shards);
    Imbalance { median: fullest.share * f64::from(shards), p99: fullest.p99 * f64::from(shards) }
}

/// Which of so many shards of equal width has a hash key.
fn shard_of(hash_key: u128, shards: u32) -> usize {
    (((hash_key >> 64) * u128::from(shards)) >> 64) as usize
}

/// Rows of keys that are all placed: the forecast is made anew for each prefix.
fn placed_rows(count: u64, placements: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for exponent in EXPONENTS {
        let weights = keys(count, exponent).weights(0);
        let mut found = SHARDS.map(|_| (Vec::new(), Vec::new()));
        for prefix in 0..placements {
            let named: Vec<(String, f64)> =
                weights.iter().map(|weight| (format!("{prefix}/{}", weight.key), weight.share)).collect();
            let placement = Placement::new(&Keys::weighted(&named), 0);
            let hash_keys: Vec<u128> = named.iter().map(|(key, _)| HashKey::of(key).0).collect();
            for (shards, (ours, placed)) in SHARDS.into_iter().zip(&mut found) {
                let mut shares = vec![0.0; shards as usize];
                hash_keys.iter().zip(&named).for_each(|(key, (_, share))| shares[shard_of(*key, shards)] += share);
                placed.push(shares.into_iter().fold(0.0, f64::max) * f64::from(shards));
                ours.push(placement.fullest(shards).share * f64::from(shards));
                let (ours, placed) = (ours.last().unwrap(), placed.last().unwrap());
                assert!(
                    (ours / placed - 1.0).abs() < 1e-6,
                    "{count} keys, prefix {prefix}, {shards} shards: {ours} for {placed}"
                );
            }
        }
        rows.extend(SHARDS.into_iter().zip(found).map(|(shards, (ours, placed))| Row {
            keys: count,
            exponent,
            shards,
            predicted: imbalance(ours),
            simulated: imbalance(placed),
        }));
    }
    rows
}

/// Rows of more keys than are placed.
fn estimated_rows(count: u64, placements: usize) -> Vec<Row> {
    let weights = EXPONENTS.map(|exponent| keys(count, exponent).weights(0));
    // The names go by rank, whatever the exponent.
    let names: Vec<_> = weights[0].iter().map(|weight| weight.key.clone()).collect();
    let known = PLACED_KEYS as usize;
    let fixed: Vec<Vec<Vec<f64>>> = weights
        .iter()
        .map(|weights| {
            let of_shards = |shards: u32| {
                let mut shares = vec![0.0; shards as usize];
                for weight in &weights[..known] {
                    shares[shard_of(HashKey::of(&weight.key).0, shards)] += weight.share;
                }
                shares
            };
            SHARDS.map(of_shards).to_vec()
        })
        .collect();
    // The fullest shard of one placement, by exponent and shards.
    let placed = |prefix: usize| -> Vec<f64> {
        let hash_keys: Vec<u128> =
            names[known..].iter().map(|name| HashKey::of(&format!("{prefix}/{name}")).0).collect();
        let mut tops = Vec::new();
        for (weights, fixed) in weights.iter().zip(&fixed) {
            for (shards, fixed) in SHARDS.into_iter().zip(fixed) {
                let mut shares = fixed.clone();
                for (hash_key, weight) in hash_keys.iter().zip(&weights[known..]) {
                    shares[shard_of(*hash_key, shards)] += weight.share;
                }
                tops.push(shares.into_iter().fold(0.0, f64::max) * f64::from(shards));
            }
        }
        tops
    };
    let tops: Vec<Vec<f64>> = (0..placements).into_par_iter().map(placed).collect();
    let found =
        |exponent: usize, shards: usize| tops.iter().map(|tops| tops[exponent * SHARDS.len() + shards]).collect();
    let mut rows = Vec::new();
    for (row, exponent) in EXPONENTS.into_iter().enumerate() {
        for (place, shards) in SHARDS.into_iter().enumerate() {
            let predicted = predicted(&keys(count, exponent), shards);
            rows.push(Row { keys: count, exponent, shards, predicted, simulated: imbalance(found(row, place)) });
        }
    }
    rows
}

fn assert_all_hold(rows: &[Row]) {
    let wrong: Vec<String> = rows.iter().filter(|row| !row.holds()).map(Row::words).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn the_fullest_shard_is_as_full_as_forecast() {
    let path = reports().join("skew-forecast.csv");
    if writes_reports() {
        let placed = PLACED.into_iter().flat_map(|count| placed_rows(count, PLACEMENTS));
        let rows: Vec<Row> =
            placed.chain(ESTIMATED.into_iter().flat_map(|count| estimated_rows(count, PLACEMENTS))).collect();
        std::fs::write(&path, table(&rows)).unwrap();
        let log = |row: &Row| (row.family(), row.simulated.p99.log10(), row.predicted.p99.log10());
        Plot {
            caption: "Fullest shard over the mean, 99th percentile: forecast and placement",
            x: "keys placed by MD5",
            y: "forecast",
            range: 0.0..2.5,
            label: |log| format!("{:.1}", 10f64.powf(*log)),
            points: rows.iter().map(log).collect(),
        }
        .write(&reports().join("skew-forecast.svg"));
        assert_all_hold(&rows);
    }
    // What is committed was simulated; the forecast is that of today.
    let committed = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Row> = committed.lines().skip(1).map(read).collect();
    assert_eq!(
        rows.len(),
        (PLACED.len() + ESTIMATED.len()) * EXPONENTS.len() * SHARDS.len(),
        "`just forecast-grids` writes it anew"
    );
    assert_all_hold(&rows);
    for row in rows.iter().filter(|row| row.keys > PLACED_KEYS) {
        let now = Row { predicted: predicted(&keys(row.keys, row.exponent), row.shards), ..*row };
        assert!(now.holds(), "{}", now.words());
        let same = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-3;
        assert!(
            same(now.predicted.median, row.predicted.median) && same(now.predicted.p99, row.predicted.p99),
            "the forecast has changed, `just forecast-grids` writes it anew: {}",
            now.words()
        );
    }
}

#[test]
fn some_of_the_placements_made_again_are_as_forecast() {
    assert_all_hold(&placed_rows(1_000, FEWER_PLACEMENTS));
    assert_all_hold(&estimated_rows(100_000, FEWER_PLACEMENTS));
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "keys,exponent,shards,predicted median,simulated median,error,predicted p99,simulated p99,error of p99\n",
    );
    for row in rows {
        let Row { keys, exponent, shards, predicted, simulated } = row;
        let (median, p99) = row.errors();
        // Writing into a text does not fail.
        let _ = writeln!(
            table,
            "{keys},{exponent},{shards},{:.5},{:.5},{median:.5},{:.5},{:.5},{p99:.5}",
            predicted.median, simulated.median, predicted.p99, simulated.p99,
        );
    }
    table
}

/// A line of the table.
fn read(line: &str) -> Row {
    let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
    Row {
        keys: fields[0] as u64,
        exponent: fields[1],
        shards: fields[2] as u32,
        predicted: Imbalance { median: fields[3], p99: fields[6] },
        simulated: Imbalance { median: fields[4], p99: fields[7] },
    }
}
