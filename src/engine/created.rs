//! What a run creates in an account and deletes again: streams and registered consumers. Each is noted in a small file before the call
//! that creates it is sent, and the file goes when the deletion is confirmed: what a program leaves behind that is killed can be found.
//!
//! The program that owns a file holds a lock on it: a file without a lock is of a program that is gone.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that costs money until it is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "resource", rename_all = "lowercase")]
pub enum Resource {
    /// A stream of the run.
    Stream {
        /// Its name.
        stream: String,
    },
    /// A consumer of enhanced fan-out, registered with a stream that is not the run's own.
    Consumer {
        /// Its name.
        consumer: String,
        /// The ARN of the stream.
        stream_arn: String,
    },
}

/// Where a resource is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The region.
    pub region: String,
    /// The URL of the service, if it is not AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The profile of the AWS configuration (`AWS_PROFILE`), if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// The content of a file: a resource that is there, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The version of this format.
    pub schema_version: u32,
    /// What it is.
    #[serde(flatten)]
    pub resource: Resource,
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// When it was about to be created: RFC 3339, UTC.
    pub created: String,
    /// The command of the AWS CLI that deletes it.
    pub delete: String,
}

impl Note {
    fn new(resource: &Resource, place: &Place) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            resource: resource.clone(),
            place: place.clone(),
            created: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            delete: command(resource, place),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream { stream } => write!(f, "the stream `{stream}`"),
            Self::Consumer { consumer, stream_arn } => write!(f, "the consumer `{consumer}` of {stream_arn}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Some(url) => write!(f, "at {url}"),
            None => write!(f, "in {}", self.region),
        }
    }
}

/// The command of the AWS CLI that deletes a resource.
fn command(resource: &Resource, place: &Place) -> String {
    let mut command = match resource {
        Resource::Stream { stream } => {
            format!("aws kinesis delete-stream --stream-name {} --enforce-consumer-deletion", word(stream))
        }
        Resource::Consumer { consumer, stream_arn } => format!(
            "aws kinesis deregister-stream-consumer --stream-arn {} --consumer-name {}",
            word(stream_arn),
            word(consumer)
        ),
    };
    command.push_str(&format!(" --region {}", word(&place.region)));
    for (option, value) in [("--endpoint-url", &place.endpoint), ("--profile", &place.profile)] {
        if let Some(value) = value {
            command.push_str(&format!(" {option} {}", word(value)));
        }
    }
    command
}

/// A word as shells read it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A resource that is still there, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The resource.
    pub note: Note,
    /// Why it was not deleted.
    pub why: String,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note { resource, place, delete, .. } = &self.note;
        let price = if place.endpoint.is_none() { ", and costs money until it is" } else { "; delete it by hand" };
        write!(f, "{resource} {place} was not deleted ({}){price}: {delete}", self.why)
    }
}

/// Takes words for people.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// What a run has created and not yet deleted.
#[derive(Clone)]
pub struct Created {
    shared: Arc<Shared>,
    /// Where the run creates; `None` in the embedded emulator, whose streams end with the program.
    place: Option<Place>,
}

struct Shared {
    directory: Option<PathBuf>,
    say: Say,
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    leftover: Leftover,
    /// The file, and the lock on it.
    file: Option<(PathBuf, File)>,
}

impl Created {
    /// Keeps files in `directory`, if there is one, and tells of what is created by `say`.
    pub fn new(directory: Option<PathBuf>, say: Say) -> Self {
        Self { shared: Arc::new(Shared { directory, say, entries: Mutex::default() }), place: None }
    }

    /// The same, for what is created at this place.
    pub fn at(&self, place: Option<Place>) -> Self {
        Self { shared: self.shared.clone(), place }
    }

    /// A resource is about to be created: says so, and notes it in a file.
    pub fn begin(&self, resource: &Resource) {
        let Some(place) = &self.place else { return };
        let note = Note::new(resource, place);
        let file = self.shared.directory.as_deref().map(|directory| keep(directory, &note));
        let kept = match &file {
            Some(Ok((path, _))) => format!("noted in `{}` until then", path.display()),
            Some(Err(problem)) => format!("{problem}; if this program is killed, delete it by: {}", note.delete),
            None => format!("if this program is killed, delete it by: {}", note.delete),
        };
        (self.shared.say)(&format!("creating {resource} {place}, to be deleted at the end of the run; {kept}"));
        let why = "this program ended before".to_owned();
        self.entries().push(Entry { leftover: Leftover { note, why }, file: file.and_then(Result::ok) });
    }

    /// A resource is deleted, or was never there: its file goes.
    pub fn gone(&self, resource: &Resource) {
        self.entries().retain_mut(|entry| {
            if entry.leftover.note.resource != *resource {
                return true;
            }
            if let Some((path, file)) = entry.file.take() {
                // Windows removes no file that is open.
                drop(file);
                if let Err(error) = fs::remove_file(&path) {
                    (self.shared.say)(&format!(
                        "{resource} is gone, and `{}` cannot be removed: {error}; remove it by hand",
                        path.display()
                    ));
                }
            }
            false
        });
    }

    /// A resource could not be deleted.
    pub fn left(&self, resource: &Resource, why: &str) {
        let mut entries = self.entries();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.leftover.note.resource == *resource) {
            why.clone_into(&mut entry.leftover.why);
        }
    }

    /// What is still there, or may be.
    pub fn remaining(&self) -> Vec<Leftover> {
        self.entries().iter().map(|entry| entry.leftover.clone()).collect()
    }

    /// A panic elsewhere does not make it worse.
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Created {
    /// Keeps no files, and tells nobody.
    fn default() -> Self {
        Self::new(None, Arc::new(|_| {}))
    }
}

impl fmt::Debug for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Created").field("place", &self.place).field("remaining", &self.remaining()).finish()
    }
}

/// Writes the file of a resource, as a whole or not at all; says what is wrong.
fn keep(directory: &Path, note: &Note) -> Result<(PathBuf, File), String> {
    let path = directory.join(file_name(&note.resource));
    let new = path.with_extension("new");
    let write = || -> io::Result<File> {
        fs::create_dir_all(directory)?;
        let mut file = File::create(&new)?;
        // Where a file system has no locks, the file is kept all the same.
        let _ = file.lock();
        file.write_all(&serde_json::to_vec_pretty(note)?)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        Ok(file)
    };
    match write() {
        Ok(file) => Ok((path, file)),
        Err(error) => Err(format!("this cannot be noted in `{}`: {error}", path.display())),
    }
}

/// Names of streams and consumers have no characters that a file cannot have.
fn file_name(resource: &Resource) -> String {
    let safe = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' }).collect()
    };
    match resource {
        Resource::Stream { stream } => format!("stream-{}.json", safe(stream)),
        Resource::Consumer { consumer, stream_arn } => {
            let stream = stream_arn.rsplit('/').next().unwrap_or_default();
            format!("consumer-{}-{}.json", safe(stream), safe(consumer))
        }
    }
}

/// The files that programs have left behind which are gone, and what they say; `None` for a file that cannot be read.
pub fn left_behind(directory: &Path) -> Vec<(PathBuf, Option<Note>)> {
    let Ok(files) = fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.into_iter().filter_map(|path| abandoned(&path).map(|note| (path, note))).collect()
}

/// What the file says, unless it is in use or gone.
fn abandoned(path: &Path) -> Option<Option<Note>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(_) => return Some(None),
    };
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut text = Vec::new();
    let read = file.take(LONGEST_NOTE).read_to_end(&mut text);
    Some(read.ok().and_then(|_| serde_json::from_slice(&text).ok()))
}

const SCHEMA_VERSION: u32 = 1;
/// More than the longest names take.
const LONGEST_NOTE: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn stream(name: &str) -> Resource {
        Resource::Stream { stream: name.to_owned() }
    }

    fn aws() -> Option<Place> {
        Some(Place { region: "eu-west-1".to_owned(), endpoint: None, profile: None })
    }

    /// What says its words into a list.
    fn created(directory: &Path) -> (Created, Arc<Mutex<Vec<String>>>) {
        let said = Arc::new(Mutex::new(Vec::new()));
        let list = said.clone();
        let say: Say = Arc::new(move |text: &str| list.lock().unwrap().push(text.to_owned()));
        (Created::new(Some(directory.join("state/created")), say).at(aws()), said)
    }

    #[test]
    fn what_is_created_is_said_and_noted_until_it_is_gone() {
        let directory = TempDir::new().unwrap();
        let notes = directory.path().join("state/created");
        let (created, said) = created(directory.path());
        created.begin(&stream("streamgauge-1-a"));
        let file = notes.join("stream-streamgauge-1-a.json");
        let note: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let delete =
            "aws kinesis delete-stream --stream-name streamgauge-1-a --enforce-consumer-deletion --region eu-west-1";
        assert_eq!((&note["resource"], &note["stream"]), (&"stream".into(), &"streamgauge-1-a".into()));
        assert_eq!((&note["region"], &note["schema_version"]), (&"eu-west-1".into(), &1.into()));
        assert_eq!(note["delete"], delete);
        assert!(note["created"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{note}");
        assert!(said.lock().unwrap()[0].starts_with("creating the stream `streamgauge-1-a` in eu-west-1"));
        assert!(left_behind(&notes).is_empty(), "its program is there");
        created.left(&stream("streamgauge-1-a"), "AccessDeniedException");
        let left = created.remaining();
        let words = left[0].to_string();
        assert!(words.contains("(AccessDeniedException)") && words.ends_with(delete), "{words}");
        created.gone(&stream("streamgauge-1-a"));
        assert!(!file.exists() && created.remaining().is_empty());
        assert_eq!(said.lock().unwrap().len(), 1);
    }

    #[test]
    fn what_a_program_left_that_is_gone_is_found() {
        let directory = TempDir::new().unwrap();
        let notes = directory.path().join("state/created");
        let (there, _) = created(directory.path());
        there.begin(&stream("streamgauge-1-a"));
        let (killed, _) = created(directory.path());
        let consumer = Resource::Consumer {
            consumer: "fast-1".to_owned(),
            stream_arn: "arn:aws:kinesis:eu-west-1:123456789012:stream/orders".to_owned(),
        };
        killed.begin(&consumer);
        // As when a process ends: its locks go, its files stay.
        drop(killed);
        fs::write(notes.join("stream-torn.json"), "{").unwrap();
        fs::write(notes.join("other.txt"), "").unwrap();
        let found = left_behind(&notes);
        assert_eq!(found.len(), 2, "{found:?}");
        let note = found[0].1.as_ref().unwrap();
        assert_eq!(note.resource, consumer);
        assert!(note.delete.starts_with("aws kinesis deregister-stream-consumer --stream-arn arn:aws"), "{note:?}");
        assert_eq!(found[1], (notes.join("stream-torn.json"), None));
        assert!(left_behind(&directory.path().join("none")).is_empty());
    }

    #[test]
    fn without_a_place_for_files_the_command_is_said() {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("state"), "no directory").unwrap();
        let (created, said) = created(directory.path());
        created.begin(&stream("streamgauge-1-a"));
        let words = said.lock().unwrap()[0].clone();
        assert!(words.contains("cannot be noted") && words.contains("aws kinesis delete-stream"), "{words}");
        assert_eq!(created.remaining().len(), 1, "it is known all the same");
    }

    #[test]
    fn the_embedded_emulator_takes_its_streams_along() {
        let directory = TempDir::new().unwrap();
        let (created, said) = created(directory.path());
        let created = created.at(None);
        created.begin(&stream("streamgauge-1-a"));
        created.left(&stream("streamgauge-1-a"), "no");
        assert!(created.remaining().is_empty() && said.lock().unwrap().is_empty());
    }

    #[test]
    fn commands_are_words_of_a_shell() {
        let place = Place {
            region: "us-east-1".into(),
            endpoint: Some("http://x/?a&b'c".into()),
            profile: Some("my team".into()),
        };
        let command = command(&stream("s"), &place);
        assert!(
            command.ends_with(r"--region us-east-1 --endpoint-url 'http://x/?a&b'\''c' --profile 'my team'"),
            "{command}"
        );
    }
}
