//! Names as words, and unique names for schemas that have none.
//!
//! **Invariant:** no target's casing or reserved words; a name here is only a name, `lower` makes it an identifier.

use std::collections::{HashMap, HashSet};

use super::model::Words;

/// Longest name made from a place; a longer one is cut and made unique by number.
const NAME_CHARS_MAX: usize = 120;

impl Words {
    /// Splits at everything that is no letter or digit, and where the case says that a word begins: `HTTPServer_v2`
    /// is `http server v2`. Empty for a name of symbols only.
    pub fn split(name: &str) -> Words {
        let chars: Vec<char> = name.chars().collect();
        let mut words = Vec::new();
        let mut word = String::new();
        for (index, &c) in chars.iter().enumerate() {
            if !c.is_alphanumeric() {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                continue;
            }
            let before = index.checked_sub(1).and_then(|before| chars.get(before));
            let after_lower = before.is_some_and(|b| b.is_lowercase() || b.is_numeric());
            let ends_acronym = before.is_some_and(|b| b.is_uppercase())
                && chars.get(index + 1).is_some_and(|next| next.is_lowercase());
            if c.is_uppercase() && (after_lower || ends_acronym) && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(c.to_lowercase());
        }
        words.extend((!word.is_empty()).then_some(word));
        Words(words)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `chat completion` → `ChatCompletion`: the notation of names that are made from places.
    pub fn pascal(&self) -> String {
        let capital = |word: &String| {
            let mut chars = word.chars();
            chars
                .next()
                .map(|first| first.to_uppercase().chain(chars).collect::<String>())
                .unwrap_or_default()
        };
        self.0.iter().map(capital).collect()
    }
}

pub(super) fn pascal(name: &str) -> String {
    Words::split(name).pascal()
}

/// A word's singular, as far as English endings tell: `batches` → `batch`, `models` → `model`, `status` stays.
pub(super) fn singular(word: &str) -> String {
    let ending = |end: &str, replacement: &str| {
        word.strip_suffix(end).filter(|stem| stem.len() > 1).map(|stem| format!("{stem}{replacement}"))
    };
    if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word.to_owned();
    }
    ending("ies", "y")
        .or_else(|| ending("ches", "ch"))
        .or_else(|| ending("shes", "sh"))
        .or_else(|| ending("sses", "ss"))
        .or_else(|| ending("xes", "x"))
        .or_else(|| ending("s", ""))
        .unwrap_or_else(|| word.to_owned())
}

/// Gives each name once. Names that differ only in case or separators count as the same, since some target or file
/// system would take them for it.
#[derive(Default)]
pub(super) struct Namer {
    taken: HashSet<String>,
    next_number: HashMap<String, u32>,
}

impl Namer {
    /// Takes a name of the document, which is kept as it is.
    pub fn take(&mut self, name: &str) {
        self.taken.insert(key(name));
    }

    /// `wanted`, or `wanted2`, `wanted3` … where it is taken.
    pub fn unique(&mut self, wanted: &str) -> String {
        let wanted: String = wanted.chars().take(NAME_CHARS_MAX).collect();
        let wanted = if wanted.is_empty() { "Unnamed".to_owned() } else { wanted };
        if self.taken.insert(key(&wanted)) {
            return wanted;
        }
        let number = self.next_number.entry(key(&wanted)).or_insert(2);
        loop {
            let name = format!("{wanted}{number}");
            *number += 1;
            if self.taken.insert(key(&name)) {
                return name;
            }
        }
    }
}

fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_into_words() {
        for (name, expected) in [
            ("createChatCompletion", "create chat completion"),
            ("HTTPServer_v2", "http server v2"),
            ("chat.completion-chunk", "chat completion chunk"),
            ("museum-hours", "museum hours"),
            ("24h", "24h"),
            ("ABTest", "ab test"),
            ("$defs", "defs"),
            ("__proto__", "proto"),
            ("이름 값", "이름 값"),
            (">=", ""),
        ] {
            assert_eq!(Words::split(name).0.join(" "), expected, "{name:?}");
        }
    }

    #[test]
    fn singular_of_plain_english_plurals() {
        for (word, expected) in [
            ("models", "model"),
            ("batches", "batch"),
            ("replies", "reply"),
            ("status", "status"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("data", "data"),
            ("s", "s"),
        ] {
            assert_eq!(singular(word), expected);
        }
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let mut namer = Namer::default();
        namer.take("foo_bar");
        assert_eq!(namer.unique("FooBar"), "FooBar2");
        assert_eq!(namer.unique("FooBar"), "FooBar3");
        assert_eq!(namer.unique(""), "Unnamed");
        assert_eq!(namer.unique("Other"), "Other");
    }
}
