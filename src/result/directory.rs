//! The directory of a run: written as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::{RunResult, SCHEMA_VERSION};

/// The files of a run, beside `result.json`: name and content.
pub type Files = Vec<(String, Vec<u8>)>;

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
    /// The file was written by a newer version.
    #[error("`{}` has schema version {found}, this version reads up to {SCHEMA_VERSION}; use a newer streamgauge", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// Writes a run into the new directory `directory`, atomically: all files go into a hidden directory beside it, which is
/// renamed when they are safely on the disk.
///
/// # Errors
/// A file cannot be written, or the directory exists; what was written until then is kept in the hidden directory only if
/// it cannot be removed.
pub fn write(directory: &Path, result: &RunResult, files: &Files) -> Result<(), WriteError> {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let staging = directory.with_file_name(format!(".{name}.partial"));
    let written = write_all(&staging, result, files).and_then(|()| {
        if directory.exists() {
            return Err(fail("cannot replace", directory)(io::ErrorKind::AlreadyExists.into()));
        }
        fs::rename(&staging, directory).map_err(fail("cannot create", directory))
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_dir_all(&staging);
    }
    written
}

/// Reads the `result.json` of a run directory.
///
/// # Errors
/// It is missing, no result, or newer than this version.
pub fn read(directory: &Path) -> Result<RunResult, ReadError> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema_version: u32,
    }
    let path = directory.join("result.json");
    let text = fs::read_to_string(&path).map_err(|source| ReadError::Io { path: path.clone(), source })?;
    let json = |source| ReadError::Json { path: path.clone(), source };
    let found = serde_json::from_str::<Version>(&text).map_err(json)?.schema_version;
    if found > SCHEMA_VERSION {
        return Err(ReadError::TooNew { path, found });
    }
    serde_json::from_str(&text).map_err(json)
}

fn write_all(staging: &Path, result: &RunResult, files: &Files) -> Result<(), WriteError> {
    fs::create_dir_all(staging).map_err(fail("cannot create", staging))?;
    // Streamed: as one value in memory, the seconds of thousands of shards are gigabytes.
    write_file(&staging.join("result.json"), |file| Ok(serde_json::to_writer(file, result)?))?;
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
