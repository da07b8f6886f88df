//! `streamgauge init`: a first scenario.

use std::fs::OpenOptions;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::path::Path;

use super::{Exit, fail, note, parse};
use crate::cli::{self, Answers, ConsumerAnswer, DeliveryAnswer, Init};
use crate::kinesis::Profile;
use crate::plan::predict;
use crate::prices::Prices;
use crate::report::printable;
use crate::scenario::{Draft, SCHEMA};
use crate::units::parse_duration;

/// The file beside a scenario by which editors complete it.
pub(super) const SCHEMA_FILE: &str = "streamgauge.schema.json";

/// Writes a first scenario.
pub fn init(arguments: &Init) -> Exit {
    let path = &arguments.path;
    if path.exists() && !arguments.force {
        fail(&format!("`{}` is there already: name another file, or write over it with --force", path.display()));
        return Exit::BadInput;
    }
    let asked = arguments.answers == Answers::default();
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let answers = match asked {
        true if terminal => match ask(&mut io::stdin().lock(), &mut io::stderr()) {
            Ok(answers) => answers,
            Err(problem) => {
                fail(&problem);
                return Exit::BadInput;
            }
        },
        true => {
            note("nobody to ask here, so that everything has its default; `streamgauge init --help` lists the options");
            Answers::default()
        }
        false => arguments.answers.clone(),
    };
    let text = match compose(&answers, path) {
        Ok(text) => text,
        Err(exit) => return exit,
    };
    write(path, &text, arguments.force)
}

/// The text of the scenario, which is a valid one.
fn compose(answers: &Answers, path: &Path) -> Result<String, Exit> {
    let profile = Profile::newest();
    // A name may hold anything; a comment ends with its line.
    let file = printable(&path.display().to_string());
    let mut draft = draft(answers);
    let text = |draft: &Draft| draft.text(&format!("./{SCHEMA_FILE}"), &file);
    let scenario = parse(path, &text(&draft), &[], &profile)?;
    if answers.shards.is_none() {
        draft.shards = predict(&scenario, &profile, &Prices::newest()).capacity.recommended_shards;
        draft.shards_note = "                    # as many as the plan recommends for this load";
        parse(path, &text(&draft), &[], &profile)?;
    }
    Ok(text(&draft))
}

fn draft(answers: &Answers) -> Draft {
    let default = Draft::default();
    let duration = answers.duration.clone().unwrap_or(default.duration);
    // A sixth of the load warms up, five seconds at most.
    let sixth = parse_duration(&duration).unwrap_or_default() / 6;
    let warm_up = if sixth.as_secs() >= 5 { default.warm_up } else { format!("{}ms", sixth.as_millis()) };
    let consumers = match answers.consumers.as_slice() {
        [] => default.consumers,
        given => given.iter().filter_map(|ConsumerAnswer(consumer)| consumer.clone()).collect(),
    };
    let (lag_p99, drain) = patience(&consumers);
    Draft {
        rate: answers.rate.clone().unwrap_or(default.rate),
        record_size: answers.record_size.clone().unwrap_or(default.record_size),
        keys: answers.keys.unwrap_or(default.keys),
        skew: answers.skew.unwrap_or(default.skew),
        shards: answers.shards.unwrap_or(default.shards),
        shards_note: default.shards_note,
        duration,
        warm_up,
        drain,
        consumers,
        throttled: answers.throttled.clone().unwrap_or(default.throttled),
        put_p99: answers.put_p99.clone().unwrap_or(default.put_p99),
        lag_p99: answers.lag_p99.clone().unwrap_or_else(|| lag_p99.to_owned()),
        delivery: answers.delivery.map_or(default.delivery, |delivery| delivery.word().to_owned()),
    }
}

/// The lag that the slowest of these consumers keeps with the settings that it has by default, and how long to wait for the last
/// records if that is long: Firehose delivers a buffer after a minute, the KCL looks for records every one and a half seconds,
/// an event source mapping every second.
fn patience(consumers: &[(String, String)]) -> (&'static str, Option<&'static str>) {
    let some = |kinds: &[&str]| consumers.iter().any(|(_, kind)| kinds.contains(&kind.as_str()));
    if some(&["firehose"]) {
        ("90s", Some("90s"))
    } else if some(&["kcl", "lambda"]) {
        ("3s", None)
    } else {
        ("1s", None)
    }
}

/// Asks for everything; an empty answer takes the default.
///
/// # Errors
/// The answers ended before the questions did.
fn ask(input: &mut impl BufRead, output: &mut impl Write) -> Result<Answers, String> {
    let default = Draft::default();
    let mut asking = Asking { input, output };
    asking.say("A first scenario. Enter takes what is in brackets.\n");
    let rate = asking.one("Records per second", &default.rate, cli::rate)?;
    let record_size = asking.one("Size of a record", &default.record_size, cli::size)?;
    let keys = asking.one("Partition keys", &default.keys.to_string(), |text| {
        let keys = text.replace('_', "").parse().ok().filter(|keys| (1..=1_000_000).contains(keys));
        keys.ok_or_else(|| "write a number from 1 to 1000000".to_owned())
    })?;
    let skew =
        asking.one("Skew of the keys, from 0 (none) over 1 (steep) to 10", &default.skew.to_string(), cli::skew)?;
    let shards = asking.one("Shards", "as the plan recommends", |text| match text {
        "as the plan recommends" => Ok(None),
        text => {
            let shards = text.parse().ok().filter(|shards| (1..=10_000).contains(shards));
            shards.map(Some).ok_or_else(|| "write a number from 1 to 10000, or nothing".to_owned())
        }
    })?;
    let consumers =
        asking.one("Consumers as NAME:TYPE, with commas between them, or none", "analytics:polling", |text| {
            text.split(',').map(str::parse).collect::<Result<Vec<ConsumerAnswer>, String>>()
        })?;
    let duration = asking.one("How long", &default.duration, cli::duration)?;
    let throttled = asking.one("Objective: attempts throttled at most", &default.throttled, cli::share)?;
    let put_p99 = asking.one("Objective: put response time, 99th percentile", &default.put_p99, cli::duration)?;
    let mut answers = Answers {
        rate: Some(rate),
        record_size: Some(record_size),
        keys: Some(keys),
        skew: Some(skew),
        shards,
        consumers,
        duration: Some(duration),
        throttled: Some(throttled),
        put_p99: Some(put_p99),
        lag_p99: None,
        delivery: None,
    };
    let consumers: Vec<(String, String)> = answers.consumers.iter().filter_map(|one| one.0.clone()).collect();
    if !consumers.is_empty() {
        let (lag_p99, _) = patience(&consumers);
        answers.lag_p99 = Some(asking.one("Objective: lag, 99th percentile", lag_p99, cli::duration)?);
        let delivery = asking.one("Objective: delivery", &default.delivery, |text| match text {
            "complete" => Ok(DeliveryAnswer::Complete),
            "exactly-once" => Ok(DeliveryAnswer::ExactlyOnce),
            _ => Err("write complete (duplicates are allowed) or exactly-once".to_owned()),
        })?;
        answers.delivery = Some(delivery);
    }
    Ok(answers)
}

struct Asking<'a, I, O> {
    input: &'a mut I,
    output: &'a mut O,
}

impl<I: BufRead, O: Write> Asking<'_, I, O> {
    fn say(&mut self, text: &str) {
        // Whoever does not see the question can still answer it.
        let _ = self.output.write_all(text.as_bytes());
        let _ = self.output.flush();
    }

    /// Asks until the answer can be read.
    fn one<T>(&mut self, question: &str, default: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
        loop {
            self.say(&format!("{question} [{default}]: "));
            let mut line = String::new();
            if !matches!(self.input.read_line(&mut line), Ok(1..)) {
                return Err(
                    "the answers ended before the questions, and nothing was written: answer all of them, or use \
                            options (streamgauge init --help)"
                        .to_owned(),
                );
            }
            let answer = line.trim();
            match read(if answer.is_empty() { default } else { answer }) {
                Ok(value) => return Ok(value),
                Err(problem) => self.say(&format!("  {problem}\n")),
            }
        }
    }
}

/// Writes the scenario, and beside it the schema if there is none.
fn write(path: &Path, text: &str, force: bool) -> Exit {
    let schema = path.with_file_name(SCHEMA_FILE);
    if let Err(error) = create(path, text, force) {
        fail(&format!("cannot write `{}`: {error}; name a file in a directory that can be written to", path.display()));
        return if error.kind() == ErrorKind::AlreadyExists { Exit::BadInput } else { Exit::NotWritten };
    }
    match create(&schema, SCHEMA, force) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            fail(&format!(
                "`{}` is written, but not its schema `{}`: {error}; `streamgauge schema` prints it",
                path.display(),
                schema.display()
            ));
            return Exit::NotWritten;
        }
        _ => {}
    }
    let file = path.display();
    note(&format!(
        "wrote `{file}`, and `{}` for editors\nnext: streamgauge plan {file}, then streamgauge run {file}",
        schema.display()
    ));
    Exit::Met
}

/// Writes a new file; with `force`, over one that is there.
fn create(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let options = if force { options.create(true).truncate(true) } else { options.create_new(true) };
    options.write(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answers: &str) -> (Result<Answers, String>, String) {
        let mut output = Vec::new();
        let answers = ask(&mut answers.as_bytes(), &mut output);
        (answers, String::from_utf8(output).unwrap())
    }

    #[test]
    fn empty_answers_are_the_defaults() {
        let (answers, _) = asked(&"\n".repeat(11));
        assert_eq!(draft(&answers.unwrap()), draft(&Answers::default()));
    }

    #[test]
    fn a_wrong_answer_is_asked_for_again() {
        let (answers, output) = asked("fast\n5/s\n\n\n\n\nnone\n10s\n\n\n");
        let answers = answers.unwrap();
        assert!(output.contains("  `fast` does not start with a number: write a rate with its unit"), "{output}");
        let draft = draft(&answers);
        assert_eq!((draft.rate.as_str(), draft.warm_up.as_str(), draft.consumers.len()), ("5/s", "1666ms", 0));
    }

    #[test]
    fn answers_that_end_write_nothing() {
        assert!(asked("5/s\n").0.unwrap_err().contains("nothing was written"));
    }

    #[test]
    fn a_draft_has_as_many_shards_as_the_plan_recommends() {
        let answers = Answers { rate: Some("3500/s".to_owned()), ..Answers::default() };
        let text = compose(&answers, Path::new("first.toml")).unwrap();
        let scenario = crate::scenario::parse(Path::new("first.toml"), &text, &[], &Profile::newest()).unwrap();
        let plan = predict(&scenario, &Profile::newest(), &Prices::newest());
        assert!(plan.capacity.recommended_shards == scenario.stream.shards && scenario.stream.shards > 3, "{text}");
    }
}
