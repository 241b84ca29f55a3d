//! What a caller's idempotency key is called in the database.

use novai_core::replays::ReplayName;
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ReplayId([u8; 32]);

impl ReplayId {
    pub fn of(name: &ReplayName) -> Self {
        let mut hash = Sha256::new();
        // The length keeps ("a", "bc") and ("ab", "c") apart.
        hash.update((name.caller.len() as u64).to_be_bytes());
        hash.update(name.caller.as_bytes());
        hash.update(name.key.as_bytes());
        ReplayId(hash.finalize().into())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Enough to rule most others out.
    pub fn beginning(&self) -> u64 {
        beginning(&self.0)
    }
}

/// Of an id as the database has it.
pub(super) fn beginning(id: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(first)
}
