//! Descriptions → lines of a TSDoc comment.
//!
//! Start at [`lines`]; [`member`] adds what a schema says about its values.

use serde_json::Value;

use crate::ir::model::{Docs, Field, Shape};
use crate::lower::shared::docs::{facts, wrapped};

/// Longest line of prose: with indentation and ` * ` it stays inside prettier's 100 columns.
pub const WIDTH: usize = 92;
/// Longest default that is written out.
const DEFAULT_CHARS_MAX: usize = 60;

pub fn lines(docs: &Docs) -> Vec<String> {
    let text = if docs.description.trim().is_empty() { &docs.title } else { &docs.description };
    let mut lines = prose(text);
    if docs.deprecated {
        section(&mut lines, vec!["@deprecated".to_owned()]);
    }
    lines
}

/// A description, then bounds and the default.
pub fn member(docs: &Docs, shape: &Shape, default: Option<&Value>) -> Vec<String> {
    let text = if docs.description.trim().is_empty() { &docs.title } else { &docs.description };
    let mut lines = prose(text);
    section(&mut lines, prose(&facts(shape, None)));
    let mut tags = Vec::new();
    let default = default.filter(|default| !default.is_null()).map(Value::to_string);
    tags.extend(
        default.filter(|text| text.len() <= DEFAULT_CHARS_MAX).map(|text| format!("@default {text}")),
    );
    if docs.deprecated {
        tags.push("@deprecated".to_owned());
    }
    section(&mut lines, tags);
    lines
}

pub fn field(field: &Field, shape: &Shape) -> Vec<String> {
    member(&field.docs, shape, field.default.as_ref())
}

/// Prose that cannot end its comment, nor start a tag.
pub fn prose(text: &str) -> Vec<String> {
    let safe = |line: String| {
        let line = line.replace("*/", "*\\/");
        if line.trim_start().starts_with('@') { line.replacen('@', "\\@", 1) } else { line }
    };
    wrapped(text, WIDTH).into_iter().map(safe).collect()
}

/// A line that begins with a tag, its further lines indented.
pub fn tag(text: &str) -> Vec<String> {
    let line = |(at, line): (usize, String)| {
        let line = line.replace("*/", "*\\/");
        if at == 0 { line } else { format!("  {line}") }
    };
    wrapped(text, WIDTH - 2).into_iter().enumerate().map(line).collect()
}

/// Adds a paragraph.
pub fn section(lines: &mut Vec<String>, more: Vec<String>) {
    if !lines.is_empty() && !more.is_empty() {
        lines.push(String::new());
    }
    lines.extend(more);
}
