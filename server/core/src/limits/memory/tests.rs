use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::*;
use crate::limits::spec::{LimitScope, LimitSpec, OnStoreFailure, ScopeKind};
use crate::limits::window::WINDOW_US;

#[derive(Default)]
struct Manual(AtomicU64);

impl SteadyClock for Manual {
    fn now_us(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

fn limit(kind: ScopeKind, name: &str, spec: LimitSpec) -> AppliedLimit {
    AppliedLimit {
        scope: LimitScope { kind, name: name.into() },
        spec,
        on_store_failure: OnStoreFailure::Closed,
    }
}

fn spec(rpm: u64, tpm: u64, concurrent: u64) -> LimitSpec {
    LimitSpec { rpm: Some(rpm), tpm: Some(tpm), concurrent: Some(concurrent) }
}

fn store<L: Locks>(scopes_max: usize) -> (MemoryStore<L>, Arc<Manual>) {
    let clock = Arc::new(Manual::default());
    (MemoryStore::with_locks(Arc::clone(&clock) as Arc<dyn SteadyClock>, scopes_max), clock)
}

#[test]
fn a_permit_ends_once_whatever_happens_to_it() {
    let (store, _) = store::<StdLocks>(1000);
    let limits = vec![limit(ScopeKind::Key, "a", spec(10, 100, 2))];
    let ask = || store.admit_now(Demand { limits: limits.clone(), tokens: 40 });
    let left = || store.peek_now(&limits).tokens.unwrap().remaining;

    let (first, mut second) = (ask().unwrap(), ask().unwrap());
    assert_eq!(left(), 20);
    assert!(ask().is_err());
    assert_eq!(first.settle(10).tokens.unwrap().remaining, 50);
    second.charge(5);
    drop(second);
    assert_eq!(left(), 85, "10 settled, 5 charged");
    drop(ask().unwrap());
    assert_eq!(left(), 85, "dropped before anything was used");
    assert_eq!(store.peek_now(&limits).requests.unwrap().remaining, 7);
    let _running = (ask().unwrap(), ask().unwrap());
}

#[test]
fn idle_scopes_are_forgotten_and_busy_ones_never() {
    let (store, clock) = store::<StdLocks>(64 * 100);
    let ask = |name: &str| {
        let limits = vec![limit(ScopeKind::Key, name, spec(1, 100, 1))];
        store.admit_now(Demand { limits, tokens: 1 })
    };
    let running = ask("long").unwrap();
    for minute in 0..30 {
        clock.0.store(minute * WINDOW_US, SeqCst);
        for caller in 0..1000 {
            drop(ask(&format!("{minute}-{caller}")).unwrap());
        }
        assert!(ask("long").is_err(), "it still runs");
    }
    assert!(store.scopes() < 64 * 100, "{}", store.scopes());
    // Within one minute nothing is idle: what cannot be kept is refused, not let through.
    let refused = (0..10_000).filter(|caller| ask(&format!("flood-{caller}")).is_err()).count();
    assert!(refused >= 10_000 - 64 * 100, "{refused}");
    assert!(store.scopes() <= 64 * 100);
    running.settle(0);
}

/// Every interleaving that shuttle finds: never over, never stuck, and everything given back.
#[test]
fn threads_that_share_limits_in_any_order() {
    let body = || {
        let (store, _) = store::<ShuttleLocks>(1000);
        let model = limit(ScopeKind::Model, "m", spec(3, 1000, 2));
        let admitted = Arc::new(AtomicU64::new(0));
        let running = Arc::new(AtomicU64::new(0));
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let (store, admitted, running) = (store.clone(), Arc::clone(&admitted), Arc::clone(&running));
                let key = limit(ScopeKind::Key, &format!("k{}", thread % 2), spec(2, 1000, 2));
                // Opposite orders: whoever locks in the order given would deadlock.
                let limits = if thread == 0 { vec![key, model.clone()] } else { vec![model.clone(), key] };
                shuttle::thread::spawn(move || {
                    for _ in 0..2 {
                        let demand = Demand { limits: limits.clone(), tokens: 100 };
                        if let Ok(permit) = store.admit_now(demand) {
                            admitted.fetch_add(1, SeqCst);
                            assert!(running.fetch_add(1, SeqCst) < 2, "more than two at once");
                            shuttle::thread::yield_now();
                            running.fetch_sub(1, SeqCst);
                            permit.settle(1);
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let left = store.peek_now(&[model]);
        let admitted = admitted.load(SeqCst);
        assert!((2..=3).contains(&admitted), "{admitted}");
        assert_eq!(left.requests.unwrap().remaining, 3 - admitted);
        assert_eq!(left.tokens.unwrap().remaining, 1000 - admitted);
    };
    shuttle::check_random(body, 500);
    shuttle::check_pct(body, 500, 3);
}

struct ShuttleLocks;

impl Locks for ShuttleLocks {
    type Lock<T: Send + 'static> = shuttle::sync::Mutex<T>;
    type Guard<'a, T: Send + 'static> = shuttle::sync::MutexGuard<'a, T>;

    fn new<T: Send + 'static>(value: T) -> Self::Lock<T> {
        shuttle::sync::Mutex::new(value)
    }

    fn lock<T: Send + 'static>(lock: &Self::Lock<T>) -> Self::Guard<'_, T> {
        lock.lock().unwrap()
    }
}
