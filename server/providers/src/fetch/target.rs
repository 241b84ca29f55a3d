//! What a URL may be that the gateway fetches: plain enough that no two readers read it differently.

use http::Uri;
use http::uri::PathAndQuery;

use super::FetchError;
use crate::client::Origin;

/// Longer ones are no addresses of pictures.
const URL_BYTES_MAX: usize = 2048;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub origin: Origin,
    /// Path and query.
    pub path: Uri,
}

impl Target {
    pub(super) fn parse(url: &str, allows_http: bool) -> Result<Self, FetchError> {
        let refused = |reason| Err(FetchError::Url(reason));
        if url.len() > URL_BYTES_MAX {
            return refused("it has more than 2048 characters");
        }
        // A backslash is a slash to some readers and none to others; so is white space.
        if !url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'`'))
        {
            return refused("it has characters that a URL writes as %XX");
        }
        let Some((scheme, rest)) = url.split_once("://") else { return refused("it is not absolute") };
        match (scheme.to_ascii_lowercase().as_str(), allows_http) {
            ("https", _) | ("http", true) => {}
            ("http", false) => return refused("it must begin with https://"),
            _ => return refused("it must begin with https://, or be data"),
        }
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_end);
        let Ok(origin) = Origin::parse(&format!("{scheme}://{authority}")) else {
            return refused("its host is none, or it has a user name");
        };
        // Others are doors of something else than a web server, and what answers there tells what is open.
        if origin.port() != if origin.is_tls() { 443 } else { 80 } {
            return refused("its port is not its scheme's own");
        }
        // The fragment is for browsers.
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        match path.parse::<PathAndQuery>() {
            Ok(path) => Ok(Target { origin, path: Uri::from(path) }),
            Err(_) => refused("its path is none"),
        }
    }

    /// Where `location`, found at this target, leads.
    pub(super) fn redirected(&self, location: &str, allows_http: bool) -> Result<Self, FetchError> {
        let scheme = if self.origin.is_tls() { "https" } else { "http" };
        let url = match location {
            // Before the next: it is a path of another host.
            same_scheme if same_scheme.starts_with("//") => format!("{scheme}:{same_scheme}"),
            same_host if same_host.starts_with('/') => {
                format!("{scheme}://{}{same_host}", self.origin.authority())
            }
            absolute => absolute.to_owned(),
        };
        Target::parse(&url, allows_http)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, host, path) in [
            ("https://example.com/a/b.png?c=d&e#f", "example.com", "/a/b.png?c=d&e"),
            ("HTTPS://example.com", "example.com", "/"),
            ("https://example.com:443?x=1", "example.com", "/?x=1"),
            ("https://example.com#x", "example.com", "/"),
            ("https://[2606:4700::1111]/a%20b", "2606:4700::1111", "/a%20b"),
            ("https://example.com/a@b", "example.com", "/a@b"),
        ] {
            let target = Target::parse(url, false).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((target.origin.host(), target.path.to_string().as_str()), (host, path), "{url}");
        }
        assert!(Target::parse("http://example.com/a", true).is_ok());
    }

    #[test]
    fn refused_urls() {
        let long = format!("https://example.com/{}", "x".repeat(URL_BYTES_MAX));
        for url in [
            "",
            "/a.png",
            "//example.com/a.png",
            "http://example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "https:/example.com/",
            "https:///a",
            "https://user@example.com/",
            "https://user:pass@example.com/",
            "https://good.com\\@evil.com/",
            "https://evil.com\\.good.com/",
            "https://example.com/a b",
            "https://example.com/\r\nX: y",
            "https://exämple.com/",
            "https://example.com:22/",
            "https://example.com:80/",
            "https://example.com:0/",
            " https://example.com/",
            &long,
        ] {
            assert!(Target::parse(url, false).is_err(), "{url}");
        }
    }

    #[test]
    fn redirects_are_urls_like_any_other() {
        let from = Target::parse("https://example.com/a/b", false).unwrap();
        for (location, url) in [
            ("/c?d", "https://example.com/c?d"),
            ("//other.com/c", "https://other.com/c"),
            ("https://other.com/c", "https://other.com/c"),
        ] {
            assert_eq!(from.redirected(location, false), Target::parse(url, false), "{location}");
        }
        for location in
            ["http://example.com/", "c.png", "", "https://other.com:8443/", "file:///etc/passwd", "/a\r\nb"]
        {
            assert!(from.redirected(location, false).is_err(), "{location}");
        }
    }
}
