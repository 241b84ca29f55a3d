//! Reads the error bodies that are met in the wild: ours (OpenAI's shape), and those of proxies and frameworks.
//!
//! Start at [`describe`]. Nothing here fails: a body that says nothing still makes a message.

use serde_json::Value;

use crate::errors::ErrorDetails;
use crate::generated::error_statuses::ERROR_STATUSES;

/// Fills message, code, kind and param from `body`; `fallback` is the message where the body has none.
pub(crate) fn describe(body: &str, fallback: &str, details: &mut ErrorDetails) {
    let parsed = serde_json::from_str::<Value>(body).ok();
    let found = parsed.as_ref().and_then(find).unwrap_or_default();
    details.message = found.message.unwrap_or_else(|| fallback.to_owned());
    details.code = found.code;
    details.kind = found.kind;
    details.param = found.param;
}

/// The status that an error event would have had as a reply. A number in `code` says it (OpenRouter); otherwise the code
/// or its family does.
pub(crate) fn implied_status(details: &ErrorDetails) -> Option<u16> {
    let code = details.code.as_deref().unwrap_or_default();
    if let Ok(status @ 400..=599) = code.parse() {
        return Some(status);
    }
    let status_of = |name: &str| ERROR_STATUSES.iter().find(|row| row.0 == name).map(|row| row.1);
    status_of(code).or_else(|| status_of(details.kind.as_deref()?))
}

#[derive(Default)]
struct Found {
    message: Option<String>,
    code: Option<String>,
    kind: Option<String>,
    param: Option<String>,
}

fn find(body: &Value) -> Option<Found> {
    match body {
        // Gemini wraps its error in an array.
        Value::Array(items) => find(items.first()?),
        Value::String(message) => Some(Found { message: some_text(message), ..Found::default() }),
        Value::Object(fields) => match fields.get("error") {
            Some(Value::Object(_)) => find_in(fields.get("error")?),
            Some(Value::String(message)) => {
                Some(Found { message: some_text(message), ..find_in(body).unwrap_or_default() })
            }
            _ => find_in(body),
        },
        _ => None,
    }
}

fn find_in(error: &Value) -> Option<Found> {
    let text = |key: &str| match error.get(key)? {
        Value::String(text) => some_text(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Some(Found {
        message: text("message").or_else(|| detail(error.get("detail")?)),
        // Google's `status` is the name of what its `code` numbers.
        code: text("code"),
        kind: text("type"),
        param: text("param"),
    })
}

/// FastAPI's `detail`: a text, or a list of `{loc, msg}`.
fn detail(detail: &Value) -> Option<String> {
    match detail {
        Value::String(text) => some_text(text),
        Value::Array(items) => {
            let messages: Vec<&str> = items.iter().filter_map(|item| item.get("msg")?.as_str()).collect();
            some_text(&messages.join("; "))
        }
        Value::Object(_) => find_in(detail)?.message,
        _ => None,
    }
}

fn some_text(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies() {
        for (body, expected) in [
            (
                r#"{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#,
                ["no such model", "model_not_found", "invalid_request_error", "model"],
            ),
            (r#"{"error":{"message":"m","type":null,"param":null,"code":502}}"#, ["m", "502", "", ""]),
            (r#"{"error":"plain"}"#, ["plain", "", "", ""]),
            (r#"{"error":"plain","code":"c"}"#, ["plain", "c", "", ""]),
            (r#"{"message":"m","code":"c"}"#, ["m", "c", "", ""]),
            (r#"{"detail":"Not Found"}"#, ["Not Found", "", "", ""]),
            (
                r#"{"detail":[{"loc":["body"],"msg":"field required"},{"msg":"too long"}]}"#,
                ["field required; too long", "", "", ""],
            ),
            (r#"{"detail":{"message":"nested"}}"#, ["nested", "", "", ""]),
            (
                r#"[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]"#,
                ["API key not valid", "400", "", ""],
            ),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                ["Overloaded", "", "overloaded_error", ""],
            ),
            (r#""just text""#, ["just text", "", "", ""]),
            (r#"{"error":{}}"#, ["fallback", "", "", ""]),
            (r#"{"error":null}"#, ["fallback", "", "", ""]),
            (r#"{"error":{"message":{"a":1}}}"#, ["fallback", "", "", ""]),
            ("", ["fallback", "", "", ""]),
            ("[]", ["fallback", "", "", ""]),
            ("null", ["fallback", "", "", ""]),
            ("<html><h1>502 Bad Gateway</h1></html>", ["fallback", "", "", ""]),
            (r#"{"error":{"message":"cut o"#, ["fallback", "", "", ""]),
        ] {
            let mut details = ErrorDetails::default();
            describe(body, "fallback", &mut details);
            let actual = [
                details.message,
                details.code.unwrap_or_default(),
                details.kind.unwrap_or_default(),
                details.param.unwrap_or_default(),
            ];
            assert_eq!(actual, expected, "{body}");
        }
    }

    #[test]
    fn statuses_of_error_events() {
        for (kind, code, status) in [
            ("rate_limit_error", "rate_limit_exceeded", Some(429)),
            ("invalid_request_error", "model_not_found", Some(404)),
            ("invalid_request_error", "context_length_exceeded", Some(400)),
            ("upstream_error", "provider_timeout", Some(504)),
            ("upstream_error", "stream_broken", Some(502)),
            ("upstream_error", "new_code", Some(502)),
            ("overloaded_error", "", Some(503)),
            ("", "502", Some(502)),
            ("", "7", None),
            ("", "", None),
        ] {
            assert_eq!(implied_status(&details(kind, code)), status, "{kind} {code}");
        }
    }

    fn details(kind: &str, code: &str) -> ErrorDetails {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ErrorDetails { kind: some(kind), code: some(code), ..ErrorDetails::default() }
    }

    #[test]
    fn every_documented_code_has_its_status() {
        let Ok(text) = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md"))
        else {
            println!("skipped: the gateway's documents are not beside this crate");
            return;
        };
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        let mut count = 0;
        for row in rows {
            let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            let (code, status, kind) = (cells[1], cells[2].parse().ok(), cells[3]);
            assert_eq!(implied_status(&details(kind, code)), status, "{row}");
            count += 1;
        }
        assert!(count > 20, "the table has another form now");
    }
}
