//! One line per call, at its true end, whoever ended it. Never content, never a key.

use std::sync::Arc;

use tokio::time::Instant;
use tonic::{Code, Status};

use crate::v1::Target;

#[derive(Debug, Clone, Copy)]
enum End {
    /// Still, when it is dropped: its client left.
    Running,
    Complete,
    Failed(Code),
}

pub(super) struct CallLog {
    request_id: Arc<str>,
    provider: String,
    upstream_model: String,
    started_at: Instant,
    events_sent: usize,
    end: End,
}

impl CallLog {
    pub(super) fn start(request_id: Arc<str>, target: &Target) -> Self {
        CallLog {
            request_id,
            provider: shortened(&target.provider),
            upstream_model: shortened(&target.upstream_model),
            started_at: Instant::now(),
            events_sent: 0,
            end: End::Running,
        }
    }

    pub(super) fn request_id(&self) -> Arc<str> {
        Arc::clone(&self.request_id)
    }

    pub(super) fn sent(&mut self, events: usize) {
        self.events_sent += events;
    }

    pub(super) fn complete(&mut self) {
        self.end = End::Complete;
    }

    pub(super) fn failed(&mut self, status: &Status) {
        self.end = End::Failed(status.code());
    }
}

/// A client's words, so that nobody fills the disk with them.
fn shortened(text: &str) -> String {
    text.chars().take(256).collect()
}

impl Drop for CallLog {
    fn drop(&mut self) {
        let outcome = match self.end {
            End::Running => "cancelled".to_owned(),
            End::Complete => "complete".to_owned(),
            End::Failed(code) => format!("{code:?}"),
        };
        tracing::info!(
            target: "novai::call",
            request_id = &*self.request_id,
            provider = self.provider,
            upstream_model = self.upstream_model,
            outcome,
            events_sent = self.events_sent,
            duration_ms = u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX),
            "a call has ended",
        );
    }
}
