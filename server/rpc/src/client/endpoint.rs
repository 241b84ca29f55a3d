//! Where a worker is, and the connection to it: one, HTTP/2, made when it is first needed and again after it broke.

use std::time::Duration;

use http::Uri;
use tonic::transport::{Channel, Endpoint};

use crate::tls::{ClientTls, TlsError};
use crate::{CONNECTION_WINDOW_BYTES, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, STREAM_WINDOW_BYTES};

/// A status with every detail that `errors` writes fits.
const HEADER_BYTES_MAX: u32 = 128 * 1024;

/// Streams that are remembered for 30 s after they were cancelled. Some hundred bytes each.
const RESET_STREAMS_MAX: usize = 10_000;

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

    pub(crate) fn connect(&self, tls: &ClientTls, connect_timeout: Duration) -> Result<Channel, TlsError> {
        let mut endpoint = Endpoint::from(self.0.clone())
            .connect_timeout(connect_timeout)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            // What a worker has sent before it learns that a caller has left arrives for a stream that is no more. h2 remembers
            // 10 such streams, counts what comes for others as the peer's fault, and ends the connection, and every
            // stream on it, at the 1024th. Callers leave all the time, and it is our own worker.
            .http2_max_concurrent_reset_streams(RESET_STREAMS_MAX)
            .http2_max_local_error_reset_streams(None);
        if self.is_tls() {
            endpoint = endpoint.tls_config(tls.config()?.timeout(connect_timeout))?;
        }
        Ok(endpoint.connect_lazy())
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
