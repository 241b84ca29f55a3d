//! Wire names → Rust identifiers: casing, reserved words, collisions.
//!
//! **Invariant:** every function here returns a valid identifier for *any* input, and [`Scope`] makes it unique.

use std::collections::BTreeSet;

/// Words of Rust (2024) that are written `r#word` where they name a field or a parameter.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Keywords that may not even be written raw.
const NEVER_RAW: &[&str] = &["self", "super", "crate", "_"];

/// Names that generated modules import or that the prelude gives them.
const TAKEN_TYPES: &[&str] = &[
    "BTreeMap",
    "Box",
    "Check",
    "Clone",
    "Debug",
    "Default",
    "Deserialize",
    "Deserializer",
    "Display",
    "Err",
    "Extra",
    "Formatter",
    "From",
    "Into",
    "Iterator",
    "Map",
    "None",
    "Ok",
    "Option",
    "Path",
    "Pattern",
    "Result",
    "Self",
    "Send",
    "Serialize",
    "Serializer",
    "Some",
    "String",
    "Sync",
    "ToString",
    "Unknown",
    "Value",
    "Vec",
    "Violation",
];

/// Methods that a generated struct has already, or that a setter of that name would shadow.
const TAKEN_METHODS: &[&str] = &[
    "as_str",
    "check",
    "clone",
    "clone_from",
    "default",
    "deserialize",
    "eq",
    "finish",
    "fmt",
    "from",
    "hash",
    "into",
    "ne",
    "new",
    "push",
    "serialize",
    "snapshot",
    "to_owned",
    "to_string",
];

/// Splits at everything that is not a letter or digit, and where the case says that a word begins: `HTTPServerURL2`
/// is `http server url2`.
pub fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (at, &c) in chars.iter().enumerate() {
        let keeps = c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphabetic());
        if !keeps {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            continue;
        }
        let before = at.checked_sub(1).map(|i| chars[i]);
        let starts_word = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit())
                || (before.is_some_and(char::is_uppercase)
                    && chars.get(at + 1).is_some_and(|n| n.is_lowercase())));
        if starts_word && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.extend(c.to_lowercase());
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn joined_pascal(name: &str) -> String {
    words(name).iter().map(|word| capitalised(word)).collect()
}

/// `chat.completion-chunk` → `ChatCompletionChunk`.
pub fn type_name(name: &str) -> String {
    let name = joined_pascal(name);
    match name.chars().next() {
        None => "Unnamed".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("T{name}"),
        Some(_) if TAKEN_TYPES.contains(&name.as_str()) => format!("{name}Object"),
        Some(_) => name,
    }
}

/// `json_object` → `JsonObject`, `""` → `Empty`, `24h` → `V24h`.
pub fn variant_name(value: &str) -> String {
    let name = joined_pascal(value);
    match name.chars().next() {
        None if value.is_empty() => "Empty".to_owned(),
        None => symbol_name(value),
        Some(first) if first.is_ascii_digit() => format!("V{name}"),
        Some(_) if name == "Unknown" => "UnknownValue".to_owned(),
        Some(_) if name == "Self" => "SelfValue".to_owned(),
        Some(_) => name,
    }
}

/// A value of symbols only, such as `>=`: its characters' names.
fn symbol_name(value: &str) -> String {
    value
        .chars()
        .map(|c| match c {
            '<' => "Less".to_owned(),
            '>' => "Greater".to_owned(),
            '=' => "Equal".to_owned(),
            '!' => "Not".to_owned(),
            '+' => "Plus".to_owned(),
            '-' => "Minus".to_owned(),
            '*' => "Star".to_owned(),
            '/' => "Slash".to_owned(),
            '.' => "Dot".to_owned(),
            ' ' => "Space".to_owned(),
            other => format!("U{:X}", u32::from(other)),
        })
        .collect()
}

/// `maxTokens` → `max_tokens`; the words only, keywords not yet escaped.
pub fn snake(name: &str) -> String {
    let joined = words(name).join("_");
    match joined.chars().next() {
        None => "unnamed".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("n{joined}"),
        Some(_) => joined,
    }
}

/// A field or parameter: `type` → `r#type`, `self` → `self_`.
pub fn identifier(snake: &str) -> String {
    if NEVER_RAW.contains(&snake) {
        format!("{snake}_")
    } else if KEYWORDS.contains(&snake) {
        format!("r#{snake}")
    } else {
        snake.to_owned()
    }
}

/// The method that sets a field; `with_…` where the plain name would shadow something.
pub fn setter(snake: &str) -> String {
    if TAKEN_METHODS.contains(&snake) { format!("with_{snake}") } else { identifier(snake) }
}

/// A module: `Fine-tuning` → `fine_tuning`.
pub fn module(name: &str) -> String {
    let name = snake(name);
    match name.as_str() {
        "support" | "check" | "extra" | "common" | "types" | "resources" | "raw" | "accumulate" => {
            format!("{name}_")
        }
        _ => identifier(&name),
    }
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

    pub fn claim(&mut self, name: String) -> String {
        let free = (2..).map(|n| format!("{name}{n}"));
        let name = std::iter::once(name.clone()).chain(free).find(|name| !self.taken.contains(name));
        // The iterator is endless, so there is always one.
        let name = name.unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_identifiers() {
        for (wire, expected_type, expected_field, expected_variant) in [
            ("HTTPServerURL2", "HttpServerUrl2", "http_server_url2", "HttpServerUrl2"),
            ("chat.completion.chunk", "ChatCompletionChunk", "chat_completion_chunk", "ChatCompletionChunk"),
            ("type", "Type", "r#type", "Type"),
            ("self", "SelfObject", "self_", "SelfValue"),
            ("Option", "OptionObject", "option", "Option"),
            ("", "Unnamed", "unnamed", "Empty"),
            (">=", "Unnamed", "unnamed", "GreaterEqual"),
            ("1024x1024", "T1024x1024", "n1024x1024", "V1024x1024"),
            ("unknown", "UnknownObject", "unknown", "UnknownValue"),
            ("이름", "이름", "이름", "이름"),
            ("$defs/a b", "DefsAB", "defs_a_b", "DefsAB"),
        ] {
            assert_eq!(type_name(wire), expected_type, "type {wire:?}");
            assert_eq!(identifier(&snake(wire)), expected_field, "field {wire:?}");
            assert_eq!(variant_name(wire), expected_variant, "variant {wire:?}");
        }
    }

    #[test]
    fn second_claim_gets_a_number() {
        let mut scope = Scope::with(&["extra"]);
        assert_eq!(scope.claim("extra".into()), "extra2");
        assert_eq!(scope.claim("extra".into()), "extra3");
        assert_eq!(scope.claim("id".into()), "id");
    }
}
