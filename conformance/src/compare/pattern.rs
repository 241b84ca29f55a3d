//! A pattern is JSON: objects match when every key of the pattern does (more keys are fine), arrays match item by item and in
//! length, scalars match themselves. An object with a `$` key is a matcher.

use serde_json::Value;

/// One place where the observation is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Such as `events[1].choices[0].delta.content`.
    pub path: String,
    pub expected: String,
    pub actual: String,
}

/// All mismatches; none means that `actual` is as expected.
pub fn compare(pattern: &Value, actual: Option<&Value>) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    walk(pattern, actual, &mut String::new(), &mut mismatches);
    mismatches
}

fn walk(pattern: &Value, actual: Option<&Value>, path: &mut String, mismatches: &mut Vec<Mismatch>) {
    if let Some(matches) = matcher(pattern, actual) {
        if !matches {
            report(pattern, actual, path, mismatches);
        }
        return;
    }
    match (pattern, actual) {
        (Value::Object(expected), Some(Value::Object(object))) => {
            for (key, value) in expected {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                walk(value, object.get(key), path, mismatches);
                path.truncate(length);
            }
        }
        (Value::Array(expected), Some(Value::Array(array))) => {
            for index in 0..expected.len().max(array.len()) {
                let length = path.len();
                path.push_str(&format!("[{index}]"));
                match expected.get(index) {
                    Some(value) => walk(value, array.get(index), path, mismatches),
                    None => mismatches.push(Mismatch {
                        path: path.clone(),
                        expected: "nothing".to_owned(),
                        actual: shown(array.get(index)),
                    }),
                }
                path.truncate(length);
            }
        }
        (expected, actual) => {
            if !actual.is_some_and(|actual| scalars_equal(expected, actual)) {
                report(pattern, actual, path, mismatches);
            }
        }
    }
}

fn report(pattern: &Value, actual: Option<&Value>, path: &str, mismatches: &mut Vec<Mismatch>) {
    mismatches.push(Mismatch {
        path: path.to_owned(),
        expected: shown(Some(pattern)),
        actual: shown(actual),
    });
}

/// Whether a `$` matcher holds; `None` if the pattern is none.
fn matcher(pattern: &Value, actual: Option<&Value>) -> Option<bool> {
    let object = pattern.as_object().filter(|object| object.len() == 1)?;
    let (key, argument) = object.iter().next()?;
    let number = |compare: fn(f64, f64) -> bool| {
        let bound = argument.as_f64().unwrap_or(f64::NAN);
        actual.and_then(Value::as_f64).is_some_and(|actual| compare(actual, bound))
    };
    Some(match key.as_str() {
        "$absent" => actual.is_none_or(Value::is_null),
        "$maybe" => actual.is_none_or(|actual| compare(argument, Some(actual)).is_empty()),
        "$any" => actual.is_some_and(|actual| argument == kind(actual) || argument == "value"),
        "$like" => match (argument.as_str(), actual.and_then(Value::as_str)) {
            (Some(glob), Some(text)) => glob_matches(glob, text),
            _ => false,
        },
        "$one_of" => argument
            .as_array()
            .is_some_and(|options| options.iter().any(|option| compare(option, actual).is_empty())),
        "$not" => !compare(argument, actual).is_empty(),
        "$exactly" => actual.is_some_and(|actual| equal(argument, actual, Nulls::Kept)),
        "$same" => actual.is_some_and(|actual| equal(argument, actual, Nulls::AreAbsent)),
        "$at_most" => number(|actual, bound| actual <= bound),
        "$at_least" => number(|actual, bound| actual >= bound),
        "$starts_with" => match (argument.as_array(), actual.and_then(Value::as_array)) {
            (Some(start), Some(array)) => {
                array.len() >= start.len()
                    && start
                        .iter()
                        .zip(array)
                        .all(|(pattern, actual)| compare(pattern, Some(actual)).is_empty())
            }
            _ => false,
        },
        _ => return None,
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `*` stands for any run of characters.
pub fn glob_matches(glob: &str, text: &str) -> bool {
    let mut pieces = glob.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Kept,
    /// An SDK may drop an optional field that is null, or write null for one that is absent: both mean the same.
    AreAbsent,
}

fn equal(expected: &Value, actual: &Value, nulls: Nulls) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let covers = |left: &serde_json::Map<String, Value>, right: &serde_json::Map<String, Value>| {
                left.iter().all(|(key, value)| match right.get(key) {
                    Some(other) => equal(value, other, nulls),
                    None => nulls == Nulls::AreAbsent && value.is_null(),
                })
            };
            covers(expected, actual) && covers(actual, expected)
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected.iter().zip(actual).all(|(expected, actual)| equal(expected, actual, nulls))
        }
        (expected, actual) => scalars_equal(expected, actual),
    }
}

/// `1` and `1.0` are one number.
fn scalars_equal(expected: &Value, actual: &Value) -> bool {
    expected == actual || (expected.is_number() && actual.is_number() && expected.as_f64() == actual.as_f64())
}

/// Short enough for one line of a report.
fn shown(value: Option<&Value>) -> String {
    const CHARACTERS_MAX: usize = 300;
    let Some(value) = value else { return "nothing".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `expected` lists the paths that differ.
    #[track_caller]
    fn check(pattern: Value, actual: Value, expected: &[&str]) {
        let mismatches = compare(&pattern, Some(&actual));
        let paths: Vec<&str> = mismatches.iter().map(|mismatch| mismatch.path.as_str()).collect();
        assert_eq!(paths, expected, "{mismatches:?}");
    }

    #[test]
    fn objects_match_as_subsets_and_arrays_by_length() {
        check(json!({"a": 1}), json!({"a": 1.0, "b": 2}), &[]);
        check(json!({"a": [1]}), json!({"a": [1, 2]}), &["a[1]"]);
        check(json!({"a": [1, 2]}), json!({"a": [1]}), &["a[1]"]);
        check(json!({"a": {"b": "x"}}), json!({"a": {"b": "y"}}), &["a.b"]);
    }

    #[test]
    fn matchers() {
        check(json!({"a": {"$absent": true}}), json!({}), &[]);
        check(json!({"a": {"$absent": true}}), json!({"a": 0}), &["a"]);
        check(json!({"a": {"$any": "string"}}), json!({"a": 0}), &["a"]);
        check(json!({"a": {"$maybe": 1}}), json!({}), &[]);
        check(json!({"a": {"$maybe": 1}}), json!({"a": 2}), &["a"]);
        check(json!({"a": {"$like": "req_*"}}), json!({"a": "req_1"}), &[]);
        check(json!({"a": {"$one_of": [200, 502]}}), json!({"a": 502}), &[]);
        check(json!({"a": {"$at_most": 100}}), json!({"a": 101}), &["a"]);
        check(json!({"a": {"$at_most": 100}}), json!({}), &["a"]);
        check(json!({"a": {"$exactly": {}}}), json!({"a": {"b": null}}), &["a"]);
        check(json!({"a": {"$same": {}}}), json!({"a": {"b": null}}), &[]);
        check(json!({"a": {"$not": "stop"}}), json!({"a": "stop"}), &["a"]);
        check(json!({"a": {"$starts_with": [1]}}), json!({"a": [1, 2]}), &[]);
    }

    #[test]
    fn globs() {
        for (glob, text, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ab", false),
            ("*b*", "abc", true),
            ("abc", "abcd", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(glob_matches(glob, text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn a_mismatch_says_what_was_expected_and_what_came() {
        let mismatches = compare(&json!({"status": 200}), Some(&json!({"status": 502})));
        assert_eq!(
            mismatches,
            [Mismatch { path: "status".to_owned(), expected: "200".to_owned(), actual: "502".to_owned() }]
        );
    }
}
