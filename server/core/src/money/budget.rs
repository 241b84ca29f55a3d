//! What one caller may spend. Who sets it (a key, a token's tier) and who keeps the books live elsewhere.

/// The budget of one caller, in nano-dollars (10⁻⁹ USD). `None` is "no budget of this kind".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetSpec {
    /// Per calendar day, UTC.
    pub day_nano_usd: Option<u64>,
    /// Per calendar month, UTC.
    pub month_nano_usd: Option<u64>,
}
