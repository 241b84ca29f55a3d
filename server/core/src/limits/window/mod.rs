//! A sliding window that never lies.
//!
//! Usage is kept in buckets of half a second. A bucket leaves the window as a whole, once its *last* admission is a
//! whole window old; so no true window of [`WINDOW_US`] ever holds more than the limit, and nobody is refused for
//! usage that left more than one bucket's width ago. Fixed windows let 2N through at their seams, GCRA with burst N and
//! sliding counters 2N−1.
//!
//! **Invariant:** no clock in here. `now_us` is what a steady clock reads, in microseconds; a reading below an earlier
//! one counts as the earlier one.

use std::collections::VecDeque;

pub const WINDOW_US: u64 = 60_000_000;
/// One part in 120: a caller at a steady rate gets N per 60.5 s at worst. At most 121 buckets of 32 bytes are alive, and
/// Redis keeps as many fields of a hash in its compact form.
pub const BUCKET_US: u64 = 500_000;

/// What is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub requests: u64,
    pub tokens: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bucket {
    id: u64,
    /// The last admission in it.
    last_us: u64,
    used: Usage,
}

/// The usage of one scope.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Oldest first; ids ascend. Never an expired one after [`Window::advance`].
    buckets: VecDeque<Bucket>,
    used: Usage,
    latest_us: u64,
}

/// Which bucket usage was taken from: what is settled later belongs there.
pub type BucketId = u64;

pub fn bucket_at(now_us: u64) -> BucketId {
    now_us / BUCKET_US
}

impl Window {
    /// Forgets what has expired. Returns the time that counts as now.
    pub fn advance(&mut self, now_us: u64) -> u64 {
        self.latest_us = self.latest_us.max(now_us);
        while let Some(oldest) = self.buckets.front() {
            if oldest.last_us + WINDOW_US > self.latest_us {
                break;
            }
            self.used.requests -= oldest.used.requests;
            self.used.tokens -= oldest.used.tokens;
            self.buckets.pop_front();
        }
        self.latest_us
    }

    pub fn used(&self) -> Usage {
        self.used
    }

    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    pub fn latest_us(&self) -> u64 {
        self.latest_us
    }

    /// Counts one request and its tokens, in the bucket of `now_us`. Call [`Window::advance`] first.
    pub fn take(&mut self, now_us: u64, tokens: u64) -> BucketId {
        let now_us = now_us.max(self.latest_us);
        self.latest_us = now_us;
        let id = bucket_at(now_us);
        match self.buckets.back_mut() {
            Some(newest) if newest.id == id => {
                newest.last_us = now_us;
                newest.used.requests += 1;
                newest.used.tokens += tokens;
            }
            _ => self.buckets.push_back(Bucket { id, last_us: now_us, used: Usage { requests: 1, tokens } }),
        }
        self.used.requests += 1;
        self.used.tokens += tokens;
        id
    }

    /// Corrects what was taken: `reserved` tokens were meant, `actual` were used. Where the bucket has expired there is
    /// nothing left to correct. `actual` beyond `reserved` is a debt that later requests wait for.
    pub fn settle(&mut self, bucket: BucketId, reserved: u64, actual: u64) {
        let Ok(at) = self.buckets.binary_search_by_key(&bucket, |bucket| bucket.id) else { return };
        let used = &mut self.buckets[at].used;
        let before = used.tokens;
        used.tokens = before.saturating_sub(reserved).saturating_add(actual);
        self.used.tokens = (self.used.tokens - before).saturating_add(used.tokens);
    }

    /// As if the request had never been taken: it was not admitted elsewhere.
    pub fn undo(&mut self, bucket: BucketId, tokens: u64) {
        self.settle(bucket, tokens, 0);
        if let Ok(at) = self.buckets.binary_search_by_key(&bucket, |bucket| bucket.id) {
            let used = &mut self.buckets[at].used;
            let before = used.requests;
            used.requests = before.saturating_sub(1);
            self.used.requests -= before - used.requests;
        }
    }

    /// When `amount` more fits below `limit`, if nothing else happens: 0 for now, `None` for never.
    pub fn wait_us(&self, limit: u64, amount: u64, of: fn(&Usage) -> u64) -> Option<u64> {
        if amount > limit {
            return None;
        }
        let excess = of(&self.used).saturating_add(amount).saturating_sub(limit);
        if excess == 0 {
            return Some(0);
        }
        let mut freed = 0u64;
        for bucket in &self.buckets {
            freed = freed.saturating_add(of(&bucket.used));
            if freed >= excess {
                return Some(bucket.last_us + WINDOW_US - self.latest_us);
            }
        }
        // Not reached: all buckets together are `used`, and `amount` alone fits.
        None
    }

    /// Until the first usage leaves, and until the last has left; 0 where nothing is used.
    pub fn release_us(&self, of: fn(&Usage) -> u64) -> (u64, u64) {
        let left = |bucket: &Bucket| bucket.last_us + WINDOW_US - self.latest_us;
        let mut filled = self.buckets.iter().filter(|bucket| of(&bucket.used) > 0);
        let first = filled.next().map_or(0, left);
        let last = filled.next_back().map_or(first, left);
        (first, last)
    }
}

#[cfg(test)]
mod tests;
