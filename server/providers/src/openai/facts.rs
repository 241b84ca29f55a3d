//! What the gateway must know about a payload, lifted without decoding the rest.
//!
//! One pass ([`super::json`]) checks the JSON and finds four members; their values are decoded only where they are neither absent
//! nor null, which for `usage` is once per answer.

use novai_core::TokenUsage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{Flaw, Members};

/// Of a completion or of one chunk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// There is an `error` member, and it is not null.
    pub error: bool,
    /// There is at least one choice.
    pub choices: bool,
    /// There is a `choices` member, and it is empty.
    pub choices_empty: bool,
    pub usage: Option<TokenUsage>,
}

/// Reads the facts of one payload after the other; those of a stream are alike, which it makes use of.
#[derive(Debug)]
pub(super) struct Reader(Members<4>);

impl Reader {
    pub(super) fn new() -> Self {
        // `x_groq` is where Groq put the usage before it followed OpenAI.
        Reader(Members::new(["error", "choices", "usage", "x_groq"]))
    }

    /// Fails, with the reason, on what is not exactly one JSON object in UTF-8.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Facts, &'static str> {
        let found = self.0.find(bytes);
        let [error, choices, usage_told, x_groq] = found
            .map_err(|flaw| match flaw {
                Flaw::NotUtf8 => "it sent invalid UTF-8",
                Flaw::NotObject => "it sent something else than a JSON object",
                Flaw::Invalid => "it sent invalid JSON",
                Flaw::TooDeep => "it sent JSON that is nested too deeply",
            })?
            .map(|value| value.filter(|value| *value != b"null"));
        let choices_empty = choices.is_some_and(is_empty_array);
        Ok(Facts {
            error: error.is_some(),
            choices: choices.is_some() && !choices_empty,
            choices_empty,
            usage: usage_told
                .and_then(usage)
                .or_else(|| usage(parse::<XGroq<'_>>(x_groq?)?.usage?.get().as_bytes())),
        })
    }
}

impl Facts {
    /// Of a payload on its own.
    pub(super) fn of(bytes: &[u8]) -> Result<Facts, &'static str> {
        Reader::new().read(bytes)
    }
}

#[derive(Deserialize)]
struct XGroq<'a> {
    #[serde(default, borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
    #[serde(default)]
    completion_tokens_details: Option<Details>,
    /// Where DeepSeek put it before it followed OpenAI.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    reasoning_tokens: Option<u64>,
    #[serde(default)]
    audio_tokens: Option<u64>,
}

/// Counts in a shape that we do not know are no counts; the payload itself is not at fault for that.
fn usage(raw: &[u8]) -> Option<TokenUsage> {
    let usage: Usage = parse(raw)?;
    // Zero would be a price: an answer that somebody else counted in seconds costs what the gateway estimates.
    usage.prompt_tokens.or(usage.completion_tokens)?;
    let prompt = usage.prompt_tokens.unwrap_or(0);
    let mut completion = usage.completion_tokens.unwrap_or(0);
    let (of_prompt, of_completion) = (usage.prompt_tokens_details, usage.completion_tokens_details);
    let part = |details: &Option<Details>, of: fn(&Details) -> Option<u64>| {
        details.as_ref().and_then(of).unwrap_or(0)
    };
    let reasoning = part(&of_completion, |details| details.reasoning_tokens);
    let all = prompt.saturating_add(completion).saturating_add(reasoning);
    // xAI counts reasoning beside the completion, and charges for both.
    if reasoning > 0 && usage.total_tokens == Some(all) {
        completion = completion.saturating_add(reasoning);
    }
    let cached = of_prompt.as_ref().and_then(|details| details.cached_tokens);
    Some(TokenUsage {
        prompt,
        cached_prompt: cached.or(usage.prompt_cache_hit_tokens).unwrap_or(0),
        audio_prompt: part(&of_prompt, |details| details.audio_tokens),
        completion,
        reasoning,
        audio_completion: part(&of_completion, |details| details.audio_tokens),
        total: usage.total_tokens.unwrap_or_else(|| prompt.saturating_add(completion)),
    })
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a [u8]) -> Option<T> {
    serde_json::from_slice(raw).ok()
}

fn is_empty_array(raw: &[u8]) -> bool {
    raw.strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"))
        .is_some_and(|inside| inside.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads() {
        let counts = |prompt, completion, total| {
            Some(TokenUsage { prompt, completion, total, ..TokenUsage::default() })
        };
        let facts = Facts::default();
        let some = Facts { choices: true, ..facts };
        let none = Facts { choices_empty: true, ..facts };
        for (json, expected) in [
            (r#"{}"#, facts),
            (r#" {"choices":[{"index":0}],"usage":null} "#, some),
            (r#"{"choices":[ ],"usage":null}"#, none),
            (r#"{"choices":null}"#, facts),
            (r#"{"error":null,"choices":[1]}"#, some),
            (r#"{"error":{},"choices":[1]}"#, Facts { error: true, ..some }),
            (r#"{"error":"text"}"#, Facts { error: true, ..facts }),
            (
                r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#,
                Facts { usage: counts(3, 4, 7), ..none },
            ),
            (
                r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
                Facts { usage: counts(3, 4, 7), ..facts },
            ),
            (r#"{"\u0075sage":{"prompt_tokens":3}}"#, Facts { usage: counts(3, 0, 3), ..facts }),
            (r#"{"x_groq":{"usage":{"prompt_tokens":1}}}"#, Facts { usage: counts(1, 0, 1), ..facts }),
            (r#"{"x_groq":{"id":"a"}}"#, facts),
            (r#"{"usage":"many"}"#, facts),
            (r#"{"usage":{"prompt_tokens":-1}}"#, facts),
            (r#"{"usage":{"seconds":0.5}}"#, facts),
            (
                r#"{"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_cache_hit_tokens":6}}"#,
                Facts {
                    usage: counts(9, 4, 13).map(|usage| TokenUsage { cached_prompt: 6, ..usage }),
                    ..facts
                },
            ),
            (
                r#"{"usage":{"prompt_tokens":9,"completion_tokens":4,"completion_tokens_details":{"reasoning_tokens":20},"total_tokens":33}}"#,
                Facts {
                    usage: counts(9, 24, 33).map(|usage| TokenUsage { reasoning: 20, ..usage }),
                    ..facts
                },
            ),
            (
                r#"{"usage":{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":3},
                    "completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":1},"total_tokens":14}}"#,
                Facts {
                    usage: Some(TokenUsage {
                        prompt: 9,
                        cached_prompt: 4,
                        audio_prompt: 3,
                        completion: 5,
                        reasoning: 2,
                        audio_completion: 1,
                        total: 14,
                    }),
                    ..facts
                },
            ),
        ] {
            assert_eq!(Facts::of(json.as_bytes()), Ok(expected), "{json}");
        }
    }

    #[test]
    fn refused_payloads() {
        for (json, reason) in [
            (&b""[..], "it sent something else than a JSON object"),
            (b"[1]", "it sent something else than a JSON object"),
            (b"\"text\"", "it sent something else than a JSON object"),
            (b"<html>", "it sent something else than a JSON object"),
            (b"{\"a\":1", "it sent invalid JSON"),
            (b"{\"a\":1}{}", "it sent invalid JSON"),
            (b"{\"a\":\"\xff\"}", "it sent invalid UTF-8"),
        ] {
            assert_eq!(Facts::of(json), Err(reason), "{}", json.escape_ascii());
        }
        let deep = [b"{\"a\":".as_slice(), &b"[".repeat(100_000)].concat();
        assert_eq!(Facts::of(&deep), Err("it sent JSON that is nested too deeply"));
    }
}
