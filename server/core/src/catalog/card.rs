//! What is known of a model beside who serves it, as listings show it.

use crate::money::Day;

/// What the operator says. All of it is for people; nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelCard {
    /// Tokens of a request and its answer together.
    pub context_length: Option<u64>,
    /// Words such as `tools`; `None` where nobody said.
    pub capabilities: Option<Vec<String>>,
    /// Another model should be used, from this day on.
    pub deprecated_on: Option<Day>,
    /// It will be gone on this day.
    pub shut_down_on: Option<Day>,
}
