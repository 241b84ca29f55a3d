//! Which limits apply to a request, and what it asks of them.
//!
//! Start at [`Limits::admit`].

use std::collections::HashMap;
use std::sync::Arc;

use super::estimate::{Estimate, Payload, TokenEstimator};
use super::permit::Permit;
use super::snapshot::LimitSnapshot;
use super::spec::{AppliedLimit, LimitKind, LimitScope, LimitSpec, OnStoreFailure, ScopeKind};
use super::store::{Demand, LimitStore, Refusal, StoreReport};
use crate::principal::Principal;

/// Where neither the request nor the configuration says: what most chat models allow by default.
pub const OUTPUT_TOKENS_DEFAULT: u64 = 4096;

/// Longer bodies are counted in a thread of their own: one endless word takes a tokenizer some 400 ns per byte.
const COUNTED_HERE_BYTES_MAX: usize = 16 * 1024;
/// Longer ones not at all; their bytes stand for their tokens.
const COUNTED_BYTES_MAX: usize = 2 * 1024 * 1024;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rule {
    pub spec: LimitSpec,
    pub on_store_failure: OnStoreFailure,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelRule {
    pub rule: Rule,
    /// What one answer may have where the request does not say.
    pub output_tokens: Option<u64>,
}

/// What the operator set.
#[derive(Debug, Clone)]
pub struct LimitPolicy {
    pub global: Rule,
    /// By the id that callers use.
    pub models: HashMap<Arc<str>, ModelRule>,
    pub tenants: HashMap<Arc<str>, Rule>,
    /// For tenants that `tenants` does not name, each by itself.
    pub tenant_default: Rule,
    /// For what a key or a JWT leaves open, each by itself.
    pub key_default: Rule,
    pub output_tokens: u64,
}

impl Default for LimitPolicy {
    fn default() -> Self {
        LimitPolicy {
            global: Rule::default(),
            models: HashMap::new(),
            tenants: HashMap::new(),
            tenant_default: Rule::default(),
            key_default: Rule::default(),
            output_tokens: OUTPUT_TOKENS_DEFAULT,
        }
    }
}

/// Who asks, and for what.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub principal: &'a Principal,
    /// By the id that the caller used.
    pub model: &'a str,
    /// What the provider calls it: tokenizers go by that.
    pub upstream_model: &'a str,
    /// What the model's answer may have where neither the request nor `[limits]` says.
    pub output_tokens_max: Option<u64>,
    pub request: Payload<'a>,
    /// The body as it came.
    pub raw: &'a [u8],
}

pub struct Limits {
    policy: LimitPolicy,
    everybody: Arc<str>,
    store: Arc<dyn LimitStore>,
    estimator: Arc<dyn TokenEstimator>,
}

impl Limits {
    pub fn new(policy: LimitPolicy, store: Arc<dyn LimitStore>, estimator: Arc<dyn TokenEstimator>) -> Self {
        Limits { policy, everybody: Arc::from(""), store, estimator }
    }

    /// Only what keys bring along, in memory.
    pub fn in_process(policy: LimitPolicy) -> Self {
        use super::memory::{MemoryStore, SCOPES_MAX_DEFAULT};
        let store = MemoryStore::new(Arc::new(super::clock::TokioClock::new()), SCOPES_MAX_DEFAULT);
        Self::new(policy, Arc::new(store), Arc::new(()))
    }

    /// The most that a request can cost. Cheap: it counts bytes.
    fn estimate(&self, ask: &Ask<'_>) -> Estimate {
        let of_limits = self.policy.models.get(ask.model).and_then(|rule| rule.output_tokens);
        let output_tokens = of_limits.or(ask.output_tokens_max).unwrap_or(self.policy.output_tokens);
        Estimate::of(ask.request, ask.raw.len(), output_tokens)
    }

    /// Takes one request and its tokens from every limit that applies, or from none.
    pub async fn admit(&self, ask: Ask<'_>) -> Result<Permit, Refusal> {
        let limits = self.applied(ask.principal, Some(ask.model));
        if limits.is_empty() {
            return Ok(Permit::unlimited());
        }
        let tightest = limits.iter().filter_map(|limit| limit.spec.tpm).min();
        if tightest.is_none() {
            return self.store.admit(Demand { limits, tokens: 0 }).resolve().await;
        }
        let mut estimate = self.estimate(&ask);
        let demand = Demand { limits, tokens: estimate.reserved(tightest) };
        let refused = match self.store.admit(demand).resolve().await {
            Err(Refusal::Rejected(rejected)) if rejected.kind == LimitKind::Tokens => rejected,
            decided => return decided.map(|permit| permit.with_input(estimate.input)),
        };
        // So near the limit that counting pays.
        match self.count(&ask).await {
            Some(input) if input < estimate.input => {
                estimate.input = input;
                let limits = self.applied(ask.principal, Some(ask.model));
                let demand = Demand { limits, tokens: estimate.reserved(tightest) };
                let decided = self.store.admit(demand).resolve().await;
                decided.map(|permit| permit.with_input(input))
            }
            _ => Err(refused.into()),
        }
    }

    /// How the caller's limits stand. Takes nothing.
    pub async fn peek(&self, principal: &Principal, model: Option<&str>) -> LimitSnapshot {
        let limits = self.applied(principal, model);
        if limits.is_empty() {
            return LimitSnapshot::default();
        }
        self.store.peek(limits).resolve().await
    }

    /// See [`LimitStore::report`].
    pub fn report(&self) -> Option<StoreReport> {
        self.store.report()
    }

    /// See [`LimitStore::drained`].
    pub async fn drained(&self) {
        self.store.drained().await;
    }

    async fn count(&self, ask: &Ask<'_>) -> Option<u64> {
        let json = std::str::from_utf8(ask.raw).ok().filter(|_| ask.request.is_text())?;
        if json.len() <= COUNTED_HERE_BYTES_MAX {
            return self.estimator.count(ask.upstream_model, json);
        }
        if json.len() > COUNTED_BYTES_MAX {
            return None;
        }
        let estimator = Arc::clone(&self.estimator);
        let (model, json) = (ask.upstream_model.to_owned(), json.to_owned());
        tokio::task::spawn_blocking(move || estimator.count(&model, &json)).await.ok()?
    }

    fn applied(&self, principal: &Principal, model: Option<&str>) -> Vec<AppliedLimit> {
        let mut limits = Vec::new();
        let mut add = |kind, name: &Arc<str>, rule: Rule| {
            if !rule.spec.is_none() {
                let scope = LimitScope { kind, name: Arc::clone(name) };
                limits.push(AppliedLimit { scope, spec: rule.spec, on_store_failure: rule.on_store_failure });
            }
        };
        let policy = &self.policy;
        let of_key = Rule { spec: principal.limits.or(policy.key_default.spec), ..policy.key_default };
        add(ScopeKind::Key, &principal.id, of_key);
        if let Some(tenant) = &principal.tenant {
            let rule = policy.tenants.get(tenant).unwrap_or(&policy.tenant_default);
            add(ScopeKind::Tenant, tenant, *rule);
        }
        if let Some((name, model)) = model.and_then(|model| policy.models.get_key_value(model)) {
            add(ScopeKind::Model, name, model.rule);
        }
        add(ScopeKind::Global, &self.everybody, policy.global);
        limits
    }
}

#[cfg(test)]
mod tests;
