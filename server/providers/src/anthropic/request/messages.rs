//! The conversation: OpenAI's messages as Anthropic's system text and turns.
//!
//! Anthropic has two roles. A tool's result is a block of the *user's* turn, and all results of one assistant turn must
//! stand in the next one, so neighbours of one role are joined.

use novai_core::Error;
use novai_types::{AssistantMessage, ContentPart, Message, PromptCacheBreakpoint, ReasoningDetail, ToolCall};
use serde_json::{Value, json};

use super::VENDOR;
use crate::translate::content::{self, DataUrl};
use crate::translate::refuse;

/// Marks reasoning that this vendor signed.
pub(in crate::anthropic) const FORMAT: &str = "anthropic-claude-v1";

#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub system: Vec<Value>,
    pub turns: Vec<Value>,
}

pub(super) fn translate(messages: &[Message]) -> Result<Conversation, Error> {
    let mut conversation = Conversation::default();
    for (at, message) in messages.iter().enumerate() {
        let path = format!("messages[{at}]");
        conversation.add(message, &path)?;
    }
    Ok(conversation)
}

impl Conversation {
    fn add(&mut self, message: &Message, path: &str) -> Result<(), Error> {
        match message {
            Message::System(message) => self.system(&message.content, message.name.as_deref(), path),
            Message::Developer(message) => self.system(&message.content, message.name.as_deref(), path),
            Message::User(message) => {
                unnamed(message.name.as_deref(), path)?;
                let blocks = blocks(&message.content, &format!("{path}.content"))?;
                self.turn("user", blocks);
                Ok(())
            }
            Message::Tool(message) => {
                let content = blocks(&message.content, &format!("{path}.content"))?;
                let result =
                    json!({"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content});
                self.turn("user", vec![result]);
                Ok(())
            }
            Message::Assistant(message) => {
                let blocks = assistant(message, path)?;
                self.turn("assistant", blocks);
                Ok(())
            }
            Message::Function(_) | Message::Unknown(_) => Err(refuse(
                format!("{path}.role"),
                format!("{path}.role has no counterpart in {VENDOR}'s API: use tool"),
            )),
        }
    }

    fn system(
        &mut self,
        content: &novai_types::MessageContent,
        name: Option<&str>,
        path: &str,
    ) -> Result<(), Error> {
        unnamed(name, path)?;
        if !self.turns.is_empty() {
            return Err(refuse(
                format!("{path}.role"),
                format!(
                    "{path}.role must not be system or developer after other messages: {VENDOR}'s API has system text at the beginning only"
                ),
            ));
        }
        content::for_each(content, &format!("{path}.content"), |part, path| match part {
            ContentPart::Text(part) => {
                self.system.extend(text(&part.text, part.prompt_cache_breakpoint.as_ref()));
                Ok(())
            }
            _ => Err(refuse(
                path,
                format!("{path} must be text: {VENDOR}'s API takes nothing else as system text"),
            )),
        })
    }

    fn turn(&mut self, role: &str, blocks: Vec<Value>) {
        if let Some(last) = self.turns.last_mut()
            && last["role"] == role
            && let Some(content) = last["content"].as_array_mut()
        {
            content.extend(blocks);
            return;
        }
        self.turns.push(json!({"role": role, "content": blocks}));
    }
}

fn unnamed(name: Option<&str>, path: &str) -> Result<(), Error> {
    match name {
        None => Ok(()),
        Some(_) => Err(refuse(
            format!("{path}.name"),
            format!("{path}.name has no counterpart in {VENDOR}'s API: say who speaks in the text"),
        )),
    }
}

/// Anthropic refuses empty text; it says nothing anyway.
fn text(text: &str, breakpoint: Option<&PromptCacheBreakpoint>) -> Option<Value> {
    (!text.is_empty()).then(|| cached(json!({"type": "text", "text": text}), breakpoint))
}

fn cached(mut block: Value, breakpoint: Option<&PromptCacheBreakpoint>) -> Value {
    if breakpoint.is_some() {
        block["cache_control"] = json!({"type": "ephemeral"});
    }
    block
}

fn blocks(content: &novai_types::MessageContent, path: &str) -> Result<Vec<Value>, Error> {
    let mut blocks = Vec::new();
    content::for_each(content, path, |part, path| {
        match part {
            ContentPart::Text(part) => blocks.extend(text(&part.text, part.prompt_cache_breakpoint.as_ref())),
            ContentPart::Refusal(part) => blocks.extend(text(&part.refusal, None)),
            ContentPart::ImageUrl(part) => {
                if part.image_url.detail.as_ref().is_some_and(|detail| detail.as_str() != "auto") {
                    let param = format!("{path}.image_url.detail");
                    return Err(refuse(
                        &param,
                        format!(
                            "{param} has no counterpart in {VENDOR}'s API: leave it out, or scale the image"
                        ),
                    ));
                }
                let source = image(&part.image_url.url, path)?;
                blocks.push(cached(
                    json!({"type": "image", "source": source}),
                    part.prompt_cache_breakpoint.as_ref(),
                ));
            }
            ContentPart::File(part) => {
                let mut block = document(part.file.file_data.as_deref(), path)?;
                if let Some(name) = &part.file.filename {
                    block["title"] = name.as_str().into();
                }
                // What OpenAI has no words for, such as `citations: {enabled: true}`.
                for (name, value) in &part.extra {
                    block[name] = value.clone();
                }
                blocks.push(cached(block, part.prompt_cache_breakpoint.as_ref()));
            }
            ContentPart::InputAudio(_) | ContentPart::Unknown(_) => {
                return Err(refuse(
                    path,
                    format!("{path} must be text, an image or a file: {VENDOR}'s API takes nothing else"),
                ));
            }
        }
        Ok(())
    })?;
    Ok(blocks)
}

/// Anthropic fetches what an https URL names itself: the gateway never does.
fn image(url: &str, path: &str) -> Result<Value, Error> {
    const MEDIA_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
    let param = format!("{path}.image_url.url");
    if url.starts_with("https://") {
        return Ok(json!({"type": "url", "url": url}));
    }
    match DataUrl::parse(url) {
        Some(data) if MEDIA_TYPES.contains(&data.media_type) => {
            Ok(json!({"type": "base64", "media_type": data.media_type, "data": data.base64}))
        }
        _ => Err(refuse(
            &param,
            format!(
                "{param} must be an https URL, or base64 data of {} for {VENDOR}'s models",
                MEDIA_TYPES.join(", ")
            ),
        )),
    }
}

fn document(data: Option<&str>, path: &str) -> Result<Value, Error> {
    let param = format!("{path}.file.file_data");
    match data.and_then(DataUrl::parse) {
        Some(DataUrl { media_type: media_type @ "application/pdf", base64 }) => Ok(
            json!({"type": "document", "source": {"type": "base64", "media_type": media_type, "data": base64}}),
        ),
        _ => Err(refuse(
            &param,
            format!("{param} must be a PDF as data:application/pdf;base64,… for {VENDOR}'s models"),
        )),
    }
}

/// In the order that Anthropic gives them in: reasoning, text, calls.
fn assistant(message: &AssistantMessage, path: &str) -> Result<Vec<Value>, Error> {
    unnamed(message.name.as_deref(), path)?;
    for (field, is_set) in
        [("audio", message.audio.is_some()), ("function_call", message.function_call.is_some())]
    {
        if is_set {
            return Err(refuse(
                format!("{path}.{field}"),
                format!("{path}.{field} has no counterpart in {VENDOR}'s API"),
            ));
        }
    }
    // Unsigned reasoning (`reasoning_content` alone, or another vendor's) is left out: Anthropic refuses it, and reads
    // nothing but its own.
    let mut out: Vec<Value> = message.reasoning_details.iter().flatten().filter_map(thinking).collect();
    if let Some(content) = &message.content {
        out.extend(blocks(content, &format!("{path}.content"))?);
    }
    out.extend(message.refusal.as_deref().and_then(|refusal| text(refusal, None)));
    for (at, call) in message.tool_calls.iter().flatten().enumerate() {
        out.push(tool_use(call, &format!("{path}.tool_calls[{at}]"))?);
    }
    Ok(out)
}

fn thinking(detail: &ReasoningDetail) -> Option<Value> {
    if detail.format.as_deref() != Some(FORMAT) {
        return None;
    }
    match (&detail.signature, &detail.data) {
        (Some(signature), _) => Some(
            json!({"type": "thinking", "thinking": detail.text.as_deref().unwrap_or(""), "signature": signature}),
        ),
        (None, Some(data)) => Some(json!({"type": "redacted_thinking", "data": data})),
        (None, None) => None,
    }
}

fn tool_use(call: &ToolCall, path: &str) -> Result<Value, Error> {
    let ToolCall::Function(call) = call else {
        return Err(refuse(path, format!("{path} must be a function call: {VENDOR}'s API has no other")));
    };
    let arguments = call.function.arguments.trim();
    // A function without parameters is often called with nothing at all.
    let arguments = if arguments.is_empty() { "{}" } else { arguments };
    match serde_json::from_str(arguments) {
        Ok(input @ Value::Object(_)) => {
            Ok(json!({"type": "tool_use", "id": call.id, "name": call.function.name, "input": input}))
        }
        _ => {
            let param = format!("{path}.function.arguments");
            Err(refuse(&param, format!("{param} must be a JSON object for {VENDOR}'s models")))
        }
    }
}
