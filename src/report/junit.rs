//! Runs as JUnit XML, which CI systems show as tests: a suite for each run, a case for each objective.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::words::outcome::target;
use crate::result::{RunResult, TargetRecord};
use crate::verdict::{Conclusion, ObjectiveResult, ObjectiveStatus, Verdict};

/// The verdicts of runs as JUnit XML, each under a name.
///
/// The first case of a suite is whether the run is valid: a void run is an error, and its objectives are skipped. An objective
/// that could not be measured is a failure like a missed one, as it is for the exit code. A run that had nothing accepted fails a
/// case of its own.
pub fn junit<'a>(runs: impl IntoIterator<Item = (&'a str, &'a RunResult, &'a Verdict)>) -> String {
    let mut report = Report::new("streamgauge");
    for (name, result, verdict) in runs {
        report.add_test_suite(suite(name, result, verdict));
    }
    report.to_string().unwrap_or_else(|error| format!("<!-- {} -->\n", maud::html! { (error) }.into_string()))
}

fn suite(name: &str, result: &RunResult, verdict: &Verdict) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.set_time(Duration::from_nanos(result.load_ended.as_nanos()));
    // Simulated time has no date.
    if !matches!(result.target, TargetRecord::Simulated { .. }) {
        suite.add_property(Property::new("started", result.started.as_str()));
    }
    for (key, value) in [
        ("scenario", result.scenario.name.as_str()),
        ("target", target(&result.target).as_str()),
        ("measured by streamgauge", &result.streamgauge_version),
        ("verdict", &verdict.sentence),
    ] {
        suite.add_property(Property::new(key, value));
    }
    let mut add = |of: &str, status| {
        let mut case = TestCase::new(of, status);
        case.set_classname(name).set_time(Duration::ZERO);
        suite.add_test_case(case);
    };
    let void = verdict.conclusion == Conclusion::Void;
    let mut validity = TestCaseStatus::success();
    if void {
        validity = TestCaseStatus::non_success(NonSuccessKind::Error);
        validity.set_type("void").set_message(verdict.void_reasons.join(" "));
    }
    add("the run is valid", validity);
    for objective in &verdict.objectives {
        add(&objective.metric.to_string(), if void { skipped() } else { status(objective) });
    }
    let met = verdict.objectives.iter().all(|objective| objective.status == ObjectiveStatus::Pass);
    if verdict.conclusion == Conclusion::Missed && met {
        let mut nothing = TestCaseStatus::non_success(NonSuccessKind::Failure);
        nothing.set_type("missed").set_message(verdict.sentence.as_str());
        add("records are accepted", nothing);
    }
    suite
}

fn skipped() -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message("the run is void");
    status
}

fn status(objective: &ObjectiveResult) -> TestCaseStatus {
    let kind = match objective.status {
        ObjectiveStatus::Pass => return TestCaseStatus::success(),
        ObjectiveStatus::Fail => "missed",
        ObjectiveStatus::NotMeasurable => "not measurable",
    };
    let note = objective.note.as_ref().map_or_else(String::new, |note| format!("; {note}"));
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status
        .set_type(kind)
        .set_message(format!("{kind}: {}, the limit is {}{note}", objective.measured, objective.limit));
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn parsed(xml: &str) -> Report {
        Report::deserialize_from_str(xml).unwrap_or_else(|error| panic!("{error}: {xml}"))
    }

    #[test]
    fn the_cases_of_a_run() {
        let (result, _, verdict) = fixture::run("alerts", "Why?");
        insta::assert_snapshot!("junit", junit([("a run", &result, &verdict)]));
    }

    #[test]
    fn a_void_run_is_an_error_and_its_objectives_are_skipped() {
        let (result, _, mut verdict) = fixture::run("alerts", "Why?");
        verdict.conclusion = Conclusion::Void;
        verdict.void_reasons = vec!["It was interrupted.".to_owned()];
        let report = parsed(&junit([("one", &result, &verdict), ("two", &result, &verdict)]));
        assert_eq!((report.tests, report.errors, report.failures, report.skipped), (6, 2, 0, 4));
        let case = &report.test_suites[0].test_cases[0];
        assert!(matches!(&case.status, TestCaseStatus::NonSuccess { message: Some(message), .. }
            if message.as_str() == "It was interrupted."));
    }

    #[test]
    fn what_could_not_be_measured_and_nothing_accepted_are_failures() {
        let (result, _, mut verdict) = fixture::run("alerts", "Why?");
        verdict.objectives.truncate(1);
        verdict.objectives[0].status = ObjectiveStatus::NotMeasurable;
        verdict.conclusion = Conclusion::Missed;
        let report = parsed(&junit([("a run", &result, &verdict)]));
        assert_eq!((report.tests, report.failures), (2, 1));
        verdict.objectives.clear();
        let report = parsed(&junit([("a run", &result, &verdict)]));
        assert_eq!((report.tests, report.failures), (2, 1));
        assert_eq!(report.test_suites[0].test_cases[1].name.as_str(), "records are accepted");
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let attack = "x\"/><failure>]]>&amp;\u{0}\u{1b}[2J\u{ffff}";
        let (mut result, _, mut verdict) = fixture::run("alerts", "Why?");
        result.started = attack.into();
        verdict.sentence = attack.into();
        verdict.objectives[0].metric = crate::verdict::Metric::LagP99 { consumer: attack.into() };
        verdict.objectives[0].note = Some(attack.into());
        let xml = junit([(attack, &result, &verdict)]);
        let report = parsed(&xml);
        assert_eq!(report.test_suites.len(), 1);
        assert_eq!(report.test_suites[0].test_cases.len(), 1 + verdict.objectives.len());
        assert!(!xml.contains(['\u{0}', '\u{1b}']) && !xml.contains("<failure>"), "{xml}");
    }
}
