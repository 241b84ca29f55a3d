//! One registered tool: what a model is told of it, and which arguments it takes.

use std::sync::Arc;
use std::time::Duration;

use boon::{CompileError, Compiler, SchemaIndex, Schemas, SchemeUrlLoader, ValidationError};
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
    allowed: Allowed,
}

/// What references in a schema are relative to.
const HERE: &str = "novai:///parameters.json";

/// What a tool's arguments may be.
struct Allowed {
    schemas: Schemas,
    root: SchemaIndex,
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
        let allowed = Allowed::compile(parameters.clone())?;
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
        self.allowed.check(&value).map_err(invalid)?;
        Ok(arguments.to_owned())
    }
}

impl Allowed {
    fn compile(schema: Value) -> Result<Self, InvalidTool> {
        let mut compiler = Compiler::new();
        // Knows no scheme: a reference to another document would be read from this machine's files.
        compiler.use_loader(Box::new(SchemeUrlLoader::new()));
        let mut schemas = Schemas::new();
        compiler.add_resource(HERE, schema).map_err(|error| no_schema(&error))?;
        let root = compiler.compile(HERE, &mut schemas).map_err(|error| no_schema(&error))?;
        Ok(Allowed { schemas, root })
    }

    /// All that is wrong with it, in one text.
    fn check(&self, arguments: &Value) -> Result<(), String> {
        self.schemas.validate(arguments, self.root).map_err(|error| problems(&error, "the arguments"))
    }
}

fn no_schema(error: &CompileError) -> InvalidTool {
    InvalidTool::Parameters(match error {
        CompileError::ValidationError { src, .. } => problems(src, "the schema"),
        other => other.to_string().replace(HERE, ""),
    })
}

/// `whole` is what to call the place of a problem that is in no part.
fn problems(error: &ValidationError<'_, '_>, whole: &str) -> String {
    /// A node says only that something below it is wrong; the leaves say what.
    fn collect<'a>(error: &'a ValidationError<'a, 'a>, leaves: &mut Vec<&'a ValidationError<'a, 'a>>) {
        if error.causes.is_empty() {
            leaves.push(error);
        }
        error.causes.iter().for_each(|cause| collect(cause, leaves));
    }
    let mut leaves = Vec::new();
    collect(error, &mut leaves);
    let told = leaves.iter().take(PROBLEMS_MAX).map(|leaf| {
        let at = leaf.instance_location.to_string();
        let at = if at.is_empty() { whole } else { &at };
        format!("{at}: {}", leaf.kind).chars().take(PROBLEM_CHARS_MAX).collect::<String>()
    });
    told.collect::<Vec<_>>().join("; ")
}

impl std::fmt::Debug for RegisteredTool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegisteredTool").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, parameters: &str) -> Result<RegisteredTool, InvalidTool> {
        RegisteredTool::new(name, "", parameters.as_bytes(), Duration::from_secs(1))
    }

    #[test]
    fn what_cannot_be_registered_is_refused_with_its_reason() {
        for (name, parameters, reason) in [
            ("", "{}", "1 to 64 letters"),
            ("rm -rf", "{}", "1 to 64 letters"),
            ("t", "{", "EOF while parsing"),
            ("t", "[]", "it is none"),
            ("t", r#"{"type": "text"}"#, "/type"),
            ("t", r#"{"pattern": "("}"#, "regex"),
            ("t", r##"{"$ref": "#/$defs/absent"}"##, "/$defs/absent"),
            // Nothing is read from this machine, or fetched.
            ("t", r#"{"$ref": "file:///etc/passwd"}"#, "file:///etc/passwd"),
            ("t", r#"{"$ref": "https://example.com/schema.json"}"#, "https://example.com/schema.json"),
            ("t", r#"{"$ref": "other.json"}"#, "other.json"),
        ] {
            let error = tool(name, parameters).unwrap_err().to_string();
            assert!(error.contains(reason), "{name} {parameters}: {error}");
        }
    }

    #[test]
    fn each_problem_is_told_by_its_place() {
        let parameters = r##"{
            "type": "object", "required": ["city"], "additionalProperties": false,
            "properties": {
                "city": {"type": "string", "minLength": 2}, "days": {"type": "integer", "maximum": 7},
                "unit": {"enum": ["C", "F"]}, "at": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/hour"}]}
            },
            "$defs": {"hour": {"type": "integer", "minimum": 0}}
        }"##;
        let tool = tool("weather", parameters).unwrap();
        for (arguments, problems) in [
            (r#"{"city": "Oslo", "days": 7, "unit": "C", "at": null}"#, ""),
            ("{}", "the arguments: missing properties 'city'"),
            (
                r#"{"city": "", "days": 8, "unit": "K", "x": 1}"#,
                "/city: length must be >=2, but got 0; /days: must be <=7, but got 8; \
                 /unit: value must be one of 'C', 'F'; the arguments: additionalProperties 'x' not allowed",
            ),
            (
                r#"{"city": "Oslo", "at": "noon"}"#,
                "/at: want null, but got string; /at: want integer, but got string",
            ),
        ] {
            let told = tool.checked(arguments).err().map_or(String::new(), |failure| failure.message);
            assert_eq!(told, problems, "{arguments}");
        }
    }
}
