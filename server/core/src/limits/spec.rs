//! What a limit says, and to whom it applies.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What one scope may use. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSpec {
    /// Requests in any 60 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Tokens in any 60 s, input and output together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Requests at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u64>,
}

impl LimitSpec {
    pub const NONE: LimitSpec = LimitSpec { rpm: None, tpm: None, concurrent: None };

    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// `self`, with what it leaves open from `default`.
    pub fn or(self, default: LimitSpec) -> LimitSpec {
        LimitSpec {
            rpm: self.rpm.or(default.rpm),
            tpm: self.tpm.or(default.tpm),
            concurrent: self.concurrent.or(default.concurrent),
        }
    }

    /// One of `replicas` equal parts, but never nothing of something: a limit below `replicas` would shut every caller
    /// out for as long as the store is gone.
    pub fn share(self, replicas: u64) -> LimitSpec {
        let part = |limit: u64| (limit / replicas.max(1)).max(limit.min(1));
        LimitSpec { rpm: self.rpm.map(part), tpm: self.tpm.map(part), concurrent: self.concurrent.map(part) }
    }
}

/// Whose usage a limit bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeKind {
    /// One API key, or one JWT subject.
    Key,
    Tenant,
    Model,
    /// Everybody together.
    Global,
}

impl ScopeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            ScopeKind::Key => "key",
            ScopeKind::Tenant => "tenant",
            ScopeKind::Model => "model",
            ScopeKind::Global => "global",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LimitScope {
    pub kind: ScopeKind,
    /// Empty for [`ScopeKind::Global`].
    pub name: Arc<str>,
}

impl fmt::Display for LimitScope {
    /// As errors name it: `key key_1a2b`, `all callers together`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ScopeKind::Global => f.write_str("all callers together"),
            kind => write!(f, "{} {}", kind.as_str(), self.name),
        }
    }
}

/// What a limit does while its store cannot be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnStoreFailure {
    /// Nobody passes.
    Closed,
    /// Each replica lets its equal part of the limit pass.
    #[default]
    Share,
    /// Everybody passes.
    Open,
}

/// One limit that applies to one request.
#[derive(Debug, Clone)]
pub struct AppliedLimit {
    pub scope: LimitScope,
    pub spec: LimitSpec,
    pub on_store_failure: OnStoreFailure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    Requests,
    Tokens,
    Concurrent,
}

impl LimitKind {
    pub fn as_str(self) -> &'static str {
        match self {
            LimitKind::Requests => "requests per minute",
            LimitKind::Tokens => "tokens per minute",
            LimitKind::Concurrent => "requests at the same time",
        }
    }
}
