//! Writes the events of a translated stream: each a `ChatCompletionChunk` on one line.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use novai_core::{ChatEvent, TokenUsage};
use novai_types::{Annotation, Logprobs, ReasoningDetail, Usage};
use serde::Serialize;

/// What all chunks of a stream have in common, and those not handed on yet.
#[derive(Default)]
pub(crate) struct Chunks {
    pub id: String,
    pub model: String,
    /// Unix seconds.
    created: u64,
    pub service_tier: Option<String>,
    ready: VecDeque<ChatEvent>,
}

/// What one chunk adds to a choice. Absent fields are not written.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "<[ReasoningDetail]>::is_empty")]
    pub reasoning_details: &'a [ReasoningDetail],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<[ToolCallDelta<'a>; 1]>,
    #[serde(skip_serializing_if = "<[Annotation]>::is_empty")]
    pub annotations: &'a [Annotation],
}

#[derive(Debug, Serialize)]
pub(crate) struct ToolCallDelta<'a> {
    pub index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    pub function: FunctionDelta<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FunctionDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    pub arguments: &'a str,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: &'a [Choice<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a Usage>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u64,
    delta: Delta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<&'a Logprobs>,
    finish_reason: Option<&'a str>,
}

impl Chunks {
    /// `now` is since 1970.
    pub(crate) fn begun_at(now: Duration) -> Self {
        Chunks { created: now.as_secs(), ..Chunks::default() }
    }

    /// More of the choice `index`.
    pub(crate) fn delta(&mut self, index: u64, delta: Delta<'_>) {
        self.push(&[Choice { index, delta, logprobs: None, finish_reason: None }], None);
    }

    /// How likely the tokens of the choice's last chunks were.
    pub(crate) fn logprobs(&mut self, index: u64, logprobs: &Logprobs) {
        let delta = Delta::default();
        self.push(&[Choice { index, delta, logprobs: Some(logprobs), finish_reason: None }], None);
    }

    /// The choice's last chunk.
    pub(crate) fn finish(&mut self, index: u64, delta: Delta<'_>, reason: &str) {
        self.push(&[Choice { index, delta, logprobs: None, finish_reason: Some(reason) }], None);
    }

    /// The chunk after the last choice, with the token counts.
    pub(crate) fn usage(&mut self, usage: &Usage) {
        self.push(&[], Some(usage));
    }

    pub(crate) fn next(&mut self) -> Option<ChatEvent> {
        self.ready.pop_front()
    }

    fn push(&mut self, choices: &[Choice<'_>], usage: Option<&Usage>) {
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            service_tier: self.service_tier.as_deref(),
            usage,
        };
        // Strings, numbers and lists of them: cannot fail.
        let json = Bytes::from(serde_json::to_vec(&chunk).unwrap_or_default());
        self.ready.push_back(ChatEvent { json, usage: usage.map(counts), usage_only: choices.is_empty() });
    }
}

/// The counts that the gateway itself works with.
pub(crate) fn counts(usage: &Usage) -> TokenUsage {
    let prompt = usage.prompt_tokens_details.as_ref();
    let completion = usage.completion_tokens_details.as_ref();
    TokenUsage {
        prompt: usage.prompt_tokens,
        cached_prompt: prompt.and_then(|details| details.cached_tokens).unwrap_or(0),
        audio_prompt: prompt.and_then(|details| details.audio_tokens).unwrap_or(0),
        completion: usage.completion_tokens,
        audio_completion: completion.and_then(|details| details.audio_tokens).unwrap_or(0),
        reasoning: completion.and_then(|details| details.reasoning_tokens).unwrap_or(0),
        total: usage.total_tokens,
    }
}
