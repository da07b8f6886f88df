//! What the verdict says of the load generator: a run whose generator was at its limit is not blamed on the stream alone.

use std::sync::LazyLock;
use std::time::Duration;

use streamgauge::measure::{GeneratorHealth, HealthInterval};
use streamgauge::plan::Plan;
use streamgauge::result::RunResult;
use streamgauge::verdict::{Conclusion, judge};

use crate::support::model::{predicted, scenario, simulated};

/// Ten seconds of an overloaded shard: an objective is missed, and the stream is to blame.
static OVERLOADED: LazyLock<(Plan, RunResult)> = LazyLock::new(|| {
    let toml = "stream.shards = 1\nload = { rate = \"1200/s\", duration = \"10s\" }\nrecords.size = \"100 B\"\n\
                producer.retry.policy = \"none\"\nslo.throttled = \"0.1%\"\n";
    let scenario = scenario(toml);
    (predicted(&scenario), simulated(&scenario))
});

/// The sentence and the notes of the run with a generator, or what else `change` makes of it.
fn judged(change: impl Fn(&mut RunResult)) -> (String, Vec<String>) {
    let (plan, mut result) = OVERLOADED.clone();
    change(&mut result);
    let verdict = judge(plan.expectation(), &result);
    assert_eq!(verdict.conclusion, Conclusion::Missed);
    (verdict.sentence, verdict.generator_notes)
}

/// Two processors, of which so much is used in each second, and the longest delays of tasks in milliseconds.
fn generator(processor_millis: u64, delays: &[u64]) -> GeneratorHealth {
    let second = |(second, delay): (u64, &u64)| HealthInterval {
        second,
        length: Duration::from_secs(1),
        processor_time: Some(Duration::from_millis(processor_millis)),
        scheduling_delay: Some(Duration::from_millis(*delay)),
        ..HealthInterval::default()
    };
    GeneratorHealth { processors: 2, seconds: (1..).zip(delays).map(second).collect() }
}

const STARVED: [u64; 10] = [2, 90, 2, 2, 700, 2, 2, 2, 2, 2];

#[test]
fn a_generator_with_room_to_spare_is_not_spoken_of() {
    for health in [None, Some(generator(1_000, &[2; 10]))] {
        let (sentence, notes) = judged(|result| result.measurement.generator.clone_from(&health));
        assert!(!sentence.contains("generator") && notes.is_empty(), "{sentence} {notes:?}");
    }
}

#[test]
fn a_generator_at_its_limit_is_in_the_sentence() {
    let with = |health: GeneratorHealth| judged(move |result| result.measurement.generator = Some(health.clone()));
    let (sentence, notes) = with(generator(1_900, &[2; 10]));
    let blamed = "The load generator was at its own limit, and may be the cause instead of the stream: it ";
    assert!(sentence.ends_with(&format!("{blamed}used 1.9 of 2 processors.")), "{sentence}");
    assert_eq!(notes.len(), 1);

    let (sentence, notes) = with(generator(1_000, &STARVED));
    assert!(
        sentence.ends_with(&format!("{blamed}served its own tasks up to 700 ms late in 2 of 10 seconds.")),
        "{sentence}"
    );
    assert!(notes[0].contains("served a task more than 50 ms late, 700 ms at most"), "{notes:?}");

    let (sentence, notes) = judged(|result| {
        result.measurement.generator = Some(generator(1_900, &STARVED));
        let most = result.scenario.max_in_flight as u64;
        result.measurement.intervals[..3].iter_mut().for_each(|interval| interval.open_calls = most);
    });
    assert!(sentence.contains(&format!("{blamed}used 1.9 of 2 processors, and served its own tasks")), "{sentence}");
    let full = ", and had all 64 calls of producer.max_in_flight under way in 3 of 10 seconds.";
    assert!(sentence.ends_with(full) && notes.len() == 3, "{sentence} {notes:?}");
}

#[test]
fn what_happens_once_in_a_long_run_explains_nothing() {
    let mut delays = vec![2; 100];
    delays[40] = 80;
    let (sentence, notes) = judged(|result| {
        result.measurement.generator = Some(generator(1_000, &delays));
        result.load_ended = streamgauge::time::Time::from_secs(100);
    });
    assert!(!sentence.contains("generator"), "{sentence}");
    assert!(notes.iter().any(|note| note.starts_with("In 1 of 100 seconds the runtime")), "{notes:?}");
}
