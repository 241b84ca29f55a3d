//! TLS for both ends, from PEM files. With a certificate on both, neither talks to a stranger.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

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
    #[error("TLS for workers cannot be set up: {0}")]
    Client(#[from] tonic::transport::Error),
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

impl ServerTls {
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match &self.client_ca_file {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let failed =
                    |reason: String| TlsError::Authorities { path: path.display().to_string(), reason };
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|error| failed(error.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder
                    .with_client_cert_verifier(verifier.build().map_err(|error| failed(error.to_string()))?)
            }
        };
        let mut config =
            builder.with_single_cert(certificates(&self.certificate_file)?, key(&self.key_file)?)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ClientTls {
    pub(crate) fn config(&self) -> Result<ClientTlsConfig, TlsError> {
        let mut config = ClientTlsConfig::new();
        config = match &self.ca_file {
            None => config.with_webpki_roots(),
            Some(path) => {
                certificates(path)?;
                config.ca_certificate(Certificate::from_pem(read(path)?))
            }
        };
        if let Some((certificate_file, key_file)) = &self.identity {
            certificates(certificate_file)?;
            key(key_file)?;
            config = config.identity(Identity::from_pem(read(certificate_file)?, read(key_file)?));
        }
        if let Some(name) = &self.server_name {
            config = config.domain_name(name);
        }
        Ok(config)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| file_error(path, error))
}
