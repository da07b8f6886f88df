//! The plan against simulated runs: figure by figure, and whether what it recommends is enough and not too much.

use std::path::Path;

use streamgauge::kinesis::Profile;
use streamgauge::plan::{Agreement, Plan, Verdict, judge, predict};
use streamgauge::prices::Prices;
use streamgauge::result::RunResult;
use streamgauge::scenario;
use streamgauge::seed::Seed;
use streamgauge::simulator;

fn planned_and_judged(toml: &str) -> (Plan, Verdict) {
    let profile = Profile::newest();
    let scenario = match scenario::parse(Path::new("test.toml"), toml, &[], &profile) {
        Ok(scenario) => scenario,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    };
    let plan = predict(&scenario, &profile, &Prices::newest());
    let simulated = simulator::run(&scenario, &profile, &mut |_| true).unwrap();
    let (result, _, _) = RunResult::simulated(&scenario, &profile, simulated);
    let verdict = judge(&plan, &result);
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
        let row = verdict.comparison.iter().find(|row| row.name == name).unwrap();
        assert_eq!(row.agreement, Some(Agreement::ModelOptimistic), "{row:?}");
        assert!(row.note.as_ref().is_some_and(|note| note.contains("retr")), "{row:?}");
    };
    ["not accepted at the first attempt", "put p99", "mean lag of a"].into_iter().for_each(optimistic);
    let agrees =
        |name: &str| verdict.comparison.iter().any(|row| row.name == name && row.agreement == Some(Agreement::Agrees));
    assert!(["accepted records", "seconds that throttled", "utilisation: write records"].into_iter().all(agrees));
}

/// How full the fullest shard was on average, and the share of the attempts that were throttled.
fn outcome(toml: &str) -> (f64, f64) {
    let (_, verdict) = planned_and_judged(toml);
    let throttled = verdict.objectives.iter().find(|objective| objective.name == "throttled attempts").unwrap();
    let share = throttled.measured.trim_end_matches('%').parse::<f64>().unwrap() / 100.0;
    (verdict.fullest_shard().unwrap(), share)
}

/// What the recommendation promises: no shard fuller than 80 %, and no more throttled than the objective allows.
#[test]
fn what_is_recommended_is_enough_and_a_fifth_less_is_not() {
    for case in 0..32 {
        let draw = |name: &str, from: u64, to: u64| {
            let mut rng = Seed(99).named("tests.recommendation").at(case * 16 + name.len() as u64);
            rand::RngExt::random_range(&mut rng, from..=to)
        };
        let rate = draw("rate", 2_500, 6_000);
        let size = [120, 400, 900, 3_000, 20_000][draw("si", 0, 4) as usize];
        let rate = if size > 1_000 { rate * 1_000 / size } else { rate };
        let exponent = draw("exponent", 0, 7) as f64 / 10.0;
        let poisson = if draw("p", 0, 1) == 1 { "\"poisson\"" } else { "\"deterministic\"" };
        let toml = |shards: u32| {
            format!(
                "seed = {case}\nstream.shards = {shards}\n\
                 load = {{ rate = \"{rate}/s\", duration = \"12s\", warm_up = \"2s\", arrivals = {poisson} }}\n\
                 records.size = \"{size} B\"\nkeys = {{ distribution = \"zipf\", count = 3_000, exponent = {exponent} }}\n\
                 slo.throttled = \"0.1%\"\n"
            )
        };
        let profile = Profile::newest();
        let scenario = scenario::parse(Path::new("test.toml"), &toml(4), &[], &profile)
            .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render(false)));
        let plan = predict(&scenario, &profile, &Prices::newest());
        let recommended = plan.recommended_shards;
        assert!(plan.binding.starts_with("write "), "a shard bound binds: {}", plan.binding);
        let (fullest, throttled) = outcome(&toml(recommended));
        // Which records come is a matter of chance, as in the tolerances of the comparison.
        assert!(
            fullest <= 0.8 * 1.05 && throttled <= 0.001,
            "case {case}: {fullest} {throttled}\n{}",
            toml(recommended)
        );
        let fewer = (recommended * 4 / 5).max(1);
        assert!(fewer < recommended, "{recommended} shards are too few to tell");
        let (fullest, throttled) = outcome(&toml(fewer));
        assert!(fullest > 0.8 || throttled > 0.001, "case {case}: {fewer} of {recommended} do\n{}", toml(fewer));
    }
}
