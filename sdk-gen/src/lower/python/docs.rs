//! Descriptions → lines of a docstring.

use crate::ir::model::{Api, Docs, Field, TypeRef};
use crate::lower::shared::docs::{facts, wrapped};
use crate::lower::shared::empty::constant;
use crate::lower::shared::resolved;

use serde_json::Value;

/// Columns of the line length (120) that a docstring in a class leaves, with its quotes on the same line.
pub const WIDTH: usize = 110;

/// A type's own description.
pub fn of_type(docs: &Docs, width: usize) -> Vec<String> {
    let text = if docs.description.trim().is_empty() { &docs.title } else { &docs.description };
    let mut lines = wrapped(text, width);
    if docs.deprecated {
        section(&mut lines, vec!["Deprecated.".to_owned()]);
    }
    lines
}

/// A field's description, then what the schema says about its values.
pub fn of_field(api: &Api, field: &Field, width: usize) -> Vec<String> {
    let mut lines = of_type(&field.docs, width);
    let facts = of_value(api, field.ty, field.default.as_ref());
    append(&mut lines, &facts, width);
    lines
}

/// Bounds and the default, in words.
pub fn of_value(api: &Api, ty: TypeRef, default: Option<&Value>) -> String {
    let (_, shape) = resolved(api, ty.id);
    let default = default.filter(|_| constant(api, ty).is_none());
    facts(shape, default).replace("`true`", "`True`").replace("`false`", "`False`")
}

/// Adds sentences to the last paragraph, where it is one.
pub fn append(lines: &mut Vec<String>, text: &str, width: usize) {
    if text.is_empty() {
        return;
    }
    let is_prose = |line: &String| !line.starts_with([' ', '-', '*', '|', '#', '`']) && !line.is_empty();
    match lines.last() {
        Some(last) if is_prose(last) => {
            let last = lines.pop().unwrap_or_default();
            let end = if last.ends_with(['.', '!', '?', ':']) { "" } else { "." };
            lines.extend(wrapped(&format!("{last}{end} {text}"), width));
        }
        Some(_) => section(lines, wrapped(text, width)),
        None => lines.extend(wrapped(text, width)),
    }
}

pub fn section(lines: &mut Vec<String>, more: Vec<String>) {
    if !lines.is_empty() && !more.is_empty() {
        lines.push(String::new());
    }
    lines.extend(more);
}

/// A name with its text, hanging below it, as in `Args:`.
pub fn entry(name: &str, text: &str, width: usize) -> Vec<String> {
    let lines =
        wrapped(&format!("{name}: {}", text.split_whitespace().collect::<Vec<_>>().join(" ")), width - 4);
    let hang =
        |(at, line): (usize, String)| format!("{}{}", if at == 0 { "    " } else { "        " }, line.trim());
    lines.into_iter().enumerate().map(hang).collect()
}
