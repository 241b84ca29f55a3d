//! Decoding and encoding again loses nothing, down to a number's last digit.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use novai::types::ChatCompletionChunk;
use serde_json::{Value, json};

#[test]
fn numbers_keep_every_digit() {
    // Each has more digits than 53 bits hold exactly: serde_json without `float_roundtrip` is off by one in the last place.
    for logprob in [-11.663477658280499, -3.8745104734880442, -13.621995981375221, -9.714504925766505] {
        let sent = json!({
            "id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [{
                "index": 0, "delta": {}, "finish_reason": null,
                "logprobs": { "content": [{ "token": "a", "logprob": logprob, "bytes": [97], "top_logprobs": [] }] }
            }]
        });
        let chunk: ChatCompletionChunk = serde_json::from_str(&sent.to_string()).unwrap();
        let again: Value = serde_json::from_str(&serde_json::to_string(&chunk).unwrap()).unwrap();
        let number = &again["choices"][0]["logprobs"]["content"][0]["logprob"];
        assert_eq!(number.as_f64(), Some(logprob), "see the features of serde_json in Cargo.toml");
    }
}
