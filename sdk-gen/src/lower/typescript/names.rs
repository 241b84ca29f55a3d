//! Wire names → TypeScript identifiers, property keys and literals; collisions.
//!
//! **Invariant:** every function here returns valid TypeScript for *any* input, and [`Scope`] makes it unique. Names
//! of fields are never changed: they are wire names, quoted where they have to be.

use std::collections::BTreeSet;

use crate::ir::model::Words;

use super::runtime;

/// Words that name no function, variable or parameter.
const KEYWORDS: &[&str] = &[
    "arguments",
    "as",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    // No keyword, but a module that exports it cannot be imported at run time: `await` would call it.
    "then",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Methods that a class must not have: `then` would make every `await` of it call the API.
const TAKEN_METHODS: &[&str] = &[
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "prototype",
    "then",
    "toJSON",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// Built-in types that generated files use, or that nobody should have to tell apart.
const TAKEN_TYPES: &[&str] = &[
    "Array",
    "ArrayBuffer",
    "Blob",
    "Boolean",
    "Date",
    "Error",
    "Function",
    "Map",
    "Number",
    "Object",
    "Promise",
    "Record",
    "Set",
    "String",
    "Symbol",
];

fn starts_with_digit(name: &str) -> bool {
    name.starts_with(|first: char| first.is_numeric())
}

fn lower_camel(words: &Words) -> String {
    let pascal = words.pascal();
    let first = words.0.first().map_or("", String::as_str);
    let capital = first.chars().next().map_or(0, |c| c.to_uppercase().map(char::len_utf8).sum());
    let rest = pascal.get(capital..).unwrap_or_default();
    let initial: String = first.chars().take(1).collect();
    format!("{initial}{rest}")
}

/// `chat.completion-chunk` → `ChatCompletionChunk`; a name that is one already stays as it is.
pub fn type_name(name: &str) -> String {
    let is_name =
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    let name = if is_name { name.to_owned() } else { Words::split(name).pascal() };
    if name.is_empty() {
        "Unnamed".to_owned()
    } else if starts_with_digit(&name) {
        format!("T{name}")
    } else if TAKEN_TYPES.contains(&name.as_str()) || runtime::NAMES.contains(&name.as_str()) {
        format!("{name}Object")
    } else {
        name
    }
}

/// A function, parameter or variable: `create_chat` → `createChat`, `delete` → `delete_`.
pub fn identifier(words: &Words) -> String {
    let name = lower_camel(words);
    if name.is_empty() {
        "unnamed".to_owned()
    } else if starts_with_digit(&name) {
        format!("n{name}")
    } else if KEYWORDS.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

/// A method or a namespace of a class, where keywords are fine: `client.models.delete()`.
pub fn member(words: &Words) -> String {
    let name = lower_camel(words);
    if name.is_empty() {
        "unnamed".to_owned()
    } else if starts_with_digit(&name) {
        format!("n{name}")
    } else if TAKEN_METHODS.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

/// A file without its extension: `Fine-tuning` → `fine_tuning`, as in the other SDKs.
pub fn file(name: &str) -> String {
    let name = Words::split(name).0.join("_");
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// A property as it is written in a type or an object literal.
pub fn key(name: &str) -> String {
    // Letters of any script are fine, as far as the oldest engines know them.
    let letter = |c: char| c.is_alphabetic() && u32::from(c) <= 0xffff;
    let plain = name.starts_with(|c: char| letter(c) || c == '_' || c == '$')
        && name.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '_' || c == '$');
    if plain { name.to_owned() } else { literal(name) }
}

/// The same in an object literal, where `__proto__: x` would set the prototype instead of a property.
pub fn literal_key(name: &str) -> String {
    if name == "__proto__" { "['__proto__']".to_owned() } else { key(name) }
}

/// What follows an expression to read a property of it: `.id`, `['x-id']`.
pub fn access(name: &str) -> String {
    let key = key(name);
    if key == name { format!(".{name}") } else { format!("[{key}]") }
}

/// A string literal, in the quotes that need fewer escapes, single ones where both do.
pub fn literal(text: &str) -> String {
    let count = |quote: char| text.chars().filter(|&c| c == quote).count();
    let quote = if count('\'') > count('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' || c == '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Gives each name once; later claimants of the same name get a number.
#[derive(Debug, Default, Clone)]
pub struct Scope {
    taken: BTreeSet<String>,
}

impl Scope {
    pub fn with(taken: &[&str]) -> Self {
        Self { taken: taken.iter().map(|&name| name.to_owned()).collect() }
    }

    pub fn has(&self, name: &str) -> bool {
        self.taken.contains(name)
    }

    pub fn claim(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        let mut number = 2;
        while !self.taken.insert(free.clone()) {
            free = format!("{name}{number}");
            number += 1;
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_identifiers() {
        for (wire, expected_type, expected_identifier, expected_key) in [
            ("HTTPServerURL2", "HTTPServerURL2", "httpServerUrl2", "HTTPServerURL2"),
            (
                "chat.completion.chunk",
                "ChatCompletionChunk",
                "chatCompletionChunk",
                "'chat.completion.chunk'",
            ),
            ("delete", "Delete", "delete_", "delete"),
            ("constructor", "Constructor", "constructor", "constructor"),
            ("__proto__", "Proto", "proto", "__proto__"),
            ("self", "Self", "self", "self"),
            ("Promise", "PromiseObject", "promise", "Promise"),
            ("", "Unnamed", "unnamed", "''"),
            (">=", "Unnamed", "unnamed", "'>='"),
            ("1024x1024", "T1024x1024", "n1024x1024", "'1024x1024'"),
            ("이름", "이름", "이름", "이름"),
            ("it's", "ItS", "itS", "\"it's\""),
            ("$defs/a b", "DefsAB", "defsAB", "'$defs/a b'"),
        ] {
            assert_eq!(type_name(wire), expected_type, "type {wire:?}");
            assert_eq!(identifier(&Words::split(wire)), expected_identifier, "identifier {wire:?}");
            assert_eq!(key(wire), expected_key, "key {wire:?}");
        }
        assert_eq!(member(&Words::split("delete")), "delete");
        assert_eq!(member(&Words::split("then")), "then_");
        assert_eq!(member(&Words::split("to_string")), "toString_");
    }

    #[test]
    fn literals_escape_what_would_end_them() {
        assert_eq!(literal("a\\b\n'\"\u{7}"), "'a\\\\b\\n\\'\"\\u0007'");
        assert_eq!(literal("don't"), "\"don't\"");
    }

    #[test]
    fn second_claim_gets_a_number() {
        let mut scope = Scope::with(&["Stream"]);
        assert_eq!(scope.claim("Stream"), "Stream2");
        assert_eq!(scope.claim("Model"), "Model");
        assert_eq!(scope.claim("Model"), "Model2");
    }
}
