//! Everything that can go wrong between a checked request and its answer: one variant per reaction.
//!
//! **Invariant:** no HTTP here. `http::error` holds the one table from these variants to statuses and codes.

use std::time::Duration;

use crate::limits::{Refusal, Rejected};
use crate::money::{self, BudgetScope, Exceeded};

/// A lower layer's error, kept as `source` and never shown to callers.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller can fix this. `reason` is shown to them.
    #[error("invalid request: {reason}")]
    InvalidRequest {
        /// Path of the offending field, such as `messages[0].content`.
        param: Option<String>,
        reason: String,
    },
    #[error("the model `{model}` does not exist or you do not have access to it")]
    ModelNotFound { model: String },
    /// The upstream refused *this request* and said why; another target would refuse it too.
    #[error("provider {provider} rejected the request: {}", rejection.message)]
    ProviderRejected { provider: String, rejection: Box<Rejection> },
    /// A limit of the gateway's own.
    #[error("{0}")]
    RateLimited(Box<Rejected>),
    /// What decides about limits or budgets cannot be asked, and is configured to let nobody pass without.
    #[error("limits cannot be checked: {reason}")]
    LimitsUnavailable { reason: &'static str },
    /// A budget of the key, its tenant or the gateway has no room for this request.
    #[error("{}", exceeded.told(*scope))]
    BudgetExceeded { scope: BudgetScope, exceeded: Box<Exceeded> },
    /// The books cannot be written: nothing may be spent that nobody would know of.
    #[error("the ledger cannot be written")]
    LedgerUnavailable {
        #[source]
        source: BoxError,
    },
    /// The request names a registered tool of which nobody knows yet whether there is one.
    #[error("the tool `{tool}` is not known yet: not every tool server has been reached")]
    ToolsUnavailable { tool: String },
    /// The model called registered tools once more than the gateway runs them for one request.
    #[error(
        "the model still called tools after {rounds_max} rounds, which is as many as the gateway runs for one request"
    )]
    ToolRoundsExceeded { rounds_max: u32 },
    /// What became of a request after tools had been run for it: to send it again would run them again.
    #[error("failed after {rounds} rounds of tool calls")]
    AfterTools {
        rounds: u32,
        #[source]
        source: Box<Error>,
    },
    /// The provider offers it, but nobody knows what it costs.
    #[error(
        "the model `{model}` has no price in the gateway's configuration, so it is not served: \
         the operator has to add one"
    )]
    ModelUnpriced { model: String },
    #[error("provider {provider} is rate limited")]
    ProviderRateLimited {
        provider: String,
        message: String,
        retry_after: Option<Duration>,
        limits: Option<RateLimitBox>,
    },
    /// The gateway's own credentials were refused. The caller learns only that the operator must act.
    #[error("provider {provider} refused the gateway's credentials")]
    ProviderAuth { provider: String },
    /// Safe to retry elsewhere: no byte has reached the caller yet.
    #[error("provider {provider} is unavailable")]
    ProviderUnavailable {
        provider: String,
        retry_after: Option<Duration>,
        #[source]
        source: BoxError,
    },
    #[error("provider {provider} missed its {deadline} deadline of {} ms", limit.as_millis())]
    ProviderTimeout { provider: String, deadline: Deadline, limit: Duration },
    /// The upstream answered something that its API does not promise (HTML, bad JSON, a wrong content type).
    #[error("provider {provider} answered out of contract: {reason}")]
    ProviderMalformed { provider: String, reason: String },
    /// Not safe to retry: the caller already holds part of the answer.
    #[error("provider {provider} broke off after {events_sent} {}", if *events_sent == 1 { "event" } else { "events" })]
    StreamBroken {
        provider: String,
        events_sent: u64,
        #[source]
        source: BoxError,
    },
    /// A single event larger than we buffer.
    #[error("provider {provider} sent an event larger than {bytes_max} bytes")]
    EventTooLarge { provider: String, bytes_max: usize },
}

impl From<money::Refusal> for Error {
    fn from(refusal: money::Refusal) -> Self {
        match refusal {
            money::Refusal::Budget { scope, exceeded } => Error::BudgetExceeded { scope, exceeded },
            money::Refusal::Unavailable(source) => Error::LedgerUnavailable { source },
        }
    }
}

impl Error {
    /// Which provider was asked and did not serve, and what was wrong with it, in a word of which there are few.
    ///
    /// No `_` arm: a new error must choose how it is counted.
    pub fn fault(&self) -> Option<(&str, &'static str)> {
        match self {
            Error::ProviderRateLimited { provider, .. } => Some((provider, "rate_limited")),
            Error::ProviderUnavailable { provider, .. } => Some((provider, "unavailable")),
            Error::ProviderTimeout { provider, .. } => Some((provider, "timeout")),
            Error::ProviderMalformed { provider, .. } => Some((provider, "malformed")),
            Error::ProviderAuth { provider } => Some((provider, "credentials")),
            Error::ProviderRejected { provider, .. } => Some((provider, "rejected")),
            Error::StreamBroken { provider, .. } => Some((provider, "stream_broken")),
            Error::EventTooLarge { provider, .. } => Some((provider, "event_too_large")),
            Error::AfterTools { source, .. } => source.fault(),
            Error::InvalidRequest { .. }
            | Error::ModelNotFound { .. }
            | Error::ModelUnpriced { .. }
            | Error::RateLimited(_)
            | Error::LimitsUnavailable { .. }
            | Error::BudgetExceeded { .. }
            | Error::LedgerUnavailable { .. }
            | Error::ToolsUnavailable { .. }
            | Error::ToolRoundsExceeded { .. } => None,
        }
    }
}

/// Boxed so that the error stays small: most errors carry no snapshot.
pub type RateLimitBox = Box<crate::provider::RateLimitSnapshot>;

/// An upstream's refusal of one request, in the words of the OpenAI error shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub reason: RejectionReason,
    pub message: String,
    pub param: Option<String>,
    pub code: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionReason {
    Invalid,
    NotFound,
    Conflict,
    TooLarge,
    Unprocessable,
}

/// Which of the four deadlines passed (law A3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    Connect,
    /// From the request being sent to the first byte of the answer.
    FirstByte,
    /// Between two reads of one answer.
    Idle,
    Total,
}

impl std::fmt::Display for Deadline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Deadline::Connect => "connect",
            Deadline::FirstByte => "first-byte",
            Deadline::Idle => "idle",
            Deadline::Total => "total",
        })
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(rejected) => Error::RateLimited(rejected),
            Refusal::Unavailable { reason } => Error::LimitsUnavailable { reason },
        }
    }
}
