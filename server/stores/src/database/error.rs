//! Why the database could not do something, in words that name the database and never its password.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("cannot create {}: {source}", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    #[error("the database {}: {source}", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error("PostgreSQL at {server}: {source}")]
    Postgres { server: String, source: tokio_postgres::Error },
    #[error("PostgreSQL at {server} cannot be reached: {reason}")]
    Unreachable { server: String, reason: String },
    #[error("the certificate authorities in {}: {reason}", path.display())]
    Authorities { path: PathBuf, reason: String },
    #[error(
        "{database} has schema version {found}, and this novai knows none above {known}: start the newer novai that made it"
    )]
    TooNew { database: String, found: i64, known: i64 },
    /// A background thread is gone: only after a panic, which the log has.
    #[error("the database's worker has ended")]
    WorkerGone,
}
