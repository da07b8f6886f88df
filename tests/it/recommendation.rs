//! What the planner says to take: whether it holds when it is simulated, and what it is chosen from.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use streamgauge::capacity::{BoundName, Tariff};
use streamgauge::plan::Plan;
use streamgauge::scenario::Scenario;
use streamgauge::verdict::{Conclusion, ObjectiveStatus, Verdict};
use streamgauge::{report, units};

use crate::support::model;
use crate::support::model::{judged, overridden, plan, predicted, scenario, simulation};
use crate::support::program::one_line;

fn simulated(scenario: &Scenario) -> Verdict {
    judged(scenario, &model::simulated(scenario))
}

/// The settings that make the scenario what is recommended.
fn settings(plan: &Plan) -> Vec<String> {
    let recommended = plan.recommendation.as_ref().unwrap();
    let way = &recommended.configuration;
    let linger = units::duration(way.linger).replace(' ', "");
    let mut settings =
        vec![format!("producer.linger={linger}"), format!("producer.batch_records={}", recommended.batch_records)];
    match way.tariff {
        Tariff::Provisioned => settings.push(format!("stream.shards={}", way.shards)),
        _ => panic!("these loads are cheaper by shards"),
    }
    if way.aggregation {
        settings.push("producer.aggregation=true".to_owned());
    }
    for (place, reader) in recommended.readers.iter().enumerate() {
        if reader.fan_out {
            settings.push(format!("consumer.{place}.type=efo"));
            settings.push(format!("consumer.{place}.name={}", reader.name));
        }
    }
    settings
}

const READERS: &str = "[[consumer]]\nname = \"one\"\ntype = \"polling\"\ninterval = \"1s\"\n[[consumer]]\nname = \"two\"\ntype = \"polling\"\ninterval = \"1s\"\n";

fn load(rate: u32, size: &str, slo: &str) -> String {
    format!(
        "stream.shards = 2\nload = {{ rate = \"{rate}/s\", duration = \"20s\", warm_up = \"5s\", drain = \"30s\" }}\n\
         records.size = \"{size}\"\nkeys = {{ distribution = \"uniform\", count = 50_000 }}\n{READERS}[slo]\n{slo}\n"
    )
}

#[test]
fn what_is_recommended_meets_the_objectives_when_it_is_simulated() {
    for (toml, fan_out, packed) in [
        // A second is plenty for two pollers and for packing; 200 ms is for fan-out alone.
        (load(3_000, "300 B", "throttled = \"0.1%\"\nlag_p99 = \"3s\""), false, true),
        (load(3_000, "300 B", "throttled = \"0.1%\"\nlag_p99 = \"450ms\"\nput_p99 = \"200ms\""), true, true),
        // Records that fill a payload unit each leave nothing to pack.
        (load(60, "24 KiB", "throttled = \"0.1%\"\nlag_p99 = \"3s\""), false, false),
    ] {
        let plan = plan(&toml);
        let recommended = plan.recommendation.as_ref().unwrap();
        assert_eq!(recommended.readers.iter().any(|reader| reader.fan_out), fan_out, "{toml}");
        assert_eq!(recommended.configuration.aggregation, packed, "{:?}", recommended.configuration);
        let mut toml = toml.clone();
        if fan_out {
            // A fan-out consumer has no interval.
            toml = toml.replace("interval = \"1s\"\n", "");
        }
        let taken = overridden(&toml, &settings(&plan));
        let verdict = simulated(&taken);
        assert_eq!(verdict.conclusion, Conclusion::Met, "{:?}\n{:#?}", settings(&plan), verdict.objectives);
        // And it costs what was said.
        let bill = predicted(&taken).capacity.cost.bills[0].total.unwrap();
        let said = recommended.configuration.monthly.unwrap();
        assert!((bill / said - 1.0).abs() < 0.02, "{bill} against {said}");
    }
}

#[test]
fn the_front_has_the_cheapest_for_each_lag_and_nothing_that_is_beaten() {
    let plan = plan(&load(3_000, "300 B", "throttled = \"1%\""));
    let known: Vec<(f64, u64, bool)> =
        plan.capacity.frontier.iter().filter_map(|way| Some((way.monthly?, way.lag?, way.efficient))).collect();
    assert!(known.len() > 20, "{}", known.len());
    assert!(known.windows(2).all(|pair| pair[0].0 <= pair[1].0), "the cheapest first");
    for (cost, lag, efficient) in &known {
        let beaten = known.iter().any(|(other, sooner, _)| other <= cost && sooner + 1_000_000 < *lag && other < cost);
        assert!(!(*efficient && beaten), "{cost} {lag}");
    }
    assert!(known[0].2 && known.iter().filter(|(.., efficient)| *efficient).count() >= 3);
    assert_eq!(plan.capacity.frontier.iter().filter(|way| way.own).count(), 1);
    let tariffs = Tariff::ALL.map(|tariff| plan.capacity.frontier.iter().filter(|way| way.tariff == tariff).count());
    assert!(tariffs.iter().all(|count| *count == tariffs[0]), "{tariffs:?}");
}

#[test]
fn a_key_that_is_too_hot_is_said_and_not_hidden_behind_a_number() {
    let toml = "stream.shards = 4\nload = { rate = \"5000/s\", duration = \"30s\" }\nrecords.size = \"100 B\"\n\
                keys = { distribution = \"hot-key\", count = 1_000, share = \"40%\" }\nproducer.api = \"PutRecord\"\n";
    let plan = plan(toml);
    assert!(!plan.capacity.attainable);
    let salting = plan.capacity.salting.unwrap();
    let text = one_line(&report::plan_text(&plan, false));
    assert!(text.contains("if the load spread evenly") && !text.contains("full at most"), "{text}");
    assert!(text.contains("No number of shards keeps each at 80% at most: the hottest key alone fills 200% of one."));
    assert!(plan.cures.iter().any(|cure| cure.what.contains("hottest key")), "{:?}", plan.cures);
    assert_eq!(plan.capacity.skew.as_ref().unwrap().useful_up_to, Some(3), "its key has two fifths of the load");

    // Spread as it says, on as many shards as it says, nothing is throttled.
    let more = [format!("keys.salt={}", salting.keys_of_each), format!("stream.shards={}", salting.shards)];
    let salted = overridden(toml, &more);
    let measured = simulation(&salted).measurement;
    assert_eq!(measured.counters.throttled, 0);
    let even = overridden(toml, &["stream.shards=25".to_owned()]);
    let measured = simulation(&even).measurement;
    assert!(measured.counters.throttled > 0, "more shards alone do not help");
}

#[test]
fn room_is_a_matter_of_the_scenario() {
    let toml = load(6_000, "100 B", "throttled = \"5%\"");
    let shards = |utilisation: &str| {
        let scenario = overridden(&toml, &[format!("plan.utilisation={utilisation}")]);
        predicted(&scenario).capacity.recommended_shards
    };
    let (much, usual, none) = (shards("50%"), shards("80%"), shards("100%"));
    assert!(much > usual && usual > none && none >= 6, "{much} {usual} {none}");
}

/// 1.83 MiB/s on two shards: each poller reads all of it, and all share 2 MiB/s of a shard.
#[test]
fn polling_costs_the_shards_that_it_needs() {
    let plan = plan(&load(1_000, "1875 B", "throttled = \"5%\""));
    let row = |readers: usize| &plan.capacity.cost.reading[readers - 1];
    assert_eq!((row(1).polling_shards, row(1).polling), (2, Some(0.0)));
    // Four times 1.79 MiB/s are 7.16, over 2 MiB/s at 80 %: 4.5 shards.
    assert_eq!(row(4).polling_shards, 5);
    assert!((row(4).polling.unwrap() - 3.0 * 10.95).abs() < 1e-6, "{:?}", row(4));
    assert!(row(4).polling_lag.is_some(), "with these shards it keeps up");
    assert_eq!(plan.capacity.cost.break_even, None);
    let saved = (row(1).polling_lag.unwrap() - row(1).fan_out_lag.unwrap()) as f64 / 1e8;
    let each = row(1).each_100_ms.unwrap();
    assert!((each - row(1).fan_out.unwrap() / saved).abs() < 1e-6, "{each}");
}

#[test]
fn a_price_that_is_not_known_hides_no_other() {
    // The price of payload units is not known there; those of reading are.
    let plan = plan(&format!("{}[cost]\nregion = \"us-west-2\"\n", load(1_000, "500 B", "throttled = \"5%\"")));
    assert_eq!(plan.capacity.cost.bills[0].total, None);
    assert!(
        plan.capacity.cost.reading.iter().all(|row| row.polling.is_some() && row.fan_out.is_some()),
        "{:?}",
        plan.capacity.cost.reading
    );
}

#[test]
fn a_lag_that_grows_misses_its_trend() {
    let toml = |limit: u32, duration: &str| {
        format!(
            "stream.shards = 1\nload = {{ rate = \"100/s\", duration = \"{duration}\", drain = \"1s\" }}\nrecords.size = \"100 B\"\n\
             [[consumer]]\nname = \"slow\"\ntype = \"polling\"\nlimit = {limit}\n[consumer.processing]\nper_batch = \"200ms\"\n[slo]\nlag_trend = \"5%\"\n"
        )
    };
    // A batch takes as long as it is from poll to poll, 200 ms, so that ten records each are 50 a second of 100: it falls behind by half a second
    // in each.
    let grows = simulated(&scenario(&toml(10, "40s")));
    let trend = &grows.objectives[0];
    assert_eq!((trend.metric.to_string().as_str(), trend.status), ("lag trend of slow", ObjectiveStatus::Fail));
    let measured = trend.measured.quantity().unwrap().value * 100.0;
    assert!((45.0..55.0).contains(&measured), "{}", trend.measured);
    let keeps_up = simulated(&scenario(&toml(1_000, "40s")));
    assert_eq!(keeps_up.objectives[0].status, ObjectiveStatus::Pass, "{:?}", keeps_up.objectives[0]);
    let short = simulated(&scenario(&toml(1_000, "5s")));
    assert_eq!(short.objectives[0].status, ObjectiveStatus::NotMeasurable);
}

#[test]
fn quotas_are_held_against_what_is_recommended() {
    let toml = "stream.shards = 4\nload = { rate = \"2000000/s\", duration = \"5s\" }\nrecords.size = \"100 B\"\n\
                keys = { distribution = \"uniform\", count = 1_000_000 }\ncost.region = \"eu-central-1\"\n";
    let plan = plan(toml);
    let bound = plan.capacity.bounds.iter().find(|bound| bound.name == BoundName::AccountShards).unwrap();
    assert_eq!(bound.capacity, 1_000.0);
    assert!(bound.demand >= 2_000.0 && bound.utilisation.0 > 2.0 && bound.headroom().0 < -1.0, "{bound:?}");
    assert!(bound.headroom().to_string().starts_with('-'), "{}", bound.headroom());
}
