//! The only file of `ir` that imports `parse`: the words in which the rest of `ir` reads the document.

use serde_json::Number;

pub(super) use crate::parse::{At, Document, NodeId, RefError};

use super::model::{Docs, Origin};

/// Readings of a key. A value of the wrong type reads as absent: `parse` has reported it.
pub(super) trait Read<'d>: Sized + Copy {
    fn text(self, key: &str) -> Option<&'d str>;
    /// As [`Read::text`]; empty where absent.
    fn words(self, key: &str) -> String;
    fn flag(self, key: &str) -> bool;
    fn number(self, key: &str) -> Option<Number>;
    /// A non-negative integer; `10.0` is one.
    fn count(self, key: &str) -> Option<u64>;
    /// The strings of a list, or the one string in place of a list.
    fn texts(self, key: &str) -> Vec<&'d str>;
    /// Items of the list under a key.
    fn list(self, key: &str) -> Vec<At<'d>>;
    /// Entries of the object under a key.
    fn map(self, key: &str) -> Vec<(&'d str, At<'d>)>;
    fn origin(self) -> Origin;
    fn docs(self) -> Docs;
}

impl<'d> Read<'d> for At<'d> {
    fn text(self, key: &str) -> Option<&'d str> {
        self.get(key).and_then(At::as_str)
    }

    fn words(self, key: &str) -> String {
        self.text(key).unwrap_or_default().to_owned()
    }

    fn flag(self, key: &str) -> bool {
        self.get(key).and_then(At::as_bool).unwrap_or(false)
    }

    fn number(self, key: &str) -> Option<Number> {
        self.get(key).and_then(At::as_number).cloned()
    }

    fn count(self, key: &str) -> Option<u64> {
        let number = self.get(key)?.as_number()?;
        number
            .as_u64()
            .or_else(|| number.as_f64().filter(|f| *f >= 0.0 && f.fract() == 0.0).map(|f| f as u64))
    }

    fn texts(self, key: &str) -> Vec<&'d str> {
        match self.get(key) {
            Some(at) if at.as_str().is_some() => at.as_str().into_iter().collect(),
            Some(at) => at.items().filter_map(At::as_str).collect(),
            None => Vec::new(),
        }
    }

    fn list(self, key: &str) -> Vec<At<'d>> {
        self.get(key).map(|at| at.items().collect()).unwrap_or_default()
    }

    fn map(self, key: &str) -> Vec<(&'d str, At<'d>)> {
        self.get(key).map(|at| at.entries().collect()).unwrap_or_default()
    }

    fn origin(self) -> Origin {
        Origin { pointer: self.pointer(), place: self.place() }
    }

    fn docs(self) -> Docs {
        let mut examples: Vec<_> = self.get("example").map(At::to_json).into_iter().collect();
        if let Some(list) = self.get("examples") {
            // 3.1 schemas have a list; media types and parameters a map of `{ summary, value }`.
            examples.extend(list.items().map(At::to_json));
            examples.extend(list.entries().filter_map(|(_, example)| example.get("value")).map(At::to_json));
        }
        Docs {
            title: self.words("title"),
            description: self.words("description"),
            examples,
            deprecated: self.flag("deprecated"),
        }
    }
}
