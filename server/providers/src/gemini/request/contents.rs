//! The conversation: OpenAI's messages as Gemini's system instruction and turns.
//!
//! Gemini knows a function's result by the function's name, OpenAI by the call's id: the calls of earlier turns tell which
//! is which. Signatures of thoughts go back to the part that they came with.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use novai_core::Error;
use novai_types::{AssistantMessage, ContentPart, Message, MessageContent, ToolCall, ToolMessage};
use serde_json::{Value, json};

use super::VENDOR;
use crate::gemini::images::Images;
use crate::gemini::wire::FORMAT;
use crate::translate::content::{self, DataUrl};
use crate::translate::refuse;

#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub system: Vec<Value>,
    pub turns: Vec<Value>,
    /// Call id → function name.
    calls: HashMap<&'a str, &'a str>,
    /// What was fetched.
    images: &'a Images,
}

pub(super) fn translate<'a>(messages: &'a [Message], images: &'a Images) -> Result<Conversation<'a>, Error> {
    let mut conversation =
        Conversation { system: Vec::new(), turns: Vec::new(), calls: HashMap::new(), images };
    for (at, message) in messages.iter().enumerate() {
        conversation.add(message, &format!("messages[{at}]"))?;
    }
    Ok(conversation)
}

impl<'a> Conversation<'a> {
    fn add(&mut self, message: &'a Message, path: &str) -> Result<(), Error> {
        match message {
            Message::System(message) => self.system(&message.content, message.name.as_deref(), path),
            Message::Developer(message) => self.system(&message.content, message.name.as_deref(), path),
            Message::User(message) => {
                unnamed(message.name.as_deref(), path)?;
                let parts = parts(&message.content, &format!("{path}.content"), self.images)?;
                self.turn("user", parts);
                Ok(())
            }
            Message::Tool(message) => {
                let part = self.result(message, path)?;
                self.turn("user", vec![part]);
                Ok(())
            }
            Message::Assistant(message) => {
                let parts = self.assistant(message, path)?;
                self.turn("model", parts);
                Ok(())
            }
            Message::Function(_) | Message::Unknown(_) => {
                let reason = format!("{path}.role has no counterpart in {VENDOR}'s API: use tool");
                Err(refuse(format!("{path}.role"), reason))
            }
        }
    }

    fn system(&mut self, content: &MessageContent, name: Option<&str>, path: &str) -> Result<(), Error> {
        unnamed(name, path)?;
        if !self.turns.is_empty() {
            let reason = format!(
                "{path}.role must not be system or developer after other messages: {VENDOR}'s API has system text at the beginning only"
            );
            return Err(refuse(format!("{path}.role"), reason));
        }
        let text = content::text(content, &format!("{path}.content"), VENDOR)?;
        self.system.push(json!({"text": text}));
        Ok(())
    }

    /// Neighbours of one role are one turn: Gemini wants all results of a turn together.
    fn turn(&mut self, role: &str, parts: Vec<Value>) {
        if let Some(last) = self.turns.last_mut()
            && last["role"] == role
            && let Some(earlier) = last["parts"].as_array_mut()
        {
            earlier.extend(parts);
            return;
        }
        self.turns.push(json!({"role": role, "parts": parts}));
    }

    fn result(&self, message: &ToolMessage, path: &str) -> Result<Value, Error> {
        let Some(name) = self.calls.get(message.tool_call_id.as_str()) else {
            let param = format!("{path}.tool_call_id");
            let reason =
                format!("{param} must name a call of an earlier message, but is {:?}", message.tool_call_id);
            return Err(refuse(param, reason));
        };
        let text = content::text(&message.content, &format!("{path}.content"), VENDOR)?;
        // Gemini takes an object; anything else becomes the one member that its documentation suggests.
        let response = match serde_json::from_str(&text) {
            Ok(object @ Value::Object(_)) => object,
            _ => json!({"result": text}),
        };
        Ok(json!({"functionResponse": {"name": name, "response": response}}))
    }

    fn assistant(&mut self, message: &'a AssistantMessage, path: &str) -> Result<Vec<Value>, Error> {
        unnamed(message.name.as_deref(), path)?;
        let foreign =
            [("audio", message.audio.is_some()), ("function_call", message.function_call.is_some())];
        for (field, is_set) in foreign {
            if is_set {
                let reason = format!("{path}.{field} has no counterpart in {VENDOR}'s API");
                return Err(refuse(format!("{path}.{field}"), reason));
            }
        }
        let mut out = match &message.content {
            Some(content) => parts(content, &format!("{path}.content"), self.images)?,
            None => Vec::new(),
        };
        out.extend(message.refusal.as_ref().map(|refusal| json!({"text": refusal})));
        if let (Some(signature), Some(last)) = (signature(message, None), out.last_mut()) {
            last["thoughtSignature"] = signature.into();
        }
        for (at, call) in message.tool_calls.iter().flatten().enumerate() {
            out.push(self.call(message, call, &format!("{path}.tool_calls[{at}]"))?);
        }
        Ok(out)
    }

    fn call(&mut self, message: &AssistantMessage, call: &'a ToolCall, path: &str) -> Result<Value, Error> {
        let ToolCall::Function(call) = call else {
            let reason = format!("{path} must be a function call: {VENDOR}'s API has no other");
            return Err(refuse(path, reason));
        };
        self.calls.insert(&call.id, &call.function.name);
        let arguments = call.function.arguments.trim();
        // A function without parameters is often called with nothing at all.
        let arguments = if arguments.is_empty() { "{}" } else { arguments };
        let Ok(args @ Value::Object(_)) = serde_json::from_str(arguments) else {
            let param = format!("{path}.function.arguments");
            let reason = format!("{param} must be a JSON object for {VENDOR}'s models");
            return Err(refuse(param, reason));
        };
        let mut part = json!({"functionCall": {"name": call.function.name, "args": args}});
        if let Some(signature) = signature(message, Some(&call.id)) {
            part["thoughtSignature"] = signature.into();
        }
        Ok(part)
    }
}

fn signature<'m>(message: &'m AssistantMessage, call_id: Option<&str>) -> Option<&'m str> {
    let details = message.reasoning_details.as_ref()?;
    let detail = details
        .iter()
        .find(|detail| detail.format.as_deref() == Some(FORMAT) && detail.id.as_deref() == call_id)?;
    detail.data.as_deref()
}

fn unnamed(name: Option<&str>, path: &str) -> Result<(), Error> {
    match name {
        None => Ok(()),
        Some(_) => {
            let param = format!("{path}.name");
            let reason = format!("{param} has no counterpart in {VENDOR}'s API: say who speaks in the text");
            Err(refuse(param, reason))
        }
    }
}

fn parts(content: &MessageContent, path: &str, images: &Images) -> Result<Vec<Value>, Error> {
    let mut out = Vec::new();
    content::for_each(content, path, |part, path| {
        match part {
            ContentPart::Text(part) => {
                if part.prompt_cache_breakpoint.is_some() {
                    let param = format!("{path}.prompt_cache_breakpoint");
                    let reason =
                        format!("{param} has no counterpart in {VENDOR}'s API, which caches by itself");
                    return Err(refuse(param, reason));
                }
                out.push(json!({"text": part.text}));
            }
            ContentPart::Refusal(part) => out.push(json!({"text": part.refusal})),
            ContentPart::ImageUrl(part) => {
                if part.image_url.detail.as_ref().is_some_and(|detail| detail.as_str() != "auto") {
                    let param = format!("{path}.image_url.detail");
                    let reason = format!(
                        "{param} has no counterpart in {VENDOR}'s API: leave it out, or scale the image"
                    );
                    return Err(refuse(param, reason));
                }
                let url = &part.image_url.url;
                out.push(match images.get(url) {
                    Some(picture) => {
                        let data = STANDARD.encode(&picture.bytes);
                        json!({"inlineData": {"mimeType": picture.media_type, "data": data}})
                    }
                    None => inline(Some(url), &format!("{path}.image_url.url"))?,
                });
            }
            ContentPart::File(part) => {
                out.push(inline(part.file.file_data.as_deref(), &format!("{path}.file.file_data"))?);
            }
            ContentPart::InputAudio(part) => {
                let media_type = format!("audio/{}", part.input_audio.format);
                out.push(json!({"inlineData": {"mimeType": media_type, "data": part.input_audio.data}}));
            }
            ContentPart::Unknown(_) => {
                return Err(refuse(path, format!("{path} has no counterpart in {VENDOR}'s API")));
            }
        }
        Ok(())
    })?;
    Ok(out)
}

/// Gemini takes the bytes themselves, or what lies in Google's own storage.
fn inline(url: Option<&str>, param: &str) -> Result<Value, Error> {
    if let Some(url) = url.filter(|url| url.starts_with("gs://")) {
        return Ok(json!({"fileData": {"fileUri": url}}));
    }
    match url.and_then(DataUrl::parse) {
        Some(data) => Ok(json!({"inlineData": {"mimeType": data.media_type, "data": data.base64}})),
        None => {
            let reason = format!(
                "{param} must be base64 data (data:image/png;base64,…) for {VENDOR}'s models: this gateway fetches nothing for them"
            );
            Err(refuse(param, reason))
        }
    }
}
