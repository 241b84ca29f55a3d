//! One decision over every limit that applies: all of them admit, or none is touched.
//!
//! Pure: the state comes in through [`States`], and the time as a number.

use std::time::Duration;

use super::snapshot::{LimitSnapshot, QuotaSnapshot, Rejected};
use super::spec::{AppliedLimit, LimitKind};
use super::window::{BucketId, Usage, Window, bucket_at};

/// How long to wait for one of several running requests to end: nobody can know, so it is a guess, and says so in
/// docs/operations.md.
pub const CONCURRENT_RETRY: Duration = Duration::from_secs(1);

/// What is known of one scope.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub window: Window,
    pub in_flight: u64,
}

impl State {
    /// Nothing in it that a later decision would miss.
    pub fn is_idle(&mut self, now_us: u64) -> bool {
        self.window.advance(now_us);
        self.window.is_empty() && self.in_flight == 0
    }
}

/// The states that belong to a decision's limits, by index.
pub trait States {
    fn state(&mut self, index: usize) -> &mut State;
}

impl States for Vec<State> {
    fn state(&mut self, index: usize) -> &mut State {
        &mut self[index]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// The same in every scope.
    pub bucket: BucketId,
    pub snapshot: LimitSnapshot,
}

/// Admits one request of `tokens`, or says what it has to wait for.
pub fn decide(
    now_us: u64,
    limits: &[AppliedLimit],
    tokens: u64,
    states: &mut impl States,
) -> Result<Admitted, Box<Rejected>> {
    let now_us = advance(now_us, limits, states);
    let mut worst: Option<Shortage> = None;
    for (index, limit) in limits.iter().enumerate() {
        for shortage in shortages(index, limit, tokens, states.state(index)) {
            if worst.as_ref().is_none_or(|worst| shortage.is_worse_than(worst)) {
                worst = Some(shortage);
            }
        }
    }
    if let Some(shortage) = worst {
        let Shortage { index, kind, limit, used, requested, retry_after } = shortage;
        return Err(Box::new(Rejected {
            scope: limits[index].scope.clone(),
            kind,
            limit,
            used,
            requested,
            retry_after,
            snapshot: snapshot(limits, states),
        }));
    }
    let mut seen = LimitSnapshot::default();
    for (index, limit) in limits.iter().enumerate() {
        let state = states.state(index);
        state.window.take(now_us, tokens);
        state.in_flight += 1;
        see(&mut seen, limit, &state.window);
    }
    Ok(Admitted { bucket: bucket_at(now_us), snapshot: seen })
}

/// Adds one limit's state to what is `seen`. Takes nothing.
pub fn look(now_us: u64, limit: &AppliedLimit, state: &mut State, seen: &mut LimitSnapshot) {
    state.window.advance(now_us);
    see(seen, limit, &state.window);
}

/// One time for all: a state that has seen a later one moves the others along.
fn advance(now_us: u64, limits: &[AppliedLimit], states: &mut impl States) -> u64 {
    let now_us = (0..limits.len()).fold(now_us, |now, index| now.max(states.state(index).window.latest_us()));
    for index in 0..limits.len() {
        states.state(index).window.advance(now_us);
    }
    now_us
}

fn snapshot(limits: &[AppliedLimit], states: &mut impl States) -> LimitSnapshot {
    let mut seen = LimitSnapshot::default();
    for (index, limit) in limits.iter().enumerate() {
        see(&mut seen, limit, &states.state(index).window);
    }
    seen
}

fn see(seen: &mut LimitSnapshot, limit: &AppliedLimit, window: &Window) {
    let quota = |cap: u64, of: fn(&Usage) -> u64| {
        let (next_us, reset_us) = window.release_us(of);
        QuotaSnapshot {
            scope: limit.scope.kind,
            limit: cap,
            remaining: cap.saturating_sub(of(&window.used())),
            next: Duration::from_micros(next_us),
            reset: Duration::from_micros(reset_us),
        }
    };
    if let Some(cap) = limit.spec.rpm {
        seen.see_requests(quota(cap, requests));
    }
    if let Some(cap) = limit.spec.tpm {
        seen.see_tokens(quota(cap, tokens_of));
    }
}

fn requests(usage: &Usage) -> u64 {
    usage.requests
}

fn tokens_of(usage: &Usage) -> u64 {
    usage.tokens
}

/// One limit that a request does not fit.
struct Shortage {
    index: usize,
    kind: LimitKind,
    limit: u64,
    used: u64,
    requested: u64,
    retry_after: Option<Duration>,
}

impl Shortage {
    /// No wait at all is longer than any.
    fn is_worse_than(&self, other: &Shortage) -> bool {
        match (self.retry_after, other.retry_after) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(this), Some(that)) => this > that,
        }
    }
}

fn shortages(
    index: usize,
    limit: &AppliedLimit,
    tokens: u64,
    state: &State,
) -> impl Iterator<Item = Shortage> {
    let used = state.window.used();
    let windowed = move |kind, cap: Option<u64>, amount, used: u64, of: fn(&Usage) -> u64| {
        let cap = cap.filter(|cap| used.saturating_add(amount) > *cap)?;
        let retry_after = state.window.wait_us(cap, amount, of).map(Duration::from_micros);
        Some(Shortage { index, kind, limit: cap, used, requested: amount, retry_after })
    };
    let concurrent = limit.spec.concurrent.filter(|cap| state.in_flight >= *cap).map(|cap| Shortage {
        index,
        kind: LimitKind::Concurrent,
        limit: cap,
        used: state.in_flight,
        requested: 1,
        retry_after: (cap > 0).then_some(CONCURRENT_RETRY),
    });
    [
        windowed(LimitKind::Requests, limit.spec.rpm, 1, used.requests, requests),
        windowed(LimitKind::Tokens, limit.spec.tpm, tokens, used.tokens, tokens_of),
        concurrent,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests;
