//! Engine runs in real time. Nothing here may depend on how fast the machine is: a process may stand still for many seconds.

use std::time::Duration;

use streamgauge::engine::{Connection, Control, EngineError, Progress, Target, connect, run};
use streamgauge::kinesis::Profile;
use streamgauge::measure::{HealthInterval, Outcome};
use streamgauge::scenario::Scenario;
use streamgauge::seed::Seed;
use tokio::sync::watch;

/// How long an answer may take in a test that is not about timeouts.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// A connection whose puts may take as long as they like.
pub async fn connected(target: &Target) -> Connection {
    connected_with(target, &Profile::newest()).await
}

/// A connection; an embedded emulator has this profile.
pub async fn connected_with(target: &Target, profile: &Profile) -> Connection {
    connect(target, PATIENCE, profile, Seed(1)).await.unwrap()
}

/// A connection for a scenario.
pub async fn connected_for(target: &Target, scenario: &Scenario) -> Connection {
    connect(target, scenario.producer.timeout, &Profile::newest(), scenario.seed).await.unwrap()
}

/// Runs a scenario that nobody stops.
pub async fn run_on(target: &Target, scenario: &Scenario) -> Result<Outcome, EngineError> {
    run_with(&connected_for(target, scenario).await, scenario, watch::Sender::new(Progress::default())).await
}

/// Runs a scenario that nobody stops on a connection, and shows its progress.
pub async fn run_with(
    connection: &Connection,
    scenario: &Scenario,
    progress: watch::Sender<Progress>,
) -> Result<Outcome, EngineError> {
    let (_stop, stop) = watch::channel(false);
    run(connection, scenario, &Profile::newest(), Control::new(stop, progress)).await
}

/// A run in which the machine did not stand still for `bound` or longer. Where a test is about what happens in the seconds of a run, one
/// whose seconds passed unseen says nothing, and another one is made. How the run went otherwise is not asked.
#[allow(clippy::print_stderr, reason = "whoever waits for the test is told why")]
pub async fn undisturbed(bound: Duration, mut attempt: impl AsyncFnMut() -> Outcome) -> Outcome {
    loop {
        let run = attempt().await;
        let longest = longest_standstill(&run);
        if longest < bound {
            return run;
        }
        eprintln!("the machine stood still for {longest:?}: another run is made");
    }
}

/// The longest time for which a run, its load generator or a task of it had to wait for a processor.
fn longest_standstill(run: &Outcome) -> Duration {
    let lateness = run.measurement.put.get("lateness").and_then(|lateness| lateness.max).map(Duration::from_nanos);
    let seconds = run.measurement.generator.iter().flat_map(|generator| &generator.seconds);
    let standstill = |second: &HealthInterval| {
        let longer = second.length.saturating_sub(Duration::from_secs(1));
        [second.scheduling_delay, second.longest_wake_up].into_iter().flatten().fold(longer, Duration::max)
    };
    seconds.map(standstill).chain(lateness).max().unwrap_or_default()
}
