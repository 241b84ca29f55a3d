
//! What the schema asks of values: ranges, lengths, patterns, lists of allowed values.
//!
//! A value that keeps the rules costs no allocation: a [`Path`] is a chain of stack frames, written out only for a
//! [`Violation`].

// What every description may need, not only this one.
#![allow(dead_code, unused_imports, unused_macros)]

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write as _};
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::support::Union;

/// Longest part of a caller's value that a message repeats.
const SHOWN_CHARS_MAX: usize = 40;

pub trait Check {
    /// Finds the first value that breaks a rule; `at` is where `self` is in the request.
    fn check_at(&self, at: &Path<'_>) -> Result<(), Violation>;

    /// The same for a whole request body.
    fn check(&self) -> Result<(), Violation> {
        self.check_at(&Path::Root)
    }
}

impl<T: Check> Check for Vec<T> {
    fn check_at(&self, at: &Path<'_>) -> Result<(), Violation> {
        self.iter().enumerate().try_for_each(|(index, item)| item.check_at(&at.index(index)))
    }
}

impl<T: Check> Check for Option<T> {
    fn check_at(&self, at: &Path<'_>) -> Result<(), Violation> {
        self.as_ref().map_or(Ok(()), |value| value.check_at(at))
    }
}

impl<T: Check> Check for Box<T> {
    fn check_at(&self, at: &Path<'_>) -> Result<(), Violation> {
        T::check_at(self, at)
    }
}

impl<T: Check> Check for BTreeMap<String, T> {
    fn check_at(&self, at: &Path<'_>) -> Result<(), Violation> {
        self.iter().try_for_each(|(key, value)| value.check_at(&at.field(key)))
    }
}

/// One broken rule, in words for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the value, such as `messages[0].content`; empty for the whole body.
    pub param: String,
    /// What the value has to be: `must be at most 2`.
    pub rule: String,
    /// What came instead, shortened; empty where there is nothing to show.
    pub got: String,
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let param = if self.param.is_empty() { "the body" } else { &self.param };
        write!(f, "{param} {}", self.rule)?;
        if self.got.is_empty() { Ok(()) } else { write!(f, ", but is {}", self.got) }
    }
}

/// Where a value is in a request.
#[derive(Debug, Clone, Copy)]
pub enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(Path::Root, name) => f.write_str(name),
            Path::Field(parent, name) => write!(f, "{parent}.{name}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

impl<'a> Path<'a> {
    pub fn field(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }

    pub fn check<T: Check>(&self, value: &T) -> Result<(), Violation> {
        value.check_at(self)
    }

    pub fn minimum<T: PartialOrd + Display>(&self, value: &T, bound: T) -> Result<(), Violation> {
        self.hold(*value >= bound, || format!("must be at least {bound}"), value)
    }

    pub fn maximum<T: PartialOrd + Display>(&self, value: &T, bound: T) -> Result<(), Violation> {
        self.hold(*value <= bound, || format!("must be at most {bound}"), value)
    }

    pub fn above<T: PartialOrd + Display>(&self, value: &T, bound: T) -> Result<(), Violation> {
        self.hold(*value > bound, || format!("must be above {bound}"), value)
    }

    pub fn below<T: PartialOrd + Display>(&self, value: &T, bound: T) -> Result<(), Violation> {
        self.hold(*value < bound, || format!("must be below {bound}"), value)
    }

    pub fn multiple_of<T>(&self, value: &T, step: T) -> Result<(), Violation>
    where
        T: std::ops::Rem<Output = T> + PartialEq + Default + Display + Copy,
    {
        self.hold(*value % step == T::default(), || format!("must be a multiple of {step}"), value)
    }

    pub fn one_of_numbers(&self, value: &i64, allowed: &[i64]) -> Result<(), Violation> {
        let rule = || format!("must be one of {}", listed(allowed.iter()));
        self.hold(allowed.contains(value), rule, value)
    }

    pub fn min_length(&self, text: &str, limit: usize) -> Result<(), Violation> {
        // Every character has at most four bytes: most texts need not be counted.
        let long_enough = text.len() >= limit.saturating_mul(4) || text.chars().count() >= limit;
        let rule = || match limit {
            1 => "must not be empty".to_owned(),
            limit => format!("must have at least {limit} characters"),
        };
        self.hold(long_enough, rule, &Characters(text))
    }

    pub fn max_length(&self, text: &str, limit: usize) -> Result<(), Violation> {
        let short_enough = text.len() <= limit || text.chars().count() <= limit;
        self.hold(short_enough, || format!("must have at most {limit} characters"), &Characters(text))
    }

    pub fn pattern(&self, text: &str, pattern: &Pattern) -> Result<(), Violation> {
        self.hold(pattern.matches(text), || format!("must match {}", pattern.source), &Quoted(text))
    }

    pub fn min_items(&self, count: usize, limit: usize) -> Result<(), Violation> {
        let rule = || match limit {
            1 => "must not be empty".to_owned(),
            limit => format!("must have at least {limit} items"),
        };
        self.hold(count >= limit, rule, &Long(count, ["item", "items"]))
    }

    pub fn max_items(&self, count: usize, limit: usize) -> Result<(), Violation> {
        let rule = || format!("must have at most {limit} items");
        self.hold(count <= limit, rule, &Long(count, ["item", "items"]))
    }

    pub fn min_properties(&self, count: usize, limit: usize) -> Result<(), Violation> {
        let rule = || format!("must have at least {limit} entries");
        self.hold(count >= limit, rule, &Long(count, ["entry", "entries"]))
    }

    pub fn max_properties(&self, count: usize, limit: usize) -> Result<(), Violation> {
        let rule = || format!("must have at most {limit} entries");
        self.hold(count <= limit, rule, &Long(count, ["entry", "entries"]))
    }

    pub fn key_max_length<'k>(
        &self,
        mut keys: impl Iterator<Item = &'k String>,
        limit: usize,
    ) -> Result<(), Violation> {
        let long = keys.find(|key| key.len() > limit && key.chars().count() > limit);
        let rule = || format!("must have keys of at most {limit} characters");
        long.map_or(Ok(()), |key| self.hold(false, rule, &Characters(key)))
    }

    pub fn key_pattern<'k>(
        &self,
        mut keys: impl Iterator<Item = &'k String>,
        pattern: &Pattern,
    ) -> Result<(), Violation> {
        let rule = || format!("must have keys that match {}", pattern.source);
        keys.find(|key| !pattern.matches(key)).map_or(Ok(()), |key| self.hold(false, rule, &Quoted(key)))
    }

    pub fn unique<T: PartialEq>(&self, items: &[T]) -> Result<(), Violation> {
        let twice = (1..items.len()).find(|&at| items[..at].contains(&items[at]));
        let rule = || "must have no item twice".to_owned();
        twice.map_or(Ok(()), |at| self.hold(false, rule, &format_args!("item {at} again")))
    }

    pub fn one_of(&self, text: &str, allowed: &[&str]) -> Result<(), Violation> {
        if allowed.contains(&text) { Ok(()) } else { Err(self.not_listed(text, allowed)) }
    }

    pub fn not_listed(&self, text: &str, allowed: &[&str]) -> Violation {
        let allowed = allowed.iter().map(|value| format!("`{value}`"));
        self.violation(format!("must be one of {}", listed(allowed)), Quoted(text))
    }

    pub fn object(&self, value: &Value) -> Result<(), Violation> {
        self.hold(value.is_object(), || "must be an object".to_owned(), &Kind(value))
    }

    pub fn no_extra(&self, extra: &Map<String, Value>) -> Result<(), Violation> {
        let Some((name, value)) = extra.iter().next() else { return Ok(()) };
        Err(self.field(name).violation("is not a known field", Kind(value)))
    }

    /// A value that is none of a union's variants: of the wrong kind, without its tag, or with an unknown one.
    pub fn unknown<T: Union>(&self, value: &Value, expected: &str) -> Violation {
        let Value::Object(object) = value else {
            return self.violation(format!("must be {expected}"), Kind(value));
        };
        match object.get(T::TAG) {
            _ if T::TAG.is_empty() => self.violation(format!("must be {expected}"), Kind(value)),
            Some(Value::String(tag)) => self.field(T::TAG).not_listed(tag, T::TAGS),
            Some(other) => self.field(T::TAG).violation("must be a string", Kind(other)),
            None => self.field(T::TAG).violation("is required", "missing"),
        }
    }

    fn hold(&self, holds: bool, rule: impl FnOnce() -> String, got: &dyn Display) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(self.violation(rule(), got)) }
    }

    fn violation(&self, rule: impl Into<String>, got: impl Display) -> Violation {
        Violation { param: self.to_string(), rule: rule.into(), got: got.to_string() }
    }
}

fn listed<T: Display>(values: impl Iterator<Item = T>) -> String {
    let mut text = String::new();
    for value in values {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{value}");
    }
    text
}

struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN_CHARS_MAX) {
            Some((end, _)) => write!(f, "`{}…`", &self.0[..end]),
            None => write!(f, "`{}`", self.0),
        }
    }
}

struct Characters<'a>(&'a str);

impl Display for Characters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Long(self.0.chars().count(), ["character", "characters"]).fmt(f)
    }
}

/// How many, and of what: one of it, and several.
struct Long(usize, [&'static str; 2]);

impl Display for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, [one, several]) = self;
        write!(f, "{count} {} long", if *count == 1 { one } else { several })
    }
}

/// A value's JSON kind, and the value itself where it is short and harmless.
pub struct Kind<'a>(pub &'a Value);

impl Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(number) => write!(f, "the number {number}"),
            Value::String(_) => f.write_str("a string"),
            Value::Array(_) => f.write_str("an array"),
            Value::Object(_) => f.write_str("an object"),
        }
    }
}

/// A regular expression of the schema, compiled at its first use; matching takes time linear in the text.
pub struct Pattern {
    source: &'static str,
    compiled: OnceLock<Option<regex::Regex>>,
}

impl Pattern {
    pub const fn new(source: &'static str) -> Self {
        Self { source, compiled: OnceLock::new() }
    }

    fn matches(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| regex::Regex::new(self.source).ok());
        // The generator refuses an expression that does not compile, so there is always one.
        compiled.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}
