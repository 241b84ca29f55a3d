//! The decoder: lines from chunks, fields from lines, events from fields.

use std::mem;
use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One dispatched event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; empty where the standard says `message`.
    pub name: Bytes,
    pub data: Bytes,
    /// The last event id as of this event.
    pub id: Bytes,
}

/// A line, or the joined data of one event, exceeds the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {bytes_max} bytes")]
pub struct TooLarge {
    pub bytes_max: usize,
}

/// [`Decoder::feed`] it a chunk, then call [`Decoder::next_event`] until it has no more.
#[derive(Debug)]
pub struct Decoder {
    event_bytes_max: usize,
    /// The chunk being read, and how far.
    chunk: Bytes,
    position: usize,
    /// The beginning of a line that the last chunk's end cut off.
    carry: BytesMut,
    /// The last line ended in CR: a LF right after it belongs to the same line end.
    after_cr: bool,
    /// Before the end of the first line: a BOM may still have to be removed.
    first_line: bool,
    name: Bytes,
    data: Data,
    id: Bytes,
    retry: Option<Duration>,
}

/// The data lines of the event being built. One line is the rule and stays a slice.
#[derive(Debug)]
enum Data {
    None,
    One(Bytes),
    Joined(BytesMut),
}

impl Decoder {
    pub fn new(event_bytes_max: usize) -> Self {
        Decoder {
            event_bytes_max,
            chunk: Bytes::new(),
            position: 0,
            carry: BytesMut::new(),
            after_cr: false,
            first_line: true,
            name: Bytes::new(),
            data: Data::None,
            id: Bytes::new(),
            retry: None,
        }
    }

    /// Call only after [`Decoder::next_event`] returned `Ok(None)`: events of the chunk before would be lost.
    pub fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.position >= self.chunk.len(), "fed before the last chunk was read");
        self.chunk = chunk;
        self.position = 0;
    }

    /// The next complete event, or `None` when another chunk is needed. An event that the input's end cuts off is never
    /// dispatched: that is the standard's rule, and the reason why truncation must be noticed by whoever reads.
    pub fn next_event(&mut self) -> Result<Option<Event>, TooLarge> {
        if let Some(data) = self.simple_event() {
            return Ok(Some(Event { name: Bytes::new(), data, id: self.id.clone() }));
        }
        // Taken out for the loop, so that fields can be sliced from it while `self` changes.
        let chunk = mem::take(&mut self.chunk);
        let result = self.scan(&chunk);
        if self.position < chunk.len() {
            self.chunk = chunk;
        } else {
            // Read to its end: dropping it here releases the read buffer while we wait for more.
            self.position = 0;
        }
        result
    }

    /// The data of an event that is one `data: ` line and an empty one, both whole: what nearly every event of a model's
    /// stream is. Anything else is left to [`Decoder::scan`], which would read these just the same.
    #[inline]
    fn simple_event(&mut self) -> Option<Bytes> {
        const FIELD: &[u8] = b"data: ";
        let is_between_events = self.carry.is_empty()
            && self.name.is_empty()
            && matches!(self.data, Data::None)
            && !self.first_line;
        let rest = self.chunk.get(self.position..)?;
        if !is_between_events || self.after_cr || !rest.starts_with(FIELD) {
            return None;
        }
        let line_end = memchr2(b'\n', b'\r', rest)?;
        if rest.get(line_end..line_end + 2) != Some(b"\n\n") || line_end > self.event_bytes_max {
            return None;
        }
        let data = self.chunk.slice(self.position + FIELD.len()..self.position + line_end);
        self.position += line_end + 2;
        if self.position == self.chunk.len() {
            (self.chunk, self.position) = (Bytes::new(), 0);
        }
        Some(data)
    }

    /// What the server asked reconnecting clients to wait, if it did.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn scan(&mut self, chunk: &Bytes) -> Result<Option<Event>, TooLarge> {
        while self.position < chunk.len() {
            if mem::take(&mut self.after_cr) && chunk[self.position] == b'\n' {
                self.position += 1;
                continue;
            }
            let rest = &chunk[self.position..];
            let Some(length) = memchr2(b'\n', b'\r', rest) else {
                self.position = chunk.len();
                self.check_size(self.carry.len() + rest.len())?;
                self.carry.extend_from_slice(rest);
                return Ok(None);
            };
            let line = self.position..self.position + length;
            self.position = line.end + 1;
            self.after_cr = chunk[line.end] == b'\r';
            let event = if self.carry.is_empty() {
                self.line(chunk, line)?
            } else {
                let mut whole = mem::take(&mut self.carry);
                whole.extend_from_slice(&chunk[line]);
                let whole = whole.freeze();
                self.line(&whole, 0..whole.len())?
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// One line, without its end, lying at `line` in `source`.
    fn line(&mut self, source: &Bytes, mut line: Range<usize>) -> Result<Option<Event>, TooLarge> {
        self.check_size(line.len())?;
        if mem::take(&mut self.first_line) && source[line.clone()].starts_with(BOM) {
            line.start += BOM.len();
        }
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let bytes = &source[line.clone()];
        let (field, value) = match memchr(b':', bytes) {
            None => (bytes, line.end..line.end),
            Some(colon) => {
                let space = usize::from(bytes.get(colon + 1) == Some(&b' '));
                (&bytes[..colon], line.start + colon + 1 + space..line.end)
            }
        };
        match field {
            b"data" => self.add_data(source.slice(value))?,
            b"event" => self.name = source.slice(value),
            b"id" if memchr(0, &source[value.clone()]).is_none() => self.id = source.slice(value),
            b"retry" => self.set_retry(&source[value]),
            // Comments have an empty field name; unknown fields are ignored, as the standard asks.
            _ => {}
        }
        Ok(None)
    }

    fn add_data(&mut self, value: Bytes) -> Result<(), TooLarge> {
        self.data = match mem::replace(&mut self.data, Data::None) {
            Data::None => Data::One(value),
            Data::One(first) => {
                self.check_size(first.len() + 1 + value.len())?;
                let mut joined = BytesMut::with_capacity(first.len() + 1 + value.len());
                joined.extend_from_slice(&first);
                joined.extend_from_slice(b"\n");
                joined.extend_from_slice(&value);
                Data::Joined(joined)
            }
            Data::Joined(mut joined) => {
                self.check_size(joined.len() + 1 + value.len())?;
                joined.extend_from_slice(b"\n");
                joined.extend_from_slice(&value);
                Data::Joined(joined)
            }
        };
        Ok(())
    }

    fn set_retry(&mut self, value: &[u8]) {
        let all_digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let parsed =
            std::str::from_utf8(value).ok().filter(|_| all_digits).and_then(|text| text.parse().ok());
        if let Some(ms) = parsed {
            self.retry = Some(Duration::from_millis(ms));
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        let name = mem::take(&mut self.name);
        let data = match mem::replace(&mut self.data, Data::None) {
            Data::None => return None,
            Data::One(data) => data,
            Data::Joined(data) => data.freeze(),
        };
        Some(Event { name, data, id: self.id.clone() })
    }

    fn check_size(&self, bytes: usize) -> Result<(), TooLarge> {
        if bytes > self.event_bytes_max {
            return Err(TooLarge { bytes_max: self.event_bytes_max });
        }
        Ok(())
    }
}
