//! PostgreSQL: a pool of connections to one server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Timeouts};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_postgres::config::Host;

use super::DatabaseError;
use super::migrations;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a connection from the pool: a request must not wait for a database that is gone.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// The ledger uses one for writing, one for reading; key management one. The rest is for usage queries.
const CONNECTIONS_MAX: usize = 8;
/// Any fixed number: replicas that start at once take turns to migrate.
const MIGRATION_LOCK: i64 = 0x6e6f_7661_6901;

/// A checked `postgres://` URL. Neither `Debug` nor `Display`: it may hold a password.
#[derive(Clone)]
pub struct PostgresUrl {
    config: tokio_postgres::Config,
    ca_file: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UrlError {
    #[error("must begin with postgres:// or postgresql://")]
    Scheme,
    /// Without the parser's own words: they may quote the password.
    #[error("is not a PostgreSQL URL")]
    Malformed,
    #[error("names no host")]
    NoHost,
}

impl PostgresUrl {
    /// `ca_file`: certificate authorities beside the public ones, for a server of one's own.
    pub fn parse(url: &str, ca_file: Option<PathBuf>) -> Result<Self, UrlError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(UrlError::Scheme);
        }
        let mut config: tokio_postgres::Config = url.parse().map_err(|_| UrlError::Malformed)?;
        if config.get_hosts().is_empty() {
            return Err(UrlError::NoHost);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("novai");
        }
        Ok(PostgresUrl { config, ca_file })
    }

    /// Host and port, for messages.
    pub fn server(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => String::new(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        format!("{host}:{port}")
    }
}

#[derive(Clone)]
pub struct Postgres {
    pool: Pool,
    server: Arc<str>,
}

impl Postgres {
    pub async fn connect(url: PostgresUrl) -> Result<Self, DatabaseError> {
        let server = url.server();
        let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls_config(url.ca_file.as_deref())?);
        let manager = Manager::from_config(
            url.config,
            tls,
            // A connection that the server closed is noticed when it is used; whoever uses it tries again.
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_MAX)
            .timeouts(Timeouts {
                wait: Some(WAIT_TIMEOUT),
                create: Some(CONNECT_TIMEOUT),
                recycle: Some(CONNECT_TIMEOUT),
            })
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|error| DatabaseError::Unreachable {
                server: server.clone(),
                reason: error.to_string(),
            })?;
        let postgres = Postgres { pool, server: server.into() };
        postgres.migrate().await?;
        Ok(postgres)
    }

    /// A connection; it goes back when it is dropped.
    pub async fn client(&self) -> Result<Object, DatabaseError> {
        self.pool.get().await.map_err(|error| DatabaseError::Unreachable {
            server: self.server.to_string(),
            reason: Reasons(&error).to_string(),
        })
    }

    pub fn error(&self, source: tokio_postgres::Error) -> DatabaseError {
        DatabaseError::Postgres { server: self.server.to_string(), source }
    }

    async fn migrate(&self) -> Result<(), DatabaseError> {
        let mut client = self.client().await?;
        let failed = |source| self.error(source);
        // Held to the transaction's end; `CREATE TABLE IF NOT EXISTS` alone is not safe against a twin.
        let transaction = client.transaction().await.map_err(failed)?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await.map_err(failed)?;
        transaction.batch_execute(migrations::TABLE).await.map_err(failed)?;
        let found: i64 = transaction.query_one(migrations::VERSION, &[]).await.map_err(failed)?.get(0);
        let known = migrations::newest();
        if found > known {
            return Err(DatabaseError::TooNew { database: self.server.to_string(), found, known });
        }
        for migration in migrations::missing(found) {
            transaction.batch_execute(migration.postgres).await.map_err(failed)?;
            transaction
                .execute(
                    "INSERT INTO schema_migrations (version, name, applied_at_s)
                     VALUES ($1, $2, extract(epoch FROM now())::bigint)",
                    &[&migration.version, &migration.name],
                )
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}

fn tls_config(ca_file: Option<&Path>) -> Result<rustls::ClientConfig, DatabaseError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = ca_file {
        let failed = |reason: String| DatabaseError::Authorities { path: path.to_owned(), reason };
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DatabaseError::Authorities {
            path: ca_file.map(Path::to_owned).unwrap_or_default(),
            reason: error.to_string(),
        })?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// An error with its causes: "error connecting to server" alone helps nobody.
struct Reasons<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, expected) in [
            ("postgres://novai:secret@db.example/novai", Ok("db.example:5432")),
            ("postgresql://db:6432/novai?sslmode=require", Ok("db:6432")),
            ("mysql://db/novai", Err(UrlError::Scheme)),
            ("postgres://db:port/novai", Err(UrlError::Malformed)),
            ("postgres:///novai", Err(UrlError::NoHost)),
        ] {
            let server = PostgresUrl::parse(url, None).map(|url| url.server());
            assert_eq!(server, expected.map(str::to_owned), "{url}");
        }
    }
}
