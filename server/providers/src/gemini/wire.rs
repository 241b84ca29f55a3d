//! What Gemini answers: one shape, whole or as the pieces of a stream.

use novai_types::{CompletionTokensDetails, PromptTokensDetails, Usage};
use serde::Deserialize;
use serde_json::Value;

use super::citations::CitationMetadata;
use super::logprobs::LogprobsResult;

/// Marks reasoning that this vendor signed.
pub(super) const FORMAT: &str = "google-gemini-v1";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    #[serde(default)]
    pub candidates: Vec<Candidate>,
    pub prompt_feedback: Option<PromptFeedback>,
    pub usage_metadata: Option<UsageMetadata>,
    pub model_version: Option<String>,
    pub response_id: Option<String>,
    /// A failure in place of an answer.
    pub error: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    /// Left out where there is one candidate only.
    #[serde(default)]
    pub index: u64,
    pub content: Option<Content>,
    pub finish_reason: Option<String>,
    pub finish_message: Option<String>,
    pub logprobs_result: Option<LogprobsResult>,
    pub citation_metadata: Option<CitationMetadata>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Content {
    #[serde(default)]
    pub parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub text: Option<String>,
    /// The text is a summary of what the model thought.
    #[serde(default)]
    pub thought: bool,
    pub thought_signature: Option<String>,
    pub function_call: Option<FunctionCall>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FunctionCall {
    pub id: Option<String>,
    pub name: String,
    pub args: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptFeedback {
    pub block_reason: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UsageMetadata {
    prompt_token_count: u64,
    tool_use_prompt_token_count: u64,
    cached_content_token_count: u64,
    candidates_token_count: u64,
    thoughts_token_count: u64,
}

impl UsageMetadata {
    /// Gemini counts thoughts *beside* the candidates; OpenAI within the completion.
    pub(super) fn usage(&self) -> Usage {
        let prompt = self.prompt_token_count.saturating_add(self.tool_use_prompt_token_count);
        let completion = self.candidates_token_count.saturating_add(self.thoughts_token_count);
        let mut usage = Usage::new(prompt, completion, prompt.saturating_add(completion));
        usage.prompt_tokens_details = Some(PromptTokensDetails {
            cached_tokens: Some(self.cached_content_token_count),
            ..PromptTokensDetails::default()
        });
        usage.completion_tokens_details = Some(CompletionTokensDetails {
            reasoning_tokens: Some(self.thoughts_token_count),
            ..CompletionTokensDetails::default()
        });
        usage
    }
}

/// Reasons without a counterpart go on in lower case: `finish_reason` is an open list.
pub(super) fn finish_reason(reason: &str, has_calls: bool) -> String {
    match reason {
        "STOP" if has_calls => "tool_calls".to_owned(),
        "STOP" => "stop".to_owned(),
        "MAX_TOKENS" => "length".to_owned(),
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "IMAGE_SAFETY" => "content_filter".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}

/// Gemini names its calls only sometimes, and OpenAI's clients always send the name back.
pub(super) fn call_id(call: &FunctionCall, response_id: &str, candidate: u64, at: u64) -> String {
    match &call.id {
        Some(id) => id.clone(),
        None => format!("call_{response_id}_{candidate}_{at}"),
    }
}

pub(super) fn arguments(call: &FunctionCall) -> String {
    call.args.as_ref().map_or_else(|| "{}".to_owned(), Value::to_string)
}

/// Why a prompt was not answered at all.
pub(super) fn blocked(reason: &str) -> String {
    format!("The prompt was blocked: {reason}.")
}
