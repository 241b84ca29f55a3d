//! What an admitted request holds until it ends.

use super::snapshot::LimitSnapshot;

/// What a store keeps about an admitted request. Called once: by [`Permit`], whatever happens to the request.
pub trait Held: Send + Sync {
    /// Gives the concurrent slot back and corrects the reserved tokens to `tokens`, in the bucket they were taken from.
    /// Must not block: it also runs when a connection is dropped.
    ///
    /// Afterwards nothing is held, so whoever wants to know the limits asks along: `seen`.
    fn settle(&mut self, tokens: u64, seen: Option<&mut LimitSnapshot>);

    /// The caller's limits as they stand now, as far as that is known without asking anybody.
    fn snapshot(&self) -> LimitSnapshot;
}

/// Leave to run one request. Ends exactly once: by [`Permit::settle`], or by being dropped.
///
/// Dropped means settled with what [`Permit::charge`] was told, nothing by default: a request that never reached its
/// provider gives its tokens back.
pub struct Permit {
    /// `None` only for requests without any limit.
    held: Option<Box<dyn Held>>,
    input_tokens: u64,
    reserved_tokens: u64,
    charged_tokens: u64,
    is_settled: bool,
}

impl Permit {
    pub fn new(held: Box<dyn Held>, reserved_tokens: u64) -> Self {
        Permit { held: Some(held), input_tokens: 0, reserved_tokens, charged_tokens: 0, is_settled: false }
    }

    /// No limit applies.
    pub fn unlimited() -> Self {
        Permit { held: None, input_tokens: 0, reserved_tokens: 0, charged_tokens: 0, is_settled: false }
    }

    pub(super) fn with_input(mut self, input_tokens: u64) -> Self {
        self.input_tokens = input_tokens;
        self
    }

    /// What the request itself is taken to cost, without its answer.
    pub fn input_tokens(&self) -> u64 {
        self.input_tokens
    }

    /// What counts until it is settled.
    pub fn reserved_tokens(&self) -> u64 {
        self.reserved_tokens
    }

    /// What has been used so far at least: what counts if nobody gets to settle.
    pub fn charge(&mut self, tokens: u64) {
        self.charged_tokens = self.charged_tokens.max(tokens);
    }

    /// `tokens` as the provider counted them, input and output together. Returns the caller's limits as they stand then.
    pub fn settle(mut self, tokens: u64) -> LimitSnapshot {
        let mut seen = LimitSnapshot::default();
        self.end(tokens, Some(&mut seen));
        seen
    }

    pub fn snapshot(&self) -> LimitSnapshot {
        self.held.as_ref().map(|held| held.snapshot()).unwrap_or_default()
    }

    fn end(&mut self, tokens: u64, seen: Option<&mut LimitSnapshot>) {
        if !std::mem::replace(&mut self.is_settled, true)
            && let Some(held) = &mut self.held
        {
            held.settle(tokens, seen);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end(self.charged_tokens, None);
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").field("is_settled", &self.is_settled).finish_non_exhaustive()
    }
}
