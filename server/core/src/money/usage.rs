//! What was used, summed: the questions that `GET /usage` asks, and the answers.

use std::sync::Arc;

use super::period::Day;
use super::usd::Usd;
use crate::provider::TokenUsage;

/// Sums of whole days, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageQuery {
    pub from: Day,
    pub to: Day,
    /// Of this key alone; `None` is every key.
    pub key_id: Option<Arc<str>>,
    pub tenant: Option<Arc<str>>,
    pub model: Option<Arc<str>>,
    pub group_by: GroupBy,
    /// Begins behind this row.
    pub after: Option<UsageGroup>,
    pub rows_max: usize,
}

/// What each row is about. Nothing: one row for everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupBy {
    pub day: bool,
    pub model: bool,
    pub key: bool,
}

/// What a row is about; rows come in this order. What is not grouped by is `None`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UsageGroup {
    pub day: Option<Day>,
    pub key_id: Option<Arc<str>>,
    pub model: Option<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    pub group: UsageGroup,
    /// Those that cost something or were answered; not what was released.
    pub requests: u64,
    /// `total` is prompt and completion together.
    pub tokens: TokenUsage,
    pub cost: Usd,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsagePage {
    pub rows: Vec<UsageRow>,
    /// There are more rows: ask again, `after` the last of these.
    pub has_more: bool,
}
