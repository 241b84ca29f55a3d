//! The database: one SQLite file by default, PostgreSQL where several gateways share their books.
//!
//! Start at [`Database::open`]: it connects and brings the schema up to date ([`migrations`]). Whoever keeps something
//! there writes its own SQL for both, in a file of its own, and adds a migration.
//!
//! **Invariant:** nothing here prints the URL: it may hold a password.

mod error;
mod migrations;
mod postgres;
mod sqlite;

use std::path::{Path, PathBuf};

pub use error::DatabaseError;
pub use postgres::{Postgres, PostgresUrl, UrlError};
pub use sqlite::Sqlite;

/// The name of the SQLite file in the data directory.
pub const FILE_NAME: &str = "novai.db";

/// Where the database is.
#[derive(Clone)]
pub enum Location {
    /// Made at the first start.
    File(PathBuf),
    Postgres(Box<PostgresUrl>),
}

impl Location {
    /// What a start uses unless told otherwise.
    pub fn in_dir(data_dir: &Path) -> Self {
        Location::File(data_dir.join(FILE_NAME))
    }
}

/// An open database with its schema up to date. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Database {
    pub async fn open(location: Location) -> Result<Self, DatabaseError> {
        match location {
            Location::File(path) => Sqlite::open(path).await.map(Database::Sqlite),
            Location::Postgres(url) => Postgres::connect(*url).await.map(Database::Postgres),
        }
    }
}
