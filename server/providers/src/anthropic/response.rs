//! A finished message as a `ChatCompletion`.

use novai_types::{
    ChatCompletion, ChatCompletionMessage, Choice, FunctionCall, FunctionToolCall, ReasoningDetail, ToolCall,
};
use serde::Deserialize;
use serde_json::Value;

use super::citations::Citations;
use super::request::FORMAT;
use super::usage::Counts;

#[derive(Deserialize)]
struct Answer {
    id: String,
    model: String,
    content: Vec<Block>,
    stop_reason: Option<String>,
    stop_details: Option<StopDetails>,
    #[serde(default)]
    usage: Counts,
}

/// Why Anthropic's filters ended an answer.
#[derive(Deserialize)]
pub(super) struct StopDetails {
    pub explanation: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text { text: String, citations: Option<Vec<Value>> },
    Thinking { thinking: String, signature: Option<String> },
    RedactedThinking { data: String },
    ToolUse { id: String, name: String, input: Value },
}

/// Fails, with the reason, on what Anthropic's API does not promise.
pub(super) fn completion(json: &[u8], created: u64) -> Result<ChatCompletion, &'static str> {
    let answer: Answer = serde_json::from_slice(json).map_err(|_| "its answer is no message of its API")?;
    let mut message =
        ChatCompletionMessage { role: "assistant".to_owned(), ..ChatCompletionMessage::default() };
    let mut text = String::new();
    let mut reasoning = String::new();
    let mut details = Vec::new();
    let mut calls = Vec::new();
    let (mut citations, mut annotations) = (Citations::default(), Vec::new());
    for block in answer.content {
        match block {
            Block::Text { text: more, citations: sources } => {
                citations.begin_block();
                citations.text(&more);
                text.push_str(&more);
                for source in sources.into_iter().flatten() {
                    // The whole answer is in memory, and bounded, anyway.
                    annotations.extend(citations.add(source, 0));
                }
                annotations.extend(citations.end_block());
            }
            Block::Thinking { thinking, signature } => {
                reasoning.push_str(&thinking);
                details.push(detail(details.len(), "reasoning.text", |detail| {
                    detail.text = Some(thinking);
                    detail.signature = signature;
                }));
            }
            Block::RedactedThinking { data } => {
                details.push(detail(details.len(), "reasoning.encrypted", |detail| detail.data = Some(data)));
            }
            Block::ToolUse { id, name, input } => {
                let call = FunctionToolCall::new(id, FunctionCall::new(name, input.to_string()));
                calls.push(ToolCall::Function(call));
            }
        }
    }
    let is_refusal = answer.stop_reason.as_deref() == Some("refusal");
    message.refusal = answer.stop_details.and_then(|details| details.explanation).filter(|_| is_refusal);
    message.content = (!text.is_empty() || (calls.is_empty() && message.refusal.is_none())).then_some(text);
    message.reasoning_content = (!reasoning.is_empty()).then_some(reasoning);
    message.reasoning_details = (!details.is_empty()).then_some(details);
    message.annotations = (!annotations.is_empty()).then_some(annotations);
    message.tool_calls = (!calls.is_empty()).then_some(calls);

    let mut choice = Choice::new(0, message);
    choice.finish_reason = answer.stop_reason.as_deref().map(|reason| finish_reason(reason).into());
    let mut completion = ChatCompletion::new(answer.id, created, answer.model, vec![choice]);
    completion.usage = Some(answer.usage.usage());
    Ok(completion)
}

pub(super) fn detail(index: usize, kind: &str, fill: impl FnOnce(&mut ReasoningDetail)) -> ReasoningDetail {
    let mut detail = ReasoningDetail::new(kind);
    detail.index = Some(index as u64);
    detail.format = Some(FORMAT.to_owned());
    fill(&mut detail);
    detail
}

/// Reasons without a counterpart stay as they are: `finish_reason` is an open list.
pub(super) fn finish_reason(stop_reason: &str) -> &str {
    match stop_reason {
        "end_turn" | "stop_sequence" => "stop",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        other => other,
    }
}
