//! Properties of the algorithm, for every order of requests, settlements and pauses: what is admitted in a true window never
//! exceeds a limit, and nobody is refused for what left more than one bucket ago.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::limits::spec::{LimitScope, LimitSpec, OnStoreFailure, ScopeKind};
use crate::limits::window::{BUCKET_US, WINDOW_US};

const KINDS: [ScopeKind; 4] = [ScopeKind::Key, ScopeKind::Tenant, ScopeKind::Model, ScopeKind::Global];

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    /// Tokens, and which of the scopes apply.
    Ask(u64, u8),
    /// Ends the n-th of the running requests with this share of its tokens, in percent.
    Settle(usize, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u64..3_000_000).prop_map(Step::Wait),
        1 => (0u64..30_000_000).prop_map(Step::Wait),
        8 => (0u64..60, 1u8..16).prop_map(|(tokens, scopes)| Step::Ask(tokens, scopes)),
        4 => (any::<usize>(), 0u64..150).prop_map(|(at, percent)| Step::Settle(at, percent)),
    ];
    prop::collection::vec(step, 0..150)
}

fn spec() -> impl Strategy<Value = LimitSpec> {
    (prop::option::of(0u64..12), prop::option::of(0u64..200), prop::option::of(0u64..5))
        .prop_map(|(rpm, tpm, concurrent)| LimitSpec { rpm, tpm, concurrent })
}

fn applied(spec: LimitSpec, kind: ScopeKind) -> AppliedLimit {
    let scope = LimitScope { kind, name: Arc::from("x") };
    AppliedLimit { scope, spec, on_store_failure: OnStoreFailure::Closed }
}

/// What really happened.
#[derive(Debug, Clone, Copy)]
struct Request {
    at_us: u64,
    tokens: u64,
    scopes: u8,
    is_running: bool,
    bucket: BucketId,
}

impl Request {
    fn is_of(&self, scope: usize) -> bool {
        self.scopes & (1 << scope) != 0
    }
}

/// Requests and tokens of a scope within `width_us` up to now.
fn truth(requests: &[Request], scope: usize, now_us: u64, width_us: u64) -> (u64, u64) {
    let within = requests.iter().filter(|r| r.is_of(scope) && r.at_us + width_us > now_us);
    within.fold((0, 0), |(requests, tokens), request| (requests + 1, tokens + request.tokens))
}

fn running(requests: &[Request], scope: usize) -> u64 {
    requests.iter().filter(|request| request.is_of(scope) && request.is_running).count() as u64
}

/// The states that one request's limits select.
struct Chosen<'a> {
    states: &'a mut Vec<State>,
    scopes: Vec<usize>,
}

impl States for Chosen<'_> {
    fn state(&mut self, index: usize) -> &mut State {
        &mut self.states[self.scopes[index]]
    }
}

fn ask(
    specs: &[LimitSpec],
    scopes: u8,
    states: &mut Vec<State>,
    now_us: u64,
    tokens: u64,
) -> Result<BucketId, Box<Rejected>> {
    let scopes: Vec<usize> = (0..specs.len()).filter(|scope| scopes & (1 << scope) != 0).collect();
    let limits: Vec<AppliedLimit> =
        scopes.iter().map(|scope| applied(specs[*scope], KINDS[*scope])).collect();
    decide(now_us, &limits, tokens, &mut Chosen { states, scopes })
}

/// Whether the request would fit all its limits, had the window this width.
fn fits(specs: &[LimitSpec], asked: &Request, requests: &[Request], width_us: u64) -> bool {
    specs.iter().enumerate().filter(|(scope, _)| asked.is_of(*scope)).all(|(scope, spec)| {
        let (count, tokens) = truth(requests, scope, asked.at_us, width_us);
        spec.rpm.is_none_or(|rpm| count < rpm)
            && spec.tpm.is_none_or(|tpm| tokens + asked.tokens <= tpm)
            && spec.concurrent.is_none_or(|concurrent| running(requests, scope) < concurrent)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_over_never_wrongly_refused_and_exact(specs in prop::collection::vec(spec(), 4), steps in steps()) {
        let mut states = vec![State::default(); specs.len()];
        let mut requests: Vec<Request> = Vec::new();
        let mut now_us = 0;
        for step in steps {
            match step {
                Step::Wait(us) => now_us += us,
                Step::Settle(at, percent) => {
                    let mut running: Vec<&mut Request> =
                        requests.iter_mut().filter(|request| request.is_running).collect();
                    if running.is_empty() {
                        continue;
                    }
                    let at = at % running.len();
                    let request = &mut *running[at];
                    let actual = request.tokens * percent / 100;
                    for (scope, state) in states.iter_mut().enumerate() {
                        if request.is_of(scope) {
                            state.in_flight -= 1;
                            state.window.settle(request.bucket, request.tokens, actual);
                        }
                    }
                    request.is_running = false;
                    request.tokens = actual;
                }
                Step::Ask(tokens, scopes) => {
                    let asked =
                        Request { at_us: now_us, tokens, scopes, is_running: true, bucket: bucket_at(now_us) };
                    let before = states.clone();
                    match ask(&specs, scopes, &mut states, now_us, tokens) {
                        Ok(bucket) => {
                            prop_assert!(fits(&specs, &asked, &requests, WINDOW_US), "over a limit");
                            prop_assert_eq!(bucket, asked.bucket);
                            requests.push(asked);
                            let mut seen = LimitSnapshot::default();
                            for (scope, spec) in specs.iter().enumerate().filter(|(scope, _)| asked.is_of(*scope)) {
                                look(now_us, &applied(*spec, KINDS[scope]), &mut states[scope], &mut seen);
                            }
                            check_snapshot(&specs, scopes, &requests, now_us, &seen)?;
                        }
                        Err(rejected) => {
                            prop_assert!(
                                !fits(&specs, &asked, &requests, WINDOW_US + BUCKET_US),
                                "wrongly refused: {}", rejected
                            );
                            check_snapshot(&specs, scopes, &requests, now_us, &rejected.snapshot)?;
                            prop_assert_eq!(usages(&states, now_us), usages(&before, now_us), "a refusal took something");
                            check_wait(&specs, &asked, &states, &rejected)?;
                        }
                    }
                }
            }
        }
    }
}

fn usages(states: &[State], now_us: u64) -> Vec<(u64, Usage)> {
    let used = |mut state: State| {
        state.window.advance(now_us);
        (state.in_flight, state.window.used())
    };
    states.iter().cloned().map(used).collect()
}

/// Never more than is left, and less at most by what left one bucket ago.
fn check_snapshot(
    specs: &[LimitSpec],
    scopes: u8,
    requests: &[Request],
    now_us: u64,
    snapshot: &LimitSnapshot,
) -> Result<(), TestCaseError> {
    let left = |width_us: u64, cap: fn(&LimitSpec) -> Option<u64>, of: fn((u64, u64)) -> u64| {
        let applying = specs.iter().enumerate().filter(|(scope, _)| scopes & (1 << scope) != 0);
        let caps = applying.filter_map(|(scope, spec)| cap(spec).map(|cap| (scope, cap)));
        caps.map(|(scope, cap)| cap.saturating_sub(of(truth(requests, scope, now_us, width_us)))).min()
    };
    type Cap = fn(&LimitSpec) -> Option<u64>;
    type Of = fn((u64, u64)) -> u64;
    let families: [(_, Cap, Of); 2] = [
        (snapshot.requests, |spec| spec.rpm, |(requests, _)| requests),
        (snapshot.tokens, |spec| spec.tpm, |(_, tokens)| tokens),
    ];
    for (quota, cap, of) in families {
        let most = left(WINDOW_US, cap, of);
        let least = left(WINDOW_US + BUCKET_US, cap, of);
        match (quota, most, least) {
            (None, None, None) => {}
            (Some(quota), Some(most), Some(least)) => {
                prop_assert!((least..=most).contains(&quota.remaining), "{quota:?}, but {least} to {most}");
                prop_assert!(quota.next <= quota.reset);
                prop_assert!(quota.reset <= Duration::from_micros(WINDOW_US));
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
    Ok(())
}

/// A microsecond earlier is too early, and the moment itself is not too early, if nothing else happens.
fn check_wait(
    specs: &[LimitSpec],
    asked: &Request,
    states: &[State],
    rejected: &Rejected,
) -> Result<(), TestCaseError> {
    let again = |at_us: u64| ask(specs, asked.scopes, &mut states.to_vec(), at_us, asked.tokens);
    match rejected.retry_after {
        // How long others run is not known.
        _ if rejected.kind == LimitKind::Concurrent => {}
        None => prop_assert!(again(asked.at_us + 2 * WINDOW_US).is_err()),
        Some(wait) => {
            let at_us = asked.at_us + wait.as_micros() as u64;
            prop_assert!(again(at_us - 1).is_err(), "the wait is too long");
            if let Err(rejected) = again(at_us) {
                prop_assert_eq!(rejected.kind, LimitKind::Concurrent, "the wait is too short");
            }
        }
    }
    Ok(())
}

#[test]
fn the_limit_that_takes_longest_is_named() {
    let specs = [
        LimitSpec { rpm: Some(1), ..LimitSpec::NONE },
        LimitSpec { tpm: Some(10), ..LimitSpec::NONE },
        LimitSpec { concurrent: Some(1), ..LimitSpec::NONE },
    ];
    let mut states = vec![State::default(); 3];
    ask(&specs, 0b111, &mut states, 0, 10).unwrap();
    let named = |states: &mut Vec<State>, now_us: u64, tokens: u64| {
        let rejected = ask(&specs, 0b111, states, now_us, tokens).unwrap_err();
        (rejected.scope.kind, rejected.kind, rejected.retry_after)
    };
    let minute = Duration::from_secs(60);
    assert_eq!(named(&mut states, 0, 1), (ScopeKind::Key, LimitKind::Requests, Some(minute)));
    assert_eq!(named(&mut states, 0, 11), (ScopeKind::Tenant, LimitKind::Tokens, None), "never fits");
    let concurrent = (ScopeKind::Model, LimitKind::Concurrent, Some(CONCURRENT_RETRY));
    assert_eq!(named(&mut states, WINDOW_US, 1), concurrent);
}
