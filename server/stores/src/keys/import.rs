//! `<data-dir>/keys.json`, which versions before 0.2 kept their keys in: read once, then set aside.
//!
//! A file that cannot be understood is refused: starting without its keys would lock every client out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::hash::KeyHash;
use super::record::Record;
use super::table::{Insert, Inserted, Table};
use super::{OpenError, all_rights};

const NAME: &str = "keys.json";
const NAME_AFTERWARDS: &str = "keys.json.imported";
const VERSION: u32 = 1;
/// Tens of thousands of keys; a larger file is not ours.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "{} is damaged ({reason}): restore it from a backup, or move it away to start with a new key",
        path.display()
    )]
    Damaged { path: PathBuf, reason: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    keys: Vec<StoredKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    prefix: String,
    sha256: String,
    /// Unix seconds.
    created: u64,
}

/// Whether there were keys to take over. They could do everything that there was, so they get every scope.
pub(super) async fn into_table(data_dir: &Path, table: &Table) -> Result<bool, OpenError> {
    let path = data_dir.join(NAME);
    let records = read(&path)?;
    if records.is_empty() {
        return Ok(false);
    }
    let count = records.len();
    match table.insert(records, Insert::First).await? {
        Inserted::Done(_) => {}
        Inserted::NotFirst => return Ok(true),
        Inserted::Full => return Err(damaged(&path, "it has too many keys").into()),
    }
    tracing::info!(keys = count, file = %path.display(), "keys were taken over into the database");
    // Should this fail, nothing is lost: a table with keys in it reads no file.
    if let Err(error) = fs::rename(&path, data_dir.join(NAME_AFTERWARDS)) {
        tracing::warn!(%error, file = %path.display(), "the file of old keys cannot be set aside; it is not needed any more");
    }
    Ok(true)
}

/// No file means no key.
fn read(path: &Path) -> Result<Vec<Record>, FileError> {
    let failed = |source| FileError::Io { action: "read", path: path.to_owned(), source };
    let text = match fs::metadata(path) {
        Ok(about) if about.len() > BYTES_MAX => return Err(damaged(path, "it is far too large")),
        Ok(_) => fs::read(path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let document: Document =
        serde_json::from_slice(&text).map_err(|error| damaged(path, &error.to_string()))?;
    if document.version != VERSION {
        return Err(damaged(path, &format!("its version is {}, expected {VERSION}", document.version)));
    }
    let record = |key: StoredKey| {
        let hash = KeyHash::from_hex(&key.sha256)
            .ok_or_else(|| damaged(path, &format!("the `sha256` of `{}` is not 64 hex digits", key.id)))?;
        let mut record = Record::new("", all_rights("imported"), key.created);
        record.hash = hash;
        record.info.id = key.id.into();
        record.info.prefix = key.prefix;
        Ok(record)
    };
    document.keys.into_iter().map(record).collect()
}

fn damaged(path: &Path, reason: &str) -> FileError {
    FileError::Damaged { path: path.to_owned(), reason: reason.to_owned() }
}
