//! The simulator's tokens: a run of up to 12 letters or digits, or one other character, with the white space before it.

/// Letters and digits in one token.
const RUN_CHARS_MAX: usize = 12;

/// Cuts `text` into tokens; joined, they are `text`.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (token, after) = rest.split_at(first_length(rest));
        rest = after;
        Some(token)
    })
}

pub(super) fn count(text: &str) -> u64 {
    split(text).count() as u64
}

/// Length in bytes of the first token.
fn first_length(text: &str) -> usize {
    let mut run_chars = 0;
    for (at, c) in text.char_indices() {
        match (run_chars, c) {
            (0, c) if c.is_whitespace() => {}
            (RUN_CHARS_MAX.., _) => return at,
            (_, c) if c.is_alphanumeric() => run_chars += 1,
            (0, c) => return at + c.len_utf8(),
            _ => return at,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, tokens) in [
            ("", &[][..]),
            ("hello", &["hello"]),
            ("Hello, world!", &["Hello", ",", " world", "!"]),
            (" a  b ", &[" a", "  b", " "]),
            ("abcdefghijklmnop", &["abcdefghijkl", "mnop"]),
            ("안녕 세상 🙂🙂", &["안녕", " 세상", " 🙂", "🙂"]),
            ("{\"a\":1}", &["{", "\"", "a", "\"", ":", "1", "}"]),
            ("\n\n", &["\n\n"]),
        ] {
            assert_eq!(split(text).collect::<Vec<_>>(), tokens, "{text:?}");
            assert_eq!(split(text).collect::<String>(), text);
            assert_eq!(count(text), tokens.len() as u64);
        }
    }
}
