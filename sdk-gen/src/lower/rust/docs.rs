//! Descriptions → lines of a doc comment, safe for rustdoc and clippy.

use serde_json::Value;

use crate::ir::model::{Docs, Field, Range, Shape};

/// Longest line of prose. With its indentation and `/// ` it stays inside the 110 columns of rustfmt.toml.
const WIDTH: usize = 96;

pub fn lines(docs: &Docs) -> Vec<String> {
    let mut lines =
        markdown(if docs.description.trim().is_empty() { &docs.title } else { &docs.description });
    if docs.deprecated {
        lines = joined(lines, vec!["Deprecated.".to_owned()]);
    }
    lines
}

/// A field's description, then what the schema says about its values.
pub fn field(field: &Field, shape: &Shape, constant: Option<&str>) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(constant) = constant {
        facts.push(format!("Always {}.", code(constant)));
    }
    facts.extend(limits(shape));
    let default = field.default.as_ref().filter(|default| !default.is_object() && !default.is_null());
    if let Some(default) = default.filter(|_| constant.is_none()) {
        facts.push(format!("Default: {}.", code(&default.to_string())));
    }
    let facts = if facts.is_empty() { Vec::new() } else { vec![facts.join(" ")] };
    joined(lines(&field.docs), facts)
}

fn joined(mut before: Vec<String>, after: Vec<String>) -> Vec<String> {
    if !before.is_empty() && !after.is_empty() {
        before.push(String::new());
    }
    before.extend(after);
    before
}

fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let short: String = text.chars().take(80).collect();
    format!("{fence}{short}{fence}").replace('\n', " ")
}

fn limits(shape: &Shape) -> Vec<String> {
    match shape {
        Shape::Integer { range, .. } | Shape::Number { range, .. } => numbers(range),
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

fn numbers(range: &Range) -> Vec<String> {
    let zero = |number: &&serde_json::Number| number.as_f64() != Some(0.0);
    // Unsigned by its type: "at least 0" says nothing.
    let minimum = range.minimum.as_ref().filter(|low| range.maximum.is_some() || zero(low));
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
    let text = match (low.filter(|&low| low > 0), high) {
        (Some(low), Some(high)) => Some(format!("{low} to {high} {unit}.")),
        (Some(low), None) => Some(format!("At least {low} {}.", counted(unit, low))),
        (None, Some(high)) => Some(format!("At most {high} {}.", counted(unit, high))),
        (None, None) => None,
    };
    text.into_iter().collect()
}

fn counted(plural: &str, count: u64) -> &str {
    match plural {
        "entries" if count == 1 => "entry",
        plural if count == 1 => plural.trim_end_matches('s'),
        plural => plural,
    }
}

/// Wraps prose and keeps tables, headings and fenced code as they are.
pub fn markdown(text: &str) -> Vec<String> {
    wrapped(text, escape)
}

/// The same with every character as it is in the document.
pub fn unescaped(text: &str) -> Vec<String> {
    wrapped(text, str::to_owned)
}

fn wrapped(text: &str, safe: fn(&str) -> String) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut fenced = false;
    for line in paragraphs(text) {
        let trimmed = line.trim_start();
        if let Some(language) = trimmed.strip_prefix("```") {
            // An unlabelled block would be compiled as a doc test.
            let label =
                if !fenced && (language.is_empty() || language == "rust") { "text" } else { language };
            out.push(format!("```{label}"));
            fenced = !fenced;
        } else if fenced {
            out.push(line);
        } else if trimmed.is_empty() {
            if out.last().is_some_and(|last| !last.is_empty()) {
                out.push(String::new());
            }
        } else {
            prose(trimmed, line.len() - trimmed.len(), safe, &mut out);
        }
    }
    if fenced {
        out.push("```".to_owned());
    }
    out
}

/// The text with each paragraph and list item on one line; fenced code, tables and headings as they are.
fn paragraphs(text: &str) -> Vec<String> {
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

fn prose(line: &str, indent: usize, safe: fn(&str) -> String, out: &mut Vec<String>) {
    let bullet = bullet_width(line);
    let in_list =
        out.last().is_some_and(|last| !last.is_empty() && (last.starts_with(' ') || bullet_width(last) > 0));
    // Four spaces would make a code block, and rustdoc would compile it.
    let lead = match (bullet > 0, in_list) {
        (true, _) => indent.min(2),
        (false, true) => 2,
        (false, false) => 0,
    };
    let hang = " ".repeat(lead + bullet.min(3));
    let text = safe(line);
    if line.starts_with('|') || line.starts_with('#') {
        out.push(text);
        return;
    }
    let mut current = " ".repeat(lead);
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && current.chars().count() + 1 + word.chars().count() > WIDTH {
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

/// Outside code spans: `<` would be HTML, `[x]` a link to an item, a bare URL a warning.
fn escape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for (at, part) in line.split('`').enumerate() {
        if at > 0 {
            out.push('`');
        }
        if at % 2 == 1 {
            out.push_str(part);
            continue;
        }
        let link = part.contains("](");
        for word in part.split_inclusive(' ') {
            let bare = word.trim_end_matches([' ', '.', ',', ')']);
            if bare.starts_with("http://") || bare.starts_with("https://") {
                out.push_str(&format!("<{bare}>{}", &word[bare.len()..]));
            } else if link {
                out.push_str(word);
            } else {
                out.push_str(&word.replace('<', "\\<").replace('[', "\\[").replace(']', "\\]"));
            }
        }
    }
    out
}

/// An example as JSON text, for doc comments.
pub fn json(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_wrapped_and_made_safe() {
        let long = "word ".repeat(40);
        for (text, expected) in [
            ("Ends with [DONE] or <x>.", vec!["Ends with \\[DONE\\] or \\<x>."]),
            ("`[DONE]` stays", vec!["`[DONE]` stays"]),
            ("See https://a.b/c.", vec!["See <https://a.b/c>."]),
            ("    indented", vec!["indented"]),
            ("a\n\n\n\nb", vec!["a", "", "b"]),
            ("```\nlet x\n```", vec!["```text", "let x", "```"]),
            ("a\nb\n- one\n  goes on", vec!["a b", "- one goes on"]),
        ] {
            assert_eq!(markdown(text), expected, "{text:?}");
        }
        assert!(markdown(&long).iter().all(|line| line.len() <= WIDTH));
    }
}
