//! One JSON object on one line, member by member.
//!
//! Every request writes one. A general serializer looks at each byte of each name and value on its own, which was a tenth of
//! the gateway's work per small request; here names are trusted, and a value is looked at once as a whole.
//!
//! **Invariant:** whatever a value holds, the line stays one line and one object.

use std::cell::Cell;
use std::io::Write;
use std::time::{Duration, SystemTime};

use novai_core::money::Usd;

/// A whole line of an answered request.
const TEXT_BYTES_LIKELY: usize = 768;

pub(crate) struct LogLine {
    text: Vec<u8>,
}

/// Writes `$line`'s member `$name`, a literal that needs no escapes.
macro_rules! member {
    ($line:expr, $name:literal, $value:expr) => {
        $line.member(concat!(",\"", $name, "\":"), $value)
    };
}
pub(crate) use member;

/// What a member can hold. [`None`] leaves the member out.
pub(crate) trait Value {
    fn is_absent(&self) -> bool {
        false
    }

    fn write(&self, text: &mut Vec<u8>);
}

impl LogLine {
    pub(crate) fn new() -> Self {
        LogLine { text: Vec::with_capacity(TEXT_BYTES_LIKELY) }
    }

    /// `before` is what stands before the value: a comma and the name. See [`member!`].
    pub(crate) fn member(&mut self, before: &'static str, value: impl Value) {
        if !value.is_absent() {
            self.text.extend_from_slice(before.as_bytes());
            value.write(&mut self.text);
        }
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        match self.text.first_mut() {
            // The comma before the first member.
            Some(first) => *first = b'{',
            None => self.text.push(b'{'),
        }
        self.text.extend_from_slice(b"}\n");
        self.text
    }
}

impl Value for &str {
    fn write(&self, text: &mut Vec<u8>) {
        let is_plain =
            self.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
        if is_plain {
            text.push(b'"');
            text.extend_from_slice(self.as_bytes());
            text.push(b'"');
        } else if serde_json::to_writer(&mut *text, self).is_err() {
            // A string always serialises; were it otherwise, the line must stay an object.
            text.extend_from_slice(b"null");
        }
    }
}

impl Value for u64 {
    fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
}

impl Value for bool {
    fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

/// In milliseconds, as precise as the log needs to be: `12.034`.
impl Value for Duration {
    fn write(&self, text: &mut Vec<u8>) {
        let us = u64::try_from(self.as_micros()).unwrap_or(u64::MAX);
        (us / 1000).write(text);
        let [hundreds, tens, ones] = [us / 100 % 10, us / 10 % 10, us % 10].map(|digit| b'0' + digit as u8);
        text.extend_from_slice(&[b'.', hundreds, tens, ones]);
    }
}

/// RFC 3339 with microseconds, in UTC.
impl Value for SystemTime {
    fn write(&self, text: &mut Vec<u8>) {
        let since = self.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        text.push(b'"');
        text.extend_from_slice(&second(since.as_secs()));
        text.push(b'.');
        // Six digits: the one in front of them keeps their zeros.
        let micros = 1_000_000 + since.subsec_micros();
        text.extend_from_slice(&itoa::Buffer::new().format(micros).as_bytes()[1..]);
        text.extend_from_slice(b"Z\"");
    }
}

/// `2026-11-22T02:43:55`.
type Second = [u8; 19];

/// The calendar is worked out once a second, not once a line.
fn second(unix_s: u64) -> Second {
    thread_local! {
        static LATEST: Cell<Option<(u64, Second)>> = const { Cell::new(None) };
    }
    match LATEST.get() {
        Some((known_s, text)) if known_s == unix_s => text,
        _ => {
            let mut text = *b"1970-01-01T00:00:00";
            // Writing to memory cannot fail; what does not fit is the `Z`.
            let _ = write!(
                &mut text[..],
                "{}",
                humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(unix_s))
            );
            LATEST.set(Some((unix_s, text)));
            text
        }
    }
}

/// An exact decimal, in quotes: readers of JSON numbers would round it.
impl Value for Usd {
    fn write(&self, text: &mut Vec<u8>) {
        text.push(b'"');
        text.extend_from_slice(self.text().as_str().as_bytes());
        text.push(b'"');
    }
}

impl<V: Value> Value for Option<V> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn write(&self, text: &mut Vec<u8>) {
        if let Some(value) = self {
            value.write(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json() {
        let mut line = LogLine::new();
        member!(line, "absent", None::<u64>);
        member!(line, "at", SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_315_435_987_654));
        member!(line, "plain", "caf\u{e9}");
        member!(line, "odd", "\r\n\u{2028}\"}{\\\0");
        member!(line, "number", Some(u64::MAX));
        member!(line, "flag", false);
        member!(line, "short", Duration::from_nanos(1_999));
        member!(line, "long", Duration::from_micros(12_034_050));
        let text = String::from_utf8(line.finish()).unwrap();
        assert_eq!(
            text,
            "{\"at\":\"2026-11-22T02:43:55.987654Z\",\"plain\":\"caf\u{e9}\",\
             \"odd\":\"\\r\\n\u{2028}\\\"}{\\\\\\u0000\",\"number\":18446744073709551615,\"flag\":false,\
             \"short\":0.001,\"long\":12034.050}\n"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        assert_eq!(LogLine::new().finish(), b"{}\n");
    }
}
