//! `streamgauge list`: the scenarios that are built in.

use serde::Serialize;

use super::init::SCHEMA_FILE;
use super::{Exit, fail, print};
use crate::cli::List;
use crate::kinesis::Profile;
use crate::scenario::{self, BUILT_IN, NOT_BUILT_IN};
use crate::units;

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    question: String,
    seconds: f64,
}

/// Lists what is built in, or prints the text of one.
pub fn list(arguments: &List) -> Exit {
    if let Some(name) = &arguments.name {
        return match scenario::built_in(name) {
            Some(text) => print(&own(text)).err().unwrap_or(Exit::Met),
            None => {
                let known = NOT_BUILT_IN.iter().find(|(other, _)| other == name);
                let why = known.map(|(_, why)| format!("`{name}` is not built in: {why}"));
                let near = scenario::nearest_built_in(name);
                let near = near.map(|near| format!("no scenario is called `{name}`; did you mean `{near}`?"));
                fail(&why.or(near).unwrap_or_else(|| {
                    format!("no scenario is called `{name}`; `streamgauge list` names those that are built in")
                }));
                Exit::BadInput
            }
        };
    }
    let listed = listed();
    let text = if arguments.json {
        serde_json::to_string_pretty(&listed).unwrap_or_default() + "\n"
    } else {
        let lines = listed.iter().map(|one| {
            let seconds = units::duration(std::time::Duration::from_secs_f64(one.seconds));
            format!("{:<20} {seconds:>8}  {}\n", one.name, one.question)
        });
        let rest = NOT_BUILT_IN.iter().map(|(name, why)| format!("{name} is not built in: {why}\n"));
        let how = "\nRun one by its name (streamgauge run quickstart), or save it and change it (streamgauge list quickstart > \
                   mine.toml).\n";
        lines.chain([how.to_owned()]).chain(rest).collect()
    };
    print(&text).err().unwrap_or(Exit::Met)
}

/// The text as a file of the user's own, with the schema beside it.
fn own(text: &str) -> String {
    text.replacen("#:schema ../docs/schema/scenario.json", &format!("#:schema ./{SCHEMA_FILE}"), 1)
}

fn listed() -> Vec<Listed> {
    let profile = Profile::newest();
    let one = |built_in: &scenario::BuiltIn| {
        // A test reads each of them.
        let scenario = scenario::parse(built_in.name.as_ref(), built_in.text, &[], &profile).ok()?;
        Some(Listed {
            name: built_in.name,
            question: scenario.question.unwrap_or_default(),
            seconds: scenario.load.duration.as_secs_f64(),
        })
    };
    BUILT_IN.iter().filter_map(one).collect()
}
