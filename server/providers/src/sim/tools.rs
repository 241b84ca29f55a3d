//! Which tools an answer calls, and with what.
//!
//! A tool named by `tool_choice` is called. Otherwise every tool whose name occurs in the last user message is, in the
//! order of `tools`, or the first tool if none does; one only where `parallel_tool_calls` is false. After a tool's result
//! the simulator answers in text, unless a tool is required.

use novai_core::Error;
use novai_types::{AllowedToolsMode, ChatCompletionRequest, Tool, ToolChoice, ToolChoiceMode, ToolSelection};
use serde_json::Value;

use super::{instance, prompt};

/// One call to make.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub custom: bool,
    pub name: String,
    /// Arguments as JSON text, or a custom tool's input.
    pub input: String,
}

pub(super) fn calls(request: &ChatCompletionRequest) -> Result<Vec<Call>, Error> {
    let tools: Vec<&Tool> = request.tools.iter().flatten().filter(|tool| name(tool).is_some()).collect();
    let required = match &request.tool_choice {
        Some(ToolChoice::Mode(ToolChoiceMode::None)) => return Ok(Vec::new()),
        Some(ToolChoice::Mode(ToolChoiceMode::Required | ToolChoiceMode::Any)) => true,
        Some(ToolChoice::ToolSelection(ToolSelection::Function(choice))) => {
            return named(&tools, &choice.function.name, request);
        }
        Some(ToolChoice::ToolSelection(ToolSelection::Custom(choice))) => {
            return named(&tools, &choice.custom.name, request);
        }
        Some(ToolChoice::ToolSelection(ToolSelection::AllowedTools(choice))) => {
            let allowed: Vec<&str> = choice
                .allowed_tools
                .tools
                .iter()
                .filter_map(|tool| tool.function.as_ref().or(tool.custom.as_ref()))
                .map(|tool| tool.name.as_str())
                .collect();
            let tools =
                tools.into_iter().filter(|tool| name(tool).is_some_and(|name| allowed.contains(&name)));
            let required = choice.allowed_tools.mode == AllowedToolsMode::Required;
            return Ok(chosen(&tools.collect::<Vec<_>>(), required, request));
        }
        _ => false,
    };
    if required && tools.is_empty() {
        return Err(invalid("`tool_choice` requires a tool, but `tools` holds none"));
    }
    Ok(chosen(&tools, required, request))
}

fn named(tools: &[&Tool], wanted: &str, request: &ChatCompletionRequest) -> Result<Vec<Call>, Error> {
    let tool = tools
        .iter()
        .find(|tool| name(tool) == Some(wanted))
        .ok_or_else(|| invalid("`tool_choice` names a tool that `tools` does not hold"))?;
    Ok(call(tool, request).into_iter().collect())
}

fn chosen(tools: &[&Tool], required: bool, request: &ChatCompletionRequest) -> Vec<Call> {
    if !required && prompt::ends_with_tool_result(request) {
        return Vec::new();
    }
    let text = prompt::last_user_text(request);
    let mut mentioned: Vec<&Tool> =
        tools.iter().copied().filter(|tool| name(tool).is_some_and(|name| text.contains(name))).collect();
    if mentioned.is_empty() {
        mentioned.extend(tools.first());
    }
    if request.parallel_tool_calls == Some(false) {
        mentioned.truncate(1);
    }
    mentioned.into_iter().filter_map(|tool| call(tool, request)).collect()
}

fn call(tool: &Tool, request: &ChatCompletionRequest) -> Option<Call> {
    match tool {
        Tool::Function(tool) => {
            let schema = serde_json::to_value(&tool.function.parameters).unwrap_or_default();
            let arguments = match instance::of(&schema) {
                arguments @ Value::Object(_) => arguments,
                // Arguments are always an object, whatever a schema without a type allows.
                _ => Value::Object(serde_json::Map::new()),
            };
            Some(Call { custom: false, name: tool.function.name.clone(), input: arguments.to_string() })
        }
        Tool::Custom(tool) => Some(Call {
            custom: true,
            name: tool.custom.name.clone(),
            input: prompt::last_user_text(request).chars().take(200).collect(),
        }),
        // The gateway has made functions of those that it runs.
        Tool::NovaiTool(_) | Tool::Unknown(_) => None,
    }
}

fn name(tool: &Tool) -> Option<&str> {
    match tool {
        Tool::Function(tool) => Some(&tool.function.name),
        Tool::Custom(tool) => Some(&tool.custom.name),
        Tool::NovaiTool(_) | Tool::Unknown(_) => None,
    }
}

fn invalid(reason: &str) -> Error {
    Error::InvalidRequest { param: Some("tool_choice".to_owned()), reason: reason.to_owned() }
}
