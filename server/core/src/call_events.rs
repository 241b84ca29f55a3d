//! The port for who counts and traces calls of providers where nobody routes them: in a worker.

use std::time::{Duration, SystemTime};

use crate::trace::TraceContext;

/// Told in the call's own task: must not block. What an implementation does not care for, it leaves out.
pub trait CallEvents: Send + Sync + 'static {
    fn began(&self) {}

    /// The span of a call that begins, below that of its client. `None`: it is not recorded, and what it calls is below its
    /// client's span, too.
    fn span(&self, _parent: TraceContext) -> Option<TraceContext> {
        None
    }

    /// Once for each call that began.
    fn ended(&self, _ended: &CallEnded<'_>) {}
}

/// Nobody watches.
impl CallEvents for () {}

/// One call of a provider, from its first byte to its last.
#[derive(Debug)]
pub struct CallEnded<'a> {
    /// `chat` or `embeddings`, as OpenTelemetry calls operations.
    pub operation: &'static str,
    /// As the client named it: it may be anything.
    pub provider: &'a str,
    pub upstream_model: &'a str,
    pub request_id: &'a str,
    pub span: Option<CallSpan>,
    pub started_at: SystemTime,
    pub duration: Duration,
    pub time_to_first_event: Option<Duration>,
    pub outcome: CallOutcome,
}

#[derive(Debug, Clone, Copy)]
pub struct CallSpan {
    pub context: TraceContext,
    /// The client's span.
    pub parent: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    Complete,
    /// Its client left.
    Cancelled,
    /// In a word of which there are few: what was wrong with the provider, or with the request.
    Failed(&'static str),
}

impl CallOutcome {
    pub fn name(self) -> &'static str {
        match self {
            CallOutcome::Complete => "complete",
            CallOutcome::Cancelled => "cancelled",
            CallOutcome::Failed(_) => "failed",
        }
    }
}
