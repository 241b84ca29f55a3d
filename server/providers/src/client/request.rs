//! Requests as the bytes they are on the wire.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

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
}

impl Outgoing<'_> {
    /// All that goes before the body.
    pub(super) fn head(&self) -> Bytes {
        let names_and_values =
            |(name, value): &(HeaderName, HeaderValue)| name.as_str().len() + value.len() + 4;
        let own: usize = self.headers.iter().map(names_and_values).sum();
        let mut text = Vec::with_capacity(self.head.text.len() + own + CONTENT_LENGTH_BYTES_MAX);
        text.extend_from_slice(&self.head.text);
        for (name, value) in self.headers {
            field(&mut text, name, value);
        }
        if self.head.method == Method::Post || !self.body.is_empty() {
            text.extend_from_slice(b"content-length: ");
            decimal(&mut text, self.body.len());
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        text.into()
    }
}

/// Name, colon, space, twenty digits and the two line ends.
const CONTENT_LENGTH_BYTES_MAX: usize = 40;

/// Neither type can hold a line break.
fn field(text: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    text.extend_from_slice(name.as_str().as_bytes());
    text.extend_from_slice(b": ");
    text.extend_from_slice(value.as_bytes());
    text.extend_from_slice(b"\r\n");
}

fn decimal(text: &mut Vec<u8>, number: usize) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[at..]);
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
        for (method, body, expected) in [
            (Method::Get, "", "GET /v1/models HTTP/1.1\r\nhost: upstream.test\r\nx-request-id: abc\r\n\r\n"),
            (
                Method::Post,
                "",
                "POST /v1/models HTTP/1.1\r\nhost: upstream.test\r\nx-request-id: abc\r\ncontent-length: 0\r\n\r\n",
            ),
            (
                Method::Post,
                "0123456789",
                "POST /v1/models HTTP/1.1\r\nhost: upstream.test\r\nx-request-id: abc\r\ncontent-length: 10\r\n\r\n",
            ),
        ] {
            let head = RequestHead::new(method, &"/v1/models".parse().unwrap(), &headers);
            let outgoing = Outgoing { head: &head, headers: &id, body: Bytes::from_static(body.as_bytes()) };
            assert_eq!(outgoing.head(), expected);
        }
    }
}
