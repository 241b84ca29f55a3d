//! The ports for API keys: [`KeyStore`] turns a presented key into its owner, on every request; [`KeyAdmin`] makes, shows and
//! changes keys, now and then.

mod admin;

use std::sync::Arc;

use crate::principal::Principal;

pub use admin::{KeyAdmin, KeyChange, KeyError, KeyInfo, KeyListing, KeySettings, MadeKey, Position, Secret};

pub trait KeyStore: Send + Sync + 'static {
    /// `None` for a key that is unknown, malformed, expired or revoked: callers must not learn which.
    ///
    /// Answers from memory and in a time that does not depend on how much of a key is right. A store that lives
    /// elsewhere keeps a copy here.
    fn principal(&self, presented: &str) -> Option<Arc<Principal>>;
}
