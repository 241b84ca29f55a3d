//! Where a worker is.

use std::time::Duration;

use http::Uri;
use rustls_pki_types::ServerName;

use super::dial::Dial;
use super::link::Link;
use crate::tls::{ClientTls, TlsError};

/// `http://host:port` or `https://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerUrl(Uri);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("it is not a URL")]
    NotAUrl,
    #[error("its scheme must be http or https")]
    Scheme,
    #[error("it must name a port")]
    Port,
    #[error("nothing may stand after the port")]
    Path,
    #[error("it must not hold a user name or a password")]
    UserInfo,
}

impl WorkerUrl {
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.parse().map_err(|_| UrlError::NotAUrl)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(UrlError::Scheme);
        }
        let authority = uri.authority().ok_or(UrlError::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::UserInfo);
        }
        if authority.port_u16().is_none_or(|port| port == 0) {
            return Err(UrlError::Port);
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(UrlError::Path);
        }
        Ok(WorkerUrl(uri))
    }

    fn is_tls(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Connects to nothing yet.
    pub(crate) fn link(&self, tls: &ClientTls, connect_timeout: Duration) -> Result<Link, TlsError> {
        let parts = self.0.clone().into_parts();
        // `parse` has seen to both.
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(TlsError::ServerName(self.to_string()));
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match self.is_tls() {
            false => None,
            true => {
                let name = tls.server_name.clone().unwrap_or_else(|| host.clone());
                let name = ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName(name))?;
                Some((tls.config()?, name))
            }
        };
        let port = authority.port_u16().unwrap_or_default();
        Ok(Link::new(Dial { host, port, tls, timeout: connect_timeout }, scheme, authority))
    }
}

impl std::fmt::Display for WorkerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        write!(f, "{scheme}://{}", self.0.authority().map_or("", |authority| authority.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for url in ["http://127.0.0.1:9300", "https://worker.internal:443", "http://[::1]:9300"] {
            assert_eq!(WorkerUrl::parse(url).unwrap().to_string(), url);
        }
        for (url, error) in [
            ("", UrlError::NotAUrl),
            ("http://", UrlError::NotAUrl),
            ("worker:9300", UrlError::Scheme),
            ("grpc://worker:9300", UrlError::Scheme),
            ("http://worker", UrlError::Port),
            ("http://worker:0", UrlError::Port),
            ("http://worker:9300/v1", UrlError::Path),
            ("http://worker:9300/?x", UrlError::Path),
            ("http://user:secret@worker:9300", UrlError::UserInfo),
        ] {
            assert_eq!(WorkerUrl::parse(url), Err(error), "{url:?}");
        }
    }
}
