//! The values of one answer's own headers, made in one piece of memory.
//!
//! Most are a few digits; `HeaderValue::from` allocates twice for each, which cost more than all else about them.

use bytes::BytesMut;
use http::HeaderValue;

/// Push, then take what was pushed as a [`HeaderTexts::value`].
#[derive(Default)]
pub(crate) struct HeaderTexts {
    buffer: BytesMut,
}

impl HeaderTexts {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        HeaderTexts { buffer: BytesMut::with_capacity(bytes) }
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// In decimal. The formatting machinery would be half of what these headers cost.
    pub(crate) fn push_number(&mut self, number: u64) {
        self.push(itoa::Buffer::new().format(number));
    }

    /// What was pushed since the last one; `None` if no header can hold it.
    pub(crate) fn value(&mut self) -> Option<HeaderValue> {
        HeaderValue::from_maybe_shared(self.buffer.split().freeze()).ok()
    }

    pub(crate) fn text(&mut self, text: &str) -> Option<HeaderValue> {
        self.push(text);
        self.value()
    }

    pub(crate) fn number(&mut self, number: u64) -> Option<HeaderValue> {
        self.push_number(number);
        self.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_what_was_pushed_since_the_last() {
        let mut texts = HeaderTexts::with_capacity(4);
        texts.push("a=");
        texts.push_number(u64::MAX);
        let first = texts.value();
        assert_eq!(texts.text("no\nheader"), None);
        let values = [first, texts.number(0), texts.text("")];
        assert_eq!(values.map(Option::unwrap), ["a=18446744073709551615", "0", ""]);
    }
}
