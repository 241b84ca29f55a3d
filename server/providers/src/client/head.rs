//! The head of an answer: its status, its headers, and what they say about the body and the connection.
//!
//! **Invariant:** an answer whose end could be read in two ways is refused. A pooled connection that loses count would
//! give one caller's answer to the next.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::Bytes;
use http::StatusCode;
use httparse::{ParserConfig, Status};
use memchr::memchr;

use super::framing::Framing;
use super::headers::{Field, Headers};

/// Real ones have 20 to 40.
const FIELDS_MAX: usize = 128;

#[derive(Debug)]
pub(super) struct Head {
    pub status: StatusCode,
    pub headers: Headers,
    pub framing: Framing,
    /// The upstream will take another request on this connection.
    pub keep_alive: bool,
}

/// Why an answer was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeadFlaw {
    #[error("it does not begin with HTTP/1")]
    NotHttp1,
    #[error("its head is malformed: {0}")]
    Malformed(httparse::Error),
    #[error("its head does not end within {0} bytes")]
    TooLarge(usize),
    #[error("it goes on announcing an answer")]
    Interim,
    #[error("it switches protocols, which nobody asked for")]
    SwitchesProtocols,
    #[error("it has a length and a transfer encoding")]
    LengthAndEncoding,
    #[error("its length is not one decimal number")]
    Length,
    #[error("its transfer encoding is not `chunked` alone")]
    Encoding,
}

/// Where the head in `bytes` ends, if it does. The first `searched` bytes are known to hold no end.
pub(super) fn end(bytes: &[u8], searched: usize) -> Option<usize> {
    // An end may begin in its last three bytes.
    let mut from = searched.saturating_sub(3);
    loop {
        let line_end = from + memchr(b'\n', &bytes[from..])? + 1;
        match bytes[line_end..] {
            [b'\n', ..] => return Some(line_end + 1),
            [b'\r', b'\n', ..] => return Some(line_end + 2),
            _ => from = line_end,
        }
    }
}

/// A server that speaks something else often waits for us to speak, too: what cannot become a head is refused at once.
pub(super) fn check_beginning(bytes: &[u8]) -> Result<(), HeadFlaw> {
    const BEGINNING: &[u8] = b"HTTP/1.";
    let length = bytes.len().min(BEGINNING.len());
    if bytes[..length] == BEGINNING[..length] { Ok(()) } else { Err(HeadFlaw::NotHttp1) }
}

/// Reads a whole head; `None` for an interim one (1xx), after which the real one follows.
pub(super) fn parse(text: Bytes) -> Result<Option<Head>, HeadFlaw> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed =
        ParserConfig::default().parse_response_with_uninit_headers(&mut response, &text, &mut fields);
    match parsed.map_err(HeadFlaw::Malformed)? {
        Status::Complete(length) if length == text.len() => {}
        // The parser sees another end than we do.
        _ => return Err(HeadFlaw::Malformed(httparse::Error::NewLine)),
    }
    let code = response.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = code.ok_or(HeadFlaw::Malformed(httparse::Error::Status))?;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(HeadFlaw::SwitchesProtocols);
    }
    if status.is_informational() {
        return Ok(None);
    }
    let is_http_11 = response.version == Some(1);
    let fields = response
        .headers
        .iter()
        .map(|field| Field { name: place(&text, field.name.as_bytes()), value: place(&text, field.value) });
    let fields = fields.collect();
    let headers = Headers::new(text, fields);
    let framing = framing(status, is_http_11, &headers)?;
    let keep_alive = is_http_11 && framing != Framing::until_close() && !says_close(&headers);
    Ok(Some(Head { status, headers, framing, keep_alive }))
}

/// Where in `text` the parser found `part`.
fn place(text: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    // Empty parts may lie anywhere.
    if part.is_empty() || start > text.len() - part.len() { 0..0 } else { start..start + part.len() }
}

/// RFC 9112 §6.3, with an error wherever it leaves a choice.
fn framing(status: StatusCode, is_http_11: bool, headers: &Headers) -> Result<Framing, HeadFlaw> {
    let length = length(headers)?;
    let mut encodings = headers.all("transfer-encoding");
    if let Some(encoding) = encodings.next() {
        if length.is_some() {
            return Err(HeadFlaw::LengthAndEncoding);
        }
        let is_chunked = encoding.eq_ignore_ascii_case(b"chunked") && encodings.next().is_none();
        if !is_chunked || !is_http_11 {
            return Err(HeadFlaw::Encoding);
        }
    }
    Ok(match (status, length) {
        (StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED, _) => Framing::length(0),
        (_, Some(length)) => Framing::length(length),
        (_, None) if headers.all("transfer-encoding").next().is_some() => Framing::chunked(),
        (_, None) => Framing::until_close(),
    })
}

/// One length, or the same one several times.
fn length(headers: &Headers) -> Result<Option<u64>, HeadFlaw> {
    let mut length = None;
    for text in headers.all("content-length") {
        // Digits only: `parse` alone would take a sign.
        let digits =
            std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let one: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or(HeadFlaw::Length)?;
        if length.is_some_and(|other| other != one) {
            return Err(HeadFlaw::Length);
        }
        length = Some(one);
    }
    Ok(length)
}

fn says_close(headers: &Headers) -> bool {
    let mut options = headers.all("connection").flat_map(|value| value.split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

#[cfg(test)]
mod tests;
