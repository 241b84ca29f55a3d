//! YAML 1.2 core schema: what a plain scalar means.

use serde_json::Number;

use super::tree::Data;

/// A plain (unquoted, untagged) scalar. Anything that is no null, boolean or number is a string; `yes` and dates too.
pub(super) fn plain(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ => number(text).map_or_else(|| Data::String(text.to_owned()), Data::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    // `.inf`, `nan` and `1_000` parse in Rust or older YAML, but are no numbers of JSON.
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        if let Ok(number) = text.parse::<u64>() {
            return Some(number.into());
        }
        if let Ok(number) = text.parse::<i64>() {
            return Some(number.into());
        }
    }
    let float_like =
        digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if !float_like {
        return None;
    }
    // `10.0` stays a float here; whoever wants an integer asks for one.
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("true", "true"),
            ("yes", "\"yes\""),
            ("2024-01-01", "\"2024-01-01\""),
            ("10", "10"),
            ("+10", "10"),
            ("-1", "-1"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("1e3", "1000.0"),
            (".5", "0.5"),
            ("1.2.3", "\"1.2.3\""),
            ("9223372036854775808", "9223372036854775808"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("1_000", "\"1_000\""),
            (".inf", "\".inf\""),
            ("nan", "\"nan\""),
            (".", "\".\""),
            ("-", "\"-\""),
        ] {
            let actual = match plain(text) {
                Data::Null => "null".to_owned(),
                Data::Bool(flag) => flag.to_string(),
                Data::Number(number) => number.to_string(),
                Data::String(text) => format!("{text:?}"),
                other => format!("{other:?}"),
            };
            assert_eq!(actual, expected, "{text:?}");
        }
    }
}
