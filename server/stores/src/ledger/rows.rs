//! A settled request as a ledger row, and rows as daily sums: the same for both databases.

use std::sync::Arc;

use hashbrown::HashMap;
use novai_core::money::{Day, Outcome, Reservation, Settlement, Usd};

/// A request that is over.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub reservation: Arc<Reservation>,
    pub settlement: Settlement,
}

impl Entry {
    /// Whether a budget is another one for it. What reserved nothing may still have cost something.
    pub fn is_priced(&self) -> bool {
        self.reservation.reserved > Usd::ZERO || self.settlement.cost > Usd::ZERO
    }
}

/// Which sum a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SumKey<'a> {
    pub key_id: &'a str,
    pub day: Day,
    pub model: &'a str,
    pub tenant: &'a str,
}

impl<'a> SumKey<'a> {
    pub(super) fn of(reservation: &'a Reservation) -> Self {
        SumKey {
            key_id: &reservation.key_id,
            day: reservation.day(),
            model: &reservation.model,
            tenant: reservation.tenant.as_deref().unwrap_or_default(),
        }
    }
}

/// As the databases have numbers: signed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub requests: i64,
    pub prompt: i64,
    pub cached: i64,
    pub completion: i64,
    pub reasoning: i64,
    pub cost_nano_usd: i64,
}

pub(super) type Sums<'a> = HashMap<SumKey<'a>, Sum>;

/// Of a request that came to something; what was released is no request in the sums.
pub(super) fn add<'a>(sums: &mut Sums<'a>, key: SumKey<'a>, settlement: &Settlement) {
    if settlement.outcome == Outcome::Released {
        return;
    }
    let sum = sums.entry(key).or_default();
    let usage = &settlement.usage;
    sum.requests += 1;
    for (sum, count) in [
        (&mut sum.prompt, usage.prompt),
        (&mut sum.cached, usage.cached_prompt),
        (&mut sum.completion, usage.completion),
        (&mut sum.reasoning, usage.reasoning),
        (&mut sum.cost_nano_usd, settlement.cost.nano),
    ] {
        *sum = sum.saturating_add(signed(count));
    }
}

/// No count reaches the sign bit but one that an upstream made up.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
