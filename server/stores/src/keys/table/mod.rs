//! The table of keys in either database. Start at [`Table`]; the SQL is in [`sqlite`] and [`postgres`].
//!
//! Every change raises the table's version in the same transaction, before anything else: so writers take turns, and a reader
//! that knows a version knows everything up to it.

mod postgres;
mod sqlite;

use std::sync::Arc;

use novai_core::keys::Position;

use super::record::Record;
use crate::database::{Database, DatabaseError};

/// More keys than that are somebody's mistake: the gateway keeps them all in memory.
pub(super) const KEYS_MAX: usize = 100_000;

pub(super) struct Table(Database);

/// All keys, and the version that they are of.
pub(super) struct Snapshot {
    pub version: i64,
    pub records: Vec<Record>,
}

pub(super) enum Inserted {
    /// The table's new version.
    Done(i64),
    Full,
    /// [`Insert::First`] found others.
    NotFirst,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insert {
    /// Only into an empty table: of two gateways that start at once, one makes the first key.
    First,
    Any,
}

/// Decides about a record in the middle of a transaction.
pub(super) type Edit = Box<dyn FnOnce(&mut Record) + Send>;

impl Table {
    pub fn new(database: Database) -> Self {
        Table(database)
    }

    pub async fn version(&self) -> Result<i64, DatabaseError> {
        match &self.0 {
            Database::Sqlite(db) => sqlite::version(db).await,
            Database::Postgres(db) => postgres::version(db).await,
        }
    }

    pub async fn load(&self) -> Result<Snapshot, DatabaseError> {
        match &self.0 {
            Database::Sqlite(db) => sqlite::load(db).await,
            Database::Postgres(db) => postgres::load(db).await,
        }
    }

    /// At most `limit` records, oldest first.
    pub async fn list(
        &self,
        tenant: Option<&str>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Record>, DatabaseError> {
        match &self.0 {
            Database::Sqlite(db) => sqlite::list(db, tenant, after, limit).await,
            Database::Postgres(db) => postgres::list(db, tenant, after, limit).await,
        }
    }

    pub async fn get(&self, tenant: Option<&str>, id: &str) -> Result<Option<Record>, DatabaseError> {
        match &self.0 {
            Database::Sqlite(db) => sqlite::get(db, tenant, id).await,
            Database::Postgres(db) => postgres::get(db, tenant, id).await,
        }
    }

    pub async fn insert(&self, records: Vec<Record>, how: Insert) -> Result<Inserted, DatabaseError> {
        match &self.0 {
            Database::Sqlite(db) => sqlite::insert(db, records, how).await,
            Database::Postgres(db) => postgres::insert(db, records, how).await,
        }
    }

    /// The record as it is then, and the table's new version; `None` if there is no such key.
    pub async fn edit(
        &self,
        tenant: Option<&str>,
        id: &str,
        edit: Edit,
    ) -> Result<Option<(Record, i64)>, DatabaseError> {
        match &self.0 {
            Database::Sqlite(db) => sqlite::edit(db, tenant, id, edit).await,
            Database::Postgres(db) => postgres::edit(db, tenant, id, edit).await,
        }
    }

    /// The table's new version; `None` if there was no such key.
    pub async fn delete(&self, tenant: Option<&str>, id: &str) -> Result<Option<i64>, DatabaseError> {
        match &self.0 {
            Database::Sqlite(db) => sqlite::delete(db, tenant, id).await,
            Database::Postgres(db) => postgres::delete(db, tenant, id).await,
        }
    }

    /// When keys were last used, in seconds since 1970.
    pub async fn touch(&self, uses: Vec<(Arc<str>, u64)>) -> Result<(), DatabaseError> {
        match &self.0 {
            Database::Sqlite(db) => sqlite::touch(db, uses).await,
            Database::Postgres(db) => postgres::touch(db, uses).await,
        }
    }
}
