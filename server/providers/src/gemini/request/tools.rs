//! Tools, and which of them may, must or must not be called.

use novai_core::Error;
use novai_types::{AllowedTools, ChatCompletionRequest, Tool, ToolChoice, ToolChoiceMode, ToolSelection};
use serde_json::{Map, Value, json};

use super::VENDOR;
use crate::translate::refuse;

pub(super) fn translate(request: &ChatCompletionRequest, body: &mut Map<String, Value>) -> Result<(), Error> {
    let Some(tools) = request.tools.as_ref().filter(|tools| !tools.is_empty()) else { return Ok(()) };
    let declarations: Vec<Value> =
        tools.iter().enumerate().map(|(at, tool)| declaration(tool, at)).collect::<Result<_, _>>()?;
    body.insert("tools".into(), json!([{"functionDeclarations": declarations}]));
    if let Some(config) = config(request.tool_choice.as_ref())? {
        body.insert("toolConfig".into(), json!({"functionCallingConfig": config}));
    }
    Ok(())
}

fn declaration(tool: &Tool, at: usize) -> Result<Value, Error> {
    let Tool::Function(tool) = tool else {
        let param = format!("tools[{at}]");
        let reason = format!("{param} must be a function: {VENDOR}'s API has no custom tools");
        return Err(refuse(param, reason));
    };
    let function = &tool.function;
    let mut declaration = json!({"name": function.name});
    if let Some(description) = &function.description {
        declaration["description"] = description.as_str().into();
    }
    if let Some(parameters) = &function.parameters {
        declaration["parametersJsonSchema"] = parameters.clone();
    }
    Ok(declaration)
}

fn config(choice: Option<&ToolChoice>) -> Result<Option<Value>, Error> {
    Ok(match choice {
        None | Some(ToolChoice::Mode(ToolChoiceMode::Auto)) => None,
        Some(ToolChoice::Mode(ToolChoiceMode::None)) => Some(json!({"mode": "NONE"})),
        Some(ToolChoice::Mode(ToolChoiceMode::Required | ToolChoiceMode::Any)) => {
            Some(json!({"mode": "ANY"}))
        }
        Some(ToolChoice::ToolSelection(ToolSelection::Function(selection))) => {
            Some(json!({"mode": "ANY", "allowedFunctionNames": [selection.function.name]}))
        }
        Some(ToolChoice::ToolSelection(ToolSelection::AllowedTools(selection))) => {
            Some(allowed(&selection.allowed_tools)?)
        }
        Some(_) => {
            return Err(refuse("tool_choice", format!("tool_choice has no counterpart in {VENDOR}'s API")));
        }
    })
}

/// Gemini may be held to a list only together with having to call one of it.
fn allowed(allowed: &AllowedTools) -> Result<Value, Error> {
    let names: Option<Vec<&str>> = allowed
        .tools
        .iter()
        .map(|tool| tool.function.as_ref().map(|function| function.name.as_str()))
        .collect();
    match names {
        Some(names) if allowed.mode.as_str() == "required" => {
            Ok(json!({"mode": "ANY", "allowedFunctionNames": names}))
        }
        _ => {
            let param = "tool_choice.allowed_tools.mode";
            Err(refuse(
                param,
                format!("{param} must be required, and the tools functions, for {VENDOR}'s models"),
            ))
        }
    }
}
