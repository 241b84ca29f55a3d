//! Values as expressions, broken where they are long.

use crate::lower::typescript::model::Literal;

use super::layout::Layout;

/// `head value tail`, on one line if it fits. Objects of more than one property are always opened when `open`.
pub fn write(w: &mut Layout, head: &str, value: &Literal, tail: &str, open: bool) {
    let one = one_line(value).map(|text| format!("{head}{text}{tail}"));
    let opened = open && matches!(value, Literal::Object(entries) if entries.len() > 1);
    match one {
        Some(one) if !opened && w.fits(&one) => w.line(one),
        _ => broken(w, head, value, tail),
    }
}

fn broken(w: &mut Layout, head: &str, value: &Literal, tail: &str) {
    match value {
        Literal::Code(code) => w.line(format!("{head}{code}{tail}")),
        Literal::Noted(note, value) => {
            w.line(format!("// {note}"));
            broken(w, head, value, tail);
        }
        Literal::Object(entries) => {
            w.open(format!("{head}{{"));
            for (key, value) in entries {
                match key.starts_with("...") {
                    true => w.line(format!("{key},")),
                    false => write(w, &property(key, value), value, ",", false),
                }
            }
            w.close(format!("}}{tail}"));
        }
        Literal::Array(items) => {
            w.open(format!("{head}["));
            items.iter().for_each(|item| write(w, "", item, ",", false));
            w.close(format!("]{tail}"));
        }
    }
}

/// `key: `, or nothing where the value's name is the key's.
fn property(key: &str, value: &Literal) -> String {
    if *value == Literal::Code(key.to_owned()) { String::new() } else { format!("{key}: ") }
}

/// `None` where a comment needs a line of its own.
pub fn one_line(value: &Literal) -> Option<String> {
    match value {
        Literal::Code(code) => Some(code.clone()),
        Literal::Noted(..) => None,
        Literal::Object(entries) if entries.is_empty() => Some("{}".to_owned()),
        Literal::Object(entries) => {
            let entry = |(key, value): &(String, Literal)| match key.starts_with("...") {
                true => Some(key.clone()),
                false => Some(format!("{}{}", property(key, value), one_line(value)?)),
            };
            let entries: Option<Vec<String>> = entries.iter().map(entry).collect();
            Some(format!("{{ {} }}", entries?.join(", ")))
        }
        Literal::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(one_line).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
    }
}
