//! What a search found: as a page, as text for the terminal, as CSV and as JSON.

use std::fmt::Write as _;
use std::path::Path;

use maud::html;
use serde::Serialize;

use super::charts::{DemandPoint, Look, demand, legend};
use super::shell::{Page, Section, Source, profile};
use super::table::Column::{Number, Text};
use super::table::table;
use super::terminal::printable;
use super::time_charts::figure;
use crate::kinesis::Profile;
use crate::scenario::Scenario;
use crate::search::{Answer, Question, Trial, TrialOutcome};
use crate::units::{self, Rate, Share};

/// Version of the schema of `search.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// What was searched, and what was found.
pub struct Report<'a> {
    /// The scenario, at its own load and shards.
    pub scenario: &'a Scenario,
    /// Limits and latencies of the model.
    pub profile: &'a Profile,
    /// Where trials were made: `simulated`, `embedded`, `aws` or a URL.
    pub target: &'a str,
    /// One answer, or one for each load.
    pub answers: &'a [Answer],
}

impl Report<'_> {
    /// As JSON.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            schema_version: u32,
            scenario: &'a str,
            profile: &'a str,
            target: &'a str,
            answers: &'a [Answer],
        }
        let document = Document {
            schema_version: SCHEMA_VERSION,
            scenario: &self.scenario.name,
            profile: &self.profile.name,
            target: self.target,
            answers: self.answers,
        };
        serde_json::to_string_pretty(&document)
            .map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |json| json + "\n")
    }

    /// Every trial as CSV.
    pub fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing into memory does not fail, and all rows have the same length.
        let _ = writer.write_record(["repeat", "load", "records_per_second", "shards", "outcome", "why"]);
        for (answer, trial) in
            self.answers.iter().flat_map(|answer| answer.trials.iter().map(move |trial| (answer, trial)))
        {
            let (word, why) = outcome(trial);
            let rate = answer.rate_of(trial.load).0;
            let row = [trial.repeat.to_string(), trial.load.to_string(), rate.to_string(), trial.shards.to_string()];
            let _ = writer.write_record(row.into_iter().chain([word.to_owned(), why]));
        }
        writer.into_inner().unwrap_or_default()
    }

    /// As text for a terminal.
    pub fn terminal(&self, directory: &Path, styled: bool) -> String {
        let bold = |text: &str| if styled { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() };
        let mut out = String::new();
        for answer in self.answers {
            let (found, more) = words(answer);
            // Writing into a string does not fail.
            let _ = writeln!(out, "{}\n  {more}", bold(&found));
            if let Some(why) = nearest_miss(answer) {
                let _ = writeln!(out, "  just beyond it: {}", printable(&why));
            }
        }
        let _ = writeln!(
            out,
            "\n{} {}\nreport  {}",
            self.tried(),
            self.disclaimer(),
            printable(&directory.join("search.html").display().to_string())
        );
        out
    }

    fn tried(&self) -> String {
        let trials: usize = self.answers.iter().map(|answer| answer.trials.len()).sum();
        let void = self.answers.iter().flat_map(|answer| &answer.trials);
        let void = void.filter(|trial| matches!(trial.outcome, TrialOutcome::Void { .. })).count();
        let void = if void > 0 { format!(", {void} of them void and repeated") } else { String::new() };
        format!("{} trials{void}.", units::count(trials as u64))
    }

    fn disclaimer(&self) -> String {
        match self.target {
            "simulated" => "Simulated: a model of AWS, not AWS.".to_owned(),
            "embedded" => "Measured on the embedded emulator: a model of AWS, not AWS.".to_owned(),
            "aws" => "Measured on Amazon Kinesis Data Streams.".to_owned(),
            url => format!("Measured on {}.", printable(url)),
        }
    }

    /// As a page.
    pub fn html(&self) -> String {
        let header = html! {
            p class="kicker" { "streamgauge search" }
            h1 { bdi { (self.scenario.name) } }
            @if let Some(question) = &self.scenario.question { p class="question" { bdi { (question) } } }
            @for answer in self.answers {
                @let (found, more) = words(answer);
                p class="verdict" { (found) }
                p { (more) @if let Some(why) = nearest_miss(answer) { " Just beyond it: " (why) "." } }
            }
            p class="target" { (self.disclaimer()) " Limits and latencies of the model are those of the profile " (profile(&self.profile.name)) "." }
        };
        let page = Page {
            title: &format!("{}, searched – streamgauge", self.scenario.name),
            source: match self.target {
                "simulated" | "embedded" => Source::Model,
                "aws" => Source::Aws,
                _ => Source::Endpoint,
            },
            header,
            sections: self.curve().into_iter().chain([self.trials()]).collect(),
            footer: html! { p { "Written by streamgauge " (env!("CARGO_PKG_VERSION")) ", search schema " (SCHEMA_VERSION) ". Beside this file: search.csv, search.json and the scenario." } },
        };
        page.html()
    }

    /// The demand curve, where there is more than one load.
    fn curve(&self) -> Option<Section> {
        if self.answers.len() < 2 {
            return None;
        }
        let point = |answer: &Answer| DemandPoint {
            load: answer.rate.0,
            modelled: answer.modelled,
            found: answer.found.as_ref().and_then(|found| {
                let (lowest, highest) = found.range()?;
                Some((lowest, found.median?, highest))
            }),
        };
        let mut points: Vec<DemandPoint> = self.answers.iter().map(point).collect();
        points.sort_by(|a, b| a.load.total_cmp(&b.load));
        let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| units::count(value as u64));
        let found: Vec<String> = points
            .iter()
            .map(|point| {
                format!(
                    "{} by trials and {} by the model at {}",
                    cell(point.found.map(|f| f.1)),
                    cell(point.modelled),
                    Rate(point.load)
                )
            })
            .collect();
        let finding = format!("Fewest shards by load. {}.", found.join("; "));
        let chart = demand(&finding, "records per second, on average", &points, &|rate| units::number(rate));
        let legend = legend([
            ("shards by the model", Look { color: 0, dash: 0, marker: None }),
            ("shards by trials: the median of the seeds, and their range", Look { color: 1, dash: 0, marker: Some(1) }),
        ]);
        let rows = html! { @for point in &points {
            tr {
                th scope="row" { (Rate(point.load)) }
                td class="number" { (cell(point.modelled)) }
                td class="number" { (cell(point.found.map(|found| found.1))) }
                td class="number" { (cell(point.found.map(|found| found.0))) }
                td class="number" { (cell(point.found.map(|found| found.2))) }
            }
        } };
        let columns = [Text("Load"), Number("Model"), Number("Median"), Number("Lowest"), Number("Highest")];
        let body = html! {
            (figure(&legend, &chart, &html! { "Fewest shards (upwards) that sustain each load (to the right) within its objectives." }))
            (table("Fewest shards by load", &columns, &rows))
        };
        Some(Section::new("demand-curve", "Demand curve", body))
    }

    fn trials(&self) -> Section {
        let rows = html! { @for answer in self.answers { @for trial in &answer.trials {
            @let (word, why) = outcome(trial);
            tr {
                th scope="row" { (trial.repeat + 1) }
                td class="number" { (answer.rate_of(trial.load)) }
                td class="number" { (units::count(trial.shards.into())) }
                td { span class=(match trial.outcome { TrialOutcome::Sustained => "pass", TrialOutcome::Missed { .. } => "fail", TrialOutcome::Void { .. } => "unclear" }) {
                    (match trial.outcome { TrialOutcome::Sustained => "✓ ", TrialOutcome::Missed { .. } => "✗ ", TrialOutcome::Void { .. } => "? " }) (word)
                } }
                td class="why" { (why) }
            }
        } } };
        let columns = [Text("Repeat"), Number("Load"), Number("Shards"), Text("Outcome"), Text("Why")];
        let body = html! {
            p { "Each trial is a whole run, and sustains its load if it meets every objective. " (self.tried()) }
            (table("Every trial", &columns, &rows))
        };
        Section::new("trials", "Trials", body)
    }
}

fn outcome(trial: &Trial) -> (&'static str, String) {
    match &trial.outcome {
        TrialOutcome::Sustained => ("sustained", String::new()),
        TrialOutcome::Missed { missed } => ("missed", missed.join("; ")),
        TrialOutcome::Void { reasons } => ("void", reasons.join(" ")),
    }
}

/// What the nearest trial beyond the boundary missed.
fn nearest_miss(answer: &Answer) -> Option<String> {
    let median = answer.found.as_ref()?.median?;
    let distance = |trial: &Trial| match answer.question {
        Question::Load { .. } => trial.load - median,
        Question::Shards => median - f64::from(trial.shards),
    };
    let missed = answer.trials.iter().filter_map(|trial| match &trial.outcome {
        TrialOutcome::Missed { missed } if distance(trial) > 0.0 => Some((distance(trial), missed.join("; "))),
        _ => None,
    });
    missed.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, missed)| missed)
}

/// The answer in a sentence, and how sure it is, in another.
fn words(answer: &Answer) -> (String, String) {
    let shards = |count: f64| match count {
        1.0 => "1 shard".to_owned(),
        count => format!("{} shards", units::count(count as u64)),
    };
    let what = |boundary: f64| match answer.question {
        Question::Load { .. } => answer.rate_of(boundary).to_string(),
        Question::Shards => shards(boundary),
    };
    let model = answer.modelled.map_or_else(|| "none".to_owned(), what);
    let Some(found) = &answer.found else {
        return ("The search did not come to an end.".to_owned(), format!("The model says {model}."));
    };
    let (Some(median), Some((least, most))) = (found.median, found.range()) else {
        let subject = match answer.question {
            Question::Load { .. } => {
                format!("No load that was tried is sustained by {}.", shards(answer.shards.into()))
            }
            Question::Shards => format!("No number of shards that was tried sustains {}.", answer.rate),
        };
        return (subject, format!("The model says {model}."));
    };
    let sentence = match answer.question {
        Question::Load { .. } => {
            let open = if found.open_ended { " at least" } else { "" };
            format!(
                "{} sustain {}{open}, {:.2} times the scenario's load.",
                shards(answer.shards.into()),
                what(median),
                median
            )
        }
        Question::Shards => format!("{} needs {}.", answer.rate, what(median)),
    };
    let precision = match answer.question {
        Question::Load { precision } => format!(", each to {}", Share(precision)),
        Question::Shards => String::new(),
    };
    let sure = match found.confidence() {
        0.0 => String::new(),
        confidence => format!(" ({} confidence for the median over all seeds)", Share(confidence)),
    };
    let range = if least < most { format!("{} to {}", what(least), what(most)) } else { what(median) };
    let seeds = if found.repeats == 1 { "1 seed".to_owned() } else { format!("{} seeds", found.repeats) };
    (sentence, format!("{seeds}: {range}{precision}{sure}. The model says {model}."))
}

impl Answer {
    /// The mean rate of so many times the scenario's load.
    fn rate_of(&self, load: f64) -> Rate {
        Rate(self.rate.0 / self.load * load)
    }
}
