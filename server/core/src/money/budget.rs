//! What one caller may spend. Who sets it (a key, a token's tier) and who keeps the books live elsewhere.

/// The budget of one caller, in nano-dollars (10⁻⁹ USD). `None` is "no budget of this kind".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetSpec {
    /// Per calendar day, UTC.
    pub day_nano_usd: Option<u64>,
    /// Per calendar month, UTC.
    pub month_nano_usd: Option<u64>,
}

impl BudgetSpec {
    /// What is set here, else what is set there.
    pub fn or(self, other: BudgetSpec) -> Self {
        BudgetSpec {
            day_nano_usd: self.day_nano_usd.or(other.day_nano_usd),
            month_nano_usd: self.month_nano_usd.or(other.month_nano_usd),
        }
    }

    pub fn is_none(&self) -> bool {
        *self == BudgetSpec::default()
    }
}
