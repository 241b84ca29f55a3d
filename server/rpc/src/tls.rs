//! TLS for both ends, from PEM files. With a certificate on both, neither talks to a stranger.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// What a worker shows, and whom it lets in.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// The certificate, then its intermediates.
    pub certificate_file: PathBuf,
    pub key_file: PathBuf,
    /// Clients must show a certificate of one of these authorities. `None`: anybody who can connect may ask.
    pub client_ca_file: Option<PathBuf>,
}

/// Whom a gateway trusts, and what it shows.
#[derive(Debug, Clone, Default)]
pub struct ClientTls {
    /// The authorities that a worker's certificate must be of. `None`: the public ones.
    pub ca_file: Option<PathBuf>,
    /// Certificate and key to show.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name that a worker's certificate must be for, if not the one in its URL.
    pub server_name: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {path}: {reason}")]
    File { path: String, reason: String },
    #[error("the certificate and the key do not work together: {0}")]
    Mismatch(#[from] rustls::Error),
    #[error("the authorities in {path} cannot be used: {reason}")]
    Authorities { path: String, reason: String },
    #[error("`{0}` is no name that a certificate can be for")]
    ServerName(String),
}

fn file_error(path: &Path, reason: impl ToString) -> TlsError {
    TlsError::File { path: path.display().to_string(), reason: reason.to_string() }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| file_error(path, error))?;
    if all.is_empty() {
        return Err(file_error(path, "it holds no certificate: expected a PEM block `BEGIN CERTIFICATE`"));
    }
    Ok(all)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| file_error(path, error))
}

fn unusable(path: &Path, reason: impl ToString) -> TlsError {
    TlsError::Authorities { path: path.display().to_string(), reason: reason.to_string() }
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, error))?;
    }
    Ok(roots)
}

impl ServerTls {
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match &self.client_ca_file {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(path)?), provider);
                let verifier = verifier.build().map_err(|error| unusable(path, error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config =
            builder.with_single_cert(certificates(&self.certificate_file)?, key(&self.key_file)?)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ClientTls {
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let roots = match &self.ca_file {
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
            Some(path) => authorities(path)?,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate_file, key_file)) => {
                builder.with_client_auth_cert(certificates(certificate_file)?, key(key_file)?)?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }
}
