//! The three phases of a gateway's life, watched by everything that must react.

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Serving,
    /// Nothing new is accepted; what runs may end.
    Draining,
    /// What still runs is dropped.
    Closed,
}

#[derive(Debug, Clone)]
pub struct Shutdown {
    phase: Arc<watch::Sender<Phase>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Shutdown { phase: Arc::new(watch::Sender::new(Phase::Serving)) }
    }
}

impl Shutdown {
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Phases only move forward.
    pub fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = *phase < to;
            if forward {
                *phase = to;
            }
            forward
        });
    }

    /// Resolves once `phase` or a later one is reached.
    pub async fn reached(&self, phase: Phase) {
        let mut watch = self.phase.subscribe();
        // We hold a sender, so this cannot fail.
        let _ = watch.wait_for(|now| *now >= phase).await;
    }
}
