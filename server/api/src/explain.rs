//! Names the field that a body broke on. Runs only for bodies that failed to decode, so it may be slow.

use novai_types::Violation;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::body::BodyError;
use crate::generated::UNION_TAGS;

/// Longest piece of the caller's own text that an error repeats.
const REASON_CHARS_MAX: usize = 200;

pub(crate) fn explain<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> BodyError {
    if !error.is_data() {
        return BodyError::NotJson { reason: shorten(&error.to_string()) };
    }
    let located = locate_in_order::<T>(text).or_else(|| locate::<T>(text));
    let (param, reason) = located.unwrap_or_else(|| (String::new(), error.to_string()));
    BodyError::Invalid(violation(param, &reason))
}

pub(crate) fn not_utf8(error: &std::str::Utf8Error) -> BodyError {
    BodyError::NotJson { reason: format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1) }
}

/// The same for a parameter, of which `encoded` has all, as in a query.
pub(crate) fn parameter<E: std::fmt::Display>(
    encoded: &str,
    error: &serde_path_to_error::Error<E>,
) -> Violation {
    let reason = error.inner().to_string();
    let mut violation = violation(error.path().to_string(), &reason);
    let value = form_urlencoded::parse(encoded.as_bytes()).find(|(name, _)| *name == violation.param);
    if violation.got.is_empty()
        && let Some((_, value)) = value
    {
        // The decoder of numbers and booleans says what it wants, but not what it got.
        violation.rule = match reason.as_str() {
            reason if reason.contains("digit") || reason.contains("integer") => {
                "must be a whole number".to_owned()
            }
            reason if reason.contains("`true` or `false`") => "must be `true` or `false`".to_owned(),
            _ => violation.rule,
        };
        violation.got = format!("`{}`", shorten(&value));
    }
    violation
}

/// With tags first: exact paths inside unions, but blind to duplicate keys.
fn locate_in_order<T: DeserializeOwned>(text: &str) -> Option<(String, String)> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    tags_first(&mut value);
    // As text again: decoders of requests are much of what the server's build compiles, and one from text is there already.
    locate::<T>(&value.to_string())
}

/// As it came: sees duplicate keys.
fn locate<T: DeserializeOwned>(text: &str) -> Option<(String, String)> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let error = serde_path_to_error::deserialize::<_, T>(&mut reader).err()?;
    Some((error.path().to_string(), error.inner().to_string()))
}

/// A union that meets its tag late buffers what came before, and a buffered value has lost its path: with the tag in
/// front, the path stays exact.
fn tags_first(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for &tag in UNION_TAGS {
                if let Some(tagged) = members.shift_remove(tag) {
                    members.shift_insert(0, tag.to_owned(), tagged);
                }
            }
            members.values_mut().for_each(tags_first);
        }
        Value::Array(items) => items.iter_mut().for_each(tags_first),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Splits serde's "invalid type: integer `3`, expected a string" into rule and finding.
fn violation(path: String, reason: &str) -> Violation {
    // The position in the bytes helps nobody once the field is named.
    let reason = reason.split(" at line ").next().unwrap_or(reason);
    let path = if path == "." { String::new() } else { path };
    if let Some(name) = quoted(reason, "missing field `") {
        let param = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        return Violation { param, rule: "is required".to_owned(), got: "missing".to_owned() };
    }
    if let Some(name) = quoted(reason, "duplicate field `") {
        let param =
            if path.is_empty() || path.ends_with(name) { name.to_owned() } else { format!("{path}.{name}") };
        return Violation { param, rule: "must appear once".to_owned(), got: "a second one".to_owned() };
    }
    let (got, rule) = match reason.split_once(", expected ") {
        Some((got, expected)) => {
            let got = got.trim_start_matches("invalid type: ").trim_start_matches("invalid value: ");
            (got.to_owned(), format!("must be {}", json_word(expected)))
        }
        None => (String::new(), reason.to_owned()),
    };
    Violation { param: path, rule: shorten(&rule), got: shorten(&got) }
}

/// serde's names of Rust types, as JSON's.
fn json_word(expected: &str) -> &str {
    match expected {
        "f64" => "a number",
        "i64" => "a whole number",
        "u64" => "a whole number, 0 or more",
        "a sequence" => "an array",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

fn quoted<'a>(reason: &'a str, prefix: &str) -> Option<&'a str> {
    reason.strip_prefix(prefix)?.split('`').next()
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
