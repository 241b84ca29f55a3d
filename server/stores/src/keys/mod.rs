//! API keys: made here, shown once, kept as hashes.
//!
//! Start at [`Keys::open`]. The keys are in the database ([`table`]); [`index`] is the copy in memory that requests are
//! checked against, and [`upkeep`] keeps the two together. The key in `NOVAI_BOOTSTRAP_KEY` is in the copy only: unset the
//! variable and the key is gone at the next start.
//!
//! **Invariant:** no request waits for the database to learn whether its key is good.

mod admin;
mod hash;
mod import;
mod index;
mod record;
mod secret;
mod table;
mod upkeep;

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use novai_core::keys::KeySettings;
use novai_core::{BudgetSpec, Clock, KeyStore, LimitSpec, Principal, Scopes, Secret};

use crate::database::{Database, DatabaseError};

pub use import::FileError;
pub use secret::{SecretError, chosen};

use hash::KeyHash;
use index::Index;
use record::Record;
use table::{Insert, Inserted, Table};

const BOOTSTRAP_KEY_ID: &str = "key_bootstrap";

pub struct Keys {
    table: Table,
    index: ArcSwap<Index>,
    /// Held while the index is replaced, so that no change is lost to another.
    replacing: tokio::sync::Mutex<()>,
    clock: Arc<dyn Clock>,
}

/// What [`Keys::open`] found or did.
pub struct Opened {
    pub keys: Arc<Keys>,
    /// The key that was just made: to be shown once. It cannot be had again.
    pub created: Option<Secret>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("this machine has no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

impl Keys {
    /// Reads the keys in the database; into one without any, takes over the `keys.json` that older versions kept in
    /// `data_dir`. If there is no key at all and no bootstrap key either, makes the first one, with every scope.
    pub async fn open(
        database: Database,
        data_dir: &Path,
        bootstrap: Option<&Secret>,
        clock: Arc<dyn Clock>,
    ) -> Result<Opened, OpenError> {
        let table = Table::new(database);
        let now_unix_s = clock.unix_time().as_secs();
        let mut created = None;
        if table.load().await?.records.is_empty()
            && !import::into_table(data_dir, &table).await?
            && bootstrap.is_none()
        {
            let secret = secret::generate()?;
            let record = Record::new(secret.expose(), all_rights("first key"), now_unix_s);
            if matches!(table.insert(vec![record], Insert::First).await?, Inserted::Done(_)) {
                created = Some(secret);
            }
        }
        let bootstrap = bootstrap.map(|secret| {
            let mut record = Record::new(secret.expose(), all_rights("bootstrap"), now_unix_s);
            record.info.id = BOOTSTRAP_KEY_ID.into();
            record
        });
        let snapshot = table.load().await?;
        let index = ArcSwap::from_pointee(Index::new(snapshot, bootstrap));
        Ok(Opened { keys: Arc::new(Keys { table, index, replacing: Default::default(), clock }), created })
    }
}

impl KeyStore for Keys {
    fn principal(&self, presented: &str) -> Option<Arc<Principal>> {
        let hash = KeyHash::of(presented);
        self.index.load().principal(&hash, self.clock.unix_time().as_secs())
    }
}

fn all_rights(name: &str) -> KeySettings {
    KeySettings {
        name: name.to_owned(),
        tenant: None,
        scopes: Scopes::all(),
        models: None,
        limits: LimitSpec::default(),
        budget: BudgetSpec::default(),
        expires_at_unix_s: None,
    }
}

#[cfg(test)]
mod tests;
