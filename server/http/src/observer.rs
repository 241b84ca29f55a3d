//! The port for who counts requests: told once of each, when it has ended.
//!
//! **Invariant:** no caller is named here. Metrics by key would show everybody who may read them which keys there are.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use novai_core::money::Usd;
use novai_core::{Error, TokenUsage, TraceContext};

/// Called in the request's own task: must not block.
pub trait Observer: Send + Sync + 'static {
    fn request_began(&self) {}

    /// Whether [`Observer::trace_began`] is worth a call.
    fn is_tracing(&self) -> bool {
        false
    }

    /// Where a request that begins stands in a trace; `caller` is its `traceparent`. `None`: it is in none, and nothing about it
    /// need be noted.
    fn trace_began(&self, _caller: Option<&str>) -> Option<Span> {
        None
    }

    /// An upstream has accepted a request for a stream.
    fn stream_began(&self) {}

    /// Ends what [`Observer::request_began`] told, and [`Observer::stream_began`] if [`RequestEnded::is_streaming`].
    fn request_ended(&self, _ended: &RequestEnded<'_>) {}
}

/// Nobody counts.
impl Observer for () {}

/// An observer that can be read: `GET /metrics`.
pub trait Metrics: Observer {
    /// The page, in OpenMetrics text.
    fn page(&self) -> String;
}

/// One request in a trace.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub context: TraceContext,
    /// The caller's span, if it is joined.
    pub parent: Option<u64>,
}

/// A request that is recorded.
#[derive(Debug)]
pub struct TraceFacts<'a> {
    pub span: Span,
    pub started_at: SystemTime,
    pub method: &'a Method,
    /// The template of the matched route.
    pub route: Option<&'a str>,
    pub request_id: &'a str,
    /// In their order, from its start.
    pub marks: &'a [(Duration, Mark)],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Limits and budgets have let it pass.
    Admitted,
    /// A call of an upstream begins.
    Asked {
        provider: Arc<str>,
        model: Arc<str>,
    },
    /// That call did not serve.
    Failed {
        fault: &'static str,
    },
    FirstEvent,
    /// A registered tool has been run, for so long.
    ToolEnded {
        tool: String,
        outcome: &'static str,
        took: Duration,
    },
    Settling,
    Settled,
}

/// When what happened to a request.
#[derive(Debug, Default)]
pub(crate) struct Marks(Vec<(Duration, Mark)>);

impl Marks {
    /// A request that meets more has a loop, or is retried without end: its beginning tells the story.
    const MAX: usize = 64;

    pub(crate) fn note(&mut self, at: Duration, mark: Mark) {
        if self.0.len() < Self::MAX {
            self.0.push((at, mark));
        }
    }

    pub(crate) fn as_slice(&self) -> &[(Duration, Mark)] {
        &self.0
    }
}

/// What there is to say about a request that has ended.
#[derive(Debug)]
pub struct RequestEnded<'a> {
    /// Position in [`operation_ids`]; `None` where no operation was matched.
    pub operation: Option<usize>,
    /// As the caller named it: it may be anything.
    pub model: Option<&'a str>,
    /// Who answered.
    pub provider: Option<&'a str>,
    /// Absent if the caller left before there was an answer.
    pub status: Option<StatusCode>,
    pub outcome: Outcome,
    /// Why not, where `core` said so.
    pub cause: Option<&'a Cause>,
    /// Calls of upstreams that did not serve, so that another was looked for. Each was told as it happened
    /// ([`novai_core::RouteEvents`]).
    pub failures: u32,
    /// An upstream had accepted it, to be answered event by event.
    pub is_streaming: bool,
    /// Until the last byte was out.
    pub duration: Duration,
    pub time_to_first_event: Option<Duration>,
    pub usage: Option<TokenUsage>,
    pub cost: Option<Usd>,
    /// Present if [`Observer::trace_began`] wanted it to be recorded.
    pub trace: Option<&'a TraceFacts<'a>>,
}

/// The operations of the spec, in its order.
pub fn operation_ids() -> impl ExactSizeIterator<Item = &'static str> {
    novai_api::ROLES.iter().map(|(id, _)| *id)
}

/// How a request ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// 4xx.
    Rejected,
    /// 5xx, or in mid-stream.
    Failed,
    ClientClosed,
}

impl Outcome {
    pub const ALL: [Outcome; 4] = [Outcome::Ok, Outcome::Rejected, Outcome::Failed, Outcome::ClientClosed];

    pub fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Rejected => "rejected",
            Outcome::Failed => "failed",
            Outcome::ClientClosed => "client_closed",
        }
    }
}

/// What kept a request from being answered, in words of which there are few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A limit or a budget, or what decides about them.
    Refused { limit: &'static str, scope: &'static str },
    /// It was asked, and did not serve.
    Upstream { provider: String, fault: &'static str },
}

impl Cause {
    /// Every [`Cause::Upstream`] fault that there is.
    pub const FAULTS: [&'static str; 8] = [
        "rate_limited",
        "unavailable",
        "timeout",
        "malformed",
        "credentials",
        "rejected",
        "stream_broken",
        "event_too_large",
    ];

    /// Who was asked.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Cause::Upstream { provider, .. } => Some(provider),
            Cause::Refused { .. } => None,
        }
    }

    /// What was wrong with it.
    pub fn fault(&self) -> Option<&'static str> {
        match self {
            Cause::Upstream { fault, .. } => Some(fault),
            Cause::Refused { .. } => None,
        }
    }

    pub fn of(error: &Error) -> Option<Cause> {
        use novai_core::limits::LimitKind;
        use novai_core::money::BudgetScope;
        if let Some((provider, fault)) = error.fault() {
            return Some(Cause::Upstream { provider: provider.to_owned(), fault });
        }
        let refused = |limit, scope| Some(Cause::Refused { limit, scope });
        match error {
            Error::RateLimited(rejected) => {
                let limit = match rejected.kind {
                    LimitKind::Requests => "requests",
                    LimitKind::Tokens => "tokens",
                    LimitKind::Concurrent => "concurrent",
                };
                refused(limit, rejected.scope.kind.as_str())
            }
            Error::BudgetExceeded { scope, .. } => refused(
                "budget",
                match scope {
                    BudgetScope::Key => "key",
                    BudgetScope::Tenant => "tenant",
                    BudgetScope::Global => "global",
                },
            ),
            Error::LimitsUnavailable { .. } => refused("store", "global"),
            Error::LedgerUnavailable { .. } => refused("ledger", "global"),
            Error::AfterTools { source, .. } => Cause::of(source),
            // What is neither: the request itself, or a provider's fault, which is above.
            Error::InvalidRequest { .. }
            | Error::ModelNotFound { .. }
            | Error::ModelUnpriced { .. }
            | Error::ToolsUnavailable { .. }
            | Error::ToolRoundsExceeded { .. }
            | Error::ProviderRateLimited { .. }
            | Error::ProviderUnavailable { .. }
            | Error::ProviderTimeout { .. }
            | Error::ProviderMalformed { .. }
            | Error::ProviderAuth { .. }
            | Error::ProviderRejected { .. }
            | Error::StreamBroken { .. }
            | Error::EventTooLarge { .. } => None,
        }
    }
}
