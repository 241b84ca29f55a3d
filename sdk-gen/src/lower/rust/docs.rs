//! Descriptions → lines of a doc comment, safe for rustdoc and clippy.

use serde_json::Value;

use crate::ir::model::{Docs, Field, Shape};
use crate::lower::shared::docs::{Zero, code, fill, limits, paragraphs};

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
    facts.extend(limits(shape, Zero::Implied));
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
        } else if trimmed.starts_with('|') || trimmed.starts_with('#') {
            out.push(safe(trimmed));
        } else {
            fill(&safe(trimmed), line.len() - trimmed.len(), WIDTH, &mut out);
        }
    }
    if fenced {
        out.push("```".to_owned());
    }
    out
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
