//! One registered tool: what a model is told of it, and which arguments it takes.

use std::sync::Arc;
use std::time::Duration;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::failure::{ToolFailure, ToolFault};

const NAME_CHARS_MAX: usize = 64;
/// What is wrong with one call's arguments. A model corrects a few at a time.
const PROBLEMS_MAX: usize = 5;
const PROBLEM_CHARS_MAX: usize = 300;

pub struct RegisteredTool {
    pub name: Arc<str>,
    /// How long one call may take.
    pub timeout: Duration,
    /// As a `function` of a request's `tools`.
    definition: Value,
    allowed: Validator,
}

/// Why a tool cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTool {
    #[error("its name must be 1 to {NAME_CHARS_MAX} letters, digits, `_` and `-`")]
    Name,
    #[error("its parameters must be a JSON Schema, as an object: {0}")]
    Parameters(String),
}

impl RegisteredTool {
    /// `parameters` is a JSON Schema; empty: it takes no arguments.
    pub fn new(
        name: &str,
        description: &str,
        parameters: &[u8],
        timeout: Duration,
    ) -> Result<Self, InvalidTool> {
        let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(is_harmless) {
            return Err(InvalidTool::Name);
        }
        let parameters = match parameters {
            [] => json!({"type": "object", "properties": {}, "additionalProperties": false}),
            text => {
                serde_json::from_slice(text).map_err(|error| InvalidTool::Parameters(error.to_string()))?
            }
        };
        if !parameters.is_object() {
            return Err(InvalidTool::Parameters("it is none".to_owned()));
        }
        let allowed = jsonschema::validator_for(&parameters)
            .map_err(|error| InvalidTool::Parameters(error.to_string()))?;
        let mut function = json!({"name": name, "parameters": parameters});
        if !description.is_empty() {
            function["description"] = description.into();
        }
        let definition = json!({"type": "function", "function": function});
        Ok(RegisteredTool { name: name.into(), timeout, definition, allowed })
    }

    pub(super) fn definition(&self) -> &Value {
        &self.definition
    }

    /// A model's arguments, if the tool may be run with them.
    pub(super) fn checked(&self, arguments: &str) -> Result<String, ToolFailure> {
        let invalid = |message: String| ToolFailure::new(ToolFault::InvalidArguments, message);
        // What models write where there is nothing to write.
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
        let value: Value = serde_json::from_str(arguments)
            .map_err(|error| invalid(format!("the arguments are not JSON: {error}")))?;
        if !value.is_object() {
            return Err(invalid("the arguments must be a JSON object".to_owned()));
        }
        let problems: Vec<String> = self
            .allowed
            .iter_errors(&value)
            .take(PROBLEMS_MAX)
            .map(|error| {
                let at = error.instance_path().to_string();
                let at = if at.is_empty() { "the arguments" } else { &at };
                format!("{at}: {error}").chars().take(PROBLEM_CHARS_MAX).collect()
            })
            .collect();
        match problems.is_empty() {
            true => Ok(arguments.to_owned()),
            false => Err(invalid(problems.join("; "))),
        }
    }
}

impl std::fmt::Debug for RegisteredTool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegisteredTool").field("name", &self.name).finish_non_exhaustive()
    }
}
