//! `streamgauge self-test`: damages records, and compares what the delivery check says with what was done.

use std::fmt::Write as _;
use std::path::Path;

use super::{Exit, fail, note, on_target, print};
use crate::cli::SelfTest;
use crate::kinesis::{Damage, InjectedFaults, Profile};
use crate::measure::{Ending, Finding, Measurement};
use crate::scenario;
use crate::simulator;
use crate::units;

/// Damages records, and looks whether all of it is found.
pub fn self_test(arguments: &SelfTest) -> Exit {
    let profile = Profile::newest();
    let scenario = match scenario::parse(Path::new("self-test.toml"), &scenario_text(arguments), &[], &profile) {
        Ok(scenario) => scenario,
        Err(diagnostics) => {
            fail(&diagnostics.render(false));
            return Exit::BadInput;
        }
    };
    let mut table = format!("{}\n", row(["damage", "where", "consumer", "injected", "found", "placed", ""]));
    let simulation = match simulator::run(&scenario, &profile, &mut |_| true) {
        Ok(simulation) => simulation,
        Err(problem) => {
            fail(&format!("the simulated service refuses the scenario: {problem}"));
            return Exit::Void;
        }
    };
    let mut passed = report(&mut table, "simulated", &simulation.injected_faults, &simulation.measurement);
    if !arguments.simulated {
        note(&format!("offering load to the embedded emulator for {} s", arguments.seconds));
        let (ending, injected_faults, measurement) = match on_target::self_test(&scenario, &profile) {
            Ok(run) => run,
            Err(problem) => {
                fail(&problem);
                return Exit::Void;
            }
        };
        if ending != Ending::Complete {
            fail("it was interrupted");
            return Exit::Void;
        }
        passed &= report(&mut table, "embedded", &injected_faults, &measurement);
    }
    let conclusion = if passed {
        "All that was damaged was found, counted and placed, and nothing else."
    } else {
        "The delivery check does not hold: do not trust its figures."
    };
    // Writing into a string does not fail.
    let _ = writeln!(table, "\n{conclusion}");
    match print(&table) {
        Err(exit) => exit,
        Ok(()) if passed => Exit::Met,
        Ok(()) => Exit::Missed,
    }
}

/// One kind of damage for each shard, so that none hides another. One call at a time keeps the order of the records.
fn scenario_text(arguments: &SelfTest) -> String {
    let fault = |(shard, damage): (usize, Damage)| {
        format!("[[fault]]\nkind = \"{}\"\nprobability = \"5%\"\nshard = {shard}\n", damage.word())
    };
    let faults: String = Damage::ALL.into_iter().enumerate().map(fault).collect();
    format!(
        r#"
        seed = {}
        stream.shards = {}
        load = {{ rate = "1000/s", duration = "{}s", warm_up = "0s", lateness_bound = "1h", drain = "20s" }}
        records.size = "200 B"
        keys = {{ distribution = "uniform", count = 50 }}
        producer = {{ max_in_flight = 1, timeout = "10m", retry.policy = "none" }}
        [[consumer]]
        name = "polling"
        type = "polling"
        interval = "1s"
        [[consumer]]
        name = "efo"
        type = "efo"
        {faults}"#,
        arguments.seed,
        Damage::ALL.len(),
        arguments.seconds
    )
}

/// Adds a row for each kind of damage and consumer; whether all holds, and every kind was done.
fn report(table: &mut String, place: &str, injected_faults: &InjectedFaults, measurement: &Measurement) -> bool {
    let findings = Finding::of(injected_faults, &measurement.consumers);
    for finding in &findings {
        let consumer = finding.consumer.as_deref().unwrap_or("all");
        let (injected, found) = (units::count(finding.injected), units::count(finding.found));
        let placed = format!("{} of {}", finding.placed, finding.to_place);
        let mark = if finding.holds() { "✓" } else { "✗" };
        let cells = [finding.damage.word(), place, consumer, &injected, &found, &placed, mark];
        let _ = writeln!(table, "{}", row(cells));
    }
    let done = Damage::ALL.into_iter().all(|damage| injected_faults.count(damage) > 0);
    let mut checks = measurement.consumers.iter().map(|consumer| &consumer.delivery);
    let nothing_else = checks.all(|check| {
        check.redelivered + check.copies_by_retries + check.unexpected + check.foreign + check.unread == 0
    });
    if !done || !nothing_else {
        let _ = writeln!(table, "{place}: some damage was not done, or the check counts what nobody did");
    }
    done && nothing_else && measurement.counters.balance() && findings.iter().all(Finding::holds)
}

fn row([damage, place, consumer, injected, found, placed, mark]: [&str; 7]) -> String {
    format!("{damage:<26} {place:<10} {consumer:<8} {injected:>9} {found:>9} {placed:>9}  {mark}").trim_end().to_owned()
}
