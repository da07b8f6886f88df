//! The plan against simulated runs: figure by figure, and whether what it recommends is enough and not too much.

use streamgauge::plan::Plan;
use streamgauge::seed::Seed;
use streamgauge::verdict::{Agreement, Conclusion, Verdict, judge};

use crate::support::model::{plan, predicted, scenario, simulated};

fn planned_and_judged(toml: &str) -> (Plan, Verdict) {
    let scenario = scenario(toml);
    let plan = predicted(&scenario);
    let verdict = judge(plan.expectation(), &simulated(&scenario));
    (plan, verdict)
}

/// Loads that stay below the limits: the model and the service model, which share no code but the limits, agree in every figure.
#[test]
fn every_figure_agrees_below_the_limits() {
    let consumers = "[[consumer]]\nname = \"a\"\ntype = \"polling\"\ninterval = \"500ms\"\n[[consumer]]\nname = \"b\"\ntype = \"efo\"\n\
                     [[consumer]]\nname = \"c\"\ntype = \"firehose\"\nbuffer_interval = \"10s\"\n";
    let steady = |rate: u32, size: &str, producer: &str| {
        format!(
            "stream.shards = 3\nload = {{ rate = \"{rate}/s\", duration = \"30s\", warm_up = \"12s\", drain = \"30s\" }}\n\
             records.size = {size}\nkeys = {{ distribution = \"uniform\", count = 10_000 }}\n{producer}\n{consumers}"
        )
    };
    let bursty = "stream.shards = 4\n[load]\nwarm_up = \"3s\"\n[[load.phase]]\nshape = \"constant\"\nrate = \"2000/s\"\nduration = \"20s\"\n\
                  burst = { period = \"1s\", share = \"5%\" }\n[records]\nsize = \"500 B\"\n\
                  [keys]\ndistribution = \"uniform\"\ncount = 10_000\n[[consumer]]\nname = \"a\"\ntype = \"efo\"\n";
    let wave = "stream.shards = 4\n[load]\nwarm_up = \"5s\"\n[[load.phase]]\nshape = \"sine\"\nmean = \"1500/s\"\namplitude = \"1200/s\"\n\
                period = \"10s\"\nduration = \"25s\"\n[records]\nsize = \"500 B\"\n\
                [keys]\ndistribution = \"uniform\"\ncount = 10_000\n[[consumer]]\nname = \"a\"\ntype = \"polling\"\n";
    for toml in [
        steady(1_500, "\"1 KiB\"", ""),
        steady(60, "\"1 KiB\"", ""),
        steady(
            900,
            "{ distribution = \"lognormal\", median = \"600 B\", p99 = \"6 KiB\" }",
            "producer.linger = \"200ms\"",
        ),
        steady(1_500, "\"300 B\"", "producer.aggregation = true"),
        steady(150, "\"300 B\"", "producer.api = \"PutRecord\""),
        bursty.to_owned(),
        wave.to_owned(),
    ] {
        let (_, verdict) = planned_and_judged(&toml);
        let apart =
            verdict.comparison.iter().filter(|row| row.agreement.is_some_and(|found| found != Agreement::Agrees));
        let apart: Vec<_> = apart.collect();
        assert!(apart.is_empty(), "{apart:#?}\n{toml}");
        let calibration = verdict.calibration.unwrap();
        assert!(calibration.judged >= 11 && calibration.agree == calibration.judged);
        assert!(calibration.typical_error.unwrap() < 0.05, "{calibration:?}\n{toml}");
    }
}

#[test]
fn beyond_the_limits_the_model_is_optimistic_and_says_of_what() {
    let toml = "stream.shards = 1\nload = { rate = \"1500/s\", duration = \"20s\", warm_up = \"5s\" }\nrecords.size = \"100 B\"\n\
                keys = { distribution = \"uniform\", count = 10_000 }\n[[consumer]]\nname = \"a\"\ntype = \"efo\"\n";
    let (_, verdict) = planned_and_judged(toml);
    let optimistic = |name: &str| {
        let row = verdict.comparison.iter().find(|row| row.metric.to_string() == name).unwrap();
        assert_eq!(row.agreement, Some(Agreement::ModelOptimistic), "{row:?}");
        assert!(row.note.as_ref().is_some_and(|note| note.contains("retr")), "{row:?}");
    };
    ["not accepted at the first attempt", "put p99", "mean lag of a"].into_iter().for_each(optimistic);
    let agrees = |name: &str| {
        verdict.comparison.iter().any(|row| row.metric.to_string() == name && row.agreement == Some(Agreement::Agrees))
    };
    assert!(["accepted records", "seconds that throttled", "utilisation: write records"].into_iter().all(agrees));
}

/// A load that fills so many shards at its peak, by the bound that it is made for, and objectives that shards have a part in.
struct Case {
    /// Everything but the number of shards.
    toml: String,
    /// What it is, for people.
    name: String,
}

/// Shards that the peak of a load fills: of these, six are recommended at 80 % if it spreads evenly, and four are too few.
const FILLED: (u32, u32) = (445, 475);

/// One of the loads that are tried, by chance.
fn case(number: u64) -> Case {
    let draw = |name: &str, from: u32, to: u32| -> u32 {
        let mut rng = Seed(4_711).named(&format!("tests.recommendation.{name}")).at(number);
        rand::RngExt::random_range(&mut rng, from..=to)
    };
    let filled = f64::from(draw("filled", FILLED.0, FILLED.1)) / 100.0;
    // Mean bytes as the service counts them: with a key of ten bytes.
    let (size, mean) = [
        ("\"200 B\"", 210.0),
        ("\"9 KiB\"", 9_226.0),
        ("{ distribution = \"lognormal\", median = \"6 KiB\", p99 = \"40 KiB\" }", 8_528.0),
        (
            "{ distribution = \"mix\", of = [{ weight = 9, size = \"8 KiB\" }, { weight = 1, size = \"80 KiB\" }] }",
            15_575.0,
        ),
    ][draw("size", 0, 3) as usize];
    // Of keys that fall where they fall, 99 of 100 placements are insured against, so that fewer shards may do for these.
    let keys = [
        "{ distribution = \"uniform\", count = 5_000, explicit_hash_keys = true }",
        "{ distribution = \"zipf\", count = 3_000, exponent = 0.6, explicit_hash_keys = true }",
        "{ distribution = \"zipf\", count = 3_000, exponent = 0.6 }",
        "{ distribution = \"hot-set\", count = 2_000, hot = 40, share = \"30%\", explicit_hash_keys = true }",
    ][draw("keys", 0, 3) as usize];
    let polls = |name: &str| format!("[[consumer]]\nname = \"{name}\"\ntype = \"polling\"\ninterval = \"800ms\"\n");
    // Who reads, and records per second that a shard's readers can take.
    let (reader, consumers, taken) = match draw("consumers", 0, 3) {
        0 => ("nobody", String::new(), f64::INFINITY),
        1 => ("fan-out", "[[consumer]]\nname = \"f\"\ntype = \"efo\"\n".to_owned(), 2_097_152.0 / mean),
        2 => ("three pollers", [polls("p"), polls("q"), polls("r")].concat(), 2_097_152.0 / 3.0 / mean),
        _ => {
            let kcl = "[[consumer]]\nname = \"k\"\ntype = \"kcl\"\nidle_time = \"500ms\"\nprocessing = { per_record = \"20ms\" }\n";
            ("kcl that takes 20 ms a record", kcl.to_owned(), 50.0)
        }
    };
    let written = 1_000.0f64.min(1_048_576.0 / mean);
    let peak = filled * written.min(taken);
    let reads_bind = taken < written;
    // Reading lags behind for as long as too much comes.
    let seconds = if reads_bind { 150 } else { 40 };
    let phase = |shape: &str| format!("[[load.phase]]\nduration = \"{seconds}s\"\n{shape}\n");
    let (shape, arrivals, phase) = match draw("shape", 0, if reads_bind { 1 } else { 4 }) {
        0 => ("constant", "deterministic", phase(&format!("shape = \"constant\"\nrate = \"{peak}/s\""))),
        1 => ("constant, Poisson", "poisson", phase(&format!("shape = \"constant\"\nrate = \"{peak}/s\""))),
        2 => (
            "ramp",
            "deterministic",
            phase(&format!("shape = \"ramp\"\nfrom = \"{}/s\"\nto = \"{peak}/s\"", peak * 0.7)),
        ),
        3 => (
            "sine",
            "deterministic",
            phase(&format!(
                "shape = \"sine\"\nmean = \"{}/s\"\namplitude = \"{}/s\"\nperiod = \"40s\"",
                peak * 0.75,
                peak * 0.25
            )),
        ),
        _ => (
            "spike",
            "poisson",
            phase(&format!(
                "shape = \"spike\"\nbase = \"{}/s\"\npeak = \"{peak}/s\"\nat = \"10s\"\nlasting = \"15s\"",
                peak * 0.3
            )),
        ),
    };
    let slo = format!(
        "[slo]\nthrottled = \"0.1%\"\nutilisation = \"90%\"\n{}",
        if consumers.is_empty() { "" } else { "lag_p99 = \"10s\"\nlost = 0\n" }
    );
    Case {
        toml: format!(
            "seed = {number}\nrecords.size = {size}\nkeys = {keys}\n{consumers}[load]\nwarm_up = \"2s\"\ndrain = \"40s\"\narrivals = \"{arrivals}\"\n\
             {phase}{slo}"
        ),
        name: format!("case {number}: {filled} shards of {size}, {keys}, {shape}, read by {reader}"),
    }
}

impl Case {
    fn on(&self, shards: u32) -> String {
        format!("stream.shards = {shards}\n{}", self.toml)
    }
}

/// What is recommended meets the objectives of its scenario; four fifths of it do not, where they are fewer than the load fills.
#[test]
fn what_is_recommended_is_enough_and_a_fifth_less_is_not() {
    let (mut wrong, mut too_few) = (Vec::new(), 0);
    for number in 0..32 {
        let case = case(number);
        let plan = plan(&case.on(4));
        let recommended = plan.capacity.recommended_shards;
        let (_, verdict) = planned_and_judged(&case.on(recommended));
        if verdict.conclusion != Conclusion::Met {
            wrong.push(format!("{}: {recommended} do not do: {}", case.name, verdict.sentence));
        }
        let fewer = recommended * 4 / 5;
        let binding = plan.capacity.bounds.iter().find(|bound| bound.name == plan.capacity.binding).unwrap();
        if binding.demand <= binding.capacity_per_shard * f64::from(fewer) {
            // More was recommended for where keys may fall, or for moments: fewer may do.
            continue;
        }
        too_few += 1;
        let (_, verdict) = planned_and_judged(&case.on(fewer));
        if verdict.conclusion != Conclusion::Missed {
            wrong.push(format!("{}: {fewer} of {recommended} do: {}", case.name, verdict.sentence));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(too_few >= 12, "{too_few} loads fill more than four fifths of the shards recommended");
}
