//! The scripted answers in the words of vendors whose API is not OpenAI's.
//!
//! **Invariant:** a stream of `n` chunks is made of events that a gateway makes `n` chunks of, with the same text in each: what two
//! vendors' streams cost can then be compared.

use bytes::Bytes;
use serde_json::{Value, json};

use super::script::Script;

/// Which API a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Api {
    /// By the path of a request, with the model's name where that has it.
    pub fn of(path: &str) -> (Api, Option<&str>) {
        let gemini = path.split_once("/models/").and_then(|(_, rest)| rest.split_once(':'));
        match gemini {
            Some((model, _)) => (Api::Gemini, Some(model)),
            None if path.ends_with("/messages") => (Api::Anthropic, None),
            None => (Api::OpenAi, None),
        }
    }

    /// The events of a stream one by one.
    pub fn events(self, script: Script, with_usage: bool) -> Vec<Bytes> {
        let Script::Stream { chunks, .. } = script else { return script.events(with_usage) };
        // A role begins a stream, and a reason ends it.
        let texts = Script::words().take(chunks.saturating_sub(2));
        match self {
            Api::OpenAi => script.events(with_usage),
            Api::Anthropic => {
                let start = json!({"type": "message_start", "message": {
                    "type": "message", "id": "msg_bench", "role": "assistant", "model": "bench", "content": [],
                    "usage": {"input_tokens": 100, "output_tokens": 1},
                }});
                let block = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
                let delta = |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
                let close = json!({"type": "content_block_stop", "index": 0});
                let end = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": chunks}});
                let stop = json!({"type": "message_stop"});
                let events = [start, block].into_iter().chain(texts.map(delta)).chain([close, end, stop]);
                events.map(|event| named(&event)).collect()
            }
            Api::Gemini => {
                let event = |candidate: Value| {
                    json!({
                        "candidates": [candidate],
                        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": chunks, "totalTokenCount": 100 + chunks},
                        "modelVersion": "bench", "responseId": "bench",
                    })
                };
                let text = |text: &str| {
                    event(json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}))
                };
                let end = event(
                    json!({"content": {"parts": [], "role": "model"}, "finishReason": "STOP", "index": 0}),
                );
                let events = texts.map(text).chain([end]);
                events.map(|event| Bytes::from(format!("data: {event}\r\n\r\n"))).collect()
            }
        }
    }
}

/// Anthropic's events have their type twice.
fn named(event: &Value) -> Bytes {
    let name = event["type"].as_str().unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {event}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, expected) in [
            ("/v1/chat/completions", (Api::OpenAi, None)),
            ("/v1/messages", (Api::Anthropic, None)),
            ("/v1beta/models/bench-stream-64:streamGenerateContent", (Api::Gemini, Some("bench-stream-64"))),
        ] {
            assert_eq!(Api::of(path), expected);
        }
    }

    #[test]
    fn the_texts_are_the_same() {
        let script: Script = "bench-stream-64".parse().unwrap();
        for api in [Api::OpenAi, Api::Anthropic, Api::Gemini] {
            let events = api.events(script, false).concat();
            let words = String::from_utf8(events).unwrap().matches("quick ").count();
            assert_eq!(words, 5, "{api:?}");
        }
    }
}
