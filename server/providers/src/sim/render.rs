//! A plan as JSON: one completion, or one chunk per token.

use std::time::Duration;

use bytes::Bytes;
use novai_core::{ChatCall, ChatEvent, TokenUsage};
use serde_json::{Value, json};

use super::plan::{Choice, Piece, Plan};

const FINGERPRINT: &str = "fp_novai_sim";

pub(super) struct Renderer {
    id: String,
    /// Begins the ids of tool calls.
    hash: u64,
    created: u64,
    model: String,
    logprobs: Option<u64>,
    usage: TokenUsage,
    usage_wanted: bool,
}

impl Renderer {
    pub(super) fn new(call: &ChatCall, plan: &Plan, now: Duration) -> Self {
        let hash = fnv1a(&call.raw);
        let request = &call.request;
        Renderer {
            id: format!("chatcmpl-{hash:016x}"),
            hash,
            created: now.as_secs(),
            model: call.upstream_model.to_string(),
            logprobs: (request.logprobs == Some(true)).then(|| request.top_logprobs.unwrap_or(0)),
            usage: plan.usage,
            usage_wanted: request.stream_options.as_ref().and_then(|options| options.include_usage)
                == Some(true),
        }
    }

    pub(super) fn whole(&self, plan: &Plan) -> Bytes {
        let choices: Vec<Value> =
            plan.choices.iter().enumerate().map(|(index, choice)| self.choice(index, choice)).collect();
        let completion = json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            "usage": usage(&self.usage),
            "system_fingerprint": FINGERPRINT,
        });
        completion.to_string().into()
    }

    fn choice(&self, index: usize, choice: &Choice) -> Value {
        let joined = |of: fn(&Piece) -> Option<&str>| -> Option<String> {
            let mut texts = choice.pieces.iter().filter_map(of).peekable();
            texts.peek()?;
            Some(texts.collect())
        };
        let refusal = joined(|piece| match piece {
            Piece::Refusal(text) => Some(text),
            _ => None,
        });
        let reasoning = joined(|piece| match piece {
            Piece::Reasoning(text) => Some(text),
            _ => None,
        });
        let content = joined(|piece| match piece {
            Piece::Content(text) => Some(text),
            _ => None,
        });
        let calls = self.calls(index, choice);
        // An answer without any text is "", one of a different kind has null for its text.
        let content = content.or_else(|| (calls.is_empty() && refusal.is_none()).then(String::new));
        let mut message = json!({ "role": "assistant", "content": content, "refusal": refusal });
        if let Some(reasoning) = reasoning {
            message["reasoning_content"] = reasoning.into();
        }
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        json!({
            "index": index,
            "message": message,
            "logprobs": self.logprobs(&choice.pieces),
            "finish_reason": choice.finish_reason,
        })
    }

    fn calls(&self, choice_index: usize, choice: &Choice) -> Vec<Value> {
        let mut calls: Vec<(bool, &str, String)> = Vec::new();
        for piece in &choice.pieces {
            match piece {
                Piece::Call { custom, name, .. } => calls.push((*custom, name, String::new())),
                Piece::Input { text, .. } => {
                    if let Some((_, _, input)) = calls.last_mut() {
                        input.push_str(text);
                    }
                }
                _ => {}
            }
        }
        let call = |(index, (custom, name, input)): (usize, (bool, &str, String))| {
            let id = self.call_id(choice_index, index);
            if custom {
                json!({ "id": id, "type": "custom", "custom": { "name": name, "input": input } })
            } else {
                json!({ "id": id, "type": "function", "function": { "name": name, "arguments": input } })
            }
        };
        calls.into_iter().enumerate().map(call).collect()
    }

    /// The first chunk of a choice: who speaks.
    pub(super) fn role(&self, index: usize) -> ChatEvent {
        self.chunk(index, json!({ "role": "assistant", "content": "", "refusal": null }), Value::Null, None)
    }

    pub(super) fn piece(&self, index: usize, piece: &Piece) -> ChatEvent {
        let delta = match piece {
            Piece::Reasoning(text) => json!({ "reasoning_content": text }),
            Piece::Content(text) => json!({ "content": text }),
            Piece::Refusal(text) => json!({ "refusal": text }),
            Piece::Call { index: call, custom: false, name } => json!({ "tool_calls": [{
                "index": call, "id": self.call_id(index, *call), "type": "function",
                "function": { "name": name, "arguments": "" },
            }] }),
            Piece::Call { index: call, custom: true, name } => json!({ "tool_calls": [{
                "index": call, "id": self.call_id(index, *call), "type": "custom",
                "custom": { "name": name, "input": "" },
            }] }),
            Piece::Input { index: call, custom: false, text } => {
                json!({ "tool_calls": [{ "index": call, "function": { "arguments": text } }] })
            }
            Piece::Input { index: call, custom: true, text } => {
                json!({ "tool_calls": [{ "index": call, "custom": { "input": text } }] })
            }
        };
        self.chunk(index, delta, self.logprobs(std::slice::from_ref(piece)), None)
    }

    pub(super) fn finish(&self, index: usize, reason: &'static str) -> ChatEvent {
        self.chunk(index, json!({}), Value::Null, Some(reason))
    }

    /// The extra chunk at the end; core keeps it from callers who did not ask.
    pub(super) fn usage(&self) -> ChatEvent {
        let mut chunk = self.frame(json!([]));
        chunk["usage"] = usage(&self.usage);
        ChatEvent { json: chunk.to_string().into(), usage: Some(self.usage), usage_only: true }
    }

    fn chunk(&self, index: usize, delta: Value, logprobs: Value, finish: Option<&str>) -> ChatEvent {
        let choice = json!({ "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish });
        let mut chunk = self.frame(json!([choice]));
        if self.usage_wanted {
            chunk["usage"] = Value::Null;
        }
        ChatEvent { json: chunk.to_string().into(), usage: None, usage_only: false }
    }

    fn frame(&self, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        })
    }

    fn call_id(&self, choice: usize, call: usize) -> String {
        format!("call_{:08x}{choice:02x}{call:02x}", self.hash as u32)
    }

    /// Null unless asked for, and for what is neither content nor refusal.
    fn logprobs(&self, pieces: &[Piece]) -> Value {
        let Some(top) = self.logprobs else { return Value::Null };
        let entries = |refusal: bool| -> Value {
            let entries: Vec<Value> = pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Content(text) if !refusal => Some(text),
                    Piece::Refusal(text) if refusal => Some(text),
                    _ => None,
                })
                .map(|token| entry(token, top))
                .collect();
            if entries.is_empty() { Value::Null } else { entries.into() }
        };
        match (entries(false), entries(true)) {
            (Value::Null, Value::Null) => Value::Null,
            (content, refusal) => json!({ "content": content, "refusal": refusal }),
        }
    }
}

/// A likelihood that depends on the token alone; the alternatives are made up, each a little less likely.
fn entry(token: &str, top: u64) -> Value {
    let logprob = -((fnv1a(token.as_bytes()) % 50) as f64) / 100.0;
    let one =
        |token: &str, logprob: f64| json!({ "token": token, "logprob": logprob, "bytes": token.as_bytes() });
    let alternatives: Vec<Value> = (0..top)
        .map(|place| match place {
            0 => one(token, logprob),
            place => one(&format!("{token}~{place}"), logprob - place as f64),
        })
        .collect();
    let mut entry = one(token, logprob);
    entry["top_logprobs"] = alternatives.into();
    entry
}

fn usage(usage: &TokenUsage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "prompt_tokens_details": { "cached_tokens": usage.cached_prompt },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
    })
}

/// 64-bit FNV-1a: stable everywhere, unlike the standard library's hasher.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
