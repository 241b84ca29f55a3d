//! The keys in memory, by hash. Replaced whole when a key changes: changes are rare, look-ups are not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use novai_core::Principal;

use super::hash::KeyHash;
use super::record::Record;
use super::table::Snapshot;

/// A key's last use is noted at most this often: a busy key must not keep a cache line travelling between cores.
const USE_NOTED_EVERY_S: u64 = 60;

pub(super) struct Index {
    /// The version of the table that this is a copy of.
    pub version: i64,
    /// By the first bytes of the hash. Which bucket a guess falls into tells nothing: nobody can aim SHA-256.
    by_hash_prefix: HashMap<[u8; 8], Vec<Arc<Entry>>>,
    by_id: HashMap<Arc<str>, Arc<Entry>>,
    /// In no table.
    bootstrap: Option<Arc<Entry>>,
}

struct Entry {
    hash: KeyHash,
    principal: Arc<Principal>,
    expires_at_unix_s: Option<u64>,
    uses: Arc<Uses>,
}

/// Survives the replacement of the index.
#[derive(Default)]
struct Uses {
    /// 0 is never.
    last_unix_s: AtomicU64,
    written_unix_s: AtomicU64,
}

impl Index {
    pub fn new(snapshot: Snapshot, bootstrap: Option<Record>) -> Self {
        let bootstrap = bootstrap.map(|record| Arc::new(Entry::new(record, Arc::default())));
        let entries = snapshot.records.into_iter().map(|record| Arc::new(Entry::new(record, Arc::default())));
        Index::of(snapshot.version, entries, bootstrap)
    }

    fn of(version: i64, entries: impl Iterator<Item = Arc<Entry>>, bootstrap: Option<Arc<Entry>>) -> Self {
        let by_id: HashMap<_, _> = entries.map(|entry| (Arc::clone(&entry.principal.id), entry)).collect();
        let mut by_hash_prefix: HashMap<_, Vec<_>> = HashMap::with_capacity(by_id.len() + 1);
        for entry in by_id.values().chain(&bootstrap) {
            by_hash_prefix.entry(entry.hash.prefix()).or_default().push(Arc::clone(entry));
        }
        Index { version, by_hash_prefix, by_id, bootstrap }
    }

    /// The same keys as the table has now.
    pub fn reloaded(&self, snapshot: Snapshot) -> Self {
        let entry = |record: Record| Arc::new(Entry::new(record.clone(), self.uses(&record.info.id)));
        Index::of(snapshot.version, snapshot.records.into_iter().map(entry), self.bootstrap.clone())
    }

    /// With one key added or changed.
    pub fn with(&self, version: i64, record: &Record) -> Self {
        let new = Arc::new(Entry::new(record.clone(), self.uses(&record.info.id)));
        let others = self.by_id.values().filter(|entry| entry.principal.id != record.info.id).cloned();
        Index::of(version, others.chain([new]), self.bootstrap.clone())
    }

    pub fn without(&self, version: i64, id: &str) -> Self {
        let others = self.by_id.values().filter(|entry| *entry.principal.id != *id).cloned();
        Index::of(version, others, self.bootstrap.clone())
    }

    pub fn principal(&self, hash: &KeyHash, now_unix_s: u64) -> Option<Arc<Principal>> {
        let bucket = self.by_hash_prefix.get(&hash.prefix())?;
        let entry = bucket.iter().find(|entry| entry.hash.equals(hash))?;
        if entry.expires_at_unix_s.is_some_and(|end| end <= now_unix_s) {
            return None;
        }
        entry.uses.note(now_unix_s);
        Some(Arc::clone(&entry.principal))
    }

    /// When a key was last used, as far as this gateway knows.
    pub fn last_used_at_unix_s(&self, id: &str) -> Option<u64> {
        let last = self.by_id.get(id)?.uses.last_unix_s.load(Ordering::Relaxed);
        (last > 0).then_some(last)
    }

    /// Keys that were used since it was last written, and when. What it tells counts as written.
    pub fn take_uses(&self) -> Vec<(Arc<str>, u64)> {
        let used = self.by_id.values().filter_map(|entry| {
            let last = entry.uses.last_unix_s.load(Ordering::Relaxed);
            let is_new = entry.uses.written_unix_s.swap(last, Ordering::Relaxed) != last;
            is_new.then(|| (Arc::clone(&entry.principal.id), last))
        });
        used.collect()
    }

    /// They could not be written after all.
    pub fn give_back(&self, uses: &[(Arc<str>, u64)]) {
        for entry in uses.iter().filter_map(|(id, _)| self.by_id.get(id)) {
            entry.uses.written_unix_s.store(0, Ordering::Relaxed);
        }
    }

    fn uses(&self, id: &str) -> Arc<Uses> {
        self.by_id.get(id).map(|entry| Arc::clone(&entry.uses)).unwrap_or_default()
    }
}

impl Entry {
    fn new(record: Record, uses: Arc<Uses>) -> Self {
        let Record { info, hash } = record;
        let settings = info.settings;
        Entry {
            hash,
            expires_at_unix_s: settings.expires_at_unix_s,
            uses,
            principal: Arc::new(Principal {
                id: info.id,
                tenant: settings.tenant,
                scopes: settings.scopes,
                models: settings.models,
                limits: settings.limits,
                budget: settings.budget,
            }),
        }
    }
}

impl Uses {
    fn note(&self, now_unix_s: u64) {
        let last = self.last_unix_s.load(Ordering::Relaxed);
        if now_unix_s >= last.saturating_add(USE_NOTED_EVERY_S) {
            self.last_unix_s.store(now_unix_s, Ordering::Relaxed);
        }
    }
}
