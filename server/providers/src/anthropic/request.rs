//! A chat request as a Messages request.
//!
//! Start at [`body`]. [`messages`] has the conversation, [`tools`] what may be called.

mod messages;
mod tools;

pub(super) use messages::FORMAT;

use bytes::Bytes;
use novai_core::{ChatCall, Error};
use novai_types::{ChatCompletionRequest, ResponseFormat, Stop};
use serde_json::{Map, Value, json};

use crate::translate::options::Support;
use crate::translate::refuse;

pub(super) const VENDOR: &str = "Anthropic";

pub(crate) const SUPPORT: Support = Support {
    vendor: VENDOR,
    translated: &[
        "max_completion_tokens",
        "max_tokens",
        "temperature",
        "top_p",
        "stop",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        "service_tier",
        "safety_identifier",
        "user",
    ],
    // Anthropic caches by marks in the content (`prompt_cache_breakpoint`), not by key.
    ignored: &["prompt_cache_key"],
};

pub(super) fn body(call: &ChatCall, max_tokens_default: u64) -> Result<Bytes, Error> {
    let request = &*call.request;
    SUPPORT.check(request)?;
    // Vendor options that we do not know go first: what the caller said in OpenAI's words wins.
    let mut body = Map::from(request.extra.clone());
    let max_tokens = request.max_completion_tokens.or(request.max_tokens).unwrap_or(max_tokens_default);
    body.insert("model".into(), (*call.upstream_model).into());
    body.insert("max_tokens".into(), max_tokens.into());
    let conversation = messages::translate(&request.messages)?;
    if !conversation.system.is_empty() {
        body.insert("system".into(), Value::Array(conversation.system));
    }
    body.insert("messages".into(), Value::Array(conversation.turns));
    if request.stream == Some(true) {
        body.insert("stream".into(), true.into());
    }
    if let Some(temperature) = request.temperature {
        if temperature > 1.0 {
            return Err(refuse(
                "temperature",
                format!("temperature must be ≤ 1 for {VENDOR}'s models, but is {temperature}"),
            ));
        }
        body.insert("temperature".into(), json!(temperature));
    }
    if let Some(top_p) = request.top_p {
        body.insert("top_p".into(), json!(top_p));
    }
    match &request.stop {
        Some(Stop::Text(text)) => {
            body.insert("stop_sequences".into(), json!([text]));
        }
        Some(Stop::Texts(texts)) => {
            body.insert("stop_sequences".into(), json!(texts));
        }
        Some(Stop::Unknown(_)) | None => {}
    }
    if let Some(user) = request.safety_identifier.as_ref().or(request.user.as_ref()) {
        body.insert("metadata".into(), json!({"user_id": user}));
    }
    match request.service_tier.as_deref() {
        None | Some("auto") => {}
        Some("default") => {
            body.insert("service_tier".into(), "standard_only".into());
        }
        Some(other) => {
            return Err(refuse(
                "service_tier",
                format!("service_tier must be auto or default for {VENDOR}'s models, but is {other}"),
            ));
        }
    }
    tools::translate(request, &mut body)?;
    output(request, &call.upstream_model, max_tokens, &mut body)?;
    serde_json::to_vec(&body)
        .map(Bytes::from)
        .map_err(|error| refuse("", format!("the request cannot be written as JSON: {error}")))
}

/// Structured output and reasoning: `output_config` and `thinking`.
fn output(
    request: &ChatCompletionRequest,
    model: &str,
    max_tokens: u64,
    body: &mut Map<String, Value>,
) -> Result<(), Error> {
    let mut config = Map::new();
    match &request.response_format {
        None | Some(ResponseFormat::Text(_)) => {}
        Some(ResponseFormat::JsonSchema(format)) => {
            let Some(schema) = &format.json_schema.schema else {
                return Err(refuse(
                    "response_format.json_schema.schema",
                    format!("response_format.json_schema.schema is required by {VENDOR}'s API"),
                ));
            };
            config.insert("format".into(), json!({"type": "json_schema", "schema": schema}));
        }
        Some(ResponseFormat::JsonObject(_) | ResponseFormat::Unknown(_)) => {
            return Err(refuse(
                "response_format",
                format!("response_format must be text or json_schema for {VENDOR}'s models"),
            ));
        }
    }
    match request.reasoning_effort.as_deref() {
        None => {}
        Some("none") => {
            body.insert("thinking".into(), json!({"type": "disabled"}));
        }
        Some(effort) if has_budgets(model) => {
            let budget_tokens = budget(effort)?;
            if budget_tokens >= max_tokens {
                return Err(refuse(
                    "reasoning_effort",
                    format!(
                        "reasoning_effort {effort} needs max_completion_tokens above {budget_tokens} for {VENDOR}'s models, but it is {max_tokens}"
                    ),
                ));
            }
            body.insert("thinking".into(), json!({"type": "enabled", "budget_tokens": budget_tokens}));
        }
        Some(effort) => {
            budget(effort)?;
            body.insert("thinking".into(), json!({"type": "adaptive"}));
            // Anthropic's scale begins at low.
            let effort = if effort == "minimal" { "low" } else { effort };
            config.insert("effort".into(), effort.into());
        }
    }
    if !config.is_empty() {
        body.insert("output_config".into(), Value::Object(config));
    }
    Ok(())
}

/// Models before Claude 4.6 take a number of tokens to think with; later ones choose it themselves by effort.
fn has_budgets(model: &str) -> bool {
    const OLD: [&str; 8] = [
        "claude-3",
        "claude-sonnet-4-2",
        "claude-opus-4-2",
        "claude-opus-4-1",
        "claude-sonnet-4-5",
        "claude-opus-4-5",
        "claude-haiku-4-5",
        "claude-sonnet-4-0",
    ];
    model == "claude-sonnet-4" || model == "claude-opus-4" || OLD.iter().any(|old| model.starts_with(old))
}

/// Tokens to think with. 1,024 is the least that Anthropic takes.
fn budget(effort: &str) -> Result<u64, Error> {
    match effort {
        "minimal" | "low" => Ok(1024),
        "medium" => Ok(4096),
        "high" => Ok(16_384),
        "xhigh" => Ok(32_768),
        other => Err(refuse(
            "reasoning_effort",
            format!(
                "reasoning_effort must be none, minimal, low, medium, high or xhigh for {VENDOR}'s models, but is {other}"
            ),
        )),
    }
}

#[cfg(test)]
mod tests;
