//! An answer as it is kept: what it says, and the headers that belong to it.

use bytes::{Bytes, BytesMut};
use dropshot::Body;
use http::Response;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use novai_core::replays::KeptAnswer;

use super::REPLAYED;

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The answer, given again.
    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(REPLAYED.clone(), HeaderValue::from_static("true"));
        response
    }

    /// As bytes: a header per line, as HTTP/1.1 writes them.
    pub fn encoded(&self) -> KeptAnswer {
        let mut head = BytesMut::new();
        for (name, value) in &self.headers {
            for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
        KeptAnswer { head: head.freeze(), body: self.body.clone() }
    }

    /// `None` if these are not what [`Answer::encoded`] writes.
    pub fn decoded(kept: KeptAnswer) -> Option<Answer> {
        let mut headers = HeaderMap::new();
        let mut rest = &kept.head[..];
        while !rest.is_empty() {
            let end = memchr::memmem::find(rest, b"\r\n")?;
            let (line, more) = (&rest[..end], &rest[end + 2..]);
            let colon = memchr::memchr(b':', line)?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            headers.append(name, HeaderValue::from_bytes(&line[colon + 1..]).ok()?);
            rest = more;
        }
        Some(Answer { headers, body: kept.body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_survives_its_bytes() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("content-type", "application/json"), ("x-a", "b: c"), ("x-a", ""), ("x-e", "é")]
        {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let answer = Answer { headers, body: Bytes::from_static(b"{}\r\n:") };
        let again = Answer::decoded(answer.encoded()).unwrap();
        assert_eq!((&again.headers, &again.body), (&answer.headers, &answer.body));
    }

    #[test]
    fn other_bytes_are_no_answer() {
        for head in ["content-type", "no colon\r\n", "bad name: x\r\n", "a:b\rc\r\n"] {
            let kept = KeptAnswer { head: Bytes::from(head), body: Bytes::new() };
            assert!(Answer::decoded(kept).is_none(), "{head:?}");
        }
    }
}
