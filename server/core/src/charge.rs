//! What a running request holds: its share of the limits and its reservation of money.
//!
//! **Invariant:** a [`Charge`] is settled exactly once (law C2): by one of its methods, or when it is dropped, as when the
//! caller leaves or something panics.

use std::sync::Arc;

use crate::catalog::Target;
use crate::clock::Clock;
use crate::limits::{LimitSnapshot, Permit};
use crate::money::till::unix_ms;
use crate::money::{Ledger, Outcome, Progress, Reservation, Settlement, Usd};
use crate::provider::TokenUsage;
use crate::stream::StreamFacts;

/// What a request has cost its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charged {
    pub usage: TokenUsage,
    /// The upstream did not say how many tokens it were.
    pub is_estimate: bool,
    pub cost: Usd,
    /// The caller's limits, this request counted.
    pub limits: LimitSnapshot,
}

/// The same without the limits: what adds up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settled {
    pub usage: TokenUsage,
    pub is_estimate: bool,
    pub cost: Usd,
}

impl From<Charged> for Settled {
    fn from(Charged { usage, is_estimate, cost, .. }: Charged) -> Self {
        Settled { usage, is_estimate, cost }
    }
}

pub(crate) struct Charge {
    /// `None` once it is settled.
    open: Option<Open>,
}

struct Open {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    reservation: Arc<Reservation>,
    permit: Permit,
    facts: Option<Arc<StreamFacts>>,
    /// The upstream has been asked: from here on somebody counts tokens.
    is_sent: bool,
}

impl Charge {
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        reservation: Arc<Reservation>,
        permit: Permit,
        facts: Option<Arc<StreamFacts>>,
    ) -> Self {
        Charge { open: Some(Open { ledger, clock, reservation, permit, facts, is_sent: false }) }
    }

    /// The caller's limits as they stand; `None` once it is settled.
    pub(crate) fn limits(&self) -> Option<LimitSnapshot> {
        self.open.as_ref().map(|open| open.permit.snapshot())
    }

    /// What it costs if these are the counts.
    pub(crate) fn cost_of(&self, usage: &TokenUsage) -> Option<Usd> {
        let reservation = &self.open.as_ref()?.reservation;
        Some(reservation.price.cost(usage, reservation.images))
    }

    /// Call it before a target is asked: from here on it is the one that is paid.
    pub(crate) fn sent_to(&mut self, target: &Target) {
        let Some(open) = &mut self.open else { return };
        open.is_sent = true;
        let reserved = &open.reservation;
        if reserved.provider != target.provider_name || reserved.upstream_model != target.upstream_model {
            open.reservation = Arc::new(Reservation {
                provider: Arc::clone(&target.provider_name),
                upstream_model: Arc::clone(&target.upstream_model),
                price: target.tariff.price,
                ..Reservation::clone(reserved)
            });
            open.ledger.turn(&open.reservation);
        }
    }

    /// Nothing came of the request: it costs nothing.
    pub(crate) fn release(&mut self) {
        if let Some(open) = self.open.take() {
            let settlement = Settlement::released(&open.reservation, unix_ms(&*open.clock));
            open.ledger.settle(&open.reservation, settlement);
            // The permit gives everything back by being dropped.
        }
    }

    /// `None` if it was settled before.
    pub(crate) fn settle(&mut self, outcome: Outcome, progress: Progress) -> Option<Charged> {
        let Open { ledger, clock, reservation, permit, facts, .. } = self.open.take()?;
        let settlement = Settlement::of(&reservation, outcome, progress, unix_ms(&*clock));
        ledger.settle(&reservation, settlement);
        let Settlement { usage, is_estimate, cost, .. } = settlement;
        let tokens = match (is_estimate, &facts) {
            (false, _) => usage.total,
            // Limits are not guessed low. Most events of a stream are one token.
            (true, Some(_)) => permit.input_tokens().saturating_add(progress.tokens_likely),
            (true, None) if outcome == Outcome::Complete => permit.reserved_tokens(),
            (true, None) => permit.input_tokens(),
        };
        let limits = permit.settle(tokens);
        if let Some(facts) = facts {
            facts.set_cost(cost);
        }
        Some(Charged { usage, is_estimate, cost, limits })
    }
}

impl Drop for Charge {
    /// Nobody got to settle: the caller left, or something panicked.
    fn drop(&mut self) {
        let Some(open) = &self.open else { return };
        if !open.is_sent {
            return self.release();
        }
        let progress = open.facts.as_ref().map(|facts| facts.progress()).unwrap_or_default();
        self.settle(Outcome::ClientLeft, progress);
    }
}
