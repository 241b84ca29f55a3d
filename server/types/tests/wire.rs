//! The generated types against JSON as it comes: nothing is lost, and a broken rule is named.

// A helper of tests may panic as they do.
#![allow(clippy::unwrap_used)]

use novai_types::{
    ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, Check, ErrorResponse, Extra, Message,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Decodes, encodes, and expects the same JSON by meaning: `1` and `1.0` are one number, and an optional field that is
/// null counts as absent.
#[track_caller]
fn survives<T: DeserializeOwned + Serialize>(name: &str, json: Value) {
    let text = json.to_string();
    let value: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
    let back = serde_json::to_value(&value).unwrap();
    assert!(same(&back, &json), "{name}:\n got {back}\nwant {json}");
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let mut missing = b.iter().filter(|(key, _)| !a.contains_key(*key));
            missing.all(|(_, b)| b.is_null())
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

fn request(fields: Value) -> Value {
    let mut request = json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] });
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

fn message(message: Value) -> Value {
    request(json!({ "messages": [message] }))
}

#[test]
fn requests_survive_a_round_trip() {
    for (name, json) in [
        ("plain", request(json!({}))),
        ("unknown field", request(json!({ "x_vendor": { "a": [1, null] } }))),
        ("unknown field in a message", message(json!({ "role": "user", "content": "a", "x": 1 }))),
        ("tag last", message(json!({ "content": "a", "x": 1, "role": "user" }))),
        ("unknown role", message(json!({ "role": "critic", "content": 3, "x": [true] }))),
        ("no role", message(json!({ "content": "a" }))),
        ("role of another kind", message(json!({ "role": 3 }))),
        (
            "parts",
            message(json!({ "role": "user", "content": [
                { "type": "text", "text": "a" },
                { "type": "image_url", "image_url": { "url": "https://e.x/a.png", "detail": "finest" } },
                { "type": "video_url", "video_url": { "url": "u" } },
                { "text": "tag last", "type": "text" },
            ] })),
        ),
        ("content of another kind", message(json!({ "role": "user", "content": 3 }))),
        (
            "tool calls",
            message(json!({ "role": "assistant", "tool_calls": [
                { "id": "1", "type": "function", "function": { "name": "f", "arguments": "{}" } },
                { "id": "2", "type": "custom", "custom": { "name": "c", "input": "i" } },
                { "id": "3", "type": "later", "later": {} },
            ] })),
        ),
        ("stop text", request(json!({ "stop": "a" }))),
        ("stop list", request(json!({ "stop": ["a", "b"] }))),
        ("stop of another kind", request(json!({ "stop": 3 }))),
        ("tool choice word", request(json!({ "tool_choice": "auto" }))),
        ("tool choice unknown word", request(json!({ "tool_choice": "perhaps" }))),
        (
            "tool choice object",
            request(json!({ "tool_choice": { "type": "function", "function": { "name": "f" } } })),
        ),
        ("tool choice unknown object", request(json!({ "tool_choice": { "type": "x", "y": 1 } }))),
        ("escaped keys", request(json!({ "a\"b\\c\u{1F600}": 1 }))),
        (
            "schema",
            request(json!({ "response_format": { "type": "json_schema", "json_schema": {
            "name": "n", "schema": { "type": "object", "properties": { "type": { "type": "string" } } } } } })),
        ),
    ] {
        survives::<ChatCompletionRequest>(name, json);
    }
}

#[test]
fn answers_survive_a_round_trip() {
    survives::<ChatCompletion>(
        "completion",
        json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "m", "x": 1, "choices": [{
            "index": 0, "finish_reason": "bored", "logprobs": null, "y": {},
            "message": { "role": "assistant", "content": null, "refusal": null, "reasoning_content": "r", "z": 1 },
        }] }),
    );
    survives::<ChatCompletionChunk>(
        "chunk",
        json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{
            "index": 0, "delta": { "role": "critic", "content": "a", "tool_calls": [
                { "index": 0, "type": "later", "id": "i", "function": { "arguments": "{" }, "x": 1 }
            ] },
        }] }),
    );
    survives::<ErrorResponse>(
        "error",
        json!({ "error": { "message": "m", "type": "t", "param": null, "code": "c", "x": 1 } }),
    );
}

/// `param`, and a piece of the rule.
#[test]
fn broken_rules_are_named() {
    for (json, param, rule) in [
        (request(json!({ "temperature": 99 })), "temperature", "at most 2"),
        (request(json!({ "temperature": -1 })), "temperature", "at least 0"),
        (request(json!({ "max_tokens": 0 })), "max_tokens", "at least 1"),
        (request(json!({ "messages": [] })), "messages", "must not be empty"),
        (request(json!({ "model": "" })), "model", "must not be empty"),
        (request(json!({ "model": "a b" })), "model", "must match"),
        (request(json!({ "stop": ["a", "b", "c", "d", "e"] })), "stop", "at most 4 items"),
        (request(json!({ "stop": 3 })), "stop", "a string or an array"),
        (request(json!({ "tool_choice": "perhaps" })), "tool_choice", "one of `none`, `auto`"),
        (request(json!({ "tool_choice": { "type": "x" } })), "tool_choice.type", "one of `function`"),
        (request(json!({ "logit_bias": { "5": 101 } })), "logit_bias.5", "at most 100"),
        (message(json!({ "role": "critic" })), "messages[0].role", "one of `developer`"),
        (message(json!({ "content": "a" })), "messages[0].role", "is required"),
        (message(json!({ "role": "user", "content": 3 })), "messages[0].content", "a string or an array"),
        (
            message(json!({ "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "x" }] })),
            "messages[0].content[1].type",
            "one of `text`",
        ),
        (
            message(
                json!({ "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "file:///etc" } }] }),
            ),
            "messages[0].content[0].image_url.url",
            "must match",
        ),
        (
            request(json!({ "tools": [{ "type": "function", "function": { "name": "a b" } }] })),
            "tools[0].function.name",
            "must match",
        ),
    ] {
        let text = json.to_string();
        let value: ChatCompletionRequest =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let violation = value.check().expect_err(&text);
        assert_eq!(violation.param, param, "{violation} in {text}");
        assert!(violation.rule.contains(rule), "{violation} in {text}");
    }
}

#[test]
fn lengths_are_told_with_what_was_counted() {
    let five = json!({ "stop": ["a", "b", "c", "d", "e"] });
    let long_key = json!({ "metadata": { "k".repeat(65): "v" } });
    for (fields, told) in [
        (json!({ "messages": [] }), "messages must not be empty, but is 0 items long"),
        (json!({ "model": "" }), "model must not be empty, but is 0 characters long"),
        (five, "stop must have at most 4 items, but is 5 items long"),
        (long_key, "metadata must have keys of at most 64 characters, but is 65 characters long"),
    ] {
        let value: ChatCompletionRequest = serde_json::from_value(request(fields)).unwrap();
        assert_eq!(value.check().unwrap_err().to_string(), told);
    }
}

#[test]
fn good_requests_pass() {
    for fields in [
        json!({}),
        json!({ "temperature": 2, "top_p": 1.0, "n": 128, "stop": null, "user": "한국어", "x_vendor": 1 }),
        json!({ "metadata": { "a": "b" }, "logit_bias": { "5": -100 }, "model": "meta-llama/Llama-3.3:70b" }),
    ] {
        let value: ChatCompletionRequest = serde_json::from_value(request(fields.clone())).unwrap();
        assert_eq!(value.check(), Ok(()), "{fields}");
    }
}

/// Readers disagree about which of two equal keys counts, so neither does.
#[test]
fn duplicate_keys_are_refused() {
    for text in [
        r#"{"model":"a","model":"b","messages":[]}"#,
        r#"{"model":"a","messages":[],"x":1,"x":2}"#,
        r#"{"model":"a","messages":[{"role":"user","role":"system","content":"a"}]}"#,
        r#"{"model":"a","messages":[{"content":"a","role":"user","content":"b"}]}"#,
    ] {
        let error = serde_json::from_str::<ChatCompletionRequest>(text).expect_err(text);
        assert!(error.to_string().contains("duplicate field"), "{error}");
    }
}

#[test]
fn fields_without_a_name_are_a_map_of_one_word() {
    let text = r#"{"model":"a","messages":[],"z":1,"b":{"y":2,"a":3}}"#;
    let mut request: ChatCompletionRequest = serde_json::from_str(text).unwrap();
    let names = |extra: &Extra| extra.into_iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&request.extra), ["z", "b"], "in the order of the text");
    assert_eq!(serde_json::to_string(&request.extra).unwrap(), r#"{"z":1,"b":{"y":2,"a":3}}"#);
    assert_eq!(format!("{:?}", request.extra), format!("{:?}", Map::from(request.extra.clone())));

    request.extra.shift_remove("z");
    request.extra.insert("c".to_owned(), Value::Null);
    assert_eq!(names(&request.extra), ["b", "c"]);
    request.extra.clear();
    assert_eq!(request.extra, Extra::new(), "a map that was in use is as empty as one that was not");
    assert_eq!(Extra::from_iter([]), Map::new().into());
    assert_eq!(size_of::<Extra>(), size_of::<usize>());
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = format!(r#"{{"model":"a","messages":[],"x":{deep}}}"#);
    assert!(serde_json::from_str::<ChatCompletionRequest>(&text).is_err());
}

#[test]
fn messages_are_made_from_words() {
    let made =
        ChatCompletionRequest::new("m", vec![Message::user("hi")]).temperature(0.5).tool_choice("auto");
    let expected = request(json!({ "temperature": 0.5, "tool_choice": "auto" }));
    assert_eq!(serde_json::to_value(&made).unwrap(), expected);
}
