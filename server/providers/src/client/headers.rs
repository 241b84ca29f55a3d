//! The headers of one answer, where they arrived.
//!
//! An adaptor asks for a dozen names once and then forgets them: comparing names in place costs less than building a
//! map of copies.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

#[derive(Clone, Default)]
pub struct Headers {
    head: Bytes,
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Both lie in the head.
    pub name: Range<usize>,
    pub value: Range<usize>,
}

impl Headers {
    pub(super) fn new(head: Bytes, fields: Vec<Field>) -> Self {
        Headers { head, fields }
    }

    /// The value of the first field called `name`, whatever its case. A value that is not plain ASCII is no value:
    /// nothing that we read may hold another.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.all(name).next()?;
        let is_plain = value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        std::str::from_utf8(value).ok().filter(|_| is_plain)
    }

    /// The values of every field called `name`, in order.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let is_called =
            move |field: &&Field| self.head[field.name.clone()].eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(is_called).map(|field| &self.head[field.value.clone()])
    }
}

/// Names only: values can hold cookies and keys.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.fields.iter().map(|field| String::from_utf8_lossy(&self.head[field.name.clone()]));
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let (mut head, mut fields) = (Vec::new(), Vec::new());
        let mut add = |text: &str| {
            head.extend_from_slice(text.as_bytes());
            head.len() - text.len()..head.len()
        };
        for (name, value) in pairs {
            fields.push(Field { name: add(name), value: add(value) });
        }
        Headers { head: head.into(), fields }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups() {
        let headers: Headers =
            [("Content-Type", "a"), ("x", "1"), ("X", "2"), ("empty", ""), ("odd", "\u{e9}")]
                .into_iter()
                .collect();
        for (name, first, all) in [
            ("content-type", Some("a"), 1),
            ("x", Some("1"), 2),
            ("empty", Some(""), 1),
            ("odd", None, 1),
            ("content", None, 0),
        ] {
            assert_eq!((headers.get(name), headers.all(name).count()), (first, all), "{name}");
        }
    }
}
