//! From a request to its reservation: what it may cost, and whose budgets it counts against.

use std::collections::HashMap;
use std::sync::Arc;

use super::budget::BudgetSpec;
use super::ids::ReservationIds;
use super::ledger::{Budgets, Ledger, Reservation, Reserving};
use crate::clock::{Clock, SystemClock};
use crate::limits::{Estimate, Payload};
use crate::principal::Principal;
use crate::routing::Route;
use crate::stream::StreamFacts;

/// What the operator allows to be spent.
#[derive(Debug, Clone, Default)]
pub struct BudgetPolicy {
    pub global: BudgetSpec,
    pub tenants: HashMap<Arc<str>, BudgetSpec>,
    /// For tenants that `tenants` does not name, each by itself.
    pub tenant_default: BudgetSpec,
    /// For what a key or a JWT leaves open, each by itself.
    pub key_default: BudgetSpec,
}

impl BudgetPolicy {
    fn of(&self, principal: &Principal) -> Budgets {
        let tenant = principal.tenant.as_ref().map(|tenant| self.tenants.get(tenant));
        Budgets {
            key: principal.budget.or(self.key_default),
            tenant: tenant.map(|named| named.copied().unwrap_or(self.tenant_default)).unwrap_or_default(),
            global: self.global,
        }
    }
}

pub struct Till {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    policy: BudgetPolicy,
    ids: ReservationIds,
}

/// What is to be paid for.
pub(crate) struct Purchase<'a> {
    pub principal: &'a Principal,
    /// Whoever serves it.
    pub route: &'a Route,
    pub request_id: &'a Arc<str>,
    pub request: Payload<'a>,
    pub estimate: Estimate,
    pub facts: Option<&'a Arc<StreamFacts>>,
}

impl Till {
    /// `random`: of its own for each start of each process.
    pub fn new(ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>, policy: BudgetPolicy, random: u64) -> Self {
        Till { ledger, clock, policy, ids: ReservationIds::new(random) }
    }

    /// Keeps no books, so that no budget binds.
    pub fn without_ledger() -> Self {
        Till::new(Arc::new(()), Arc::new(SystemClock), BudgetPolicy::default(), 0)
    }

    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn reserve(&self, purchase: Purchase<'_>) -> (Arc<Reservation>, Reserving) {
        let Purchase { principal, route, request_id, request, estimate, facts } = purchase;
        let images = request.images();
        let now_ms = unix_ms(&*self.clock);
        // Most likely the one that serves. If not, [`Ledger::turn`] says who does.
        let target = route.first();
        let reservation = Arc::new(Reservation {
            id: self.ids.next(now_ms),
            admitted_at_ms: now_ms,
            key_id: Arc::clone(&principal.id),
            tenant: principal.tenant.clone(),
            model: Arc::clone(&target.model),
            provider: Arc::clone(&target.provider_name),
            upstream_model: Arc::clone(&target.upstream_model),
            request_id: Arc::clone(request_id),
            price: target.tariff.price,
            prompt_tokens_likely: request.input_likely(estimate.input),
            images,
            reserved: route.worst_case(estimate.input, estimate.output, images),
        });
        let reserving = self.ledger.reserve(&reservation, &self.policy.of(principal), facts);
        (reservation, reserving)
    }
}

pub(crate) fn unix_ms(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.unix_time().as_millis()).unwrap_or(u64::MAX)
}
