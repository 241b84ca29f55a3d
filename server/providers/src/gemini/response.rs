//! A finished answer as a `ChatCompletion`.

use novai_types::{
    ChatCompletion, ChatCompletionMessage, Choice, FunctionCall, FunctionToolCall, ReasoningDetail, ToolCall,
};

use super::citations::Characters;
use super::logprobs::LogprobsResult;
use super::wire::{self, Answer, Candidate, FORMAT};

/// Fails, with the reason, on what Gemini's API does not promise.
pub(super) fn completion(json: &[u8], created: u64) -> Result<ChatCompletion, &'static str> {
    let answer: Answer = serde_json::from_slice(json).map_err(|_| "its answer has an unknown shape")?;
    let id = answer.response_id.unwrap_or_default();
    let blocked = answer.prompt_feedback.and_then(|feedback| feedback.block_reason);
    let choices = match (answer.candidates.is_empty(), blocked) {
        (true, Some(reason)) => vec![refused(&reason)],
        (true, None) => return Err("its answer has no candidate"),
        (false, _) => answer.candidates.into_iter().map(|candidate| choice(candidate, &id)).collect(),
    };
    let model = answer.model_version.unwrap_or_default();
    let mut completion = ChatCompletion::new(id, created, model, choices);
    completion.usage = answer.usage_metadata.map(|counts| counts.usage());
    Ok(completion)
}

fn refused(reason: &str) -> Choice {
    let message = ChatCompletionMessage {
        role: "assistant".to_owned(),
        refusal: Some(wire::blocked(reason)),
        ..ChatCompletionMessage::default()
    };
    let mut choice = Choice::new(0, message);
    choice.finish_reason = Some("content_filter".into());
    choice
}

fn choice(candidate: Candidate, response_id: &str) -> Choice {
    let mut text: Option<String> = None;
    let mut reasoning = String::new();
    let mut details = Vec::new();
    let mut calls: Vec<ToolCall> = Vec::new();
    let mut characters = Characters::default();
    for part in candidate.content.into_iter().flat_map(|content| content.parts) {
        let mut call_id = None;
        if let Some(call) = part.function_call {
            let id = wire::call_id(&call, response_id, candidate.index, calls.len() as u64);
            let function = FunctionCall::new(call.name.clone(), wire::arguments(&call));
            calls.push(ToolCall::Function(FunctionToolCall::new(id.clone(), function)));
            call_id = Some(id);
        }
        match (part.text, part.thought) {
            (Some(more), true) => reasoning.push_str(&more),
            (Some(more), false) => {
                characters.push(&more);
                text.get_or_insert_default().push_str(&more);
            }
            (None, _) => {}
        }
        if let Some(signature) = part.thought_signature {
            details.push(signed(details.len() as u64, signature, call_id));
        }
    }
    let reason = candidate.finish_reason.map(|reason| wire::finish_reason(&reason, !calls.is_empty()));
    let annotations = candidate.citation_metadata.map(|citations| citations.annotations(&characters));
    let message = ChatCompletionMessage {
        role: "assistant".to_owned(),
        annotations: annotations.filter(|annotations| !annotations.is_empty()),
        content: text.or_else(|| calls.is_empty().then(String::new)),
        refusal: candidate.finish_message.filter(|_| reason.as_deref() == Some("content_filter")),
        reasoning_content: (!reasoning.is_empty()).then_some(reasoning),
        reasoning_details: (!details.is_empty()).then_some(details),
        tool_calls: (!calls.is_empty()).then_some(calls),
        ..ChatCompletionMessage::default()
    };
    let mut choice = Choice::new(candidate.index, message);
    choice.finish_reason = reason.map(Into::into);
    choice.logprobs = candidate.logprobs_result.and_then(LogprobsResult::logprobs);
    choice
}

/// A signature is what Gemini needs to read its own thoughts again; it belongs to a call, or to the text.
pub(super) fn signed(index: u64, signature: String, call_id: Option<String>) -> ReasoningDetail {
    let mut detail = ReasoningDetail::new("reasoning.encrypted");
    detail.index = Some(index);
    detail.format = Some(FORMAT.to_owned());
    detail.data = Some(signature);
    detail.id = call_id;
    detail
}
