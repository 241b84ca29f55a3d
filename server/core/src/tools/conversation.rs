//! A request whose registered tools the gateway runs, as it grows: what the model said and what tools answered come behind what
//! the caller sent.
//!
//! Everything else stays the bytes that the caller sent, so that what the gateway does not know reaches the model as well.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use indexmap::IndexMap;
use novai_types::{ChatCompletionRequest, Tool};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::registered::RegisteredTool;
use super::turn::Turn;
use super::{ToolRunner, Toolbox};
use crate::error::Error;

/// More names than this help nobody.
const NAMED_TOOLS_MAX: usize = 20;

pub(crate) struct Conversation {
    members: IndexMap<String, Box<RawValue>>,
    messages: Vec<Box<RawValue>>,
    offered: Offered,
}

/// Which tools a model was offered, and who runs them.
#[derive(Default)]
pub(crate) struct Offered {
    registered: HashMap<Arc<str>, Arc<RegisteredTool>>,
    /// The caller's own.
    callers: HashSet<String>,
}

impl Offered {
    pub fn registered(&self, name: &str) -> Option<&Arc<RegisteredTool>> {
        self.registered.get(name)
    }

    pub fn is_callers(&self, name: &str) -> bool {
        self.callers.contains(name)
    }
}

impl Conversation {
    /// Whether a request names registered tools.
    pub fn needed(request: &ChatCompletionRequest) -> Option<usize> {
        request.tools.iter().flatten().position(|tool| matches!(tool, Tool::NovaiTool(_)))
    }

    pub fn begin(raw: &Bytes, request: &ChatCompletionRequest, toolbox: &Toolbox) -> Result<Self, Error> {
        if request.n.is_some_and(|n| n > 1) {
            return Err(invalid("n", "must be 1 with registered tools: one conversation goes on".to_owned()));
        }
        let mut members: IndexMap<String, Box<RawValue>> = read(raw)?;
        let messages = match members.get("messages") {
            Some(messages) => read(messages.get().as_bytes())?,
            None => Vec::new(),
        };
        let sent: Vec<Box<RawValue>> = match members.get("tools") {
            Some(tools) => read(tools.get().as_bytes())?,
            None => Vec::new(),
        };
        let mut offered = Offered::default();
        let mut tools = Vec::with_capacity(sent.len());
        for (at, (tool, sent)) in request.tools.iter().flatten().zip(sent).enumerate() {
            let name = match tool {
                Tool::Function(tool) => &tool.function.name,
                Tool::Custom(tool) => &tool.custom.name,
                Tool::NovaiTool(tool) => &tool.name,
                Tool::Unknown(_) => continue,
            };
            if offered.registered(name).is_some() || offered.is_callers(name) {
                return Err(invalid(
                    &format!("tools[{at}]"),
                    format!("tools[{at}] has the name {name:?}, which an earlier tool has"),
                ));
            }
            if !matches!(tool, Tool::NovaiTool(_)) {
                offered.callers.insert(name.clone());
                tools.push(sent);
                continue;
            }
            let registered = found(toolbox.runner(), name, at)?;
            tools.push(written(registered.definition())?);
            offered.registered.insert(Arc::clone(&registered.name), registered);
        }
        members.insert("tools".to_owned(), written(&tools)?);
        Ok(Conversation { members, messages, offered })
    }

    pub fn offered(&self) -> &Offered {
        &self.offered
    }

    /// The request as it stands.
    pub fn request(&mut self) -> Result<(Bytes, Arc<ChatCompletionRequest>), Error> {
        self.members.insert("messages".to_owned(), written(&self.messages)?);
        let raw = Bytes::from(serde_json::to_vec(&self.members).map_err(|error| unreadable(&error))?);
        let request = read(&raw)?;
        Ok((raw, Arc::new(request)))
    }

    /// What the model said, and what its calls came to.
    pub fn append(&mut self, turn: &Turn, results: Vec<String>) -> Result<(), Error> {
        self.messages.push(written(&turn.message())?);
        for (call, content) in turn.calls().iter().zip(results) {
            self.messages
                .push(written(&json!({"role": "tool", "tool_call_id": call.id, "content": content}))?);
        }
        self.release_choice()
    }

    /// A model that must call a tool would never come to an end: from the second round on it may answer.
    fn release_choice(&mut self) -> Result<(), Error> {
        let Some(choice) = self.members.get("tool_choice") else { return Ok(()) };
        let mut choice: Value = read(choice.get().as_bytes())?;
        match (choice.as_str(), choice["type"].as_str()) {
            (Some("required" | "any"), _) | (_, Some("function" | "custom")) => {
                self.members.shift_remove("tool_choice");
            }
            (_, Some("allowed_tools")) => {
                choice["allowed_tools"]["mode"] = "auto".into();
                self.members.insert("tool_choice".to_owned(), written(&choice)?);
            }
            _ => {}
        }
        Ok(())
    }
}

fn found(runner: &dyn ToolRunner, name: &str, at: usize) -> Result<Arc<RegisteredTool>, Error> {
    // Asked first: a list that comes between the two questions would make an unknown tool of one that is there.
    let is_complete = runner.is_complete();
    if let Some(tool) = runner.find(name) {
        return Ok(tool);
    }
    if !is_complete {
        return Err(Error::ToolsUnavailable { tool: name.to_owned() });
    }
    let mut names = runner.names();
    let others = names.len().saturating_sub(NAMED_TOOLS_MAX);
    names.truncate(NAMED_TOOLS_MAX);
    let registered = match (names.as_slice(), others) {
        ([], _) => "no tool is registered".to_owned(),
        (names, 0) => format!("registered are: {}", names.join(", ")),
        (names, others) => format!("registered are: {} and {others} more", names.join(", ")),
    };
    let param = format!("tools[{at}].name");
    Err(invalid(&param, format!("{param} must be a registered tool, but is {name:?}; {registered}")))
}

pub(crate) fn invalid(param: &str, reason: String) -> Error {
    Error::InvalidRequest { param: Some(param.to_owned()), reason }
}

fn read<'a, T: serde::Deserialize<'a>>(json: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| unreadable(&error))
}

fn written(value: &impl serde::Serialize) -> Result<Box<RawValue>, Error> {
    to_raw_value(value).map_err(|error| unreadable(&error))
}

/// The request was read before: what comes here has been checked.
fn unreadable(error: &serde_json::Error) -> Error {
    Error::InvalidRequest { param: None, reason: format!("the request cannot be carried on: {error}") }
}
