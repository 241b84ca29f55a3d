//! Pieces of a stream, put together: what the description's `x-merge` says, seen from outside.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic")]

use novai::Accumulate;
use novai::accumulate::ChatCompletionAccumulator;
use novai::types::{ChatCompletion, ChatCompletionChunk};
use serde_json::{Value, json};

/// One chunk with one choice's `delta`.
fn delta(index: u64, delta: Value) -> Value {
    json!({ "choices": [{ "index": index, "delta": delta }] })
}

/// A delta with one piece of a tool call.
fn tool(piece: Value) -> Value {
    delta(0, json!({ "tool_calls": [piece] }))
}

fn function(index: u64, id: &str, name: &str, arguments: &str) -> Value {
    let function = json!({ "name": name, "arguments": arguments });
    tool(json!({ "index": index, "id": id, "type": "function", "function": function }))
}

fn chunk(fields: &Value) -> ChatCompletionChunk {
    let mut chunk =
        json!({ "id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [] });
    chunk.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(chunk).unwrap()
}

/// Pushes the chunks and compares the fields that `expected` names with the result's.
#[track_caller]
fn check(name: &str, chunks: &[Value], expected: Value) {
    let mut accumulator = ChatCompletionAccumulator::default();
    for fields in chunks {
        accumulator.push(&chunk(fields));
    }
    let snapshot = accumulator.snapshot();
    let whole: ChatCompletion = accumulator.finish();
    assert_eq!(snapshot, whole, "{name}: the last snapshot is the result");
    let whole = serde_json::to_value(&whole).unwrap();
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&whole[field], value, "{name}: {field} in {whole}");
    }
}

/// The result's only choice, by its message's fields.
fn message(fields: Value) -> Value {
    let mut message = json!({ "role": "assistant" });
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({ "choices": [{ "index": 0, "message": message }] })
}

fn called(id: &str, name: &str, arguments: &str) -> Value {
    json!({ "type": "function", "id": id, "function": { "name": name, "arguments": arguments } })
}

#[test]
fn text_grows_and_names_stay() {
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3 });
    check(
        "a first chunk without choices or names, a last one with usage",
        &[
            json!({ "id": "", "model": "", "object": "", "created": 0 }),
            delta(0, json!({ "role": "assistant", "content": "" })),
            delta(0, json!({ "content": "Hel" })),
            delta(0, json!({ "content": "lo", "role": null })),
            json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }),
            json!({ "usage": usage }),
        ],
        json!({
            "id": "c", "object": "chat.completion", "created": 7, "model": "m", "usage": usage,
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hello" }, "finish_reason": "stop" }],
        }),
    );
}

#[test]
fn choices_lie_in_the_order_of_their_index() {
    check(
        "the second first",
        &[
            delta(1, json!({ "content": "b" })),
            delta(0, json!({ "content": "a" })),
            delta(1, json!({ "content": "B" })),
        ],
        json!({ "choices": [
            { "index": 0, "message": { "role": "assistant", "content": "a" } },
            { "index": 1, "message": { "role": "assistant", "content": "bB" } },
        ] }),
    );
}

#[test]
fn tool_calls_are_put_together() {
    check(
        "parallel; ids and names repeated or null",
        &[
            function(1, "b", "g", ""),
            function(0, "a", "f", "{\"x\""),
            function(0, "a", "f", ":1}"),
            tool(json!({ "index": 1, "id": null, "function": { "name": null, "arguments": "{}" } })),
        ],
        message(json!({ "tool_calls": [called("a", "f", "{\"x\":1}"), called("b", "g", "{}")] })),
    );
    let whole = |id: &str| tool(json!({ "id": id, "function": { "name": "f", "arguments": "{}" } }));
    check(
        "without an index they are whole; a repeated one is the same",
        &[whole("a"), whole("a"), whole("b")],
        message(json!({ "tool_calls": [called("a", "f", "{}"), called("b", "f", "{}")] })),
    );
    check(
        "a kind that is not known stays as it came",
        &[tool(json!({ "index": 0, "id": "a", "type": "later", "later": [1] }))],
        message(json!({ "tool_calls": [{ "id": "a", "type": "later", "later": [1] }] })),
    );
}

#[test]
fn what_is_not_text_is_merged_too() {
    let logprob = |token: &str| json!({ "token": token, "logprob": -1.0 });
    let logprobs =
        |token: &str| json!({ "choices": [{ "index": 0, "logprobs": { "content": [logprob(token)] } }] });
    check(
        "refusal, reasoning and unknown fields",
        &[
            delta(0, json!({ "refusal": "No", "reasoning_content": "hm", "mood": "grim" })),
            delta(0, json!({ "refusal": "!", "mood": null })),
        ],
        message(json!({ "refusal": "No!", "reasoning_content": "hm", "mood": "grim" })),
    );
    check(
        "logprobs",
        &[logprobs("a"), logprobs("b")],
        json!({ "choices": [{
            "index": 0,
            "message": { "role": "assistant" },
            "logprobs": { "content": [logprob("a"), logprob("b")] },
        }] }),
    );
}

#[test]
fn nothing_yet_is_an_empty_answer() {
    assert!(ChatCompletionAccumulator::default().finish().choices.is_empty());
}
