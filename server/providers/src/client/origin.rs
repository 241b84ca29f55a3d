//! Where an upstream lives, checked once at configuration.

use http::Uri;
use http::uri::{PathAndQuery, Scheme};

/// A parsed `base_url` such as `https://api.openai.com/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    tls: bool,
    /// Without the brackets of an IPv6 literal.
    host: String,
    port: u16,
    /// For the `Host` header: as configured.
    authority: String,
    /// Without a trailing slash; empty for the root.
    path_prefix: String,
}

/// Why a `base_url` cannot be used. Never repeats the URL: people put passwords there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    #[error("not a URL; write it like `https://host/v1`")]
    NotUrl,
    #[error("must start with http:// or https://")]
    Scheme,
    #[error("must not contain a user name or password; use `api_key_env`")]
    UserInfo,
    #[error("must not contain `?` or `#`")]
    Query,
}

impl Origin {
    pub fn parse(base_url: &str) -> Result<Self, OriginError> {
        if base_url.contains(['?', '#']) {
            return Err(OriginError::Query);
        }
        let uri: Uri = base_url.trim().parse().map_err(|_| OriginError::NotUrl)?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(_) => return Err(OriginError::Scheme),
            None => return Err(OriginError::NotUrl),
        };
        let authority = uri.authority().ok_or(OriginError::NotUrl)?;
        if authority.as_str().contains('@') {
            return Err(OriginError::UserInfo);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(OriginError::NotUrl);
        }
        let port = match authority.as_str().rsplit_once(':') {
            // The colons of an IPv6 literal are inside of its brackets.
            Some((_, digits)) if !digits.ends_with(']') => {
                digits.parse().ok().filter(|port| *port != 0).ok_or(OriginError::NotUrl)?
            }
            _ if tls => 443,
            _ => 80,
        };
        Ok(Origin {
            tls,
            host: host.to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            path_prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    pub fn is_tls(&self) -> bool {
        self.tls
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The request target of `path` (`/chat/completions`) below the base URL.
    pub fn target(&self, path: &str) -> Result<Uri, OriginError> {
        let whole = format!("{}{path}", self.path_prefix);
        let whole: PathAndQuery = whole.parse().map_err(|_| OriginError::NotUrl)?;
        Ok(Uri::from(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for (url, tls, host, port, authority, target) in [
            ("http://127.0.0.1:9200/v1", false, "127.0.0.1", 9200, "127.0.0.1:9200", "/v1/models"),
            ("https://api.openai.com/v1/", true, "api.openai.com", 443, "api.openai.com", "/v1/models"),
            ("http://localhost", false, "localhost", 80, "localhost", "/models"),
            ("HTTPS://[::1]:8443/a/b//", true, "::1", 8443, "[::1]:8443", "/a/b/models"),
        ] {
            let origin = Origin::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((origin.is_tls(), origin.host(), origin.port()), (tls, host, port), "{url}");
            assert_eq!(origin.authority(), authority, "{url}");
            assert_eq!(origin.target("/models").unwrap().to_string(), target, "{url}");
        }
    }

    #[test]
    fn refused_base_urls() {
        for (url, error) in [
            ("", OriginError::NotUrl),
            ("api.openai.com/v1", OriginError::NotUrl),
            ("/v1", OriginError::NotUrl),
            ("ftp://host/v1", OriginError::Scheme),
            ("https://user:secret@host/v1", OriginError::UserInfo),
            ("https://host/v1?key=secret", OriginError::Query),
            ("https://host/v1#a", OriginError::Query),
            ("http://host:/v1", OriginError::NotUrl),
            ("http://host:0/v1", OriginError::NotUrl),
            ("http://host:99999/v1", OriginError::NotUrl),
        ] {
            assert_eq!(Origin::parse(url), Err(error), "{url}");
        }
    }
}
