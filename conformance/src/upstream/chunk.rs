//! The bodies behind the short steps (`delta`, `finish`, `usage`, `answer`): the least that OpenAI's wire format asks for.
//!
//! **Invariant:** ids and dates are constants. A scenario means the same bytes on every run.

use serde_json::{Value, json};

pub const ID: &str = "chatcmpl-1";
pub const CREATED: u64 = 1_700_000_000;
pub const MODEL: &str = "scripted";

fn chunk(choices: Value) -> Value {
    json!({
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        "choices": choices,
    })
}

/// `delta: text` is `delta: {content: text}`.
pub fn delta(choice: u64, delta: &Value) -> Value {
    let delta = match delta {
        Value::String(text) => json!({ "content": text }),
        other => other.clone(),
    };
    chunk(json!([{ "index": choice, "delta": delta, "finish_reason": null }]))
}

pub fn finish(choice: u64, reason: &str) -> Value {
    chunk(json!([{ "index": choice, "delta": {}, "finish_reason": reason }]))
}

/// The extra chunk that carries usage and no choice.
pub fn usage(usage: &Value) -> Value {
    let mut value = chunk(json!([]));
    value["usage"] = expand_usage(usage);
    value
}

/// `[prompt, completion]` is short for the three counts.
fn expand_usage(usage: &Value) -> Value {
    match usage.as_array().map(Vec::as_slice) {
        Some([prompt, completion]) => {
            let total = prompt.as_u64().unwrap_or(0) + completion.as_u64().unwrap_or(0);
            json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total })
        }
        _ => usage.clone(),
    }
}

/// A whole, non-streamed answer.
pub fn answer(text: &str) -> Value {
    json!({
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": MODEL,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": text },
            "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12 },
    })
}
