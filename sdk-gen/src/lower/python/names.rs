//! Wire names → Python identifiers: casing, reserved words, collisions.
//!
//! **Invariant:** every function here returns a valid identifier for *any* input, and [`Scope`] makes it unique.

use std::collections::BTreeSet;

use crate::ir::model::Words;

/// Words that no name may be. Soft keywords (`match`, `type`) may.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Names that generated modules use themselves, so that no schema may take them.
pub const TAKEN_TYPES: &[&str] = &[
    "Any",
    "AsyncPages",
    "AsyncResource",
    "AsyncStream",
    "BaseModel",
    "Dict",
    "False",
    "Upload",
    "List",
    "Literal",
    "Mapping",
    "None",
    "Omit",
    "Operation",
    "Optional",
    "Page",
    "PageOperation",
    "RequestOptions",
    "Required",
    "Resource",
    "Sequence",
    "Stream",
    "StreamOperation",
    "True",
    "TypeAlias",
    "TypedDict",
    "Union",
    "UnknownVariant",
    "Unpack",
    "Wrap",
];

/// Attributes that every model has, and names whose meaning a field of theirs would change for the fields after it.
pub const TAKEN_FIELDS: &[&str] = &[
    "bool",
    "bytes",
    "field",
    "float",
    "int",
    "rate_limit",
    "request_id",
    "str",
    "to_dict",
    "to_json",
    "view",
    "view_map",
    "views",
    "wrapped",
];

/// Arguments that every method has beside its own, and names that its body uses.
pub const TAKEN_ARGUMENTS: &[&str] = &[
    "extra_body",
    "extra_headers",
    "extra_query",
    "idempotency_key",
    "max_retries",
    "omit",
    "options",
    "poll_interval",
    "self",
    "timeout",
    "wait_timeout",
];

/// Methods of resources that are not the document's.
pub const TAKEN_METHODS: &[&str] = &["with_raw_response"];

/// Members of the client that are not resources.
pub const TAKEN_CLIENT: &[&str] =
    &["base_url", "close", "max_retries", "timeout", "with_options", "with_raw_response"];

fn is_word_char(c: char) -> bool {
    unicode_ident::is_xid_continue(c) && c != '_'
}

/// Splits at everything that no identifier may hold, and where the case says that a word begins.
pub fn words(name: &str) -> Vec<String> {
    let kept: String = name.chars().map(|c| if is_word_char(c) { c } else { ' ' }).collect();
    Words::split(&kept).0
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// `chat.completion-chunk` → `ChatCompletionChunk`.
pub fn class(name: &str) -> String {
    let name: String = words(name).iter().map(|word| capitalised(word)).collect();
    let name = begun(name, "T", "Unnamed");
    if TAKEN_TYPES.contains(&name.as_str()) { format!("{name}Object") } else { name }
}

/// `maxTokens` → `max_tokens`, `class` → `class_`, `24h` → `n24h`.
pub fn snake(name: &str) -> String {
    let name = begun(words(name).join("_"), "n", "unnamed");
    if KEYWORDS.contains(&name.as_str()) { format!("{name}_") } else { name }
}

/// The same for a name that is in words already.
pub fn of_words(words: &Words) -> String {
    snake(&words.0.join("_"))
}

fn begun(name: String, before_digit: &str, empty: &str) -> String {
    match name.chars().next() {
        None => empty.to_owned(),
        Some(first) if unicode_ident::is_xid_start(first) => name,
        Some(_) => format!("{before_digit}{name}"),
    }
}

/// Whether a wire name may be written as the key of a `TypedDict` in class form, where Python would change `__name`.
pub fn is_plain_key(name: &str) -> bool {
    let mut chars = name.chars();
    name.is_ascii()
        && chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with("__")
        && !KEYWORDS.contains(&name)
}

/// Gives each name once; the next of the same name gets a number, one that may not be used an underscore.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    taken: BTreeSet<String>,
    reserved: &'static [&'static str],
}

impl Scope {
    pub fn with(reserved: &'static [&'static str]) -> Self {
        Scope { taken: BTreeSet::new(), reserved }
    }

    pub fn is_taken(&self, name: &str) -> bool {
        self.taken.contains(name) || self.reserved.contains(&name)
    }

    pub fn claim(&mut self, name: String) -> String {
        let name = if self.reserved.contains(&name.as_str()) { format!("{name}_") } else { name };
        let mut number = 2;
        let mut unique = name.clone();
        while !self.taken.insert(unique.clone()) {
            unique = format!("{}{number}", name.trim_end_matches('_'));
            number += 1;
        }
        unique
    }
}

/// A string literal as `ruff format` would leave it.
pub fn quoted(text: &str) -> String {
    let count = |quote| text.chars().filter(|c| *c == quote).count();
    let quote = if count('"') > count('\'') { '\'' } else { '"' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}') =>
            {
                out.push_str(&escape(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn escape(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_identifiers() {
        for (wire, expected_class, expected_snake) in [
            ("HTTPServerURL2", "HttpServerUrl2", "http_server_url2"),
            ("chat.completion.chunk", "ChatCompletionChunk", "chat_completion_chunk"),
            ("class", "Class", "class_"),
            ("None", "NoneObject", "none"),
            ("Literal", "LiteralObject", "literal"),
            ("Model", "Model", "model"),
            ("self", "Self", "self"),
            ("", "Unnamed", "unnamed"),
            (">=", "Unnamed", "unnamed"),
            ("1024x1024", "T1024x1024", "n1024x1024"),
            ("__proto__", "Proto", "proto"),
            ("이름", "이름", "이름"),
            ("ⓐb", "B", "b"),
            ("²", "Unnamed", "unnamed"),
            ("$defs/a b", "DefsAB", "defs_a_b"),
        ] {
            assert_eq!(class(wire), expected_class, "class {wire:?}");
            assert_eq!(snake(wire), expected_snake, "name {wire:?}");
        }
    }

    #[test]
    fn second_claim_gets_a_number() {
        let mut scope = Scope::with(TAKEN_FIELDS);
        assert_eq!(scope.claim("to_dict".into()), "to_dict_");
        assert_eq!(scope.claim("to_dict".into()), "to_dict2");
        assert_eq!(scope.claim("id".into()), "id");
    }

    #[test]
    fn strings_are_quoted_as_ruff_does() {
        assert_eq!(quoted("a"), "\"a\"");
        assert_eq!(quoted("a\"b"), "'a\"b'");
        assert_eq!(quoted("a\"b'\n"), "\"a\\\"b'\\n\"");
        assert_eq!(quoted("\"a\" 'b"), "'\"a\" \\'b'");
        assert_eq!(quoted("\u{feff}"), "\"\\ufeff\"");
    }
}
