//! What a model said in one round: its message for the rounds after, its calls, and whose they are.
//!
//! Of a stream, the caller sees text as it comes. Calls are held back until it is known whose they are: those of registered tools
//! are never shown, and with the first call of the caller's own the whole round is the caller's. **Invariant:** an event that is
//! shown is shown once, and in order.

use std::sync::Arc;

use novai_types::{ChatCompletionChunk, ChatCompletionDelta, FinishReason, ReasoningDetail, ToolCallDelta};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::conversation::Offered;
use super::registered::RegisteredTool;
use super::spent::edited;
use crate::provider::ChatEvent;

/// What one round may say, all together: it is kept until the round ends.
const TURN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One call, as far as it has been said.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolCallSaid {
    pub id: String,
    pub name: String,
    pub arguments: String,
    /// With free text instead of arguments: only callers have such tools.
    is_custom: bool,
    /// `None`: nobody has such a tool.
    pub tool: Option<Arc<RegisteredTool>>,
    /// What else came with it, such as a vendor's signature.
    extra: Map<String, Value>,
}

/// What is wrong with an answer that cannot be carried on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unusable(pub &'static str);

#[derive(Default)]
pub(crate) struct Turn {
    /// From 0; names calls to which the model gave no id.
    round: u32,
    /// Members of the message beside the calls, in the order in which they came.
    said: Map<String, Value>,
    reasoning_details: Vec<ReasoningDetail>,
    calls: Vec<ToolCallSaid>,
    finish_reason: Option<FinishReason>,
    /// Has a call of the caller's own.
    is_callers: bool,
    held: Vec<ChatEvent>,
    bytes: usize,
}

impl Turn {
    /// Nothing said yet.
    pub fn new(round: u32) -> Self {
        Turn { round, ..Turn::default() }
    }

    /// A whole answer's first choice.
    pub fn of_answer(round: u32, json: &[u8], offered: &Offered) -> Result<Self, Unusable> {
        #[derive(Deserialize)]
        struct Answer {
            choices: Vec<Choice>,
        }
        #[derive(Deserialize)]
        struct Choice {
            #[serde(default)]
            finish_reason: Option<FinishReason>,
            message: Map<String, Value>,
        }
        const UNREADABLE: Unusable = Unusable("its answer is not a chat completion");
        let answer: Answer = serde_json::from_slice(json).map_err(|_| UNREADABLE)?;
        let Some(Choice { finish_reason, message: mut said }) = answer.choices.into_iter().next() else {
            return Ok(Turn::default());
        };
        let calls: Vec<ToolCallDelta> = match said.shift_remove("tool_calls") {
            None | Some(Value::Null) => Vec::new(),
            Some(calls) => {
                serde_json::from_value(calls).map_err(|_| Unusable("its tool calls are not readable"))?
            }
        };
        let mut turn = Turn { said, finish_reason, ..Turn::new(round) };
        for (at, call) in calls.into_iter().enumerate() {
            turn.hear_call(ToolCallDelta { index: Some(at as u64), ..call });
        }
        turn.claim(offered);
        Ok(turn)
    }

    /// The next event of a stream, and what of it may be shown now. Events that only count tokens are not for here.
    pub fn hear(&mut self, event: ChatEvent, offered: &Offered) -> Result<Vec<ChatEvent>, Unusable> {
        let chunk: ChatCompletionChunk = serde_json::from_slice(&event.json)
            .map_err(|_| Unusable("it sent an event that is not a piece of a chat completion"))?;
        self.bytes += event.json.len();
        if self.bytes > TURN_BYTES_MAX {
            return Err(Unusable("its answer is larger than the 8 MiB that one with tools may have"));
        }
        let mut has_calls = false;
        let mut has_more = false;
        let mut has_finished = false;
        for choice in chunk.choices {
            has_finished |= choice.finish_reason.is_some();
            self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
            let Some(mut delta) = choice.delta else { continue };
            for call in delta.tool_calls.take().unwrap_or_default() {
                has_calls = true;
                self.hear_call(call);
            }
            has_more |= self.hear_text(delta);
        }
        if self.is_callers {
            return Ok(vec![event]);
        }
        if !has_calls && (self.calls.is_empty() || !has_finished) {
            return Ok(vec![event]);
        }
        if has_calls {
            self.claim(offered);
        }
        if self.is_callers {
            let mut shown = std::mem::take(&mut self.held);
            shown.push(event);
            return Ok(shown);
        }
        if !has_more {
            self.held.push(event);
            return Ok(Vec::new());
        }
        // Text and calls in one event: the text goes on, without what tells of calls.
        let shown = ChatEvent { json: edited(&event.json, without_calls), usage: None, usage_only: false };
        self.held.push(ChatEvent { json: edited(&event.json, only_calls), ..event });
        Ok(vec![shown])
    }

    /// The stream is over. `None`: the gateway has calls to run. Otherwise the round is the caller's, and this is what was held
    /// back of it.
    pub fn close(&mut self) -> Option<Vec<ChatEvent>> {
        if self.is_to_be_run() { None } else { Some(std::mem::take(&mut self.held)) }
    }

    /// Whether the gateway runs this round's calls. An answer that was cut off is the caller's, who sees why it ended.
    pub fn is_to_be_run(&self) -> bool {
        let is_whole = match &self.finish_reason {
            // Some local servers say `stop` after calls, and some nothing.
            None | Some(FinishReason::ToolCalls | FinishReason::Stop) => true,
            Some(FinishReason::Length | FinishReason::ContentFilter | FinishReason::FunctionCall) => false,
            Some(FinishReason::Unknown(_)) => false,
        };
        is_whole && !self.calls.is_empty() && !self.is_callers
    }

    pub fn calls(&self) -> &[ToolCallSaid] {
        &self.calls
    }

    /// As a message of the next request.
    pub fn message(&self) -> Value {
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        for (name, value) in &self.said {
            // What an answer says by null, a request says by silence.
            if !value.is_null() {
                message.insert(name.clone(), value.clone());
            }
        }
        // Some servers insist on it beside calls.
        message.entry("content").or_insert(Value::Null);
        if !self.reasoning_details.is_empty() {
            message.insert("reasoning_details".to_owned(), json!(self.reasoning_details));
        }
        let calls = self.calls.iter().map(|call| {
            let ToolCallSaid { id, name, arguments, .. } = call;
            // Arguments that are no JSON are answered with an error that says so; other vendors' APIs cannot carry them.
            let is_object = serde_json::from_str::<Map<String, Value>>(arguments).is_ok();
            let arguments = if is_object { arguments } else { "{}" };
            let mut said = call.extra.clone();
            said.insert("id".to_owned(), id.as_str().into());
            said.insert("type".to_owned(), "function".into());
            said.insert("function".to_owned(), json!({"name": name, "arguments": arguments}));
            Value::Object(said)
        });
        message.insert("tool_calls".to_owned(), calls.collect());
        Value::Object(message)
    }

    /// Whether there was anything to see.
    fn hear_text(&mut self, delta: ChatCompletionDelta) -> bool {
        let pieces = [
            ("content", delta.content),
            ("refusal", delta.refusal),
            ("reasoning_content", delta.reasoning_content),
            ("reasoning", delta.reasoning),
        ];
        let mut has_more = false;
        for (name, piece) in pieces {
            let Some(piece) = piece.filter(|piece| !piece.is_empty()) else { continue };
            has_more = true;
            match self.said.get_mut(name) {
                Some(Value::String(text)) => text.push_str(&piece),
                _ => _ = self.said.insert(name.to_owned(), piece.into()),
            }
        }
        for detail in delta.reasoning_details.into_iter().flatten() {
            has_more = true;
            self.hear_detail(detail);
        }
        has_more || delta.annotations.is_some() || delta.audio.is_some()
    }

    /// Pieces of one index are one detail.
    fn hear_detail(&mut self, detail: ReasoningDetail) {
        let known = self
            .reasoning_details
            .iter_mut()
            .find(|known| known.index.is_some() && known.index == detail.index);
        let Some(known) = known else { return self.reasoning_details.push(detail) };
        append(&mut known.text, detail.text);
        append(&mut known.summary, detail.summary);
        known.signature = known.signature.take().or(detail.signature);
        known.data = known.data.take().or(detail.data);
        known.id = known.id.take().or(detail.id);
        known.format = known.format.take().or(detail.format);
    }

    fn hear_call(&mut self, delta: ToolCallDelta) {
        // Adaptors number the calls of a stream from 0, without a gap.
        let at = delta.index.and_then(|index| usize::try_from(index).ok()).unwrap_or(self.calls.len());
        let at = at.min(self.calls.len());
        if at == self.calls.len() {
            self.calls.push(ToolCallSaid::default());
        }
        let call = &mut self.calls[at];
        let first = |known: &mut String, told: Option<String>| {
            if known.is_empty() {
                *known = told.unwrap_or_default();
            }
        };
        first(&mut call.id, delta.id);
        call.is_custom |= delta.custom.is_some() || delta.r#type.as_deref() == Some("custom");
        if let Some(function) = delta.function {
            first(&mut call.name, function.name);
            call.arguments.push_str(function.arguments.as_deref().unwrap_or_default());
        }
        if let Some(custom) = delta.custom {
            first(&mut call.name, custom.name);
        }
        call.extra.extend(delta.extra);
    }

    /// Finds out whose the calls are, as far as they have a name.
    fn claim(&mut self, offered: &Offered) {
        for (at, call) in self.calls.iter_mut().enumerate() {
            if call.id.is_empty() {
                call.id = format!("call_{}_{at}", self.round);
            }
            call.tool = offered.registered(&call.name).map(Arc::clone);
            self.is_callers |= call.is_custom || offered.is_callers(&call.name);
        }
    }
}

fn append(known: &mut Option<String>, piece: Option<String>) {
    match (known, piece) {
        (Some(known), Some(piece)) => known.push_str(&piece),
        (known @ None, piece) => *known = piece,
        (Some(_), None) => {}
    }
}

fn choices(event: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    event
        .get_mut("choices")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

fn without_calls(event: &mut Map<String, Value>) {
    event.shift_remove("usage");
    for choice in choices(event) {
        choice.insert("finish_reason".to_owned(), Value::Null);
        if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) {
            delta.shift_remove("tool_calls");
        }
    }
}

fn only_calls(event: &mut Map<String, Value>) {
    for choice in choices(event) {
        choice.shift_remove("logprobs");
        if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) {
            delta.retain(|name, _| name == "tool_calls");
        }
    }
}
