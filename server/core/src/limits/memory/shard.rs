//! The scopes of one shard, by name; those that nobody has used for a window are forgotten.

use hashbrown::HashTable;
use slab::Slab;

use crate::limits::decide::State;
use crate::limits::spec::LimitScope;

/// Fewer are never worth looking through.
const SWEEP_MIN: usize = 64;

/// Where a scope's state is. Valid while the scope is not idle.
pub type Place = usize;

struct Entry {
    scope: LimitScope,
    state: State,
}

pub struct Shard {
    by_name: HashTable<Place>,
    entries: Slab<Entry>,
    entries_max: usize,
    /// With this many entries, idle ones are looked for: twice what was left the last time, so that the work per new
    /// entry stays constant.
    sweep_at: usize,
}

impl Shard {
    pub fn new(entries_max: usize) -> Self {
        Shard { by_name: HashTable::new(), entries: Slab::new(), entries_max, sweep_at: SWEEP_MIN }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn state(&mut self, place: Place) -> &mut State {
        &mut self.entries[place].state
    }

    pub fn find(&self, hash: u64, scope: &LimitScope) -> Option<Place> {
        self.by_name.find(hash, |place| self.entries[*place].scope == *scope).copied()
    }

    /// `None` if there is no room for another one.
    pub fn find_or_insert(
        &mut self,
        hash: u64,
        scope: &LimitScope,
        rehash: impl Fn(&LimitScope) -> u64,
    ) -> Option<Place> {
        if let Some(place) = self.find(hash, scope) {
            return Some(place);
        }
        if self.entries.len() >= self.entries_max {
            return None;
        }
        let place = self.entries.insert(Entry { scope: scope.clone(), state: State::default() });
        let Shard { by_name, entries, .. } = self;
        by_name.insert_unique(hash, place, |place| rehash(&entries[*place].scope));
        Some(place)
    }

    /// Forgets idle scopes where `more` would be too many.
    pub fn make_room(&mut self, now_us: u64, more: usize, rehash: impl Fn(&LimitScope) -> u64) {
        if self.entries.len() + more <= self.sweep_at.min(self.entries_max) {
            return;
        }
        let Shard { by_name, entries, .. } = self;
        by_name.retain(|place| {
            let is_idle = entries[*place].state.is_idle(now_us);
            if is_idle {
                entries.remove(*place);
            }
            !is_idle
        });
        by_name.shrink_to(by_name.len() * 2, |place| rehash(&entries[*place].scope));
        entries.shrink_to_fit();
        self.sweep_at = (self.entries.len() * 2).max(SWEEP_MIN);
    }
}
