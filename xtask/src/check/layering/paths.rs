//! Every path below `crate::` that a source text names, groups spelled out: `use crate::{a::b, c}` names `a::b` and `c`.
//! `super::` is followed from the file's own module. Unit tests, which close a file, may name what they like.

/// `file` is the path below the crate's `src`, such as `emit/rust/mod.rs`.
pub fn named(source: &str, file: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let module = module_of(file);
    let mut found = Vec::new();
    let mut rest = source;
    while let Some((at, word)) = first_of(rest, &["crate::", "super::"]) {
        let is_whole_word =
            !rest[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | ':'));
        let is_super = word == "super::";
        rest = &rest[at + word.len()..];
        if !is_whole_word {
            continue;
        }
        let mut levels = usize::from(is_super);
        while let Some(further) = rest.strip_prefix("super::").filter(|_| is_super) {
            levels += 1;
            rest = further;
        }
        let base = if is_super { &module[..module.len().saturating_sub(levels)] } else { &[] };
        rest = tree(rest, &base.join("::"), &mut found);
    }
    found
}

fn first_of<'a>(text: &str, words: &[&'a str]) -> Option<(usize, &'a str)> {
    words.iter().filter_map(|word| text.find(word).map(|at| (at, *word))).min()
}

/// `emit/rust/mod.rs` and `emit/rust.rs` are `emit::rust`.
fn module_of(file: &str) -> Vec<&str> {
    let path = file.trim_end_matches(".rs");
    path.split('/').filter(|segment| !matches!(*segment, "mod" | "lib" | "main" | "")).collect()
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
            named(source, "emit/mod.rs"),
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

    #[test]
    fn follows_super_from_the_files_module() {
        let source =
            "use super::{a, super::no};\nuse super::super::b;\n#[cfg(test)]\nmod tests { use super::c; }";
        assert_eq!(
            named(source, "emit/rust/types.rs"),
            ["emit::rust::a", "emit::rust::super::no", "emit::b"]
        );
        assert_eq!(named("use super::a::B;", "emit/rust/mod.rs"), ["emit::a::B"]);
    }
}
