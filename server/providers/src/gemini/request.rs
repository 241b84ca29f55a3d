//! A chat request as a `generateContent` request.
//!
//! Start at [`body`]. [`contents`] has the conversation, [`tools`] what may be called.

mod contents;
mod tools;

use bytes::Bytes;
use novai_core::{ChatCall, Error};
use novai_types::{ChatCompletionRequest, ResponseFormat, Stop};
use serde_json::{Map, Value, json};

use super::images::Images;
use crate::translate::options::Support;
use crate::translate::refuse;

pub(super) const VENDOR: &str = "Gemini";

pub(crate) const SUPPORT: Support = Support {
    vendor: VENDOR,
    translated: &[
        "max_completion_tokens",
        "max_tokens",
        "temperature",
        "top_p",
        "n",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "logprobs",
        "top_logprobs",
        "tools",
        "tool_choice",
        "response_format",
        "reasoning_effort",
    ],
    // Gemini caches by itself.
    ignored: &["prompt_cache_key"],
};

pub(super) fn body(call: &ChatCall, images: &Images) -> Result<Bytes, Error> {
    let request = &*call.request;
    // `true` is what Gemini does in any case; only `false` asks for something.
    let parallel_is_off = request.parallel_tool_calls == Some(false);
    SUPPORT.check_but(request, if parallel_is_off { None } else { Some("parallel_tool_calls") })?;
    // Vendor options that we do not know go first: what the caller said in OpenAI's words wins.
    let mut body = Map::from(request.extra.clone());
    let mut generation = match body.remove("generationConfig") {
        Some(Value::Object(own)) => own,
        _ => Map::new(),
    };
    let conversation = contents::translate(&request.messages, images)?;
    if !conversation.system.is_empty() {
        body.insert("systemInstruction".into(), json!({"parts": conversation.system}));
    }
    body.insert("contents".into(), Value::Array(conversation.turns));
    options(request, &mut generation);
    format(request, &mut generation)?;
    if let Some(thinking) = thinking(request, &call.upstream_model)? {
        generation.insert("thinkingConfig".into(), thinking);
    }
    if !generation.is_empty() {
        body.insert("generationConfig".into(), Value::Object(generation));
    }
    tools::translate(request, &mut body)?;
    serde_json::to_vec(&body)
        .map(Bytes::from)
        .map_err(|error| refuse("", format!("the request cannot be written as JSON: {error}")))
}

fn options(request: &ChatCompletionRequest, generation: &mut Map<String, Value>) {
    let stop = match &request.stop {
        Some(Stop::Text(text)) => Some(json!([text])),
        Some(Stop::Texts(texts)) => Some(json!(texts)),
        Some(Stop::Unknown(_)) | None => None,
    };
    let options = [
        ("maxOutputTokens", request.max_completion_tokens.or(request.max_tokens).map(Value::from)),
        ("temperature", request.temperature.map(Value::from)),
        ("topP", request.top_p.map(Value::from)),
        ("candidateCount", request.n.filter(|n| *n != 1).map(Value::from)),
        ("stopSequences", stop),
        ("seed", request.seed.map(Value::from)),
        ("frequencyPenalty", request.frequency_penalty.map(Value::from)),
        ("presencePenalty", request.presence_penalty.map(Value::from)),
        ("responseLogprobs", request.logprobs.filter(|wanted| *wanted).map(Value::from)),
        ("logprobs", request.top_logprobs.filter(|count| *count > 0).map(Value::from)),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            generation.insert(name.into(), value);
        }
    }
}

fn format(request: &ChatCompletionRequest, generation: &mut Map<String, Value>) -> Result<(), Error> {
    let schema = match &request.response_format {
        None | Some(ResponseFormat::Text(_)) => return Ok(()),
        Some(ResponseFormat::JsonObject(_)) => None,
        Some(ResponseFormat::JsonSchema(format)) => format.json_schema.schema.clone(),
        Some(ResponseFormat::Unknown(_)) => {
            return Err(refuse(
                "response_format",
                "response_format must be text, json_object or json_schema",
            ));
        }
    };
    generation.insert("responseMimeType".into(), "application/json".into());
    if let Some(schema) = schema {
        generation.insert("responseJsonSchema".into(), schema);
    }
    Ok(())
}

/// Gemini 2.5 takes a number of tokens to think with, later models a level.
fn thinking(request: &ChatCompletionRequest, model: &str) -> Result<Option<Value>, Error> {
    let Some(effort) = request.reasoning_effort.as_deref() else { return Ok(None) };
    // Google's own table (OpenAI compatibility, "Thinking").
    let (budget, level) = match effort {
        "none" => (0, "minimal"),
        "minimal" => (1024, "minimal"),
        "low" => (1024, "low"),
        "medium" => (8192, "medium"),
        "high" => (24_576, "high"),
        other => {
            let reason = format!(
                "reasoning_effort must be none, minimal, low, medium or high for {VENDOR}'s models, but is {other}"
            );
            return Err(refuse("reasoning_effort", reason));
        }
    };
    let has_budgets = model.strip_prefix("models/").unwrap_or(model).starts_with("gemini-2");
    let include = effort != "none";
    Ok(Some(match has_budgets {
        true => json!({"thinkingBudget": budget, "includeThoughts": include}),
        false => json!({"thinkingLevel": level, "includeThoughts": include}),
    }))
}

#[cfg(test)]
mod tests;
