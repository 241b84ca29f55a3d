//! The store: Redis decides, this process counts along.
//!
//! Every admission is also counted in memory, without a limit there. When Redis does not answer, that is what each limit's
//! equal part (`share`) is held against; and it stays in force for one more window after Redis has come back, or has come
//! back empty, so that what was admitted meanwhile is not admitted a second time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::BoxFuture;
use novai_core::latency::Latencies;
use novai_core::limits::decide;
use novai_core::limits::memory::{MemoryStore, Reservation, SCOPES_MAX_DEFAULT};
use novai_core::limits::window::WINDOW_US;
use novai_core::limits::{
    Admission, AppliedLimit, Decision, Demand, LimitSnapshot, LimitSpec, LimitStore, OnStoreFailure, Permit,
    Refusal, SteadyClock, StoreReport,
};

use super::breaker::Breaker;
use super::calls::{CallError, Calls, Ended};
use super::held::{Alone, Shared};
use super::replies::Reply;
use super::scripts::Scripts;
use super::settings::RedisSettings;
use super::writer::Writer;

#[derive(Clone)]
pub struct RedisStore {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub calls: Arc<Calls>,
    pub writer: Writer,
    own: MemoryStore,
    breaker: Breaker,
    replicas: u64,
    /// Until then this process holds its share as well as Redis' word. 0: never yet.
    degraded_until_us: AtomicU64,
    /// Until then Redis does not know of all that was admitted in the last minute. 0: it always has.
    lost_until_us: AtomicU64,
    /// The name of the data in Redis.
    epoch: Mutex<Option<String>>,
    stats: Counters,
}

#[derive(Default)]
struct Counters {
    asked: AtomicU64,
    failed: AtomicU64,
    decided_alone: AtomicU64,
    outages: AtomicU64,
    latency: Latencies,
}

impl RedisStore {
    /// Needs a tokio runtime. Connects when it is first asked: a gateway starts without Redis, too.
    pub fn new(settings: &RedisSettings, clock: Arc<dyn SteadyClock>) -> Result<Self, redis::RedisError> {
        Self::with_scripts(settings, clock, Scripts::new())
    }

    pub(super) fn with_scripts(
        settings: &RedisSettings,
        clock: Arc<dyn SteadyClock>,
        scripts: Scripts,
    ) -> Result<Self, redis::RedisError> {
        let calls = Arc::new(Calls::new(settings, Arc::clone(&clock), scripts)?);
        let inner = Inner {
            writer: Writer::start(&calls, settings.lease),
            calls,
            own: MemoryStore::new(clock, SCOPES_MAX_DEFAULT),
            breaker: Breaker::default(),
            replicas: settings.replicas,
            degraded_until_us: AtomicU64::new(0),
            lost_until_us: AtomicU64::new(0),
            epoch: Mutex::default(),
            stats: Counters::default(),
        };
        Ok(RedisStore { inner: Arc::new(inner) })
    }

    pub fn is_degraded(&self) -> bool {
        self.inner.is_degraded()
    }

    pub fn stats(&self) -> StoreReport {
        let Counters { asked, failed, decided_alone, outages, latency } = &self.inner.stats;
        StoreReport {
            is_degraded: self.is_degraded(),
            asked: asked.load(Relaxed),
            failed: failed.load(Relaxed),
            decided_alone: decided_alone.load(Relaxed),
            outages: outages.load(Relaxed),
            settlements_lost: self.inner.writer.lost.load(Relaxed),
            latency: latency.snapshot(),
        }
    }
}

impl LimitStore for RedisStore {
    fn admit(&self, demand: Demand) -> Decision<Admission> {
        if demand.limits.is_empty() {
            return Decision::Ready(Ok(Permit::unlimited()));
        }
        if !self.inner.breaker.may_ask(self.inner.now_us()) {
            return Decision::Ready(self.inner.admit_alone(demand));
        }
        let inner = Arc::clone(&self.inner);
        Decision::Pending(Box::pin(async move { inner.admit(demand).await }))
    }

    fn report(&self) -> Option<StoreReport> {
        Some(self.stats())
    }

    fn drained(&self) -> BoxFuture<'static, ()> {
        Box::pin(self.inner.writer.drained())
    }

    fn peek(&self, limits: Vec<AppliedLimit>) -> Decision<LimitSnapshot> {
        if !self.inner.breaker.may_ask(self.inner.now_us()) {
            return Decision::Ready(self.inner.peek_alone(&limits));
        }
        let inner = Arc::clone(&self.inner);
        Decision::Pending(Box::pin(async move {
            match inner.ask("", &limits, 0).await {
                Ok(reply) => inner.snapshot(&limits, &reply),
                Err(_) => inner.peek_alone(&limits),
            }
        }))
    }
}

impl Inner {
    fn now_us(&self) -> u64 {
        self.calls.clock.now_us()
    }

    pub fn is_degraded(&self) -> bool {
        self.breaker.is_open() || self.now_us() < self.degraded_until_us.load(Relaxed)
    }

    /// From now on, and for one window more.
    fn degrade(&self) {
        self.degraded_until_us.fetch_max(self.now_us() + WINDOW_US, Relaxed);
    }

    async fn admit(self: &Arc<Self>, demand: Demand) -> Admission {
        let Demand { limits, tokens } = demand;
        // First: who finds a new name here finds the loss below, too.
        let epoch = self.epoch();
        let reserved = self.closed_after_loss(&limits).and_then(|()| self.reserve(&limits, tokens));
        let mut own = match reserved {
            Ok(own) => own,
            Err(refusal) => {
                // The trial is this call's. A gateway whose share is used up would else not find out that Redis is back until
                // its share is: a minute in which it lets pass what the others count already.
                if self.breaker.is_open() {
                    let _ = self.ask("", &limits, 0).await;
                }
                return Err(refusal);
            }
        };
        let id = self.calls.next_id();
        let ended = Ended {
            keys: limits
                .iter()
                .flat_map(|limit| {
                    [self.calls.keys.window(&limit.scope), self.calls.keys.running(&limit.scope)]
                })
                .collect(),
            id,
            reserved: tokens,
            used: 0,
            was_admitted: false,
        };
        let asked = Asked { inner: self, ended, is_answered: false };
        let reply = match self.ask(&asked.ended.id, &limits, tokens).await {
            Ok(reply) => reply,
            Err(_) => {
                own.undo();
                drop(asked);
                return self.admit_alone(Demand { limits, tokens });
            }
        };
        if !reply.is_admitted {
            asked.answered();
            own.undo();
            let mut rejected = decide::rejected(&limits, tokens, &reply.views);
            rejected.snapshot.is_degraded = self.is_degraded();
            return Err(rejected.into());
        }
        if epoch.is_some_and(|epoch| epoch != reply.epoch) {
            // Decided without data that are lost: what this process still knows has to allow it as well.
            own.undo();
            self.closed_after_loss(&limits)?;
            own = self.reserve(&limits, tokens)?;
        }
        let ended = asked.answered();
        let slots = limits.iter().filter(|limit| limit.spec.concurrent.is_some());
        self.writer.begin(&ended.id, slots.map(|limit| self.calls.keys.running(&limit.scope)).collect());
        let shared = Shared {
            inner: Arc::clone(self),
            views: reply.views,
            at_us: self.now_us(),
            own_used: own.used(),
            own,
            limits,
            ended: Ended { was_admitted: true, ..ended },
        };
        Ok(Permit::new(Box::new(shared), tokens))
    }

    /// Asks Redis, and keeps book of how it went.
    async fn ask(&self, id: &str, limits: &[AppliedLimit], tokens: u64) -> Result<Reply, CallError> {
        self.stats.asked.fetch_add(1, Relaxed);
        let asked_at = Instant::now();
        let result = self.calls.admit(id, limits, tokens).await;
        self.stats.latency.observe(asked_at.elapsed());
        match &result {
            Ok(reply) => {
                if self.breaker.succeeded() {
                    self.degrade();
                    tracing::info!("the limits' Redis answers again");
                }
                let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
                let is_new = epoch.as_ref() != Some(&reply.epoch);
                if is_new && epoch.replace(reply.epoch.clone()).is_some() {
                    self.degrade();
                    self.lost_until_us.fetch_max(self.now_us() + WINDOW_US, Relaxed);
                    self.stats.outages.fetch_add(1, Relaxed);
                    tracing::warn!("the limits' Redis has lost its data");
                }
            }
            Err(error) => {
                self.stats.failed.fetch_add(1, Relaxed);
                if self.breaker.failed(self.now_us()) {
                    self.stats.outages.fetch_add(1, Relaxed);
                    tracing::warn!(%error, "the limits' Redis does not answer");
                }
            }
        }
        result
    }

    /// A closed limit waits until all that Redis has forgotten would have expired.
    fn closed_after_loss(&self, limits: &[AppliedLimit]) -> Result<(), Refusal> {
        let is_lost = self.now_us() < self.lost_until_us.load(Relaxed);
        if is_lost && limits.iter().any(|limit| limit.on_store_failure == OnStoreFailure::Closed) {
            return Err(Refusal::Unavailable {
                reason: "their store has lost what it knew of the last minute",
            });
        }
        Ok(())
    }

    fn epoch(&self) -> Option<String> {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts along: without a limit while all is well, against this process' share while it is not.
    fn reserve(&self, limits: &[AppliedLimit], tokens: u64) -> Result<Reservation, Refusal> {
        let is_degraded = self.is_degraded();
        let limits = limits.iter().map(|limit| match limit.on_store_failure {
            OnStoreFailure::Share if is_degraded => self.shared(limit),
            _ => AppliedLimit { spec: LimitSpec::NONE, ..limit.clone() },
        });
        let reserved = self.own.reserve(Demand { limits: limits.collect(), tokens });
        reserved.map_err(|refusal| as_degraded(refusal, is_degraded))
    }

    fn shared(&self, limit: &AppliedLimit) -> AppliedLimit {
        AppliedLimit { spec: limit.spec.share(self.replicas), ..limit.clone() }
    }

    fn alone(&self, limits: &[AppliedLimit]) -> Vec<AppliedLimit> {
        let own = |limit: &AppliedLimit| match limit.on_store_failure {
            OnStoreFailure::Share => self.shared(limit),
            _ => AppliedLimit { spec: LimitSpec::NONE, ..limit.clone() },
        };
        limits.iter().map(own).collect()
    }

    fn admit_alone(&self, demand: Demand) -> Admission {
        self.stats.decided_alone.fetch_add(1, Relaxed);
        self.degrade();
        let Demand { limits, tokens } = demand;
        if limits.iter().any(|limit| limit.on_store_failure == OnStoreFailure::Closed) {
            return Err(Refusal::Unavailable { reason: "their store does not answer" });
        }
        let own = self.own.reserve(Demand { limits: self.alone(&limits), tokens });
        let own = own.map_err(|refusal| as_degraded(refusal, true))?;
        Ok(Permit::new(Box::new(Alone { own }), tokens))
    }

    fn peek_alone(&self, limits: &[AppliedLimit]) -> LimitSnapshot {
        LimitSnapshot { is_degraded: true, ..self.own.peek_now(&self.alone(limits)) }
    }

    fn snapshot(&self, limits: &[AppliedLimit], reply: &Reply) -> LimitSnapshot {
        let mut seen = LimitSnapshot::default();
        for (limit, view) in limits.iter().zip(&reply.views) {
            decide::see(limit, view, &mut seen);
        }
        seen.is_degraded = self.is_degraded();
        seen
    }
}

/// A question under way. If nobody waits for its answer any more, Redis may have admitted a request that does not exist.
struct Asked<'a> {
    inner: &'a Inner,
    ended: Ended,
    is_answered: bool,
}

impl Asked<'_> {
    fn answered(mut self) -> Ended {
        self.is_answered = true;
        self.ended.clone()
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.inner.writer.end(self.ended.clone());
        }
    }
}

fn as_degraded(refusal: Refusal, is_degraded: bool) -> Refusal {
    match refusal {
        Refusal::Rejected(mut rejected) => {
            rejected.snapshot.is_degraded = is_degraded;
            Refusal::Rejected(rejected)
        }
        other => other,
    }
}
