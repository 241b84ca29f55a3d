//! Descriptions → lines of prose, and what a schema says about its values in words.
//!
//! Start at [`wrapped`]; [`facts`] is the part that the document does not write out.

use serde_json::{Number, Value};

use crate::ir::model::{Range, Shape};

/// Longest literal that is quoted in prose.
const CODE_CHARS_MAX: usize = 80;

/// Paragraphs and list items filled up to `width`; tables, headings and fenced code as they are. Lists stay lists.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut fenced = false;
    for line in paragraphs(text) {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            fenced = !fenced;
            out.push(trimmed.to_owned());
        } else if fenced {
            out.push(line);
        } else if trimmed.is_empty() {
            if out.last().is_some_and(|last| !last.is_empty()) {
                out.push(String::new());
            }
        } else if trimmed.starts_with('|') || trimmed.starts_with('#') {
            out.push(trimmed.to_owned());
        } else {
            fill(trimmed, line.len() - trimmed.len(), width, &mut out);
        }
    }
    if fenced {
        out.push("```".to_owned());
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out
}

/// The text with each paragraph and list item on one line; fenced code, tables and headings as they are.
pub fn paragraphs(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let (mut fenced, mut open) = (false, false);
    for raw in text.trim().lines() {
        let line = raw.trim_end().replace('\t', "    ");
        let trimmed = line.trim_start();
        let fence = trimmed.starts_with("```");
        let fixed = fenced || fence || trimmed.starts_with('|') || trimmed.starts_with('#');
        fenced ^= fence;
        match out.last_mut() {
            Some(last) if open && !fixed && !trimmed.is_empty() && bullet_width(trimmed) == 0 => {
                last.push(' ');
                last.push_str(trimmed);
            }
            _ => out.push(line.clone()),
        }
        open = !fixed && !trimmed.is_empty();
    }
    out
}

/// One paragraph or list item, `indent` spaces in, broken at `width`. Never four spaces in: that would be a block of code.
pub fn fill(line: &str, indent: usize, width: usize, out: &mut Vec<String>) {
    let bullet = bullet_width(line);
    let in_list =
        out.last().is_some_and(|last| !last.is_empty() && (last.starts_with(' ') || bullet_width(last) > 0));
    let lead = match (bullet > 0, in_list) {
        (true, _) => indent.min(2),
        (false, true) => 2,
        (false, false) => 0,
    };
    let hang = " ".repeat(lead + bullet.min(3));
    let mut current = " ".repeat(lead);
    let mut empty = true;
    for word in line.split_whitespace() {
        if !empty && current.chars().count() + 1 + word.chars().count() > width {
            out.push(std::mem::replace(&mut current, hang.clone()));
            empty = true;
        }
        if !empty {
            current.push(' ');
        }
        current.push_str(word);
        empty = false;
    }
    out.push(current);
}

fn bullet_width(line: &str) -> usize {
    let line = line.trim_start();
    if line.starts_with("- ") || line.starts_with("* ") {
        return 2;
    }
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    if digits > 0 && line[digits..].starts_with(". ") { digits + 2 } else { 0 }
}

/// The first sentence of a text, for lists of errors and tables.
pub fn first_sentence(text: &str) -> String {
    let paragraph = text.trim().split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let text = words.join(" ");
    match text.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => text,
    }
}

/// Bounds, lengths and the default: `From 0 to 2. Default: 1.`; empty where there are none.
pub fn facts(shape: &Shape, default: Option<&Value>) -> String {
    let mut facts = limits(shape, Zero::Said);
    let default = default.filter(|default| !default.is_object() && !default.is_null());
    facts.extend(default.map(|default| format!("Default: {}.", code(&default.to_string()))));
    facts.join(" ")
}

/// Quoted as code, on one line.
pub fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let short: String = text.chars().take(CODE_CHARS_MAX).collect();
    format!("{fence}{short}{fence}").replace('\n', " ")
}

/// Whether "at least 0" says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zero {
    Said,
    /// The target's type is unsigned then, which says it.
    Implied,
}

/// Bounds and lengths, a sentence each.
pub fn limits(shape: &Shape, zero: Zero) -> Vec<String> {
    match shape {
        Shape::Integer { range, .. } | Shape::Number { range, .. } => numbers(range, zero),
        Shape::String(string) => {
            let mut facts = between("characters", string.min_length, string.max_length);
            facts.extend(string.pattern.as_ref().map(|pattern| format!("Matches {}.", code(pattern))));
            facts
        }
        Shape::Array { min_items, max_items, .. } => between("items", *min_items, *max_items),
        Shape::Map { min_properties, max_properties, .. } => {
            between("entries", *min_properties, *max_properties)
        }
        _ => Vec::new(),
    }
}

fn numbers(range: &Range, zero: Zero) -> Vec<String> {
    let is_implied =
        |low: &Number| zero == Zero::Implied && range.maximum.is_none() && low.as_f64() == Some(0.0);
    let minimum = range.minimum.as_ref().filter(|low| !is_implied(low));
    let text = match (minimum, &range.maximum) {
        (Some(low), Some(high)) => Some(format!("From {low} to {high}.")),
        (Some(low), None) => Some(format!("At least {low}.")),
        (None, Some(high)) => Some(format!("At most {high}.")),
        (None, None) => None,
    };
    let above = range.exclusive_minimum.as_ref().map(|bound| format!("Above {bound}."));
    let below = range.exclusive_maximum.as_ref().map(|bound| format!("Below {bound}."));
    [text, above, below].into_iter().flatten().collect()
}

fn between(unit: &str, low: Option<u64>, high: Option<u64>) -> Vec<String> {
    let counted = |count: u64| match unit {
        "entries" if count == 1 => "entry",
        unit if count == 1 => unit.trim_end_matches('s'),
        unit => unit,
    };
    let text = match (low.filter(|&low| low > 0), high) {
        (Some(low), Some(high)) => Some(format!("{low} to {high} {unit}.")),
        (Some(low), None) => Some(format!("At least {low} {}.", counted(low))),
        (None, Some(high)) => Some(format!("At most {high} {}.", counted(high))),
        (None, None) => None,
    };
    text.into_iter().collect()
}
