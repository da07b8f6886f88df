//! The directory of a run: written as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process;

use super::{RunResult, SCHEMA_VERSION};

/// The files of a run, beside `result.json`: name and content.
pub type Files = Vec<(String, Vec<u8>)>;

/// The directory of a run that is under way: what is written goes into a hidden directory beside it, which gets its name when
/// all files are safely on the disk.
#[derive(Debug)]
pub struct NewDirectory {
    directory: PathBuf,
    staging: PathBuf,
    /// The directories above it that were not there before, the deepest first.
    made: Vec<PathBuf>,
}

/// The result could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{what} `{}`: {source}", path.display())]
pub struct WriteError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Why a result could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not there or cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a result.
    #[error("`{}` is not a result of streamgauge: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The file tells of a time that no run lasts.
    #[error("`{}` tells of second {second} of a run, which is read of a year at most: the file is damaged", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The last second in it.
        second: u64,
    },
    /// The file was written by a newer version.
    #[error("`{}` has schema version {found}, this version reads up to {SCHEMA_VERSION}; use a newer streamgauge", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

impl NewDirectory {
    /// Makes the place for the directory `directory` of a run, before the run: a result that cannot be kept is not worth an
    /// hour of load.
    ///
    /// # Errors
    /// The directory exists, or its parent cannot be created or written to.
    pub fn create(directory: &Path) -> Result<Self, WriteError> {
        let Some(name) = directory.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            return Err(fail("cannot create", directory)(io::ErrorKind::InvalidInput.into()));
        };
        if directory.exists() {
            return Err(fail("cannot replace", directory)(io::ErrorKind::AlreadyExists.into()));
        }
        let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let made: Vec<PathBuf> = directory.ancestors().skip(1).take_while(missing).map(Path::to_owned).collect();
        if let Some(parent) = made.first() {
            fs::create_dir_all(parent).map_err(fail("cannot create", parent))?;
        }
        // Two runs with the same name do not write into each other's files.
        let staging = directory.with_file_name(format!(".{name}.{}.partial", process::id()));
        // Made before it is known whether it can be: what it leaves behind goes with it.
        let place = Self { directory: directory.to_owned(), staging, made };
        fs::create_dir(&place.staging).map_err(fail("cannot create", &place.staging))?;
        Ok(place)
    }

    /// Writes a run, and gives the directory its name.
    ///
    /// # Errors
    /// A file cannot be written, or something else has taken the name. What was written is kept: [`Self::staging`] says where.
    pub fn write(&self, result: &RunResult, files: &Files) -> Result<(), WriteError> {
        write_result(&self.staging, result)?;
        self.write_files(files)
    }

    /// Writes files that are no run, and gives the directory its name.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_files(&self, files: &Files) -> Result<(), WriteError> {
        write_all(&self.staging, files)?;
        if self.directory.exists() {
            return Err(fail("cannot replace", &self.directory)(io::ErrorKind::AlreadyExists.into()));
        }
        fs::rename(&self.staging, &self.directory).map_err(fail("cannot create", &self.directory))
    }

    /// Where files are until the directory has its name.
    pub fn staging(&self) -> &Path {
        &self.staging
    }
}

impl Drop for NewDirectory {
    /// A run that did not come to a result leaves nothing; files that were written stay, since only an empty directory goes.
    fn drop(&mut self) {
        for empty in std::iter::once(&self.staging).chain(&self.made) {
            let _ = fs::remove_dir(empty);
        }
    }
}

/// Reads the `result.json` of a run directory.
///
/// # Errors
/// It is missing, no result, or newer than this version.
pub fn read(directory: &Path) -> Result<RunResult, ReadError> {
    read_file(&directory.join("result.json"))
}

/// Reads a result, whatever its file is called.
///
/// # Errors
/// As [`read`].
pub fn read_file(path: &Path) -> Result<RunResult, ReadError> {
    let path = path.to_owned();
    let text = fs::read(&path).map_err(|source| ReadError::Io { path: path.clone(), source })?;
    let found = match serde_json::from_slice::<RunResult>(&text) {
        Ok(result) if result.schema_version <= SCHEMA_VERSION => match last_second(&result) {
            second if second > MOST_SECONDS => return Err(ReadError::TooLong { path, second }),
            _ => return Ok(result),
        },
        Ok(result) => result.schema_version,
        Err(source) => match newer_version(&text) {
            Some(found) => found,
            None => return Err(ReadError::Json { path, source }),
        },
    };
    Err(ReadError::TooNew { path, found })
}

/// The longest run that a result is read of: a year. What is shown second by second would have no end otherwise.
const MOST_SECONDS: u64 = 31_536_000;

/// The last second that a result has something of.
fn last_second(result: &RunResult) -> u64 {
    let measurement = &result.measurement;
    let reading = measurement.consumers.iter().flat_map(|consumer| {
        let lags = consumer.lag_intervals.iter().map(|(second, _)| *second);
        lags.chain(consumer.throttled_seconds.iter().chain(&consumer.behind).map(|(second, _)| *second))
    });
    let generator = measurement.generator.iter().flat_map(|generator| &generator.seconds).map(|health| health.second);
    let puts = measurement.intervals.iter().map(|interval| interval.second);
    puts.chain(reading).chain(generator).chain([result.load_ended.second()]).max().unwrap_or(0)
}

/// The version of a result that this version of the program does not know.
fn newer_version(text: &[u8]) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema_version: u32,
    }
    let version = serde_json::from_slice::<Version>(text).ok()?.schema_version;
    (version > SCHEMA_VERSION).then_some(version)
}

/// Writes files into a directory, which is created if it is not there. Each file is replaced as a whole or not at all.
///
/// # Errors
/// The directory cannot be created, or a file cannot be written.
pub fn write_into(directory: &Path, files: &Files) -> Result<(), WriteError> {
    fs::create_dir_all(directory).map_err(fail("cannot create", directory))?;
    for (name, content) in files {
        let path = directory.join(name);
        let partial = directory.join(format!(".{name}.{}.partial", process::id()));
        write_file(&partial, |file| file.write_all(content))?;
        fs::rename(&partial, &path).map_err(fail("cannot write", &path))?;
    }
    Ok(())
}

fn write_result(staging: &Path, result: &RunResult) -> Result<(), WriteError> {
    // Streamed: as one value in memory, the seconds of thousands of shards are gigabytes.
    write_file(&staging.join("result.json"), |file| Ok(serde_json::to_writer(file, result)?))
}

fn write_all(staging: &Path, files: &Files) -> Result<(), WriteError> {
    for (name, content) in files {
        write_file(&staging.join(name), |file| file.write_all(content))?;
    }
    Ok(())
}

/// Creates a file and waits until its content is on the disk.
fn write_file(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), WriteError> {
    let written = File::create(path).and_then(|file| {
        let mut buffered = BufWriter::new(file);
        fill(&mut buffered)?;
        buffered.into_inner()?.sync_all()
    });
    written.map_err(fail("cannot write", path))
}

fn fail(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError { what, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_as_a_whole_and_leave_nothing_beside_them() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/b");
        for content in ["first", "second"] {
            write_into(&directory, &vec![("x.txt".to_owned(), content.into())]).unwrap();
            assert_eq!(fs::read_to_string(directory.join("x.txt")).unwrap(), content);
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    }

    #[test]
    fn a_newer_result_is_refused_even_if_its_shape_is_unknown_and_others_say_what_is_wrong() {
        let root = tempfile::tempdir().unwrap();
        let read_text = |text: &str| {
            fs::write(root.path().join("result.json"), text).unwrap();
            read(root.path()).unwrap_err().to_string()
        };
        assert!(read_text("{\"schema_version\":99,\"all\":\"new\"}").contains("schema version 99"));
        assert!(read_text("{\"schema_version\":1}").contains("missing field"));
        assert!(read_text("not JSON").contains("is not a result of streamgauge"));
        assert!(read(&root.path().join("none")).unwrap_err().to_string().contains("cannot read"));
    }

    #[test]
    fn a_run_without_a_result_leaves_no_directory_that_it_made() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("mine")).unwrap();
        let place = NewDirectory::create(&root.path().join("mine/a/b/run")).unwrap();
        assert!(place.staging().exists());
        drop(place);
        let left: Vec<_> = fs::read_dir(root.path().join("mine")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(root.path().join("mine").exists());
    }
}
