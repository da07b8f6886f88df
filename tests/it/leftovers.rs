//! Signals at every step of a run leave no stream and no registered consumer behind, or it is said. The runs are processes of their
//! own, against an emulator that is another, and whose faults make calls take long.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::ConsumerStatus;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::emulator::EmulatorProcess;

/// It goes on until it is stopped.
const ENDLESS: &str =
    "[load]\nrate = \"50/s\"\nduration = \"1000s\"\nlateness_bound = \"100s\"\n[records]\nsize = \"100 B\"\n";
const SHORT: &str =
    "[load]\nrate = \"50/s\"\nduration = \"1s\"\nlateness_bound = \"100s\"\n[records]\nsize = \"100 B\"\n";
const POLLER: &str = "[[consumer]]\nname = \"poller\"\ntype = \"polling\"\ninterval = \"1s\"\n";
const PUSHED: &str = "[[consumer]]\nname = \"pushed\"\ntype = \"efo\"\n";
const OWN: &str = "[stream]\nshards = 1\n";
const ORDERS: &str = "[stream]\nname = \"orders\"\nshards = 1\n";
/// Until a test gives up that has failed.
const PATIENCE: Duration = Duration::from_secs(300);
const CTRL_C: &str = "INT";

/// A run against an emulator; it is killed when it is dropped.
struct Running {
    process: Child,
    errors: Option<BufReader<ChildStderr>>,
    directory: TempDir,
    said: String,
}

impl Running {
    fn start(emulator: &EmulatorProcess, scenario: &str) -> Self {
        Self::start_as(emulator, scenario, &mut Command::new(env!("CARGO_BIN_EXE_streamgauge")))
    }

    fn start_as(emulator: &EmulatorProcess, scenario: &str, program: &mut Command) -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("run.toml"), scenario).unwrap();
        let mut process = program
            .args(["run", "run.toml", "--progress", "json", "--out", "result", "--target", &emulator.url])
            .current_dir(directory.path())
            .env_remove("RUST_LOG")
            .env("STREAMGAUGE_STATE_DIR", directory.path().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = process.stderr.take().map(BufReader::new);
        Self { process, errors, directory, said: String::new() }
    }

    /// Waits for words on stderr.
    fn says(&mut self, words: &str) {
        while !self.said.contains(words) {
            let read = self.errors.as_mut().unwrap().read_line(&mut self.said).unwrap();
            assert!(read > 0, "it ended without `{words}`: {}", self.said);
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it ends; gives its exit code and what it said.
    fn ended(&mut self) -> (Option<i32>, String) {
        self.errors.as_mut().unwrap().read_to_string(&mut self.said).unwrap();
        (self.process.wait().unwrap().code(), self.said.clone())
    }

    /// The files that name what it has created and not deleted.
    fn notes(&self) -> Vec<PathBuf> {
        let Ok(files) = fs::read_dir(self.directory.path().join("state/created")) else { return Vec::new() };
        files.map(|file| file.unwrap().path()).collect()
    }

    fn result(&self) -> PathBuf {
        self.directory.path().join("result/result.json")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Names and states of the streams.
fn streams(emulator: &EmulatorProcess) -> Vec<(String, String)> {
    let state: Value = serde_json::from_str(&emulator.get("/state").1).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let streams = state["streams"].as_array().unwrap().iter();
    streams.map(|stream| (text(&stream["name"]), text(&stream["status"]))).collect()
}

/// Asks until it is so.
fn until(what: &str, so: impl Fn() -> bool) {
    let given_up = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < given_up, "{what}: it is never so");
    }
}

fn delay(operation: &str, delay: &str) -> String {
    format!("[{{\"kind\": \"delay\", \"delay\": \"{delay}\", \"operations\": [\"{operation}\"]}}]")
}

/// All that a signal must not leave: a stream, a note; whatever the run was doing.
fn left_nothing(emulator: &EmulatorProcess, run: &mut Running, expected: i32) -> String {
    let (code, said) = run.ended();
    assert_eq!(code, Some(expected), "{said}");
    until("the stream is gone", || streams(emulator).iter().all(|(name, _)| !name.starts_with("streamgauge-")));
    assert!(run.notes().is_empty(), "{:?}", run.notes());
    said
}

#[test]
fn a_signal_while_create_stream_is_under_way_leaves_no_stream() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    emulator.put_faults(&delay("CreateStream", "1s"));
    for signal in ["INT", "TERM", "QUIT", "HUP"] {
        let mut run = Running::start(&emulator, &format!("{OWN}{ENDLESS}"));
        run.says("creating the stream `streamgauge-");
        assert_eq!(run.notes().len(), 1, "it is noted before the call");
        // The stream is there, and the run does not know it yet.
        until("the stream is there", || !streams(&emulator).is_empty());
        run.signal(signal);
        let said = left_nothing(&emulator, &mut run, 3);
        assert!(said.contains("stopping: waiting") && said.contains("nothing was measured"), "{signal}: {said}");
    }
}

#[test]
fn a_signal_before_a_stream_is_there_creates_none_that_stays() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    let mut run = Running::start(&emulator, &format!("{OWN}{ENDLESS}"));
    // Signals are listened for before it is said what is run.
    run.says("\"kind\":\"start\"");
    run.signal("TERM");
    left_nothing(&emulator, &mut run, 3);
}

#[test]
fn a_signal_while_the_stream_is_creating_waits_until_it_can_be_deleted() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0.05"]);
    let mut run = Running::start(&emulator, &format!("{OWN}{ENDLESS}"));
    until("CREATING", || streams(&emulator).iter().any(|(_, status)| status == "CREATING"));
    run.signal(CTRL_C);
    left_nothing(&emulator, &mut run, 3);
}

#[test]
fn an_answer_to_create_stream_that_is_lost_leaves_no_stream() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    let unanswered = r#"[{"kind": "internal-failure", "operations": ["DescribeStreamSummary"]}]"#;
    emulator.put_faults(unanswered);
    let mut run = Running::start(&emulator, &format!("{OWN}{ENDLESS}"));
    until("the stream is there", || !streams(&emulator).is_empty());
    run.signal(CTRL_C);
    left_nothing(&emulator, &mut run, 3);
}

#[test]
fn a_signal_while_load_is_offered_keeps_the_result_and_no_stream() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    for signal in ["HUP", "QUIT"] {
        let mut run = Running::start(&emulator, &format!("{OWN}{ENDLESS}{POLLER}{PUSHED}"));
        run.says("\"phase\":\"load\"");
        run.signal(signal);
        let said = left_nothing(&emulator, &mut run, 3);
        assert!(run.result().exists(), "{signal}: {said}");
    }
}

#[test]
fn a_terminal_that_closes_and_sends_its_signal_twice_ends_the_run_in_good_order() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    let mut run = Running::start(&emulator, &format!("{OWN}{ENDLESS}{POLLER}"));
    run.says("\"phase\":\"load\"");
    emulator.put_faults(&delay("DeleteStream", "1s"));
    run.signal("HUP");
    run.says("stopping: waiting");
    // Nobody reads any longer what it says.
    drop(run.errors.take());
    run.signal("HUP");
    assert_eq!(run.process.wait().unwrap().code(), Some(3));
    assert!(streams(&emulator).is_empty() && run.notes().is_empty() && run.result().exists());
}

#[test]
fn a_second_signal_ends_the_program_at_once_and_says_what_is_left() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    let mut run = Running::start(&emulator, &format!("{OWN}{ENDLESS}"));
    run.says("\"phase\":\"load\"");
    emulator.put_faults(&delay("DeleteStream", "20s"));
    run.signal(CTRL_C);
    run.says("again to give up");
    run.signal("QUIT");
    let (code, said) = run.ended();
    assert_eq!(code, Some(131), "{said}");
    let name = streams(&emulator).first().map(|(name, _)| name.clone());
    let notes = run.notes();
    assert_eq!(notes.len(), 1);
    let note: Value = serde_json::from_slice(&fs::read(&notes[0]).unwrap()).unwrap();
    assert!(name.is_none_or(|name| note["stream"] == name.as_str()));
    let delete = note["delete"].as_str().unwrap();
    assert!(said.contains("was not deleted") && said.contains(delete), "{said}");
    assert!(delete.ends_with(&format!("--region us-east-1 --endpoint-url {}", emulator.url)), "{delete}");
}

#[test]
fn a_stream_that_cannot_be_deleted_has_an_exit_code_of_its_own() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    emulator.put_faults(r#"[{"kind": "expired-credentials", "operations": ["DeleteStream"]}]"#);
    let mut run = Running::start(&emulator, &format!("{OWN}{SHORT}"));
    let (code, said) = run.ended();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("\"outcome\":\"not-deleted\"") && said.contains("ExpiredToken"), "{said}");
    assert!(said.contains("aws kinesis delete-stream --stream-name streamgauge-"), "{said}");
    assert!(run.result().exists(), "the run itself went well");
    assert_eq!((streams(&emulator).len(), run.notes().len()), (1, 1));
    // The next run says so, too.
    let next = next_run(run.directory.path());
    let name = &streams(&emulator)[0].0;
    assert!(next.contains(&format!("warning: the stream `{name}` at {}", emulator.url)), "{next}");
}

#[test]
fn what_a_killed_run_leaves_is_mentioned_and_what_a_living_one_has_is_not() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    let mut run = Running::start(&emulator, &format!("{OWN}{ENDLESS}"));
    run.says("\"phase\":\"load\"");
    assert!(!next_run(run.directory.path()).contains("warning: the stream"), "its run goes on");
    run.signal("KILL");
    run.ended();
    assert_eq!(run.notes().len(), 1);
    let next = next_run(run.directory.path());
    assert!(next.contains("warning: the stream `streamgauge-") && next.contains("aws kinesis delete-stream"), "{next}");
}

/// What a run on the embedded emulator says that has the same directory of states.
fn next_run(directory: &Path) -> String {
    fs::write(directory.join("next.toml"), format!("{OWN}{SHORT}")).unwrap();
    let name = format!("next-{}", fs::read_dir(directory).unwrap().count());
    let output = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
        .args(["run", "next.toml", "--out", &name])
        .current_dir(directory)
        .env("STREAMGAUGE_STATE_DIR", directory.join("state"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

/// A stream of somebody else's, and how the run sees it.
async fn others_stream(emulator: &EmulatorProcess) -> (Client, String) {
    let client = emulator.client().await;
    client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
    until("ACTIVE", || streams(emulator).iter().any(|(_, status)| status == "ACTIVE"));
    let answer = client.describe_stream_summary().stream_name("orders").send().await.unwrap();
    (client, answer.stream_description_summary.unwrap().stream_arn)
}

/// Asks for the registered consumers until they are so.
async fn until_consumers(client: &Client, stream_arn: &str, so: impl Fn(&[ConsumerStatus]) -> bool) {
    let given_up = Instant::now() + PATIENCE;
    loop {
        // The quota of the call is for others, too: an answer may be that it is used up.
        if let Ok(answer) = client.list_stream_consumers().stream_arn(stream_arn).send().await {
            let status: Vec<ConsumerStatus> = answer.consumers().iter().map(|c| c.consumer_status().clone()).collect();
            if so(&status) {
                return;
            }
        }
        assert!(Instant::now() < given_up, "the consumers are never so");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_a_consumer_is_registered_leaves_none_with_a_stream_of_others() {
    let on_orders = format!("{ORDERS}{ENDLESS}{PUSHED}");
    for (transitions, faults) in [("0", delay("RegisterStreamConsumer", "1s")), ("0.2", "[]".to_owned())] {
        let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", transitions]);
        let (client, arn) = others_stream(&emulator).await;
        emulator.put_faults(&faults);
        let mut run = Running::start(&emulator, &on_orders);
        let known = [ConsumerStatus::Creating, ConsumerStatus::Active];
        until_consumers(&client, &arn, |there| there.iter().any(|status| known.contains(status))).await;
        assert_eq!(run.notes().len(), 1, "it is noted before the call");
        run.signal(CTRL_C);
        let (code, said) = run.ended();
        assert_eq!(code, Some(3), "{said}");
        until_consumers(&client, &arn, <[_]>::is_empty).await;
        assert!(run.notes().is_empty());
        assert_eq!(streams(&emulator), [("orders".to_owned(), "ACTIVE".to_owned())], "the stream is not the run's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_a_consumer_or_a_stream_is_being_deleted_changes_nothing() {
    for (operation, scenario) in [
        ("DeleteStream", format!("{OWN}{SHORT}{PUSHED}")),
        ("DeregisterStreamConsumer", format!("{ORDERS}{SHORT}{PUSHED}")),
    ] {
        let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
        let (client, arn) = others_stream(&emulator).await;
        emulator.put_faults(&delay(operation, "1s"));
        let mut run = Running::start(&emulator, &scenario);
        run.says("\"phase\":\"load\"");
        let own = || streams(&emulator).iter().any(|(name, status)| name != "orders" && status == "ACTIVE");
        if operation == "DeleteStream" {
            until("the stream is deleted", || !own());
        } else {
            until_consumers(&client, &arn, <[_]>::is_empty).await;
        }
        run.signal(CTRL_C);
        let (code, said) = run.ended();
        assert_eq!(code, Some(0), "{said}");
        assert!(run.notes().is_empty() && run.result().exists());
        assert_eq!(streams(&emulator), [("orders".to_owned(), "ACTIVE".to_owned())]);
    }
}

/// Only Linux tells that a signal is ignored.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_is_to_outlive_its_terminal_does() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_streamgauge")]);
    let mut run = Running::start_as(&emulator, &format!("{OWN}{SHORT}"), &mut shell);
    run.says("\"phase\":\"load\"");
    run.signal("HUP");
    let said = left_nothing(&emulator, &mut run, 0);
    assert!(!said.contains("stopping: waiting"), "{said}");
}

#[test]
fn a_search_on_a_target_leaves_nothing_either() {
    let emulator = EmulatorProcess::start(&["--latency", "none", "--transitions", "0"]);
    emulator.put_faults(&delay("CreateStream", "1s"));
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("run.toml"), format!("{OWN}{SHORT}")).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
        .args(["search", "run.toml", "--out", "result", "--target", &emulator.url])
        .current_dir(directory.path())
        .env("STREAMGAUGE_STATE_DIR", directory.path().join("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the stream is there", || !streams(&emulator).is_empty());
    let sent = Command::new("kill").args(["-s", "HUP", &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut said = String::new();
    process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(3), "{said}");
    assert!(streams(&emulator).is_empty(), "{said}");
    assert_eq!(fs::read_dir(directory.path().join("state/created")).unwrap().count(), 0);
}
