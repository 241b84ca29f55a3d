//! The port for API keys: a presented key in, its owner out.

use std::sync::Arc;

use crate::principal::Principal;

pub trait KeyStore: Send + Sync + 'static {
    /// `None` for a key that is unknown, malformed, expired or revoked: callers must not learn which.
    ///
    /// Answers from memory and in a time that does not depend on how much of a key is right. A store that lives
    /// elsewhere keeps a copy here.
    fn principal(&self, presented: &str) -> Option<Arc<Principal>>;
}
