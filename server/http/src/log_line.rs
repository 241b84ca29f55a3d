//! One JSON object on one line, member by member.
//!
//! Every request writes one. A general serializer looks at each byte of each name and value on its own, which was a tenth of
//! the gateway's work per small request; here names are trusted, and a value is looked at once as a whole.
//!
//! **Invariant:** whatever a value holds, the line stays one line and one object.

use std::io::Write;
use std::time::{Duration, SystemTime};

use novai_core::money::Usd;

pub(crate) struct LogLine {
    text: Vec<u8>,
}

/// What a member can hold. [`None`] leaves the member out.
pub(crate) trait Value {
    fn is_absent(&self) -> bool {
        false
    }

    fn write(&self, text: &mut Vec<u8>);
}

impl LogLine {
    pub(crate) fn new() -> Self {
        let mut text = Vec::with_capacity(640);
        text.push(b'{');
        LogLine { text }
    }

    /// `name` must need no escapes.
    pub(crate) fn member(&mut self, name: &'static str, value: impl Value) {
        if value.is_absent() {
            return;
        }
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
        value.write(&mut self.text);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
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
        // Writing to memory cannot fail.
        let _ = write!(text, "\"{}\"", humantime::format_rfc3339_micros(*self));
    }
}

/// An exact decimal, in quotes: readers of JSON numbers would round it.
impl Value for Usd {
    fn write(&self, text: &mut Vec<u8>) {
        let _ = write!(text, "\"{self}\"");
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
        line.member("absent", None::<u64>);
        line.member("at", SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_315_435_987_654));
        line.member("plain", "caf\u{e9}");
        line.member("odd", "\r\n\u{2028}\"}{\\\0");
        line.member("number", Some(u64::MAX));
        line.member("flag", false);
        line.member("short", Duration::from_nanos(1_999));
        line.member("long", Duration::from_micros(12_034_050));
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
