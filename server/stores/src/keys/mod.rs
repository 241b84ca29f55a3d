//! API keys: made here, shown once, kept as hashes.
//!
//! [`Keys`] answers from memory. What it holds comes from `<data-dir>/keys.json` ([`file`]) and, if set, from
//! `NOVAI_BOOTSTRAP_KEY`, whose hash is held in memory only: unset the variable and the key is gone at the next start.

mod file;
mod hash;
mod secret;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use novai_core::{KeyStore, Principal, Scopes};

pub use file::FileError;
pub use secret::{Secret, SecretError};

use file::{KeyFile, Record};
use hash::KeyHash;

const BOOTSTRAP_KEY_ID: &str = "key_bootstrap";

pub struct Keys {
    /// By the first bytes of the hash. Which bucket a guess falls into tells nothing: nobody can aim SHA-256.
    by_hash_prefix: HashMap<[u8; 8], Vec<Entry>>,
}

struct Entry {
    hash: KeyHash,
    principal: Arc<Principal>,
}

/// What [`Keys::open`] found or did.
pub struct Opened {
    pub keys: Keys,
    /// The key that was just made: to be shown once. It cannot be had again.
    pub created: Option<Secret>,
}

impl Keys {
    /// Reads the keys in `data_dir`. If there is none at all and no bootstrap key, makes the first one.
    pub fn open(data_dir: &Path, bootstrap: Option<&Secret>) -> Result<Opened, FileError> {
        let file = KeyFile::in_dir(data_dir);
        let mut records = file.read()?;
        let mut created = None;
        if records.is_empty() && bootstrap.is_none() {
            let secret = Secret::generate().map_err(FileError::Randomness)?;
            records.push(Record::of(&secret, unix_seconds()));
            file.write(&records)?;
            created = Some(secret);
        }
        let mut keys = Keys { by_hash_prefix: HashMap::new() };
        for record in records {
            keys.insert(record.hash, &record.id);
        }
        if let Some(secret) = bootstrap {
            keys.insert(KeyHash::of(secret.expose()), BOOTSTRAP_KEY_ID);
        }
        Ok(Opened { keys, created })
    }

    fn insert(&mut self, hash: KeyHash, id: &str) {
        let principal = Arc::new(Principal::new(id, Scopes::all()));
        let entry = Entry { principal, hash };
        self.by_hash_prefix.entry(entry.hash.prefix()).or_default().push(entry);
    }
}

impl KeyStore for Keys {
    fn principal(&self, presented: &str) -> Option<Arc<Principal>> {
        let hash = KeyHash::of(presented);
        let bucket = self.by_hash_prefix.get(&hash.prefix())?;
        bucket.iter().find(|entry| entry.hash.equals(&hash)).map(|entry| entry.principal.clone())
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
