//! A first scenario, written for people who go on from it.

use std::fmt::Write as _;

/// What a first scenario says. Quantities are texts with their units, as in a scenario; [`super::parse`] judges them.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Records per second.
    pub rate: String,
    /// Size of a record.
    pub record_size: String,
    /// Number of partition keys.
    pub keys: u64,
    /// Exponent of the Zipf distribution over keys; 0 makes them equally likely.
    pub skew: f64,
    /// Number of shards.
    pub shards: u32,
    /// Where the number of shards comes from, as a comment.
    pub shards_note: &'static str,
    /// How long load is offered.
    pub duration: String,
    /// The first part of it, which is not judged.
    pub warm_up: String,
    /// How long answers and consumers are waited for afterwards, if the default is too short.
    pub drain: Option<&'static str>,
    /// Name and type of each consumer.
    pub consumers: Vec<(String, String)>,
    /// Highest share of attempts that may be throttled.
    pub throttled: String,
    /// Highest 99th percentile of the put response time.
    pub put_p99: String,
    /// Highest 99th percentile of the lag.
    pub lag_p99: String,
    /// What the delivery check demands.
    pub delivery: String,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            rate: "1000/s".to_owned(),
            record_size: "1 KiB".to_owned(),
            keys: 10_000,
            skew: 0.6,
            shards: 1,
            shards_note: "",
            duration: "30s".to_owned(),
            warm_up: "5s".to_owned(),
            drain: None,
            consumers: vec![("analytics".to_owned(), "polling".to_owned())],
            throttled: "0.1%".to_owned(),
            put_p99: "250ms".to_owned(),
            lag_p99: "1s".to_owned(),
            delivery: "exactly-once".to_owned(),
        }
    }
}

impl Draft {
    /// The text of the scenario; `schema` is where editors find its schema, and `file` what commands call it.
    pub fn text(&self, schema: &str, file: &str) -> String {
        let mut out = String::new();
        self.write_head(&mut out, schema, file);
        self.write_load(&mut out);
        self.write_readers(&mut out);
        out
    }

    // Writing to a string cannot fail.
    fn write_head(&self, out: &mut String, schema: &str, file: &str) {
        let question = format!("Does the stream carry {} of {}?", self.rate, self.record_size);
        let _ = write!(
            out,
            "#:schema {schema}\n\
             # streamgauge plan {file}       what the model predicts: shards, utilisation, lag, cost\n\
             # streamgauge simulate {file}   the same in virtual time, in less than a second\n\
             # streamgauge run {file}        measured against the embedded emulator; --target aws for your account\n\
             #\n\
             # Quantities carry their units. What is commented out shows what else there is.\n\
             \n\
             question = {question}\n\
             seed = 1                      # the same seed offers the same records\n\
             \n\
             [stream]\n\
             mode = \"provisioned\"          # or \"on-demand\"\n\
             shards = {shards}{note}\n\
             # name = \"orders\"             # use this stream; without it, the run creates its own and deletes it\n",
            question = quoted(&question),
            shards = self.shards,
            note = self.shards_note,
        );
    }

    fn write_load(&self, out: &mut String) {
        let keys = if self.skew > 0.0 {
            format!(
                "distribution = \"zipf\"         # the key of rank r has the weight r^-exponent; 0 is even, 1 is steep\n\
                 count = {}\n\
                 exponent = {:?}\n",
                self.keys, self.skew
            )
        } else {
            format!(
                "distribution = \"uniform\"      # all keys are equally likely; \"zipf\" with an exponent makes some hot\n\
                 count = {}\n",
                self.keys
            )
        };
        let _ = write!(
            out,
            "\n\
             [load]\n\
             rate = {rate}\n\
             duration = {duration}\n\
             warm_up = {warm_up}                # sent, and not judged\n\
             {drain}\
             # arrivals = \"poisson\"        # by chance, with this mean; without it, evenly spaced\n\
             \n\
             [records]\n\
             size = {size}\n\
             # size = {{ distribution = \"lognormal\", median = \"800 B\", p99 = \"3 KiB\" }}\n\
             \n\
             [keys]\n\
             {keys}\
             \n\
             [producer]\n\
             batch_records = 500           # records of a call, at most\n\
             linger = \"50ms\"               # how long a record waits for its batch\n\
             retry = {{ policy = \"exponential\", base = \"50ms\", cap = \"2s\", attempts = 10 }}\n",
            rate = quoted(&self.rate),
            duration = quoted(&self.duration),
            warm_up = quoted(&self.warm_up),
            drain = self.drain.map_or_else(String::new, |drain| {
                format!("drain = {:<22}# wait until the last buffers have come in\n", quoted(drain))
            }),
            size = quoted(&self.record_size),
        );
    }

    fn write_readers(&self, out: &mut String) {
        for (name, kind) in &self.consumers {
            let about = match kind.as_str() {
                "polling" => "GetRecords, sharing the read capacity of each shard",
                "efo" => "enhanced fan-out, with read capacity of its own",
                "kcl" => "the Kinesis Client Library",
                "lambda" => "an event source mapping",
                "firehose" => "delivered in buffers",
                _ => "",
            };
            let (name, kind) = (quoted(name), quoted(kind));
            let _ = write!(out, "\n[[consumer]]\nname = {name}\ntype = {kind:<22} # {about}\n");
        }
        let _ = write!(
            out,
            "\n\
             [slo]                         # what counts as good: the exit code tells whether it is met\n\
             throttled = {:<18}# attempts that may be throttled\n\
             put_p99 = {:<20}# from the moment a record was due to its acknowledgement\n",
            quoted(&self.throttled),
            quoted(&self.put_p99)
        );
        if !self.consumers.is_empty() {
            let _ = write!(
                out,
                "lag_p99 = {:<20}# from the moment a record was due until a consumer has it\n\
                 delivery = {:<19}# or \"complete\": nothing lost, duplicates allowed\n",
                quoted(&self.lag_p99),
                quoted(&self.delivery)
            );
        }
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::kinesis::Profile;
    use crate::scenario::parse;

    #[test]
    fn a_draft_is_a_scenario() {
        let few = Draft { consumers: Vec::new(), skew: 0.0, ..Draft::default() };
        let kinds = ["polling", "efo", "kcl", "lambda", "firehose"];
        let many = kinds.map(|kind| (kind.to_owned(), kind.to_owned())).to_vec();
        for draft in [Draft::default(), few, Draft { consumers: many, ..Draft::default() }] {
            let text = draft.text("./streamgauge.schema.json", "first.toml");
            assert!(text.starts_with("#:schema ./streamgauge.schema.json\n"));
            let scenario = parse(Path::new("first.toml"), &text, &[], &Profile::newest());
            let scenario = scenario.unwrap_or_else(|diagnostics| panic!("{text}\n{}", diagnostics.render(false)));
            assert_eq!(scenario.consumers.len(), draft.consumers.len());
        }
        insta::assert_snapshot!(Draft::default().text("./streamgauge.schema.json", "first.toml"));
    }

    #[test]
    fn what_people_write_stays_what_it_is() {
        let draft = Draft { rate: "1/s\"\n[evil]\nx = \"".to_owned(), ..Draft::default() };
        let text = draft.text("./streamgauge.schema.json", "first.toml");
        let problems = parse(Path::new("first.toml"), &text, &[], &Profile::newest()).unwrap_err();
        let messages: Vec<&str> = problems.problems().iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(messages, ["`load.rate` must be a rate"]);
    }
}
