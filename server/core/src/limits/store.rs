//! The port for stores of limits.

use futures_util::future::BoxFuture;

use super::permit::Permit;
use super::snapshot::{LimitSnapshot, Rejected};
use super::spec::AppliedLimit;
use crate::latency::LatencySnapshot;

/// What one request asks for: itself, and this many tokens of every limit that applies.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Never two of one scope.
    pub limits: Vec<AppliedLimit>,
    pub tokens: u64,
}

/// An answer that may have to wait for another machine. A store in this process never waits, and pays for no future.
pub enum Decision<T> {
    Ready(T),
    Pending(BoxFuture<'static, T>),
}

impl<T> Decision<T> {
    pub async fn resolve(self) -> T {
        match self {
            Decision::Ready(value) => value,
            Decision::Pending(future) => future.await,
        }
    }
}

pub type Admission = Result<Permit, Refusal>;

#[derive(Debug)]
pub enum Refusal {
    Rejected(Box<Rejected>),
    /// The store cannot decide, and a limit that applies is closed without it.
    Unavailable {
        reason: &'static str,
    },
}

impl From<Box<Rejected>> for Refusal {
    fn from(rejected: Box<Rejected>) -> Self {
        Refusal::Rejected(rejected)
    }
}

/// What has happened since the start, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreReport {
    /// Each limit does what it is configured to do without the store, or did so less than a window ago.
    pub is_degraded: bool,
    /// Decisions that the store was asked for.
    pub asked: u64,
    /// Those without an answer.
    pub failed: u64,
    /// Decisions without the store.
    pub decided_alone: u64,
    /// How often the store stopped answering, or came back empty.
    pub outages: u64,
    /// Ended requests that the store was never told of.
    pub settlements_lost: u64,
    pub latency: LatencySnapshot,
}

pub trait LimitStore: Send + Sync + 'static {
    /// Takes the demand from every limit, or from none.
    fn admit(&self, demand: Demand) -> Decision<Admission>;

    /// How the limits stand. Takes nothing.
    fn peek(&self, limits: Vec<AppliedLimit>) -> Decision<LimitSnapshot>;

    /// How a store on another machine does; `None` where there is nothing that could fail.
    fn report(&self) -> Option<StoreReport> {
        None
    }

    /// Resolves when everything that was settled so far is where it belongs: at the end of a gateway.
    fn drained(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
