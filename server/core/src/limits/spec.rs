//! What one caller is limited to. Who sets it (a key, a token's tier) and who enforces it live elsewhere.

/// The limits of one caller. `None` is "no limit of this kind"; others, such as the model's or the global one, still apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitSpec {
    /// Requests in any 60 seconds.
    pub rpm: Option<u64>,
    /// Tokens, input and output together, in any 60 seconds.
    pub tpm: Option<u64>,
    /// Requests that run at the same time.
    pub concurrent: Option<u64>,
}
