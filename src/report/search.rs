//! What a search found: as a page, as text for the terminal, as CSV and as JSON.

use std::path::Path;

use serde::Serialize;

use super::charts::{DemandPoint, Look, demand};
use super::content::{Cell, Column, Depth, Figure, Head, Key, Manner, Parts, Section, Source, Status, Table};
use super::words::{self, outcome as origin, pretty, printable};
use super::{content, page, terminal};
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

impl<'a> Report<'a> {
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
        pretty(&Document {
            schema_version: SCHEMA_VERSION,
            scenario: &self.scenario.name,
            profile: &self.profile.name,
            target: self.target,
            answers: self.answers,
        })
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
        let summary = terminal::terminal(&self.content(), Depth::Summary, styled);
        format!("{summary}\n{}", terminal::written(directory, "search.html"))
    }

    /// As a page.
    pub fn html(&self) -> String {
        page::page(&self.content())
    }

    fn content(&self) -> content::Report<'a> {
        content::Report {
            title: format!("{}, searched – streamgauge", self.scenario.name),
            source: match self.target {
                "simulated" | "embedded" => Source::Model,
                "aws" => Source::Aws,
                _ => Source::Endpoint,
            },
            head: self.head(),
            sections: self.curve().into_iter().chain([self.trials()]).collect(),
            foot: vec![origin::written("search", SCHEMA_VERSION)],
            page_foot: "Beside this file: search.csv, search.json and the scenario.".to_owned(),
        }
    }

    fn head(&self) -> Head<'a> {
        let mut parts = Parts::default();
        for answer in self.answers {
            let (found, more) = answer_in_words(answer);
            let miss = nearest_miss(answer).map_or_else(String::new, |why| format!(" Just beyond it: {why}."));
            parts.in_manner(Depth::Summary, Manner::Verdict, found);
            parts.paragraph(Depth::Summary, format!("{more}{miss}"));
        }
        parts.note(Depth::Summary, self.tried());
        let subject = origin::of_profile(&self.disclaimer(), &self.profile.name);
        parts.in_manner(Depth::Summary, Manner::Subject, subject);
        Head {
            kicker: "streamgauge search".to_owned(),
            title: self.scenario.name.clone(),
            question: self.scenario.question.clone(),
            parts: parts.0,
            ..Head::default()
        }
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

    /// The demand curve, where there is more than one load.
    fn curve(&self) -> Option<Section<'a>> {
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
        let cell = |value: Option<f64>| words::count(value.map(|value| value as u64));
        let row = |point: &DemandPoint| {
            let found = point.found;
            let counts = [point.modelled, found.map(|f| f.1), found.map(|f| f.0), found.map(|f| f.2)].map(cell);
            std::iter::once(Rate(point.load).to_string()).chain(counts).map(Cell::from).collect::<Vec<_>>()
        };
        let columns = [
            Column::name("Load"),
            Column::number("Model"),
            Column::number("Median"),
            Column::number("Lowest"),
            Column::number("Highest"),
        ];
        let table = Table::new("Fewest shards by load", columns).rows(points.iter().map(row));
        let mut parts = Parts::default();
        parts.figure(Depth::Background, demand_curve(points));
        parts.table(Depth::Summary, table);
        Some(Section::new("demand-curve", "Demand curve", parts))
    }

    fn trials(&self) -> Section<'a> {
        let row = |(answer, trial): (&Answer, &Trial)| {
            let (word, why) = outcome(trial);
            let (status, mark) = match trial.outcome {
                TrialOutcome::Sustained => (Status::Good, "✓"),
                TrialOutcome::Missed { .. } => (Status::Bad, "✗"),
                TrialOutcome::Void { .. } => (Status::Unclear, "?"),
            };
            [
                (trial.repeat + 1).to_string().into(),
                answer.rate_of(trial.load).to_string().into(),
                units::count(trial.shards.into()).into(),
                Cell::status(status, format!("{mark} {word}")),
                why.into(),
            ]
        };
        let columns = [
            Column::name("Repeat"),
            Column::number("Load"),
            Column::number("Shards"),
            Column::words("Outcome"),
            Column::prose("Why"),
        ];
        let trials = self.answers.iter().flat_map(|answer| answer.trials.iter().map(move |trial| (answer, trial)));
        let mut parts = Parts::default();
        parts.paragraph(Depth::Report, "Each trial is a whole run, and sustains its load if it meets every objective.");
        parts.table(Depth::Report, Table::new("Every trial", columns).rows(trials.map(row)));
        Section::new("trials", "Trials", parts)
    }
}

fn demand_curve<'a>(points: Vec<DemandPoint>) -> Figure<'a> {
    let cell = |value: Option<f64>| words::count(value.map(|value| value as u64));
    let found = |point: &DemandPoint| {
        let (found, model) = (cell(point.found.map(|found| found.1)), cell(point.modelled));
        format!("{found} by trials and {model} by the model at {}", Rate(point.load))
    };
    let found: Vec<String> = points.iter().map(found).collect();
    let says = format!("Fewest shards by load. {}.", found.join("; "));
    let finding = says.clone();
    let caption = "Fewest shards (upwards) that sustain each load (to the right) within its objectives.";
    let draw = move || demand(&finding, "records per second, on average", &points, &|rate| units::number(rate));
    let trials = Look { color: 1, dash: 0, marker: Some(1) };
    Figure::new(says, caption, draw).keyed([
        Key::Line("shards by the model".to_owned(), Look { color: 0, dash: 0, marker: None }),
        Key::Line("shards by trials: the median of the seeds, and their range".to_owned(), trials),
    ])
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
fn answer_in_words(answer: &Answer) -> (String, String) {
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
