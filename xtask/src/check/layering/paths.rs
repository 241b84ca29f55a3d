//! Every path below `crate::` that a source text names, groups spelled out: `use crate::{a::b, c}` names `a::b` and `c`.
//!
//! Not here: `super::` chains that climb to the root. Formatting and review keep those out; a parser would cost more
//! than the hole.

pub fn named(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("crate::") {
        let is_whole_word = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$'));
        rest = &rest[at + "crate::".len()..];
        if is_whole_word {
            rest = tree(rest, "", &mut found);
        }
    }
    found
}

/// Reads `ident(::ident)*` or a group in braces; returns what follows.
fn tree<'a>(text: &'a str, prefix: &str, found: &mut Vec<String>) -> &'a str {
    let mut rest = text.trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside.trim_start();
        while !rest.is_empty() && !rest.starts_with('}') {
            let before = rest.len();
            rest = tree(rest, prefix, found).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
            if rest.len() == before {
                // Not a path (a macro's inside, say): step over one character.
                let mut characters = rest.chars();
                characters.next();
                rest = characters.as_str();
            }
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '*'))).unwrap_or(rest.len());
    let (segment, after) = rest.split_at(end);
    if segment.is_empty() {
        return after;
    }
    let path = if prefix.is_empty() { segment.to_owned() } else { format!("{prefix}::{segment}") };
    match after.strip_prefix("::") {
        Some(deeper) => tree(deeper, &path, found),
        None => {
            found.push(path);
            after
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_out_groups() {
        let source = "
use crate::{diagnostic::Diagnostics, ir::{self, model::{Api, Shape}}};
use crate::parse::*;
fn f() -> crate::lower::X { $crate::no(mycrate::no()) }
";
        assert_eq!(
            named(source),
            [
                "diagnostic::Diagnostics",
                "ir::self",
                "ir::model::Api",
                "ir::model::Shape",
                "parse::*",
                "lower::X"
            ]
        );
    }
}
