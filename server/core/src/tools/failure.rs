//! Why a tool did not do what it was called for, in words for the model.

use std::time::Duration;

use serde_json::json;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFailure {
    pub fault: ToolFault,
    /// For the model: nothing that it may not pass on to its caller.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolFault {
    /// Nobody has such a tool: the model invented it.
    UnknownTool,
    /// Not JSON, not what the schema allows, or not what the tool takes.
    InvalidArguments,
    NotFound,
    PermissionDenied,
    Failed,
    TimedOut,
    /// Whoever has the tool cannot be reached.
    Unavailable,
    OutputTooLarge,
}

impl ToolFault {
    pub fn name(self) -> &'static str {
        match self {
            ToolFault::UnknownTool => "unknown_tool",
            ToolFault::InvalidArguments => "invalid_arguments",
            ToolFault::NotFound => "not_found",
            ToolFault::PermissionDenied => "permission_denied",
            ToolFault::Failed => "failed",
            ToolFault::TimedOut => "timed_out",
            ToolFault::Unavailable => "unavailable",
            ToolFault::OutputTooLarge => "output_too_large",
        }
    }
}

impl ToolFailure {
    pub fn new(fault: ToolFault, message: impl Into<String>) -> Self {
        ToolFailure { fault, message: message.into() }
    }

    pub fn timed_out(limit: Duration) -> Self {
        ToolFailure::new(ToolFault::TimedOut, format!("it did not answer within {} ms", limit.as_millis()))
    }

    pub fn too_large(bytes_max: usize) -> Self {
        let message = format!("its output is larger than {bytes_max} bytes: ask it for less");
        ToolFailure::new(ToolFault::OutputTooLarge, message)
    }

    /// As the result of the call.
    pub(crate) fn told(&self) -> String {
        json!({"error": {"type": self.fault.name(), "message": self.message}}).to_string()
    }
}
