//! Patterns over JSON pointers: `*` is one segment, `4*` one that begins so, `**` any number of segments.

pub fn matches(pattern: &str, pointer: &str) -> bool {
    let split = |text: &'_ str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    segments(&split(pattern), &split(pointer))
}

fn segments(pattern: &[String], pointer: &[String]) -> bool {
    match (pattern.split_first(), pointer.split_first()) {
        (None, None) => true,
        (Some((any, rest)), _) if any == "**" => {
            segments(rest, pointer)
                || pointer.split_first().is_some_and(|(_, below)| segments(pattern, below))
        }
        (Some((wanted, pattern)), Some((got, pointer))) => {
            is_segment(wanted, got) && segments(pattern, pointer)
        }
        _ => false,
    }
}

fn is_segment(wanted: &str, got: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => got.starts_with(beginning),
        None => wanted == got,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars() {
        for (pattern, pointer, expected) in [
            ("/a/b", "/a/b", true),
            ("/a", "/a/b", false),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/c", false),
            ("/**/c", "/a/b/c", true),
            ("/a/**", "/a/b/c", true),
            ("/**/responses/4*", "/paths/responses/4XX", true),
            ("/**/responses/4*", "/paths/responses/200", false),
        ] {
            assert_eq!(matches(pattern, pointer), expected, "{pattern} on {pointer}");
        }
    }
}
