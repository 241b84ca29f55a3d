//! What the scripted upstream answers, chosen by the model's name, and what a client may expect of it.

use std::{fmt, str::FromStr, time::Duration};

use bytes::Bytes;
use serde_json::json;

/// Seconds since 1970; any will do.
const CREATED: u64 = 1_790_000_000;
const ID: &str = "chatcmpl-8f14e45fceea167a5a36dedd4bea2543";
const WORDS: &str = "The quick brown fox jumps over the lazy dog, and then it rests.\n";
pub const TERMINAL: &str = "data: [DONE]\n\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// One JSON body with an answer of so many characters.
    Json { characters: usize },
    /// Server-sent events, as fast as they are taken or with a pause before each.
    Stream { chunks: usize, pause: Duration },
    /// One event, then silence until the client leaves.
    Idle,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { characters } => write!(f, "bench-json-{characters}"),
            Self::Stream { chunks, pause } if pause.is_zero() => write!(f, "bench-stream-{chunks}"),
            Self::Stream { chunks, pause } => write!(f, "bench-stream-{chunks}-{}ms", pause.as_millis()),
            Self::Idle => write!(f, "bench-idle"),
        }
    }
}

impl FromStr for Script {
    type Err = String;

    fn from_str(model: &str) -> Result<Self, String> {
        let unknown = || format!("no script is called {model}");
        let number = |text: &str| text.parse::<usize>().map_err(|_| unknown());
        let words: Vec<&str> = model.split('-').collect();
        match words[..] {
            ["bench", "json", characters] => Ok(Self::Json { characters: number(characters)? }),
            ["bench", "stream", chunks] => {
                Ok(Self::Stream { chunks: number(chunks)?, pause: Duration::ZERO })
            }
            ["bench", "stream", chunks, pause] => {
                let pause_ms = number(pause.strip_suffix("ms").ok_or_else(unknown)?)?;
                Ok(Self::Stream { chunks: number(chunks)?, pause: Duration::from_millis(pause_ms as u64) })
            }
            ["bench", "idle"] => Ok(Self::Idle),
            _ => Err(unknown()),
        }
    }
}

impl Script {
    pub fn is_stream(self) -> bool {
        !matches!(self, Self::Json { .. })
    }

    /// The request that asks for it: a system message and a question of everyday length.
    pub fn request(self) -> Bytes {
        let mut request = json!({
            "model": self.to_string(),
            "messages": [
                {"role": "system", "content": "You are a helpful assistant. Answer briefly and name your sources."},
                {"role": "user", "content": WORDS.repeat(6)},
            ],
            "temperature": 0.7,
            "max_tokens": 1024,
        });
        if self.is_stream() {
            request["stream"] = json!(true);
        }
        Bytes::from(request.to_string())
    }

    pub fn json_body(self) -> Bytes {
        let Self::Json { characters } = self else { return Bytes::new() };
        let content: String = WORDS.chars().cycle().take(characters).collect();
        let body = json!({
            "id": ID, "object": "chat.completion", "created": CREATED, "model": self.to_string(),
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": null},
                "logprobs": null,
                "finish_reason": "stop",
            }],
            "usage": usage(characters / 4),
            "system_fingerprint": "fp_bench",
        });
        Bytes::from(body.to_string())
    }

    /// What streams say, piece by piece.
    pub fn words() -> impl Iterator<Item = &'static str> {
        WORDS.split_inclusive(' ').cycle()
    }

    /// The events one by one, the terminal last.
    pub fn events(self, with_usage: bool) -> Vec<Bytes> {
        let chunks = match self {
            Self::Json { .. } => return Vec::new(),
            Self::Idle => return vec![self.event(&json!({"role": "assistant", "content": ""}), None)],
            Self::Stream { chunks, .. } => chunks,
        };
        let mut events = vec![self.event(&json!({"role": "assistant", "content": ""}), None)];
        let words = Self::words().take(chunks.saturating_sub(2));
        events.extend(words.map(|word| self.event(&json!({"content": word}), None)));
        events.push(self.event(&json!({}), Some("stop")));
        if with_usage {
            let chunk = json!({
                "id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": self.to_string(),
                "choices": [], "usage": usage(chunks),
            });
            events.push(Bytes::from(format!("data: {chunk}\n\n")));
        }
        events.push(Bytes::from_static(TERMINAL.as_bytes()));
        events
    }

    fn event(self, delta: &serde_json::Value, finish_reason: Option<&str>) -> Bytes {
        let chunk = json!({
            "id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": self.to_string(),
            "system_fingerprint": "fp_bench",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}],
        });
        Bytes::from(format!("data: {chunk}\n\n"))
    }
}

fn usage(completion_tokens: usize) -> serde_json::Value {
    json!({"prompt_tokens": 100, "completion_tokens": completion_tokens, "total_tokens": 100 + completion_tokens})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in ["bench-json-400", "bench-stream-64", "bench-stream-64-2ms", "bench-idle"] {
            assert_eq!(name.parse::<Script>().unwrap().to_string(), name);
        }
        assert!("bench-what-1".parse::<Script>().is_err());
    }

    #[test]
    fn a_stream_has_its_chunks_and_the_terminal() {
        let script: Script = "bench-stream-64".parse().unwrap();
        assert_eq!(script.events(false).len(), 65);
        assert_eq!(script.events(true).len(), 66);
        assert_eq!(script.events(true).last().unwrap(), TERMINAL.as_bytes());
    }
}
