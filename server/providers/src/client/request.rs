//! Requests as the bytes they are on the wire.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio::time::Instant;

/// What adaptors ask with. No `HEAD` or `CONNECT`, whose answers are framed by rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

/// The part of a request that is the same for every call: written once, at configuration.
#[derive(Clone)]
pub struct RequestHead {
    method: Method,
    /// Request line and headers; the empty line at the end is still missing.
    text: Bytes,
}

/// Not its text: that holds the upstream's key.
impl std::fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHead").field("method", &self.method).finish_non_exhaustive()
    }
}

impl RequestHead {
    /// `target` is path and query only; the host is the client's. How long a body is, is said per call.
    pub fn new(method: Method, target: &Uri, headers: &HeaderMap) -> Self {
        let mut text = Vec::with_capacity(512);
        text.extend_from_slice(match method {
            Method::Get => b"GET ".as_slice(),
            Method::Post => b"POST ",
        });
        text.extend_from_slice(target.path_and_query().map_or("/", |target| target.as_str()).as_bytes());
        text.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in headers {
            if *name != CONTENT_LENGTH && *name != TRANSFER_ENCODING {
                field(&mut text, name, value);
            }
        }
        RequestHead { method, text: text.into() }
    }
}

/// One request, kept in a form that can be sent a second time.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    pub head: &'a RequestHead,
    /// Of this call alone, such as its id.
    pub headers: &'a [(HeaderName, HeaderValue)],
    pub body: Bytes,
    /// When the call must be over, whatever the client's own deadlines say.
    pub deadline: Option<Instant>,
}

impl Outgoing<'_> {
    /// What goes on the wire, in two parts; the second is empty where copying it costs less than a write of two parts.
    pub(super) fn parts(&self) -> (Vec<u8>, Bytes) {
        let is_short = self.body.len() <= JOINED_BYTES_MAX;
        let sizes = |(name, value): &(HeaderName, HeaderValue)| name.as_str().len() + value.len() + 4;
        let own: usize = self.headers.iter().map(sizes).sum();
        let joined = if is_short { self.body.len() } else { 0 };
        let mut text = Vec::with_capacity(self.head.text.len() + own + CONTENT_LENGTH_BYTES_MAX + joined);
        text.extend_from_slice(&self.head.text);
        for (name, value) in self.headers {
            field(&mut text, name, value);
        }
        if self.head.method == Method::Post || !self.body.is_empty() {
            text.extend_from_slice(b"content-length: ");
            text.extend_from_slice(itoa::Buffer::new().format(self.body.len()).as_bytes());
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        if is_short {
            text.extend_from_slice(&self.body);
            return (text, Bytes::new());
        }
        (text, self.body.clone())
    }
}

/// Most requests without images or long documents.
const JOINED_BYTES_MAX: usize = 4 * 1024;
/// Name, colon, space, twenty digits and the two line ends.
const CONTENT_LENGTH_BYTES_MAX: usize = 40;

/// Neither type can hold a line break.
fn field(text: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    text.extend_from_slice(name.as_str().as_bytes());
    text.extend_from_slice(b": ");
    text.extend_from_slice(value.as_bytes());
    text.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("upstream.test"));
        // A length that a configuration might hold is not the body's.
        headers.insert("content-length", HeaderValue::from_static("7"));
        let id = [(HeaderName::from_static("x-request-id"), HeaderValue::from_static("abc"))];
        let written = |method, body: &str| {
            let head = RequestHead::new(method, &"/v1/models".parse().unwrap(), &headers);
            let (first, second) = Outgoing {
                head: &head,
                headers: &id,
                body: Bytes::copy_from_slice(body.as_bytes()),
                deadline: None,
            }
            .parts();
            (String::from_utf8(first).unwrap(), second.len())
        };
        let post = "POST /v1/models HTTP/1.1\r\nhost: upstream.test\r\nx-request-id: abc\r\ncontent-length: ";
        let get = "GET /v1/models HTTP/1.1\r\nhost: upstream.test\r\nx-request-id: abc\r\n\r\n";
        assert_eq!(written(Method::Get, ""), (get.to_owned(), 0));
        assert_eq!(written(Method::Post, ""), (format!("{post}0\r\n\r\n"), 0));
        assert_eq!(written(Method::Post, "0123456789"), (format!("{post}10\r\n\r\n0123456789"), 0));
        let long = "x".repeat(JOINED_BYTES_MAX + 1);
        assert_eq!(written(Method::Post, &long), (format!("{post}4097\r\n\r\n"), 4097));
    }
}
