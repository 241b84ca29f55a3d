//! Reads a TOML table key by key and collects every problem with its line.
//!
//! serde would stop at the first one. Whatever is left in a [`Section`] at its end is an unknown key, so a typo is never
//! ignored in silence.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::rc::Rc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;

/// Longest duration that makes sense anywhere: a day.
const DURATION_MS_MAX: u64 = 86_400_000;

/// One configuration file being read.
pub struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Reader<'a> {
    /// `name` is what problems call the file.
    pub fn new(name: &'a str, text: &'a str) -> Rc<Self> {
        Rc::new(Reader { name, text, problems: RefCell::default() })
    }

    /// Text that is not TOML is one problem and an empty section: what follows a broken line means nothing.
    pub fn root(self: &Rc<Self>) -> Section<'a> {
        let table = DeTable::parse(self.text).unwrap_or_else(|error| {
            let at = error.span().unwrap_or_default();
            self.report(&at, "", format!("is not TOML: {}", error.message()), "");
            Spanned::new(0..0, DeTable::new())
        });
        Section::new(Rc::clone(self), String::new(), table)
    }

    pub fn problems(&self) -> Vec<Problem> {
        self.problems.borrow().clone()
    }

    fn report(&self, at: &Range<usize>, key: &str, rule: impl Into<String>, fix: impl Into<String>) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = 1 + before.matches('\n').count();
        self.problems.borrow_mut().push(Problem {
            place: format!("{}:{line}", self.name),
            key: key.to_owned(),
            rule: rule.into(),
            fix: fix.into(),
        });
    }
}

/// A value and where it stands, for problems that only show later.
pub struct At<T> {
    pub value: T,
    reader: Reference,
}

/// Where a value stands. Owns what it needs, so that it outlives the section.
#[derive(Clone)]
pub struct Reference {
    pub key: String,
    pub place: String,
}

impl<T> At<T> {
    pub fn problem(&self, rule: impl Into<String>, fix: impl Into<String>) -> Problem {
        self.reader.problem(rule, fix)
    }

    pub fn reference(&self) -> &Reference {
        &self.reader
    }

    /// What the value stands for, at the same place.
    pub fn with<U>(&self, value: U) -> At<U> {
        At { value, reader: self.reader.clone() }
    }
}

impl Reference {
    pub fn problem(&self, rule: impl Into<String>, fix: impl Into<String>) -> Problem {
        Problem { place: self.place.clone(), key: self.key.clone(), rule: rule.into(), fix: fix.into() }
    }
}

/// A value that may be written in two ways.
pub enum TextOrSection<'a> {
    Text(At<String>),
    Section(Section<'a>),
}

/// A table whose keys are taken one by one.
pub struct Section<'a> {
    reader: Rc<Reader<'a>>,
    path: String,
    at: Range<usize>,
    left: BTreeMap<String, (Range<usize>, Spanned<DeValue<'a>>)>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    fn new(reader: Rc<Reader<'a>>, path: String, table: Spanned<DeTable<'a>>) -> Self {
        let at = table.span();
        let left = table
            .into_inner()
            .into_iter()
            .map(|(key, value)| (key.get_ref().to_string(), (key.span(), value)))
            .collect();
        Section { reader, path, at, left, known: Vec::new() }
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.left.remove(key).map(|(_, value)| value)
    }

    fn at<T>(&self, key: &str, span: &Range<usize>, value: T) -> At<T> {
        let before = self.reader.text.get(..span.start).unwrap_or(self.reader.text);
        let place = format!("{}:{}", self.reader.name, 1 + before.matches('\n').count());
        At { value, reader: Reference { key: self.key(key), place } }
    }

    /// For what a whole section lacks.
    pub fn reference(&self, key: &str) -> Reference {
        self.at(key, &self.at, ()).reader
    }

    pub fn report(&self, problem: Problem) {
        self.reader.problems.borrow_mut().push(problem);
    }

    fn mistyped(&self, key: &str, span: &Range<usize>, expected: &str, got: &str, fix: String) {
        self.reader.report(span, &self.key(key), format!("must be {expected}, but is {got}"), fix);
    }

    pub fn string(&mut self, key: &'static str, example: &str) -> Option<At<String>> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => {
                Some(self.at(key, &value.span(), text.trim().to_owned()))
            }
            DeValue::String(_) => {
                self.mistyped(key, &value.span(), "text", "empty", format!("write {key} = {example:?}"));
                None
            }
            other => {
                let got = shown(other);
                self.mistyped(key, &value.span(), "text", &got, format!("write {key} = {example:?}"));
                None
            }
        }
    }

    pub fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.take(key) else { return default };
        if let DeValue::Boolean(on) = value.get_ref() {
            return *on;
        }
        self.mistyped(
            key,
            &value.span(),
            "true or false",
            &shown(value.get_ref()),
            format!("write {key} = {default}"),
        );
        default
    }

    pub fn integer(&mut self, key: &'static str, range: RangeInclusive<u64>, default: u64) -> u64 {
        self.integer_if_set(key, range, default).unwrap_or(default)
    }

    pub fn integer_if_set(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        example: u64,
    ) -> Option<u64> {
        let value = self.take(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(digits) => {
                u64::from_str_radix(&digits.as_str().replace('_', ""), digits.radix()).ok()
            }
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            let got = shown(value.get_ref());
            self.mistyped(key, &value.span(), &expected, &got, format!("write {key} = {example}"));
        }
        number
    }

    /// A part of a whole.
    pub fn ratio(&mut self, key: &'static str, default: f64) -> f64 {
        let Some(value) = self.take(key) else { return default };
        let ratio = match value.get_ref() {
            DeValue::Float(digits) => digits.as_str().replace('_', "").parse::<f64>().ok(),
            DeValue::Integer(digits) => digits.as_str().parse::<f64>().ok(),
            _ => None,
        };
        let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
        if ratio.is_none() {
            let got = shown(value.get_ref());
            let fix = format!("write {key} = {default:?}");
            self.mistyped(key, &value.span(), "a number from 0.0 to 1.0", &got, fix);
        }
        ratio.unwrap_or(default)
    }

    pub fn millis(&mut self, key: &'static str, default: Duration) -> Duration {
        let default_ms = u64::try_from(default.as_millis()).unwrap_or(DURATION_MS_MAX);
        Duration::from_millis(self.integer(key, 1..=DURATION_MS_MAX, default_ms))
    }

    pub fn strings(&mut self, key: &'static str, example: &str) -> Vec<At<String>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let fix = || format!("write {key} = [{example:?}]");
        let DeValue::Array(items) = value.get_ref() else {
            self.mistyped(key, &value.span(), "a list of texts", &shown(value.get_ref()), fix());
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let name = format!("{key}[{index}]");
            match item.get_ref() {
                DeValue::String(text) => texts.push(self.at(&name, &item.span(), text.to_string())),
                other => self.mistyped(&name, &item.span(), "text", &shown(other), fix()),
            }
        }
        texts
    }

    /// One text, or a list of them.
    pub fn one_or_more(&mut self, key: &'static str, example: &str) -> Vec<At<String>> {
        let is_list =
            self.left.get(key).is_some_and(|(_, value)| matches!(value.get_ref(), DeValue::Array(_)));
        if is_list { self.strings(key, example) } else { self.string(key, example).into_iter().collect() }
    }

    /// Text, or a section.
    pub fn text_or_section(&mut self, key: &'static str, fix: &str) -> Option<TextOrSection<'a>> {
        let path = self.key(key);
        let value = self.take(key)?;
        let span = value.span();
        match value.into_inner() {
            DeValue::String(text) => Some(TextOrSection::Text(self.at(key, &span, text.trim().to_owned()))),
            DeValue::Table(table) => {
                let reader = Rc::clone(&self.reader);
                Some(TextOrSection::Section(Section::new(reader, path, Spanned::new(span, table))))
            }
            other => {
                self.mistyped(key, &span, "text or a section", &shown(&other), fix.to_owned());
                None
            }
        }
    }

    /// Whether there is such a key, right or wrong. Ask before it is taken.
    pub fn has(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    /// `[key]`; an absent one is empty.
    pub fn section(&mut self, key: &'static str) -> Section<'a> {
        let path = self.key(key);
        let reader = Rc::clone(&self.reader);
        match self.take(key) {
            None => Section::new(reader, path, Spanned::new(self.at.clone(), DeTable::new())),
            Some(value) => self.table(reader, path, value, format!("write it as a section: [{key}]")),
        }
    }

    /// Every `[[key]]`.
    pub fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let span = value.span();
        let fix = format!("write each as its own section: [[{key}]]");
        match value.into_inner() {
            DeValue::Array(items) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| {
                    let path = self.key(&format!("{key}[{index}]"));
                    self.table(Rc::clone(&self.reader), path, item, fix.clone())
                })
                .collect(),
            other => {
                self.mistyped(key, &span, "a list of sections", &shown(&other), fix);
                Vec::new()
            }
        }
    }

    fn table(
        &self,
        reader: Rc<Reader<'a>>,
        path: String,
        value: Spanned<DeValue<'a>>,
        fix: String,
    ) -> Section<'a> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Section::new(reader, path, Spanned::new(span, table)),
            other => {
                reader.report(&span, &path, format!("must be a section, but is {}", shown(&other)), fix);
                Section::new(reader, path, Spanned::new(span, DeTable::new()))
            }
        }
    }

    /// What nobody took is unknown.
    pub fn finish(self) {
        for (key, (span, _)) in &self.left {
            let fix = match nearest(key, &self.known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            self.reader.report(span, &self.key(key), "there is no such key", fix);
        }
    }
}

/// A value in a message: short, and never a whole table.
fn shown(value: &DeValue<'_>) -> String {
    const CHARS_MAX: usize = 60;
    match value {
        DeValue::String(text) => format!("{:?}", text.chars().take(CHARS_MAX).collect::<String>()),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(on) => on.to_string(),
        other => format!("a TOML {}", other.type_str()),
    }
}

/// The known key that `key` most likely means.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let close = |candidate: &&&'static str| distance(key, candidate) <= 2.max(candidate.len() / 4);
    known.iter().filter(close).min_by_key(|candidate| distance(key, candidate)).copied()
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
