//! Limits of one process: decided at once, in memory.
//!
//! Scopes are spread over shards, each behind a lock of its own. A decision locks the shards of all its scopes, lowest
//! first, so that two decisions never wait for each other in a circle; it holds them for less than a microsecond and
//! waits for nothing else meanwhile.
//!
//! Start at [`MemoryStore::admit`]. The decision itself is [`super::decide`]'s.

mod lock;
mod shard;

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use smallvec::SmallVec;

use super::clock::SteadyClock;
use super::decide::{self, State, States};
use super::permit::{Held, Permit};
use super::snapshot::LimitSnapshot;
use super::spec::AppliedLimit;
use super::store::{Admission, Decision, Demand, LimitStore, Refusal};
use super::window::{BucketId, Usage};
pub use lock::{Locks, StdLocks};
use shard::{Place, Shard};

/// Enough that two cores seldom meet, few enough to stay in the cache.
const SHARDS: usize = 64;
/// As many scopes as are alive at once: callers of the last minute. A full table is about 300 MB at its worst.
pub const SCOPES_MAX_DEFAULT: usize = 1_000_000;

/// One limit per kind of scope.
type PerLimit<T> = SmallVec<[T; 4]>;

pub struct MemoryStore<L: Locks = StdLocks> {
    inner: Arc<Inner<L>>,
}

struct Inner<L: Locks> {
    shards: Box<[L::Lock<Shard>]>,
    /// Seeded at random: nobody can choose names that meet in one shard.
    hasher: DefaultHashBuilder,
    clock: Arc<dyn SteadyClock>,
}

impl<L: Locks> Clone for MemoryStore<L> {
    fn clone(&self) -> Self {
        MemoryStore { inner: Arc::clone(&self.inner) }
    }
}

impl MemoryStore {
    pub fn new(clock: Arc<dyn SteadyClock>, scopes_max: usize) -> Self {
        Self::with_locks(clock, scopes_max)
    }
}

impl<L: Locks> MemoryStore<L> {
    pub fn with_locks(clock: Arc<dyn SteadyClock>, scopes_max: usize) -> Self {
        let shard_max = scopes_max.div_ceil(SHARDS);
        let shards = (0..SHARDS).map(|_| L::new(Shard::new(shard_max))).collect();
        let inner = Inner { shards, hasher: DefaultHashBuilder::default(), clock };
        MemoryStore { inner: Arc::new(inner) }
    }

    /// What [`LimitStore::admit`] does, with its answer at hand.
    pub fn admit_now(&self, demand: Demand) -> Admission {
        if demand.limits.is_empty() {
            return Ok(Permit::unlimited());
        }
        let tokens = demand.tokens;
        Ok(Permit::new(Box::new(self.reserve(demand)?), tokens))
    }

    /// The same, for a store that decides elsewhere too.
    pub fn reserve(&self, demand: Demand) -> Result<Reservation<L>, Refusal> {
        let Demand { limits, tokens } = demand;
        let mut locked = Locked::new(&self.inner, &limits);
        // Read under the locks, so that each scope sees times in order.
        let now_us = self.inner.clock.now_us();
        locked.find(now_us, &limits, &self.inner)?;
        let bucket = decide::decide(now_us, &limits, tokens, &mut locked)?;
        let places = locked.places;
        let inner = Arc::clone(&self.inner);
        Ok(Reservation { inner, limits, places, bucket, reserved: tokens, is_over: false })
    }

    pub fn peek_now(&self, limits: &[AppliedLimit]) -> LimitSnapshot {
        let mut seen = LimitSnapshot::default();
        for limit in limits {
            let hash = self.inner.hash(limit);
            let mut shard = L::lock(&self.inner.shards[shard_of(hash)]);
            let now_us = self.inner.clock.now_us();
            match shard.find(hash, &limit.scope) {
                Some(place) => decide::look(now_us, limit, shard.state(place), &mut seen),
                None => decide::look(now_us, limit, &mut State::default(), &mut seen),
            }
        }
        seen
    }

    /// Scopes in memory.
    pub fn scopes(&self) -> usize {
        self.inner.shards.iter().map(|shard| L::lock(shard).len()).sum()
    }
}

impl<L: Locks> LimitStore for MemoryStore<L> {
    fn admit(&self, demand: Demand) -> Decision<Admission> {
        Decision::Ready(self.admit_now(demand))
    }

    fn peek(&self, limits: Vec<AppliedLimit>) -> Decision<LimitSnapshot> {
        Decision::Ready(self.peek_now(&limits))
    }
}

impl<L: Locks> Inner<L> {
    fn hash(&self, limit: &AppliedLimit) -> u64 {
        self.hasher.hash_one((limit.scope.kind, &*limit.scope.name))
    }
}

/// The table inside a shard uses a hash's low and top bits.
fn shard_of(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}

/// The shards of one decision, locked together.
struct Locked<'a, L: Locks> {
    /// By shard, ascending.
    guards: PerLimit<(usize, L::Guard<'a, Shard>)>,
    hashes: PerLimit<u64>,
    /// One per limit; empty until [`Locked::find`].
    places: PerLimit<(usize, Place)>,
    /// Which of `guards` a limit's place is in.
    guard_of: PerLimit<usize>,
}

impl<'a, L: Locks> Locked<'a, L> {
    fn new(inner: &'a Inner<L>, limits: &[AppliedLimit]) -> Self {
        let hashes: PerLimit<u64> = limits.iter().map(|limit| inner.hash(limit)).collect();
        let mut shards: PerLimit<usize> = hashes.iter().map(|hash| shard_of(*hash)).collect();
        shards.sort_unstable();
        shards.dedup();
        let guards = shards.into_iter().map(|shard| (shard, L::lock(&inner.shards[shard]))).collect();
        Locked { guards, hashes, places: SmallVec::new(), guard_of: SmallVec::new() }
    }

    fn find(&mut self, now_us: u64, limits: &[AppliedLimit], inner: &Inner<L>) -> Result<(), Refusal> {
        for (_, shard) in &mut self.guards {
            shard.make_room(now_us, limits.len(), |scope| inner.hasher.hash_one((scope.kind, &*scope.name)));
        }
        for (limit, hash) in limits.iter().zip(&self.hashes) {
            let shard = shard_of(*hash);
            let at = self.guards.iter().position(|(guarded, _)| *guarded == shard).unwrap_or_default();
            let rehash = |scope: &super::spec::LimitScope| inner.hasher.hash_one((scope.kind, &*scope.name));
            let Some(place) = self.guards[at].1.find_or_insert(*hash, &limit.scope, rehash) else {
                return Err(Refusal::Unavailable {
                    reason: "more callers are active than limits can be kept for",
                });
            };
            self.places.push((shard, place));
            self.guard_of.push(at);
        }
        Ok(())
    }
}

impl<L: Locks> States for Locked<'_, L> {
    fn state(&mut self, index: usize) -> &mut State {
        self.guards[self.guard_of[index]].1.state(self.places[index].1)
    }
}

/// What a request holds in memory. Dropped, it gives everything back but the request.
pub struct Reservation<L: Locks = StdLocks> {
    inner: Arc<Inner<L>>,
    limits: Vec<AppliedLimit>,
    /// Shard and place of each limit. They stay valid until it is over: a scope with a request in flight is never
    /// forgotten.
    places: PerLimit<(usize, Place)>,
    bucket: BucketId,
    reserved: u64,
    is_over: bool,
}

impl<L: Locks> Reservation<L> {
    /// As if it had never been made.
    pub fn undo(mut self) {
        let (bucket, reserved) = (self.bucket, self.reserved);
        self.end(|_, state| state.window.undo(bucket, reserved));
    }

    /// [`Held::settle`], and what each limit's scope has used then, in the order of the demand.
    pub fn settle_and_look(&mut self, tokens: u64) -> Vec<Usage> {
        let (bucket, reserved) = (self.bucket, self.reserved);
        let now_us = self.inner.clock.now_us();
        let mut used = Vec::with_capacity(self.places.len());
        self.end(|_, state| {
            state.window.settle(bucket, reserved, tokens);
            state.window.advance(now_us);
            used.push(state.window.used());
        });
        used
    }

    /// What each limit's scope has used, in the order of the demand.
    pub fn used(&self) -> Vec<Usage> {
        let now_us = self.inner.clock.now_us();
        let mut used = Vec::with_capacity(self.places.len());
        self.each(|_, state| {
            state.window.advance(now_us);
            used.push(state.window.used());
        });
        used
    }

    /// Once: afterwards the places may belong to others.
    fn end(&mut self, mut act: impl FnMut(&AppliedLimit, &mut State)) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.each(|limit, state| {
            state.in_flight = state.in_flight.saturating_sub(1);
            act(limit, state);
        });
    }

    fn each(&self, mut act: impl FnMut(&AppliedLimit, &mut State)) {
        for (limit, (shard, place)) in self.limits.iter().zip(&self.places) {
            act(limit, L::lock(&self.inner.shards[*shard]).state(*place));
        }
    }
}

impl<L: Locks> Drop for Reservation<L> {
    fn drop(&mut self) {
        let (bucket, reserved) = (self.bucket, self.reserved);
        self.end(|_, state| state.window.settle(bucket, reserved, 0));
    }
}

impl<L: Locks> Held for Reservation<L> {
    fn settle(&mut self, tokens: u64, mut seen: Option<&mut LimitSnapshot>) {
        let (bucket, reserved) = (self.bucket, self.reserved);
        let now_us = self.inner.clock.now_us();
        self.end(|limit, state| {
            state.window.settle(bucket, reserved, tokens);
            if let Some(seen) = &mut seen {
                decide::look(now_us, limit, state, seen);
            }
        });
    }

    fn snapshot(&self) -> LimitSnapshot {
        let now_us = self.inner.clock.now_us();
        let mut seen = LimitSnapshot::default();
        if !self.is_over {
            self.each(|limit, state| decide::look(now_us, limit, state, &mut seen));
        }
        seen
    }
}

#[cfg(test)]
mod tests;
