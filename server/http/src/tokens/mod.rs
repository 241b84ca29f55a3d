//! JSON Web Tokens (RFC 7519) instead of keys, by the rules of RFC 8725.
//!
//! Start at [`Tokens::principal`]. [`policy`] is what the operator decides, [`parts`] takes a token apart, [`keys`] holds
//! the keys, [`refresh`] reads them again.
//!
//! **Invariant:** a token decides nothing about how it is checked. Algorithms and keys come from the configuration; of the
//! header, `alg` and `kid` only choose among them, and `jwk`, `jku` or `x5u` are not even read.

pub mod keys;
mod parts;
pub mod policy;
mod refresh;

use std::sync::Arc;

use arc_swap::ArcSwap;
use novai_core::{Clock, Principal};
use tokio::sync::Notify;

pub use keys::{Algorithm, KeySet, KeySetError};
pub use policy::{Tier, TokenPolicy};

use parts::Parts;

/// Longer ones are no tokens of anybody's.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Visible ASCII, so that a subject is harmless in logs, headers and queries.
const SUBJECT_BYTES_MAX: usize = 200;

pub struct Tokens {
    policy: TokenPolicy,
    keys: ArcSwap<KeySet>,
    clock: Arc<dyn Clock>,
    /// Somebody named a key that we do not have.
    key_is_missed: Notify,
}

/// Why a token gives nobody's rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Callers must not learn why.
    Invalid,
    /// Everything is right with it, but its tier means nothing here.
    UnknownTier,
}

/// Whether it is worth to be read as a token: three parts, and the first begins like the JSON of an object.
pub(crate) fn looks_like_one(credential: &str) -> bool {
    credential.starts_with("ey") && credential.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl Tokens {
    pub fn new(policy: TokenPolicy, keys: KeySet, clock: Arc<dyn Clock>) -> Self {
        Tokens { policy, keys: ArcSwap::from_pointee(keys), clock, key_is_missed: Notify::new() }
    }

    pub(crate) fn principal(&self, token: &str) -> Result<Arc<Principal>, TokenError> {
        self.verified(token).ok_or(TokenError::Invalid)?.principal(&self.policy)
    }

    /// Signature first: nothing that a stranger wrote is looked at before.
    fn verified(&self, token: &str) -> Option<parts::Claims> {
        let parts = Parts::of(token).filter(|_| token.len() <= TOKEN_BYTES_MAX)?;
        let header = parts.header()?;
        let algorithm = self.policy.algorithm(&header.alg)?;
        if !self.policy.takes_type(header.typ.as_deref()) {
            return None;
        }
        let keys = self.keys.load();
        let mut candidates = keys.candidates(algorithm, header.kid.as_deref()).peekable();
        if candidates.peek().is_none() {
            self.key_is_missed.notify_one();
        }
        candidates.find(|key| parts.is_signed_by(key, algorithm))?;
        let claims = parts.claims()?;
        let is_ours =
            claims.is_ours(&self.policy) && claims.is_valid_at(self.clock.unix_time(), self.policy.leeway);
        is_ours.then_some(claims)
    }
}

#[cfg(test)]
mod tests;
