//! The books behind `core`'s port `Ledger`: what is reserved, what it cost, and the sums of it.
//!
//! Two implementations, one contract (tests/ledger). [`SqliteLedger`]: one gateway, a file; a [`journal`] takes each
//! reservation in a microsecond and SQLite gets them in batches. [`PostgresLedger`]: many gateways, one database.
//!
//! **Invariant:** a ledger row is added once, by the reservation's id, and never changed.

mod journal;
mod postgres;
mod record;
mod rows;
mod sqlite;
mod usage;

pub use journal::Durability;
pub use postgres::PostgresLedger;
pub use sqlite::SqliteLedger;

/// What a start found of earlier processes that did not end as they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Settled before, written to the ledger now.
    pub settled: usize,
    /// Never settled: charged by what was known.
    pub orphans: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerOpenError {
    #[error(transparent)]
    Database(#[from] crate::database::DatabaseError),
    #[error("the ledger's journal in {}: {source}", dir.display())]
    Journal { dir: std::path::PathBuf, source: std::io::Error },
    #[error(
        "another novai uses {}: give each its own data_dir, or let them share a PostgreSQL (database_url)",
        dir.display()
    )]
    InUse { dir: std::path::PathBuf },
    #[error("cannot start the ledger's thread: {0}")]
    Thread(std::io::Error),
}
