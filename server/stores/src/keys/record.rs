//! A key as it is kept: its settings, its hash, and the columns of its row.

use std::sync::Arc;

use novai_core::keys::{KeyInfo, KeySettings, Position};
use novai_core::{BudgetSpec, LimitSpec, Scope, Scopes};

use super::hash::KeyHash;
use super::secret;

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub info: KeyInfo,
    pub hash: KeyHash,
}

impl Record {
    /// For a new key. Its id is derived from a hash of its hash: short, and no help in finding the key.
    pub fn new(key: &str, settings: KeySettings, created_at_unix_s: u64) -> Self {
        let hash = KeyHash::of(key);
        let id = format!("key_{}", &KeyHash::of(&hash.to_hex()).to_hex()[..12]);
        Record {
            info: KeyInfo {
                id: id.into(),
                prefix: secret::shown_prefix(key).to_owned(),
                settings,
                created_at_unix_s,
                last_used_at_unix_s: None,
            },
            hash,
        }
    }

    pub fn replace_key(&mut self, key: &str) {
        self.hash = KeyHash::of(key);
        self.info.prefix = secret::shown_prefix(key).to_owned();
    }
}

/// A row's values, as both databases know them, in the order of [`COLUMNS`].
pub(super) struct Columns {
    pub id: String,
    pub hash: Vec<u8>,
    pub prefix: String,
    pub name: String,
    pub tenant: Option<String>,
    pub scopes: String,
    pub models: Option<String>,
    pub rpm: Option<i64>,
    pub tpm: Option<i64>,
    pub concurrent: Option<i64>,
    pub day_nano_usd: Option<i64>,
    pub month_nano_usd: Option<i64>,
    pub created_at_s: i64,
    pub expires_at_s: Option<i64>,
    pub last_used_at_s: Option<i64>,
}

pub(super) const COLUMNS: &str = "id, hash, prefix, name, tenant, scopes, models, rpm, tpm, concurrent, \
                                  day_nano_usd, month_nano_usd, created_at_s, expires_at_s, last_used_at_s";

impl From<&Record> for Columns {
    fn from(record: &Record) -> Self {
        let KeyInfo { id, prefix, settings, created_at_unix_s, last_used_at_unix_s } = &record.info;
        let names: Vec<&str> = settings.scopes.iter().map(Scope::name).collect();
        Columns {
            id: id.to_string(),
            hash: record.hash.as_bytes().to_vec(),
            prefix: prefix.clone(),
            name: settings.name.clone(),
            tenant: settings.tenant.as_deref().map(str::to_owned),
            scopes: names.join(","),
            // Strings only: cannot fail.
            models: settings.models.as_ref().map(|models| serde_json::to_string(models).unwrap_or_default()),
            rpm: settings.limits.rpm.map(signed),
            tpm: settings.limits.tpm.map(signed),
            concurrent: settings.limits.concurrent.map(signed),
            day_nano_usd: settings.budget.day_nano_usd.map(signed),
            month_nano_usd: settings.budget.month_nano_usd.map(signed),
            created_at_s: signed(*created_at_unix_s),
            expires_at_s: settings.expires_at_unix_s.map(signed),
            last_used_at_s: last_used_at_unix_s.map(signed),
        }
    }
}

impl Columns {
    /// `None` for a row that nobody of ours wrote. Such a key is refused: half a restriction must not become none.
    pub fn into_record(self) -> Option<Record> {
        let scopes: Option<Scopes> =
            self.scopes.split(',').filter(|name| !name.is_empty()).map(Scope::from_name).collect();
        let models: Option<Vec<Box<str>>> = match &self.models {
            None => None,
            Some(json) => Some(serde_json::from_str(json).ok()?),
        };
        Some(Record {
            hash: KeyHash::from_bytes(&self.hash)?,
            info: KeyInfo {
                id: self.id.into(),
                prefix: self.prefix,
                settings: KeySettings {
                    name: self.name,
                    tenant: self.tenant.map(Arc::from),
                    scopes: scopes?,
                    models: models.map(Arc::from),
                    limits: LimitSpec {
                        rpm: unsigned(self.rpm)?,
                        tpm: unsigned(self.tpm)?,
                        concurrent: unsigned(self.concurrent)?,
                    },
                    budget: BudgetSpec {
                        day_nano_usd: unsigned(self.day_nano_usd)?,
                        month_nano_usd: unsigned(self.month_nano_usd)?,
                    },
                    expires_at_unix_s: unsigned(self.expires_at_s)?,
                },
                created_at_unix_s: u64::try_from(self.created_at_s).ok()?,
                last_used_at_unix_s: unsigned(self.last_used_at_s)?,
            },
        })
    }
}

/// Everything of ours fits: limits by the API's schema, times by nature.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: Option<i64>) -> Option<Option<u64>> {
    match number {
        None => Some(None),
        Some(number) => u64::try_from(number).ok().map(Some),
    }
}

/// Where a list goes on, as columns: everything lies after the default.
pub(super) fn after(position: Option<Position>) -> (i64, String) {
    position.map_or((-1, String::new()), |position| (signed(position.created_at_unix_s), position.id))
}
