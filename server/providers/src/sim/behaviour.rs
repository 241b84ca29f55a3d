//! What a model's name asks for. The table is in the module above.

use std::time::Duration;

use novai_core::error::Deadline;
use novai_core::{Deadlines, Error, Rejection, RejectionReason};

/// The names that listings show.
pub(super) const LISTED: &[&str] = &[
    "novai-sim",
    "novai-sim-tokens-64",
    "novai-sim-tokens-1000",
    "novai-sim-slow",
    "novai-sim-refusal",
    "novai-sim-content-filter",
    "novai-sim-empty",
    "novai-sim-error-400",
    "novai-sim-error-401",
    "novai-sim-error-404",
    "novai-sim-error-409",
    "novai-sim-error-413",
    "novai-sim-error-422",
    "novai-sim-error-429",
    "novai-sim-error-500",
    "novai-sim-error-503",
    "novai-sim-rate-limit",
    "novai-sim-malformed",
    "novai-sim-truncated",
    "novai-sim-reset",
    "novai-sim-error-in-stream",
    "novai-sim-large-event",
    "novai-sim-stall",
];

/// Longest answer that `-tokens-N` makes.
const TOKENS_MAX: usize = 10_000;
const EVENT_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Behaviour {
    pub fault: Option<Fault>,
    pub delay_per_token: Option<Duration>,
    pub shape: Shape,
}

/// What the answer is made of, unless the request asks for tools or JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Shape {
    #[default]
    Text,
    /// Exactly so many tokens.
    Tokens(usize),
    Refusal,
    Filtered,
    Empty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Before anything is answered.
    Refuse(Refusal),
    /// After so many events of a stream.
    Truncate(u64),
    Reset,
    ErrorInStream(u64),
    Malformed(u64),
    LargeEvent(u64),
    Stall(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Rejected(RejectionReason),
    Auth,
    Limited,
    Unavailable { retry_after: Option<Duration> },
}

impl Behaviour {
    /// `None` for a name that is not the simulator's.
    pub(super) fn of(model: &str) -> Option<Behaviour> {
        let plain = Behaviour::default();
        let faulty = |fault| Behaviour { fault: Some(fault), ..plain };
        let shaped = |shape| Behaviour { shape, ..plain };
        let slow = |ms| Behaviour { delay_per_token: Some(Duration::from_millis(ms)), ..plain };
        let name = model.strip_prefix("novai-sim")?;
        if let Some(status) = name.strip_prefix("-error-").filter(|rest| *rest != "in-stream") {
            return Refusal::of_status(status).map(|refusal| faulty(Fault::Refuse(refusal)));
        }
        if let Some(number) = name.strip_prefix("-tokens-") {
            let tokens = number.parse().ok().filter(|tokens| (1..=TOKENS_MAX).contains(tokens))?;
            return Some(shaped(Shape::Tokens(tokens)));
        }
        if let Some(number) = name.strip_prefix("-slow-") {
            return number.parse().ok().filter(|ms| *ms <= 60_000).map(slow);
        }
        Some(match name {
            "" => plain,
            "-slow" => slow(50),
            "-refusal" => shaped(Shape::Refusal),
            "-content-filter" => shaped(Shape::Filtered),
            "-empty" => shaped(Shape::Empty),
            "-rate-limit" => faulty(Fault::Refuse(Refusal::Limited)),
            "-malformed" => faulty(Fault::Malformed(2)),
            "-truncated" => faulty(Fault::Truncate(3)),
            "-reset" => faulty(Fault::Reset),
            "-error-in-stream" => faulty(Fault::ErrorInStream(3)),
            "-large-event" => faulty(Fault::LargeEvent(2)),
            "-stall" => faulty(Fault::Stall(2)),
            _ => return None,
        })
    }
}

impl Refusal {
    fn of_status(status: &str) -> Option<Refusal> {
        Some(match status {
            "400" => Refusal::Rejected(RejectionReason::Invalid),
            "404" => Refusal::Rejected(RejectionReason::NotFound),
            "409" => Refusal::Rejected(RejectionReason::Conflict),
            "413" => Refusal::Rejected(RejectionReason::TooLarge),
            "422" => Refusal::Rejected(RejectionReason::Unprocessable),
            "401" => Refusal::Auth,
            "429" => Refusal::Limited,
            "500" => Refusal::Unavailable { retry_after: None },
            "503" => Refusal::Unavailable { retry_after: Some(Duration::from_secs(1)) },
            _ => return None,
        })
    }

    pub(super) fn error(self, provider: &str) -> Error {
        let provider = provider.to_owned();
        match self {
            Refusal::Rejected(reason) => {
                let message = "the simulator was asked to reject this request".to_owned();
                let rejection = Rejection { reason, message, param: None, code: None };
                Error::ProviderRejected { provider, rejection: Box::new(rejection) }
            }
            Refusal::Auth => Error::ProviderAuth { provider },
            Refusal::Limited => Error::ProviderRateLimited {
                provider,
                message: "the simulator was asked to limit this request".to_owned(),
                retry_after: Some(Duration::from_secs(2)),
                limits: None,
            },
            Refusal::Unavailable { retry_after } => Error::ProviderUnavailable {
                provider,
                retry_after,
                source: "as the model's name asks".into(),
            },
        }
    }
}

impl Fault {
    /// The fault where there is no stream to break.
    pub(super) async fn whole(self, provider: &str, deadlines: &Deadlines) -> Error {
        match self {
            Fault::Refuse(refusal) => refusal.error(provider),
            Fault::Malformed(_) => malformed(provider),
            Fault::LargeEvent(_) => Error::ProviderMalformed {
                provider: provider.to_owned(),
                reason: "its answer is too large".to_owned(),
            },
            Fault::Truncate(_) | Fault::Reset | Fault::ErrorInStream(_) => {
                Refusal::Unavailable { retry_after: None }.error(provider)
            }
            Fault::Stall(_) => silence(provider, Deadline::FirstByte, deadlines.first_byte).await,
        }
    }

    /// Events that come before the fault.
    pub(super) fn events_before(self) -> u64 {
        match self {
            Fault::Refuse(_) | Fault::Reset => 0,
            Fault::Truncate(events)
            | Fault::ErrorInStream(events)
            | Fault::Malformed(events)
            | Fault::LargeEvent(events)
            | Fault::Stall(events) => events,
        }
    }

    /// The fault in a stream, once its time has come.
    pub(super) async fn in_stream(self, provider: &str, events_sent: u64, deadlines: &Deadlines) -> Error {
        let broken = |reason: &'static str| Error::StreamBroken {
            provider: provider.to_owned(),
            events_sent,
            source: reason.into(),
        };
        match self {
            Fault::Refuse(refusal) => refusal.error(provider),
            Fault::Truncate(_) => broken("it ended without its end"),
            Fault::Reset => broken("the connection broke"),
            Fault::ErrorInStream(_) => broken("the simulated model failed"),
            Fault::Malformed(_) => malformed(provider),
            Fault::LargeEvent(_) => {
                Error::EventTooLarge { provider: provider.to_owned(), bytes_max: EVENT_BYTES_MAX }
            }
            Fault::Stall(_) => silence(provider, Deadline::Idle, deadlines.idle).await,
        }
    }
}

fn malformed(provider: &str) -> Error {
    Error::ProviderMalformed { provider: provider.to_owned(), reason: "it sent invalid JSON".to_owned() }
}

async fn silence(provider: &str, deadline: Deadline, limit: Duration) -> Error {
    tokio::time::sleep(limit).await;
    Error::ProviderTimeout { provider: provider.to_owned(), deadline, limit }
}
