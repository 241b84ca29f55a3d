//! The port for the books: what is reserved before a request, and what it cost in the end.
//!
//! A [`Reservation`] is durable before its caller sees a byte, and ends in exactly one [`Settlement`], whatever happens
//! (law C2). An implementation decides budgets and writes in one step: two callers can never both take the last cent.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::account::Exceeded;
use super::budget::BudgetSpec;
use super::period::Day;
use super::price::Price;
use super::usage::{UsagePage, UsageQuery};
use super::usd::Usd;
use crate::error::BoxError;
use crate::latency::LatencySnapshot;
use crate::provider::TokenUsage;
use crate::stream::StreamFacts;

/// Unique across processes and starts; orders by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservationId(pub u128);

/// What a request may cost at most, written before it runs. Holds all that is needed to settle it without the gateway
/// that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    pub id: ReservationId,
    pub admitted_at_ms: u64,
    /// Of the principal.
    pub key_id: Arc<str>,
    pub tenant: Option<Arc<str>>,
    /// As the caller named it.
    pub model: Arc<str>,
    pub provider: Arc<str>,
    pub upstream_model: Arc<str>,
    pub request_id: Arc<str>,
    /// As it was when the request was admitted.
    pub price: Price,
    /// What the input most likely is, for when nobody counts it.
    pub prompt_tokens_likely: u64,
    pub images: u64,
    /// The worst case.
    pub reserved: Usd,
}

impl Reservation {
    pub fn day(&self) -> Day {
        Day::of_unix_ms(self.admitted_at_ms)
    }
}

/// Whose budgets a reservation counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budgets {
    pub key: BudgetSpec,
    pub tenant: BudgetSpec,
    pub global: BudgetSpec,
}

impl Budgets {
    /// Nothing to decide: only to write down.
    pub fn is_unlimited(&self) -> bool {
        *self == Budgets::default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetScope {
    Key,
    Tenant,
    Global,
}

impl std::fmt::Display for BudgetScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            BudgetScope::Key => "key",
            BudgetScope::Tenant => "tenant",
            BudgetScope::Global => "gateway",
        })
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Outcome {
    Complete = 0,
    /// The upstream broke off; the caller has a part.
    Broken = 1,
    /// The caller left before the end.
    ClientLeft = 2,
    /// Nothing came of it, so it costs nothing.
    Released = 3,
    /// The gateway's process died; settled later by what was known.
    Recovered = 4,
}

impl Outcome {
    pub const ALL: [Outcome; 5] =
        [Outcome::Complete, Outcome::Broken, Outcome::ClientLeft, Outcome::Released, Outcome::Recovered];

    pub fn name(self) -> &'static str {
        match self {
            Outcome::Complete => "complete",
            Outcome::Broken => "broken",
            Outcome::ClientLeft => "client_left",
            Outcome::Released => "released",
            Outcome::Recovered => "recovered",
        }
    }

    pub fn from_u8(code: u8) -> Option<Self> {
        Outcome::ALL.into_iter().find(|outcome| *outcome as u8 == code)
    }
}

/// What a request cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    pub settled_at_ms: u64,
    pub outcome: Outcome,
    pub usage: TokenUsage,
    /// The upstream did not say how many tokens it were.
    pub is_estimate: bool,
    pub cost: Usd,
}

/// How far a request had come when somebody last looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What the answer so far most likely took: of a stream, a token per event, as servers that speak OpenAI's protocol
    /// send them.
    pub tokens_likely: u64,
    /// The upstream's own counts, where it has told any.
    pub usage: Option<TokenUsage>,
}

impl Settlement {
    /// By what is known: the upstream's counts, or what input and answer most likely took.
    pub fn of(reservation: &Reservation, outcome: Outcome, progress: Progress, now_ms: u64) -> Self {
        let usage = progress.usage.unwrap_or_else(|| TokenUsage {
            prompt: reservation.prompt_tokens_likely,
            completion: progress.tokens_likely,
            total: reservation.prompt_tokens_likely.saturating_add(progress.tokens_likely),
            ..TokenUsage::default()
        });
        Settlement {
            settled_at_ms: now_ms.max(reservation.admitted_at_ms),
            outcome,
            usage,
            is_estimate: progress.usage.is_none(),
            cost: reservation.price.cost(&usage, reservation.images),
        }
    }

    pub fn released(reservation: &Reservation, now_ms: u64) -> Self {
        Settlement {
            settled_at_ms: now_ms.max(reservation.admitted_at_ms),
            outcome: Outcome::Released,
            usage: TokenUsage::default(),
            is_estimate: false,
            cost: Usd::ZERO,
        }
    }
}

/// Why a request may not run.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the {scope}'s budget is spent")]
    Budget { scope: BudgetScope, exceeded: Box<Exceeded> },
    /// The books cannot be written, so nothing may be spent.
    #[error("the ledger cannot be written: {0}")]
    Unavailable(#[source] BoxError),
}

/// The answer to [`Ledger::reserve`], now or later.
#[derive(Debug)]
pub enum Reserving {
    Done(Result<(), Refusal>),
    Later {
        /// The budgets have room; what is awaited is only the write. The upstream may be asked meanwhile.
        is_decided: bool,
        answer: oneshot::Receiver<Result<(), Refusal>>,
    },
}

impl Reserving {
    /// Whether the upstream may be asked before this has resolved. No byte may go to the caller before.
    pub fn may_overlap(&self) -> bool {
        match self {
            Reserving::Done(result) => result.is_ok(),
            Reserving::Later { is_decided, .. } => *is_decided,
        }
    }

    /// Resolves once the reservation is durable.
    pub async fn durable(self) -> Result<(), Refusal> {
        match self {
            Reserving::Done(result) => result,
            Reserving::Later { answer, .. } => {
                answer.await.unwrap_or_else(|_| Err(Refusal::Unavailable("its writer has ended".into())))
            }
        }
    }
}

pub trait Ledger: Send + Sync + 'static {
    /// Reserves against every budget that applies, or none.
    ///
    /// `facts` is a stream's: read from time to time, so that a crash loses little of how far it came. A reservation that is
    /// not settled when the process dies is settled by the next one.
    fn reserve(
        &self,
        reservation: &Arc<Reservation>,
        budgets: &Budgets,
        facts: Option<&Arc<StreamFacts>>,
    ) -> Reserving;

    /// Another target is asked than the one that was reserved for: it has the same id and amount, but another provider, upstream
    /// model and price. Neither waits nor fails; lost, a process that dies settles by the target before.
    fn turn(&self, reservation: &Arc<Reservation>);

    /// Ends a reservation. Neither waits nor fails: what cannot be written now is written later. A second settlement of one
    /// reservation, and one of a reservation that was refused, change nothing.
    fn settle(&self, reservation: &Arc<Reservation>, settlement: Settlement);

    fn usage(&self, query: UsageQuery) -> BoxFuture<'_, Result<UsagePage, LedgerError>>;

    /// How long its writes take; `None` where nothing is written.
    fn write_latency(&self) -> Option<LatencySnapshot> {
        None
    }

    /// Resolves when everything settled so far is written, and how far streams have come is noted. The last call before
    /// the process ends.
    fn flush(&self) -> BoxFuture<'_, Result<(), LedgerError>>;
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("the ledger is not available: {0}")]
    Unavailable(#[source] BoxError),
}

/// Keeps no books.
impl Ledger for () {
    fn reserve(&self, _: &Arc<Reservation>, _: &Budgets, _: Option<&Arc<StreamFacts>>) -> Reserving {
        Reserving::Done(Ok(()))
    }

    fn turn(&self, _: &Arc<Reservation>) {}

    fn settle(&self, _: &Arc<Reservation>, _: Settlement) {}

    fn usage(&self, _: UsageQuery) -> BoxFuture<'_, Result<UsagePage, LedgerError>> {
        Box::pin(std::future::ready(Ok(UsagePage::default())))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
