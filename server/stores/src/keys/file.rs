//! `<data-dir>/keys.json`: ids, visible prefixes and hashes; never a key.
//!
//! Written whole, beside the old one, synced, then renamed over it: a crash leaves the old file or the new one. A file that
//! cannot be understood is refused, not replaced: making a new key over a damaged file would lock every client out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::hash::KeyHash;
use super::secret::Secret;

const NAME: &str = "keys.json";
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
    #[error("this machine has no randomness: {0}")]
    Randomness(getrandom::Error),
}

pub(super) struct Record {
    pub id: String,
    pub prefix: String,
    pub hash: KeyHash,
    pub created: u64,
}

impl Record {
    pub(super) fn of(secret: &Secret, created: u64) -> Self {
        let hash = KeyHash::of(secret.expose());
        // Derived from a hash of the hash: short, stable, and no help in finding the key.
        let id = format!("key_{}", &KeyHash::of(&hash.to_hex()).to_hex()[..12]);
        Record { id, prefix: secret.shown_prefix().to_owned(), hash, created }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    prefix: String,
    sha256: String,
    /// Unix seconds.
    created: u64,
}

pub(super) struct KeyFile {
    dir: PathBuf,
    path: PathBuf,
}

impl KeyFile {
    pub(super) fn in_dir(dir: &Path) -> Self {
        KeyFile { dir: dir.to_owned(), path: dir.join(NAME) }
    }

    /// No file means no key yet.
    pub(super) fn read(&self) -> Result<Vec<Record>, FileError> {
        let text = match fs::metadata(&self.path) {
            Ok(about) if about.len() > BYTES_MAX => return Err(self.damaged("it is far too large")),
            Ok(_) => fs::read(&self.path).map_err(|source| self.io("read", source))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.io("read", source)),
        };
        let document: Document =
            serde_json::from_slice(&text).map_err(|error| self.damaged(&error.to_string()))?;
        if document.version != VERSION {
            return Err(self.damaged(&format!("its version is {}, expected {VERSION}", document.version)));
        }
        let record = |key: StoredKey| {
            let hash = KeyHash::from_hex(&key.sha256)
                .ok_or_else(|| self.damaged(&format!("the `sha256` of `{}` is not 64 hex digits", key.id)))?;
            Ok(Record { id: key.id, prefix: key.prefix, hash, created: key.created })
        };
        document.keys.into_iter().map(record).collect()
    }

    pub(super) fn write(&self, records: &[Record]) -> Result<(), FileError> {
        let document = Document {
            version: VERSION,
            keys: records
                .iter()
                .map(|record| StoredKey {
                    id: record.id.clone(),
                    prefix: record.prefix.clone(),
                    sha256: record.hash.to_hex(),
                    created: record.created,
                })
                .collect(),
        };
        let mut text =
            serde_json::to_vec_pretty(&document).map_err(|error| self.io("encode", error.into()))?;
        text.push(b'\n');
        private_dir(&self.dir).map_err(|source| FileError::Io {
            action: "create",
            path: self.dir.clone(),
            source,
        })?;
        // Of this process alone, so that two starting at once do not write into one file.
        let beside = self.dir.join(format!("{NAME}.{}.new", std::process::id()));
        let written = write_synced(&beside, &text).and_then(|()| fs::rename(&beside, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written.map_err(|source| self.io("write", source))?;
        // The rename itself must survive a power cut. Not every file system can sync a directory; the data is safe anyway.
        let _ = File::open(&self.dir).and_then(|dir| dir.sync_all());
        Ok(())
    }

    fn io(&self, action: &'static str, source: io::Error) -> FileError {
        FileError::Io { action, path: self.path.clone(), source }
    }

    fn damaged(&self, reason: &str) -> FileError {
        FileError::Damaged { path: self.path.clone(), reason: reason.to_owned() }
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}
