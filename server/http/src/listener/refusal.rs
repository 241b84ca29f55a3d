//! Answers to heads that never became a request.
//!
//! hyper answers such a head itself, with a status line and no body, and offers no hook. Clients parse our error shape on
//! every status, so the socket recognises those few bytes and sends the [`Refuse`]r's answer in their place.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// Why a head was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not HTTP/1.1.
    Malformed,
    /// Too many header fields, or too many bytes.
    TooLarge,
    /// It was begun, and not finished in time.
    TooSlow,
}

/// Puts a refusal into words.
pub trait Refuse: Send + Sync + 'static {
    /// A whole HTTP/1.1 response, which closes the connection.
    fn refuse(&self, refusal: Refusal) -> Vec<u8>;
}

impl Refusal {
    /// hyper's own answers (`hyper::proto::h1::role::Server::on_error`). None of ours is a 4xx without a body.
    pub(super) fn of_hyper(response: &[u8]) -> Option<Self> {
        let status = response.strip_prefix(b"HTTP/1.1 ")?.get(..4)?;
        if !response.ends_with(b"\r\n\r\n")
            || memchr::memmem::find(response, b"content-length: 0\r\n").is_none()
        {
            return None;
        }
        match status {
            b"400 " => Some(Refusal::Malformed),
            // 414 is a target of more than 64 KiB: it counts as part of the head.
            b"431 " | b"414 " => Some(Refusal::TooLarge),
            _ => None,
        }
    }
}

/// A response on its way out.
pub(super) struct Answer {
    bytes: Vec<u8>,
    sent: usize,
}

impl Answer {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Answer { bytes, sent: 0 }
    }

    /// Ready once every byte has been written.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mut socket: Pin<&mut impl AsyncWrite>,
    ) -> Poll<io::Result<()>> {
        while let rest @ [_, ..] = &self.bytes[self.sent..] {
            match ready!(socket.as_mut().poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hypers_own_refusals_are_recognised() {
        let cases: &[(&str, Option<Refusal>)] = &[
            (
                "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
                Some(Refusal::Malformed),
            ),
            (
                "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n",
                Some(Refusal::TooLarge),
            ),
            ("HTTP/1.1 414 URI Too Long\r\ncontent-length: 0\r\ndate: x\r\n\r\n", Some(Refusal::TooLarge)),
            ("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}", None),
            ("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", None),
            ("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n", None),
            ("HTTP/1.1 400", None),
            ("", None),
        ];
        for (response, expected) in cases {
            assert_eq!(Refusal::of_hyper(response.as_bytes()), *expected, "{response:?}");
        }
    }
}
