//! [`SseDecoder`]: bytes in, server-sent events out, by the WHATWG rules.
//!
//! Start at [`SseDecoder::feed`] and [`SseDecoder::advance`]. Lines end in LF, CR or CRLF; a leading byte order mark is
//! skipped; an event without its blank line is dropped; bytes that are not UTF-8 become U+FFFD.
//!
//! **Invariant:** the events do not depend on where the bytes were split.
//!
//! **Invariant:** once the buffers have grown to the size of an event, an event allocates nothing. A line that lies whole
//! in one piece is read where it is; only one that is cut in two is copied.
//!
//! Not here: reconnecting. A chat's stream cannot be resumed, so `retry` is ignored.

use std::borrow::Cow;

use bytes::Bytes;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An event grew beyond the limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

#[derive(Debug)]
pub(crate) struct SseDecoder {
    /// What was fed last; read up to `read`.
    input: Bytes,
    read: usize,
    /// Start of a line whose end has not come.
    line: Vec<u8>,
    /// The last line ended in CR: a LF that follows belongs to it.
    after_cr: bool,
    /// No line has been completed yet: a byte order mark may lead it.
    at_start: bool,
    data: Vec<u8>,
    has_data: bool,
    event: Vec<u8>,
    id: Vec<u8>,
    /// The fields above are an event that was handed out; the next line starts afresh.
    handed_out: bool,
    event_bytes_max: usize,
}

/// What the last `advance` found; borrowed from the decoder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// `message` where the stream names none.
    pub event: Cow<'a, str>,
    pub data: Cow<'a, str>,
    /// The last event id, which lasts until another is set.
    pub id: Cow<'a, str>,
}

impl SseDecoder {
    pub fn new(event_bytes_max: usize) -> Self {
        Self {
            input: Bytes::new(),
            read: 0,
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            data: Vec::new(),
            has_data: false,
            event: Vec::new(),
            id: Vec::new(),
            handed_out: false,
            event_bytes_max,
        }
    }

    /// Gives the next bytes. Call it only after `advance` said `false`: what is still unread would be lost.
    pub fn feed(&mut self, bytes: Bytes) {
        debug_assert!(self.input.is_empty(), "fed before the last bytes were read");
        self.input = bytes;
    }

    /// Reads up to the end of the next event. `false`: more bytes are needed.
    pub fn advance(&mut self) -> Result<bool, TooLarge> {
        // Out of `self` while it is read, so that lines can be borrowed from it.
        let input = std::mem::take(&mut self.input);
        let mut at = self.read;
        let found = self.scan(&input, &mut at);
        if at < input.len() {
            self.input = input;
            self.read = at;
        } else {
            self.read = 0;
        }
        found
    }

    fn scan(&mut self, input: &[u8], at: &mut usize) -> Result<bool, TooLarge> {
        while let Some(first) = input.get(*at) {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                *at += 1;
                continue;
            }
            let rest = &input[*at..];
            let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
                *at = input.len();
                return self.keep(rest).map(|()| false);
            };
            self.after_cr = rest[end] == b'\r';
            *at += end + 1;
            if self.end_line(&rest[..end])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The event that `advance` completed.
    pub fn event(&self) -> Event<'_> {
        let event = if self.event.is_empty() { b"message" } else { self.event.as_slice() };
        Event {
            event: String::from_utf8_lossy(event),
            data: String::from_utf8_lossy(&self.data),
            id: String::from_utf8_lossy(&self.id),
        }
    }

    fn keep(&mut self, piece: &[u8]) -> Result<(), TooLarge> {
        self.fits(self.line.len() + piece.len())?;
        self.line.extend_from_slice(piece);
        Ok(())
    }

    fn end_line(&mut self, piece: &[u8]) -> Result<bool, TooLarge> {
        if self.line.is_empty() {
            return self.read_line(piece);
        }
        self.keep(piece)?;
        // Taken and put back: the buffer keeps what it has grown to.
        let mut line = std::mem::take(&mut self.line);
        let complete = self.read_line(&line);
        line.clear();
        self.line = line;
        complete
    }

    fn read_line(&mut self, mut line: &[u8]) -> Result<bool, TooLarge> {
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if std::mem::take(&mut self.handed_out) {
            self.clear();
        }
        if line.is_empty() {
            // Without data there is no event, and its name is forgotten.
            self.handed_out = true;
            return Ok(self.has_data);
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                self.fits(self.data.len() + value.len() + 1)?;
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
            b"event" => replace(&mut self.event, value),
            b"id" if !value.contains(&0) => replace(&mut self.id, value),
            _ => {}
        }
        Ok(false)
    }

    fn clear(&mut self) {
        self.data.clear();
        self.has_data = false;
        self.event.clear();
    }

    fn fits(&self, bytes: usize) -> Result<(), TooLarge> {
        if bytes > self.event_bytes_max { Err(TooLarge) } else { Ok(()) }
    }
}

fn replace(field: &mut Vec<u8>, value: &[u8]) {
    field.clear();
    field.extend_from_slice(value);
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
