//! Autoscaling on paper: against the service model, and against bills with known answers.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::Path;

use streamgauge::capacity::{ScalingForecast, ScalingOption};
use streamgauge::kinesis::Profile;
use streamgauge::plan::predict;
use streamgauge::prices::Prices;
use streamgauge::scenario::{self, Scenario};
use streamgauge::simulator;

fn scenario(text: &str, profile: &Profile) -> Scenario {
    scenario::parse(Path::new("case.toml"), text, &[], profile).unwrap_or_else(|problems| panic!("{problems}"))
}

fn forecast(text: &str, profile: &Profile) -> ScalingForecast {
    predict(&scenario(text, profile), profile, &Prices::newest()).capacity.autoscaling.unwrap()
}

fn option<'f>(forecast: &'f ScalingForecast, name: &str) -> &'f ScalingOption {
    forecast.options.iter().find(|option| option.name.contains(name)).unwrap()
}

#[test]
fn a_steady_load_needs_no_update_and_costs_what_its_shards_cost() {
    let text = "stream.shards = 2\nload = { rate = \"1000/s\", duration = \"10m\" }\nrecords.size = \"500 B\"\n\
                keys = { distribution = \"uniform\", count = 100_000 }\nautoscaling.speedup = 1\n";
    let profile = Profile::newest();
    let forecast = forecast(text, &profile);
    let policy = option(&forecast, "the policy");
    assert_eq!((policy.fewest_shards, policy.most_shards, policy.updates_per_day), (2, 2, 0.0));
    assert_eq!(policy.shard_hours, Some(1_460.0));
    // 2 x 730 h x $0.015, and a payload unit for each of 2,628 million records at $0.014 a million.
    let cost = policy.cost.unwrap();
    assert!((cost - (21.9 + 36.792)).abs() < 0.01, "{cost}");
    assert_eq!(policy.throttled.0, 0.0);
    assert_eq!(option(&forecast, "80% full").most_shards, 2);
}

/// Records of 100 KiB, so that a shard takes ten of them a second and a quarter of an hour is simulated in a moment.
const RUSH: &str = "
load.phase = [{ shape = \"curve\", duration = \"40m\", every = \"40m\", points = [[\"2m\", \"12/s\"], [\"10m\", \"12/s\"], [\"14m\", \"36/s\"], \
    [\"25m\", \"36/s\"], [\"30m\", \"12/s\"]] }]
records.size = \"100 KiB\"
keys = { distribution = \"uniform\", count = 10_000 }
producer.retry.policy = \"none\"
[autoscaling]
scale_out = { above = \"70%\", after = \"2m\", factor = 2.0 }
scale_in = { below = \"30%\", after = \"4m\", factor = 0.5 }
cooldown = \"1m\"
min_shards = 2
max_shards = 4
";

#[test]
fn what_a_policy_throttles_is_what_the_service_throttles() {
    let mut profile = Profile::newest();
    // The course is to be the same in each period.
    profile.reshard.updates_per_day = 1_000;
    let forecast = forecast(&format!("stream.shards = 2\n{RUSH}"), &profile);
    let policy = option(&forecast, "the policy");
    assert_eq!((policy.fewest_shards, policy.most_shards), (2, 4));
    assert!(policy.throttled.0 > 0.02, "the rush comes faster than the shards: {}", policy.throttled);

    // The same course as events; in a simulation an update takes no time.
    let mut text = format!("stream.shards = {}\n{RUSH}", forecast.course[0].shards);
    for pair in forecast.course.windows(2).filter(|pair| pair[0].shards != pair[1].shards) {
        let at = pair[1].minute * 60;
        write!(text, "[[event]]\nat = \"{at}s\"\nkind = \"update-shard-count\"\nshards = {}\n", pair[1].shards)
            .unwrap();
    }
    assert!(text.matches("[[event]]").count() >= 2, "{text}");
    let measured = simulator::run(&scenario(&text, &profile), &profile, &mut |_| true).unwrap().measurement;
    assert!(measured.events.iter().all(|event| event.problem.is_none()), "{:?}", measured.events);
    let simulated = measured.counters.throttled as f64 / measured.counters.attempts as f64;
    assert!((simulated - policy.throttled.0).abs() < 0.005, "simulated {simulated}, on paper {}", policy.throttled.0);
}

#[test]
fn the_quota_of_a_day_holds_on_paper_too() {
    let forecast = forecast(&format!("stream.shards = 2\n{RUSH}"), &Profile::newest());
    let policy = option(&forecast, "the policy");
    assert!(policy.updates_per_day < 10.5 && policy.refused_minutes > 1_000, "{policy:?}");
}

#[test]
fn an_on_demand_stream_throttles_when_it_is_new_and_not_when_it_knows_the_peak() {
    // From 4 shards on, to what 20 shards take.
    let text = "stream.mode = \"on-demand\"\nload.phase = [{ shape = \"curve\", duration = \"1m\", points = [[\"6h\", \"1000/s\"], \
                [\"6h10m\", \"20000/s\"], [\"12h\", \"20000/s\"], [\"13h\", \"1000/s\"]], speedup = 1440 }]\nrecords.size = \"500 B\"\n\
                keys = { distribution = \"uniform\", count = 1_000_000 }\nautoscaling.speedup = 1440\n";
    let forecast = forecast(text, &Profile::newest());
    let on_demand = option(&forecast, "on-demand Standard");
    assert!(on_demand.throttled_at_first.0 > 0.005, "{on_demand:?}");
    // A month has more than thirty days of it.
    assert!(on_demand.throttled.0 < on_demand.throttled_at_first.0 / 25.0, "{on_demand:?}");
    assert_eq!((on_demand.shard_hours, on_demand.fewest_shards), (None, 4));
    assert!(on_demand.most_shards >= 40, "twice the peak: {on_demand:?}");
}

/// A hot key is as hot with any number of shards: no policy helps.
#[test]
fn a_hot_key_throttles_whatever_the_policy_does() {
    let text = "stream.shards = 4\nload = { rate = \"4000/s\", duration = \"10m\" }\nrecords.size = \"100 B\"\n\
                keys = { distribution = \"hot-key\", count = 1_000, share = \"50%\" }\n\
                autoscaling = { speedup = 1, scale_out = { above = \"60%\" } }\n";
    let forecast = forecast(text, &Profile::newest());
    // The hot key's 2,000/s find room for 1,000.
    for option in &forecast.options {
        assert!(option.throttled.0 > 0.24, "{option:?}");
    }
}
