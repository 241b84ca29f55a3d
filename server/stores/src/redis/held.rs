//! What a request holds that was admitted by Redis, or without it.

use std::sync::Arc;

use novai_core::limits::decide::{self, Release, View};
use novai_core::limits::memory::Reservation;
use novai_core::limits::window::Usage;
use novai_core::limits::{AppliedLimit, Held, LimitSnapshot};

use super::calls::Ended;
use super::store::Inner;

/// Admitted by Redis.
pub(super) struct Shared {
    pub inner: Arc<Inner>,
    pub limits: Vec<AppliedLimit>,
    /// As Redis found them, this request included.
    pub views: Vec<View>,
    pub at_us: u64,
    /// What this process has admitted, in memory; and how much that was then.
    pub own: Reservation,
    pub own_used: Vec<Usage>,
    pub ended: Ended,
}

impl Shared {
    /// What Redis said, and what has happened here since. What other gateways did since then is not known.
    fn look(&self, own_used: &[Usage]) -> LimitSnapshot {
        let elapsed_us = self.inner.calls.clock.now_us().saturating_sub(self.at_us);
        let mut seen = LimitSnapshot::default();
        for (index, limit) in self.limits.iter().enumerate() {
            let (Some(view), Some(then), Some(now)) =
                (self.views.get(index), self.own_used.get(index), own_used.get(index))
            else {
                continue;
            };
            let since = |used: u64, then: u64, now: u64| (used + now).saturating_sub(then);
            let later = |release: Release| Release {
                first_us: release.first_us.saturating_sub(elapsed_us),
                last_us: release.last_us.saturating_sub(elapsed_us),
            };
            let view = View {
                used: Usage {
                    requests: since(view.used.requests, then.requests, now.requests),
                    tokens: since(view.used.tokens, then.tokens, now.tokens),
                },
                requests_release: later(view.requests_release),
                tokens_release: later(view.tokens_release),
                ..*view
            };
            decide::see(limit, &view, &mut seen);
        }
        seen.is_degraded = self.inner.is_degraded();
        seen
    }
}

impl Held for Shared {
    fn settle(&mut self, tokens: u64, seen: Option<&mut LimitSnapshot>) {
        let own_used = self.own.settle_and_look(tokens);
        if let Some(seen) = seen {
            *seen = self.look(&own_used);
        }
        self.ended.used = tokens;
        self.inner.writer.end(self.ended.clone());
    }

    fn snapshot(&self) -> LimitSnapshot {
        self.look(&self.own.used())
    }
}

/// Admitted without Redis.
pub(super) struct Alone {
    pub own: Reservation,
}

impl Held for Alone {
    fn settle(&mut self, tokens: u64, mut seen: Option<&mut LimitSnapshot>) {
        self.own.settle(tokens, seen.as_deref_mut());
        if let Some(seen) = seen {
            seen.is_degraded = true;
        }
    }

    fn snapshot(&self) -> LimitSnapshot {
        LimitSnapshot { is_degraded: true, ..self.own.snapshot() }
    }
}
