//! How far a caller's limits are used up, for headers and logs.

use std::time::Duration;

use super::spec::{LimitKind, LimitScope, ScopeKind};

/// The tightest limit of requests and the tightest of tokens: the ones with the least left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitSnapshot {
    pub requests: Option<QuotaSnapshot>,
    pub tokens: Option<QuotaSnapshot>,
    /// The shared store cannot be asked, or has only just come back.
    pub is_degraded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaSnapshot {
    pub scope: ScopeKind,
    pub limit: u64,
    /// Never more than is really left.
    pub remaining: u64,
    /// Until the first part of what is used comes back.
    pub next: Duration,
    /// Until all of it is back.
    pub reset: Duration,
}

impl LimitSnapshot {
    pub fn is_empty(&self) -> bool {
        self.requests.is_none() && self.tokens.is_none()
    }

    pub fn see_requests(&mut self, quota: QuotaSnapshot) {
        see(&mut self.requests, quota);
    }

    pub fn see_tokens(&mut self, quota: QuotaSnapshot) {
        see(&mut self.tokens, quota);
    }
}

fn see(tightest: &mut Option<QuotaSnapshot>, quota: QuotaSnapshot) {
    let key = |quota: &QuotaSnapshot| (quota.remaining, quota.limit);
    if tightest.as_ref().is_none_or(|known| key(&quota) < key(known)) {
        *tightest = Some(quota);
    }
}

/// Why a request must wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Of several, the one that has to be waited for longest.
    pub scope: LimitScope,
    pub kind: LimitKind,
    pub limit: u64,
    /// What is taken of it already.
    pub used: u64,
    /// What this request needs of it.
    pub requested: u64,
    /// The moment at which enough has expired for this request, if nobody else takes it. `None`: it is larger than the
    /// limit itself, and no wait helps.
    pub retry_after: Option<Duration>,
    pub snapshot: LimitSnapshot,
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Rejected { scope, kind, limit, used, requested, .. } = self;
        let kind = kind.as_str();
        write!(f, "limit of {kind} reached for {scope}: limit {limit}, used {used}, requested {requested}")?;
        match self.retry_after {
            None => {
                f.write_str("; a request of this size never fits: send less or ask for fewer output tokens")
            }
            Some(wait) => write!(f, "; try again in {} ms", wait.as_micros().div_ceil(1000)),
        }
    }
}
