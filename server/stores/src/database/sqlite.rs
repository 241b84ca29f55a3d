//! SQLite: one file in WAL mode, so that readers and the writer do not wait for each other.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, TransactionBehavior};

use super::DatabaseError;
use super::migrations;

/// How long a writer waits for another one, such as a `novai` command beside a running gateway.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 64;

#[derive(Clone)]
pub struct Sqlite {
    path: Arc<PathBuf>,
    /// For everything but the ledger, which has a thread and connections of its own.
    shared: Arc<Mutex<Connection>>,
}

impl Sqlite {
    /// Makes the file and its directory if need be, readable for the owner only.
    pub async fn open(path: PathBuf) -> Result<Self, DatabaseError> {
        blocking(move || {
            create(&path)?;
            let mut connection = connect(&path)?;
            migrate(&mut connection, &path)?;
            Ok(Sqlite { path: Arc::new(path), shared: Arc::new(Mutex::new(connection)) })
        })
        .await
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` with a connection, on a thread where it may wait for the disk. One at a time.
    pub async fn with<T, F>(&self, work: F) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let this = self.clone();
        blocking(move || {
            let mut connection = this.shared.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection).map_err(|source| this.error(source))
        })
        .await
    }

    /// A connection of one's own.
    pub fn connection(&self) -> Result<Connection, DatabaseError> {
        connect(&self.path)
    }

    pub fn error(&self, source: rusqlite::Error) -> DatabaseError {
        DatabaseError::Sqlite { path: self.path.to_path_buf(), source }
    }
}

async fn blocking<T, F>(work: F) -> Result<T, DatabaseError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, DatabaseError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(DatabaseError::WorkerGone))
}

fn create(path: &Path) -> Result<(), DatabaseError> {
    let failed = |source| DatabaseError::Directory { path: path.to_owned(), source };
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    // SQLite gives its `-wal` and `-shm` files the same rights.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(failed)
}

fn connect(path: &Path) -> Result<Connection, DatabaseError> {
    let open = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // Every commit reaches the disk. Those are few: the ledger collects many requests into one.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(connection)
    };
    open().map_err(|source| DatabaseError::Sqlite { path: path.to_owned(), source })
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), DatabaseError> {
    let failed = |source| DatabaseError::Sqlite { path: path.to_owned(), source };
    connection.execute_batch(migrations::TABLE).map_err(failed)?;
    let found = version(connection).map_err(failed)?;
    let known = migrations::newest();
    if found > known {
        return Err(DatabaseError::TooNew { database: path.display().to_string(), found, known });
    }
    for migration in migrations::missing(found) {
        apply(connection, migration).map_err(failed)?;
    }
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(migrations::VERSION, (), |row| row.get(0))
}

fn apply(connection: &mut Connection, migration: &migrations::Migration) -> rusqlite::Result<()> {
    // Immediate: of two processes that start at once, one waits, then finds the work done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version(&transaction)? < migration.version {
        transaction.execute_batch(migration.sqlite)?;
        transaction.execute(
            "INSERT INTO schema_migrations (version, name, applied_at_s) VALUES (?, ?, ?)",
            (migration.version, migration.name, unix_s()),
        )?;
    }
    transaction.commit()
}

fn unix_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
