//! Tools, and which of them may, must or must not be called.

use novai_core::Error;
use novai_types::{ChatCompletionRequest, Tool, ToolChoice, ToolChoiceMode, ToolSelection};
use serde_json::{Map, Value, json};

use super::VENDOR;
use crate::translate::refuse;

pub(super) fn translate(request: &ChatCompletionRequest, body: &mut Map<String, Value>) -> Result<(), Error> {
    let Some(tools) = request.tools.as_ref().filter(|tools| !tools.is_empty()) else { return Ok(()) };
    let tools: Vec<Value> =
        tools.iter().enumerate().map(|(at, tool)| definition(tool, at)).collect::<Result<_, _>>()?;
    body.insert("tools".into(), Value::Array(tools));
    let mut choice = choice(request.tool_choice.as_ref())?;
    if request.parallel_tool_calls == Some(false) && choice["type"] != "none" {
        choice["disable_parallel_tool_use"] = true.into();
    }
    if choice != json!({"type": "auto"}) {
        body.insert("tool_choice".into(), choice);
    }
    Ok(())
}

fn definition(tool: &Tool, at: usize) -> Result<Value, Error> {
    let Tool::Function(tool) = tool else {
        let param = format!("tools[{at}]");
        return Err(refuse(
            &param,
            format!("{param} must be a function: {VENDOR}'s API has no custom tools"),
        ));
    };
    let function = &tool.function;
    let mut definition = json!({
        "name": function.name,
        // A function without parameters; Anthropic wants a schema all the same.
        "input_schema": function.parameters.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}})),
    });
    if let Some(description) = &function.description {
        definition["description"] = description.as_str().into();
    }
    if function.strict == Some(true) {
        definition["strict"] = true.into();
    }
    Ok(definition)
}

fn choice(choice: Option<&ToolChoice>) -> Result<Value, Error> {
    let refused = || {
        refuse(
            "tool_choice",
            format!("tool_choice must be none, auto, required or one function for {VENDOR}'s models"),
        )
    };
    Ok(match choice {
        None | Some(ToolChoice::Mode(ToolChoiceMode::Auto)) => json!({"type": "auto"}),
        Some(ToolChoice::Mode(ToolChoiceMode::None)) => json!({"type": "none"}),
        Some(ToolChoice::Mode(ToolChoiceMode::Required | ToolChoiceMode::Any)) => json!({"type": "any"}),
        Some(ToolChoice::ToolSelection(ToolSelection::Function(selection))) => {
            json!({"type": "tool", "name": selection.function.name})
        }
        Some(_) => return Err(refused()),
    })
}
