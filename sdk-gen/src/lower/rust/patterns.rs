//! A schema's regular expressions (ECMA 262) in the syntax of the `regex` crate.
//!
//! The server matches them against hostile input, so it uses the engine that is linear in the input's length; ECMA's own
//! needs backtracking. What only backtracking can match (look-around, back-references) is refused here, with the place.

/// The same expression for the `regex` crate, or why there is none.
///
/// `\d`, `\w` and `\b` mean ASCII in ECMA 262 and Unicode in `regex`; `\/` needs no escape there.
pub fn translate(ecma: &str) -> Result<String, String> {
    let mut out = String::with_capacity(ecma.len());
    let mut chars = ecma.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some('b') => out.push_str("(?-u:\\b)"),
            Some('/') => out.push('/'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    match regex::Regex::new(&out) {
        Ok(_) => Ok(out),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_keep_their_meaning() {
        for (ecma, expected, matching, failing) in [
            (r"^[a-z]{1,4}$", r"^[a-z]{1,4}$", "abc", "abcde"),
            (r"^\d+$", r"^[0-9]+$", "12", "١٢"),
            (r"^[\w.-]+$", r"^[[0-9A-Za-z_].-]+$", "a_b.c", "ä"),
            (r"^https?:\/\/", r"^https?://", "https://x", "ftp://x"),
        ] {
            let translated = translate(ecma).unwrap();
            assert_eq!(translated, expected);
            let regex = regex::Regex::new(&translated).unwrap();
            assert!(regex.is_match(matching) && !regex.is_match(failing), "{ecma}");
        }
    }

    #[test]
    fn what_needs_backtracking_is_refused() {
        for ecma in [r"^(?!a)b", r"(a)\1", r"(", r"a\"] {
            assert!(translate(ecma).is_err(), "{ecma}");
        }
    }
}
