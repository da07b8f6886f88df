//! Several runs side by side: one table model, as a page, as Markdown, as text for a terminal, as JSON and as CSV.

mod content;
mod tables;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::content::Depth;
use super::summary::{SUMMARY_SCHEMA_VERSION, Summary, summary};
use super::words::pretty;
use super::{markdown as md, page};
use crate::plan::Plan;
use crate::result::RunResult;
use crate::verdict::Verdict;

/// A run with what the model says of it.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its name among the others.
    pub label: String,
    /// Where it was read from.
    pub directory: PathBuf,
    /// What it measured.
    pub result: RunResult,
    /// What the model predicts.
    pub plan: Plan,
    /// The plan against the result.
    pub verdict: Verdict,
}

/// A value of the scenario that is not the same in all runs.
#[derive(Debug, Serialize, JsonSchema)]
struct Difference {
    /// Its path, such as `load.rate`.
    setting: String,
    /// What each run has, in their order; `None` where it is not set.
    values: Vec<Option<String>>,
}

/// Summaries of several runs.
#[derive(Debug, Serialize, JsonSchema)]
struct Document<'a> {
    schema_version: u32,
    /// One per run, in the order in which they were named.
    runs: Vec<Summary<'a>>,
    /// Where their scenarios differ.
    differences: Vec<Difference>,
}

/// The runs as one self-contained page.
pub fn html(runs: &[Run]) -> String {
    page::page(&content::report(runs))
}

/// The runs as Markdown.
pub fn markdown(runs: &[Run]) -> String {
    md::markdown(&content::report(runs), 2)
}

/// The runs as a table for a terminal; `styled` allows colours.
pub fn terminal(runs: &[Run], styled: bool) -> String {
    super::terminal::terminal(&content::report(runs), Depth::Summary, styled)
}

/// The summaries of all runs, and where their scenarios differ.
pub fn json(runs: &[Run]) -> String {
    pretty(&Document {
        schema_version: SUMMARY_SCHEMA_VERSION,
        runs: runs.iter().map(|run| summary(&run.result, &run.plan, &run.verdict, &run.directory)).collect(),
        differences: tables::differences(runs),
    })
}

/// What happened in each second of each run.
pub fn series_csv(runs: &[Run]) -> Vec<u8> {
    let named: Vec<(&str, &RunResult)> = runs.iter().map(|run| (run.label.as_str(), &run.result)).collect();
    super::series::series_of_runs_csv(&named)
}

/// The verdicts of all runs as JUnit XML.
pub fn junit(runs: &[Run]) -> String {
    super::junit::junit(runs.iter().map(|run| (run.label.as_str(), &run.result, &run.verdict)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::report::fixture;

    fn runs() -> Vec<Run> {
        let run = |label: &str, consumer: &str, rate: &str| {
            let (mut result, plan, mut verdict) = fixture::run(consumer, "Why?");
            result.scenario.overrides.push(format!("load.rate={rate}"));
            verdict.throttling.push(fixture::cause());
            Run { label: label.to_owned(), directory: Path::new("reports").join(label), result, plan, verdict }
        };
        vec![run("before", "alerts", "1800/s"), run("after", "audit", "1500/s")]
    }

    #[test]
    fn the_words_and_rows_of_two_runs() {
        let runs = runs();
        insta::assert_snapshot!("runs_markdown", markdown(&runs));
        insta::assert_snapshot!("runs_terminal", terminal(&runs, false));
        insta::assert_snapshot!("runs_series_csv", String::from_utf8(series_csv(&runs)).unwrap());
        insta::assert_snapshot!("runs_html", html(&runs).split("</style>").nth(1).unwrap());
        let json: serde_json::Value = serde_json::from_str(&json(&runs)).unwrap();
        assert_eq!(json["runs"].as_array().unwrap().len(), 2);
        insta::assert_snapshot!("runs_differences", json["differences"].to_string());
    }

    #[test]
    fn many_runs_share_charts_of_few_lines() {
        let some = runs();
        let many: Vec<Run> = (0..11).map(|n| Run { label: format!("run {n}"), ..some[n % 2].clone() }).collect();
        let page = html(&many);
        assert_eq!(page.matches("<table").count(), page.matches("</table>").count());
        for label in many.iter().map(|run| &run.label) {
            assert!(page.matches(label.as_str()).count() > 5, "{label}");
        }
        assert!(terminal(&many, true).contains("run 10"));
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let attack = "=x\n|<script>alert(1)</script>\"[a](http://b)\u{1b}[2J";
        let mut runs = runs();
        let plain = (html(&runs), markdown(&runs));
        for (run, number) in runs.iter_mut().zip(0..) {
            run.label = attack.into();
            run.result.scenario.name = attack.into();
            run.result.scenario.overrides = vec![format!("question={attack}")];
            run.verdict.sentence = attack.into();
            run.verdict.objectives[0].metric = crate::verdict::Metric::LagP99 { consumer: attack.into() };
            run.verdict.comparison[1].metric = crate::verdict::Metric::LagP99 { consumer: attack.into() };
            run.verdict.throttling[0].place = attack.into();
            run.result.measurement.consumers[0].name = format!("{attack}{number}");
        }
        let (page, words, text) = (html(&runs), markdown(&runs), terminal(&runs, false));
        assert!(!page.contains("<script") && !page.contains("\"[a]"));
        let tags = |text: &str, tag: &str| text.matches(tag).count();
        assert_eq!((tags(&page, "<svg"), tags(&page, "<h2")), (tags(&plain.0, "<svg"), tags(&plain.0, "<h2")));
        assert!(!words.contains(['<', '\u{1b}']) && !words.contains("://"), "{words}");
        assert!(!text.contains(['\u{1b}']), "{text}");
        let csv = String::from_utf8(series_csv(&runs)).unwrap();
        assert!(!csv.contains("\n=") && !csv.contains('\u{1b}'));
        assert!(junit(&runs).contains("&lt;script&gt;") && !junit(&runs).contains("<script"));
    }
}
