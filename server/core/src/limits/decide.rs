//! One decision over every limit that applies: all of them admit, or none is touched.
//!
//! Pure: the state comes in through [`States`], and the time as a number.

use std::time::Duration;

use super::snapshot::{LimitSnapshot, QuotaSnapshot, Rejected};
use super::spec::{AppliedLimit, LimitKind, LimitScope, LimitSpec, ScopeKind};
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
    /// Call after [`Window::advance`].
    fn fits(&self, spec: &LimitSpec, tokens: u64) -> bool {
        let used = self.window.used();
        spec.rpm.is_none_or(|rpm| used.requests < rpm)
            && spec.tpm.is_none_or(|tpm| used.tokens.saturating_add(tokens) <= tpm)
            && spec.concurrent.is_none_or(|concurrent| self.in_flight < concurrent)
    }

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

/// Takes one request of `tokens` from every limit, in the bucket that is returned; or says what it has to wait for.
pub fn decide(
    now_us: u64,
    limits: &[AppliedLimit],
    tokens: u64,
    states: &mut impl States,
) -> Result<BucketId, Box<Rejected>> {
    // One time for all: a state that has seen a later one moves the others along.
    let now_us = (0..limits.len()).fold(now_us, |now, index| now.max(states.state(index).window.latest_us()));
    let mut fits = true;
    for (index, limit) in limits.iter().enumerate() {
        let state = states.state(index);
        state.window.advance(now_us);
        fits &= state.fits(&limit.spec, tokens);
    }
    if !fits {
        let view =
            |(index, limit): (usize, &AppliedLimit)| View::of(states.state(index), &limit.spec, tokens);
        let views: Vec<View> = limits.iter().enumerate().map(view).collect();
        return Err(rejected(limits, tokens, &views));
    }
    for index in 0..limits.len() {
        let state = states.state(index);
        state.window.take(now_us, tokens);
        state.in_flight += 1;
    }
    Ok(bucket_at(now_us))
}

/// One scope's state at the moment of a decision, wherever the state is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    pub used: Usage,
    pub in_flight: u64,
    /// Until the decision's demand fits.
    pub requests_wait: Wait,
    pub tokens_wait: Wait,
    pub requests_release: Release,
    pub tokens_release: Release,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wait {
    #[default]
    Fits,
    Us(u64),
    Never,
}

/// When what is used leaves the window; 0 where nothing is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Release {
    pub first_us: u64,
    pub last_us: u64,
}

impl View {
    fn of(state: &State, spec: &LimitSpec, tokens: u64) -> View {
        let window = &state.window;
        let wait = |cap: Option<u64>, amount, of| match cap.map(|cap| window.wait_us(cap, amount, of)) {
            None | Some(Some(0)) => Wait::Fits,
            Some(Some(us)) => Wait::Us(us),
            Some(None) => Wait::Never,
        };
        let release = |of| {
            let (first_us, last_us) = window.release_us(of);
            Release { first_us, last_us }
        };
        View {
            used: window.used(),
            in_flight: state.in_flight,
            requests_wait: wait(spec.rpm, 1, requests_of),
            tokens_wait: wait(spec.tpm, tokens, tokens_of),
            requests_release: release(requests_of),
            tokens_release: release(tokens_of),
        }
    }
}

/// Adds one limit's state to what is `seen`. Takes nothing.
pub fn look(now_us: u64, limit: &AppliedLimit, state: &mut State, seen: &mut LimitSnapshot) {
    state.window.advance(now_us);
    see(limit, &View::of(state, &LimitSpec::NONE, 0), seen);
}

pub fn see(limit: &AppliedLimit, view: &View, seen: &mut LimitSnapshot) {
    let quota = |cap: u64, used: u64, release: Release| QuotaSnapshot {
        scope: limit.scope.kind,
        limit: cap,
        remaining: cap.saturating_sub(used),
        next: Duration::from_micros(release.first_us),
        reset: Duration::from_micros(release.last_us),
    };
    if let Some(cap) = limit.spec.rpm {
        seen.see_requests(quota(cap, view.used.requests, view.requests_release));
    }
    if let Some(cap) = limit.spec.tpm {
        seen.see_tokens(quota(cap, view.used.tokens, view.tokens_release));
    }
}

/// The refusal by limits of which at least one does not fit: it names the one that has to be waited for longest.
pub fn rejected(limits: &[AppliedLimit], tokens: u64, views: &[View]) -> Box<Rejected> {
    let mut snapshot = LimitSnapshot::default();
    let mut worst: Option<Shortage> = None;
    for (limit, view) in limits.iter().zip(views) {
        see(limit, view, &mut snapshot);
        for shortage in shortages(limit, tokens, view) {
            if worst.as_ref().is_none_or(|worst| shortage.is_worse_than(worst)) {
                worst = Some(shortage);
            }
        }
    }
    // There is always one; a refusal that cannot say why still says when to ask again.
    let scope = || LimitScope { kind: ScopeKind::Global, name: "".into() };
    let unknown = || Shortage {
        scope: limits.first().map_or_else(scope, |limit| limit.scope.clone()),
        kind: LimitKind::Requests,
        limit: 0,
        used: 0,
        requested: 1,
        retry_after: Some(CONCURRENT_RETRY),
    };
    let Shortage { scope, kind, limit, used, requested, retry_after } = worst.unwrap_or_else(unknown);
    Box::new(Rejected { scope, kind, limit, used, requested, retry_after, snapshot })
}

fn requests_of(usage: &Usage) -> u64 {
    usage.requests
}

fn tokens_of(usage: &Usage) -> u64 {
    usage.tokens
}

/// One limit that a request does not fit.
struct Shortage {
    scope: LimitScope,
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

fn shortages<'a>(
    limit: &'a AppliedLimit,
    tokens: u64,
    view: &'a View,
) -> impl Iterator<Item = Shortage> + 'a {
    let shortage = |kind, cap: Option<u64>, used, requested, wait| {
        let retry_after = match wait {
            Wait::Fits => return None,
            Wait::Us(us) => Some(Duration::from_micros(us)),
            Wait::Never => None,
        };
        Some(Shortage { scope: limit.scope.clone(), kind, limit: cap?, used, requested, retry_after })
    };
    let spec = &limit.spec;
    let concurrent_wait = match spec.concurrent {
        Some(0) => Wait::Never,
        Some(cap) if view.in_flight >= cap => Wait::Us(CONCURRENT_RETRY.as_micros() as u64),
        _ => Wait::Fits,
    };
    [
        shortage(LimitKind::Requests, spec.rpm, view.used.requests, 1, view.requests_wait),
        shortage(LimitKind::Tokens, spec.tpm, view.used.tokens, tokens, view.tokens_wait),
        shortage(LimitKind::Concurrent, spec.concurrent, view.in_flight, 1, concurrent_wait),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests;
