//! A source text without its comments, string literals and quoted tokens: in a generator, those hold other programs'
//! paths.

const QUOTE: &str = "quote!";

pub fn of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(character) = rest.chars().next() {
        let skipped = match character {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => string(rest),
            'q' if rest.starts_with(QUOTE) && !ends_in_word(&code) => {
                QUOTE.len() + group(&rest[QUOTE.len()..])
            }
            'r' if is_raw(rest) && !ends_in_word(&code) => raw_string(rest),
            '\'' => character_literal(rest),
            _ => 0,
        };
        if skipped == 0 {
            code.push(character);
            rest = &rest[character.len_utf8()..];
        } else {
            rest = &rest[skipped..];
        }
    }
    code
}

/// Length of `"…"`, escapes and all.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// Length up to the end of the first group in brackets.
fn group(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth <= 1 => return at + 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn is_raw(text: &str) -> bool {
    text[1..].trim_start_matches('#').starts_with('"')
}

fn raw_string(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|character| *character == '#').count();
    let start = 1 + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    text[start..].find(&end).map_or(text.len(), |at| start + at + end.len())
}

/// Length of `'x'` or `'\x'`; 0 for a lifetime.
fn character_literal(text: &str) -> usize {
    let inside = &text[1..];
    let Some(first) = inside.chars().next() else { return 0 };
    let after = if first == '\\' {
        1 + inside[1..].chars().next().map_or(0, char::len_utf8)
    } else {
        first.len_utf8()
    };
    match inside[after..].find('\'') {
        Some(0) => 1 + after + 1,
        // `'\u{…}'`
        Some(more) if first == '\\' => 1 + after + more + 1,
        _ => 0,
    }
}

fn ends_in_word(code: &str) -> bool {
    code.ends_with(|character: char| character.is_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn leaves_code_alone() {
        for (source, expected) in [
            ("a // b\nc", "a \nc"),
            (r#"f("crate::x \" y", z)"#, "f(, z)"),
            (r###"f(r#"a "b" c"#, d)"###, "f(, d)"),
            (r#"m('"', '\'', 'x, b)"#, "m(, , 'x, b)"),
            ("a(quote!(crate::x { (y) }), b)", "a(, b)"),
            ("for r in x {}", "for r in x {}"),
            (r"('\u{1F600}', é)", "(, é)"),
        ] {
            assert_eq!(of(source), expected, "{source}");
        }
    }
}
