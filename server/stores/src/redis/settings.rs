//! What an operator sets about Redis.

use std::path::PathBuf;
use std::time::Duration;

use redis::{ErrorKind, IntoConnectionInfo, RedisError, TlsCertificates};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

#[derive(Clone)]
pub struct RedisSettings {
    url: String,
    /// Certificate authorities for `rediss://`, in PEM, instead of the public ones.
    pub ca_file: Option<PathBuf>,
    /// In front of every key, so that several fleets can share one Redis.
    pub prefix: String,
    /// Gateways that share the limits: each takes this part of them while Redis is gone.
    pub replicas: u64,
    /// Longest wait for one answer.
    pub call_timeout: Duration,
    /// How long a concurrent slot outlives a gateway that was killed.
    pub lease: Duration,
}

#[derive(Debug, thiserror::Error)]
#[error("not a Redis URL")]
pub struct UrlError;

impl RedisSettings {
    /// `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        // Its own message may repeat the URL, and with it a password.
        url.into_connection_info().map_err(|_| UrlError)?;
        Ok(RedisSettings {
            url: url.to_owned(),
            ca_file: None,
            prefix: "novai".to_owned(),
            replicas: 1,
            call_timeout: Duration::from_millis(50),
            lease: Duration::from_secs(30),
        })
    }

    pub(super) fn client(&self) -> redis::RedisResult<redis::Client> {
        let Some(path) = &self.ca_file else { return redis::Client::open(self.url.as_str()) };
        let refused = |reason: String| {
            let detail = format!("{}: {reason}", path.display());
            RedisError::from((ErrorKind::InvalidClientConfig, "cannot read certificate authorities", detail))
        };
        let pem = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
        // The driver would trust nobody, and say so at the first call only.
        if !CertificateDer::pem_slice_iter(&pem).any(|certificate| certificate.is_ok()) {
            return Err(refused("there is no certificate in it, in PEM".to_owned()));
        }
        let tls = TlsCertificates { client_tls: None, root_cert: Some(pem) };
        redis::Client::build_with_tls(self.url.as_str(), tls)
    }
}

/// Never the URL: it may hold a password.
impl std::fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisSettings")
            .field("prefix", &self.prefix)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}
