//! How often the gate is wrong: the same program against itself, many times over. `just aa-study` runs it and prints the table of
//! `docs/gate.md`; without its environment variables it is skipped.
#![allow(clippy::print_stdout, reason = "a study prints its table")]

use std::fs;
use std::path::Path;
use std::process::Command;

use rayon::prelude::*;
use streamgauge::compare::{Asked, Decision, Looks, Metric, Readings, assess, observe, overall, readings};
use streamgauge::kinesis::Profile;
use streamgauge::result::{RunResult, TargetRecord, read};
use streamgauge::seed::Seed;
use streamgauge::{scenario, simulator};
use tempfile::TempDir;

/// Six shards at four fifths of what they take on average, with arrivals, sizes and keys by chance.
const SCENARIO: &str = r#"
[stream]
shards = 6
[load]
rate = "4800/s"
arrivals = "poisson"
duration = "6s"
warm_up = "1s"
lateness_bound = "10s"
[records]
size = { distribution = "lognormal", median = "300 B", p99 = "1200 B" }
[keys]
distribution = "zipf"
count = 2_000
exponent = 0.5
[producer]
linger = "50ms"
[[consumer]]
name = "reader"
type = "polling"
interval = "200ms"
"#;

type Pair = (Readings, Readings);

/// What the gate decides on these pairs, and after how many.
fn gate(pairs: &[Pair], effects: &[(Metric, f64)]) -> (Vec<Metric>, Decision, usize) {
    let looks = Looks::growing(10, pairs.len().min(20));
    let asked =
        |metric: Metric| Asked { metric, min_effect: metric.min_effect(), gated: Metric::GATED.contains(&metric) };
    let worsened = |(baseline, candidate): &Pair| {
        let mut candidate = candidate.clone();
        for (metric, effect) in effects {
            if let Some(reading) = candidate.get_mut(metric) {
                reading.value *= if metric.larger_is_worse() { 1.0 + effect } else { 1.0 - effect };
            }
        }
        (baseline.clone(), candidate)
    };
    let pairs: Vec<Pair> = pairs.iter().map(worsened).collect();
    let mut last = (Vec::new(), Decision::Inconclusive, 0);
    for (look, count) in looks.pairs().iter().enumerate() {
        let assessments = assess(&observe(&Metric::ALL.map(asked), &pairs[..*count]), looks.level(look));
        let blamed = assessments.iter().filter(|a| a.gated && a.decision == Decision::Regressed).map(|a| a.metric);
        last = (blamed.collect(), overall(&assessments), *count);
        if last.1 != Decision::Inconclusive {
            break;
        }
    }
    last
}

/// A row of the table for each effect.
fn report(what: &str, experiments: &[Vec<Pair>]) {
    println!("{what}: {} experiments of up to {} pairs", experiments.len(), experiments[0].len());
    println!("| injected | regressed | equivalent | inconclusive | improved | pairs on average |");
    println!("|---|--:|--:|--:|--:|--:|");
    let worse = [Metric::Throughput, Metric::PutP50, Metric::PutP99, Metric::LagP99, Metric::Processor];
    let measured = |metric: &Metric| experiments[0][0].0.contains_key(metric);
    let injected = worse.into_iter().filter(measured).flat_map(|metric| [(metric, 0.1), (metric, 0.2)]);
    let cases = std::iter::once(None).chain(injected.map(Some));
    for case in cases {
        let decided: Vec<(Decision, usize)> = experiments
            .par_iter()
            .map(|pairs| gate(pairs, case.as_slice()))
            .map(|(blamed, decision, pairs)| {
                // Blame of another metric is none of the effect.
                let rightly = case.is_none_or(|(metric, _)| blamed.contains(&metric));
                (if decision == Decision::Regressed && !rightly { Decision::Inconclusive } else { decision }, pairs)
            })
            .collect();
        let count = |wanted: Decision| decided.iter().filter(|(decision, _)| *decision == wanted).count();
        let mean = decided.iter().map(|(_, pairs)| *pairs as f64).sum::<f64>() / decided.len() as f64;
        let name =
            case.map_or("nothing".to_owned(), |(metric, effect)| format!("{metric} {:.0}% worse", effect * 100.0));
        println!(
            "| {name} | {} | {} | {} | {} | {mean:.1} |",
            count(Decision::Regressed),
            count(Decision::Equivalent),
            count(Decision::Inconclusive),
            count(Decision::Improved)
        );
    }
    println!();
    for metric in Metric::ALL {
        let differences: Vec<f64> = experiments
            .iter()
            .flatten()
            .filter_map(|(a, b)| Some(metric.worsening(a.get(&metric)?.value, b.get(&metric)?.value)))
            .collect();
        if differences.is_empty() {
            continue;
        }
        let square = differences.iter().map(|d| d * d).sum::<f64>() / differences.len() as f64;
        println!("{metric}: two runs differ by {:.2}% (root mean square)", square.sqrt() * 100.0);
    }
    println!();
}

/// The number of experiments that an environment variable asks for.
fn asked(variable: &str) -> usize {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[test]
fn simulations_with_other_seeds() {
    let experiments = asked("STREAMGAUGE_AA_SIMULATED");
    if experiments == 0 {
        return;
    }
    let profile = Profile::newest();
    let scenario = scenario::parse(Path::new("study.toml"), SCENARIO, &[], &profile).unwrap();
    let simulate = |seed: u64| {
        let mut scenario = scenario.clone();
        scenario.seed = Seed(seed);
        let simulation = simulator::run(&scenario, &profile, &mut |_| true).unwrap();
        readings(&RunResult::new(&scenario, TargetRecord::Simulated { profile: profile.name.clone() }, simulation))
    };
    let experiment = |experiment: u64| -> Vec<Pair> {
        (0..20).map(|pair| (experiment * 20 + pair) * 2).map(|seed| (simulate(seed), simulate(seed + 1))).collect()
    };
    let made: Vec<Vec<Pair>> = (0..experiments as u64).into_par_iter().map(experiment).collect();
    report("Simulated, other seeds as noise", &made);
    let alarms = made.iter().filter(|pairs| gate(pairs, &[]).1 == Decision::Regressed).count();
    assert!(alarms as f64 <= 0.01 * experiments as f64 + 4.0 * (0.01 * experiments as f64).sqrt(), "{alarms}");
}

#[test]
fn real_runs_of_one_program() {
    let experiments = asked("STREAMGAUGE_AA_REAL");
    if experiments == 0 {
        return;
    }
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("study.toml"), SCENARIO).unwrap();
    let run = |name: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
            .args(["run", "study.toml", "--json", "--set", "load.duration=4s", "--out", name])
            .current_dir(directory.path())
            .output()
            .unwrap();
        let result = read(&directory.path().join(name));
        readings(&result.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr))))
    };
    let made: Vec<Vec<Pair>> = (0..experiments)
        .map(|e| (0..10).map(|pair| (run(&format!("{e}-{pair}-a")), run(&format!("{e}-{pair}-b")))).collect())
        .collect();
    report("Real runs on the embedded emulator", &made);
}
