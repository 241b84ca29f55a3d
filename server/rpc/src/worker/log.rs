//! What is told of each call at its true end, whoever ended it: a line in the log, and whatever [`CallEvents`] make of it. Never
//! content, never a key.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use novai_core::{CallEnded, CallEvents, CallOutcome, CallSpan, Error, TraceContext};
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::errors;
use crate::v1::Target;

#[derive(Debug, Clone, Copy)]
enum End {
    /// Still, when it is dropped: its client left.
    Running,
    Complete,
    Failed(Code, &'static str),
}

pub(super) struct CallLog {
    operation: &'static str,
    request_id: Arc<str>,
    provider: String,
    upstream_model: String,
    started_at: Instant,
    time_to_first_event: Option<Duration>,
    events_sent: usize,
    end: End,
    events: Arc<dyn CallEvents>,
    /// The client's span.
    parent: Option<TraceContext>,
    span: Option<TraceContext>,
}

impl CallLog {
    pub(super) fn start(
        operation: &'static str,
        request_id: Arc<str>,
        target: &Target,
        events: Arc<dyn CallEvents>,
        parent: Option<TraceContext>,
    ) -> Self {
        events.began();
        CallLog {
            operation,
            request_id,
            provider: shortened(&target.provider),
            upstream_model: shortened(&target.upstream_model),
            started_at: Instant::now(),
            time_to_first_event: None,
            events_sent: 0,
            end: End::Running,
            span: parent.and_then(|parent| events.span(parent)),
            events,
            parent,
        }
    }

    pub(super) fn request_id(&self) -> Arc<str> {
        Arc::clone(&self.request_id)
    }

    /// Told to the provider, as the parent of what it does.
    pub(super) fn trace(&self) -> Option<TraceContext> {
        self.span.or(self.parent)
    }

    pub(super) fn sent(&mut self, events: usize) {
        if self.events_sent == 0 && events > 0 {
            self.time_to_first_event = Some(self.started_at.elapsed());
        }
        self.events_sent += events;
    }

    pub(super) fn complete(&mut self) {
        self.end = End::Complete;
    }

    /// As its client is told.
    pub(super) fn failed(&mut self, error: &Error) -> Status {
        let status = errors::to_status(error);
        let fault = error.fault().map_or("invalid_request", |(_, fault)| fault);
        self.end = End::Failed(status.code(), fault);
        status
    }

    /// Nobody was asked.
    pub(super) fn refused(&mut self, status: &Status) {
        self.end = End::Failed(status.code(), "unknown_provider");
    }
}

/// A client's words, so that nobody fills the disk with them.
fn shortened(text: &str) -> String {
    text.chars().take(256).collect()
}

impl Drop for CallLog {
    fn drop(&mut self) {
        let duration = self.started_at.elapsed();
        let told = match self.end {
            End::Running => "cancelled".to_owned(),
            End::Complete => "complete".to_owned(),
            End::Failed(code, _) => format!("{code:?}"),
        };
        tracing::info!(
            target: "novai::call",
            request_id = &*self.request_id,
            provider = self.provider,
            upstream_model = self.upstream_model,
            outcome = told,
            events_sent = self.events_sent,
            duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            "a call has ended",
        );
        let outcome = match self.end {
            End::Running => CallOutcome::Cancelled,
            End::Complete => CallOutcome::Complete,
            End::Failed(_, fault) => CallOutcome::Failed(fault),
        };
        let span = self.span.zip(self.parent);
        self.events.ended(&CallEnded {
            operation: self.operation,
            provider: &self.provider,
            upstream_model: &self.upstream_model,
            request_id: &self.request_id,
            span: span.map(|(context, parent)| CallSpan { context, parent: parent.span_id }),
            started_at: SystemTime::now() - duration,
            duration,
            time_to_first_event: self.time_to_first_event,
            outcome,
        });
    }
}
