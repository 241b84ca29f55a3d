//! What an error says about the target, and whether another may serve instead.

use std::time::Duration;

use crate::error::{Error, RejectionReason};

/// The target is at fault, not the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It is limited, or said when it will be back: not worth asking before.
    Wait(Option<Duration>),
    /// Down, too slow, or talking nonsense: counts towards its being passed over.
    Broken,
    /// It cannot serve this request. Says nothing about others.
    Unfit,
}

impl Failure {
    /// `None` where the caller must see the error, because it is about the request itself.
    ///
    /// `is_fallback`: another target was asked before, and could not serve. What this one refuses, that one might have taken, so
    /// the refusal is no verdict, and the search goes on.
    pub fn of(error: &Error, is_fallback: bool) -> Option<Failure> {
        match error {
            Error::ProviderRateLimited { retry_after, .. } => Some(Failure::Wait(*retry_after)),
            Error::ProviderUnavailable { retry_after: Some(wait), .. } => Some(Failure::Wait(Some(*wait))),
            Error::ProviderUnavailable { retry_after: None, .. }
            | Error::ProviderTimeout { .. }
            | Error::ProviderMalformed { .. }
            // The operator's mistake with this provider; another has other credentials.
            | Error::ProviderAuth { .. }
            // As the first thing of a stream; later, nobody is asked any more.
            | Error::StreamBroken { .. } => Some(Failure::Broken),
            // It does not have the model that the configuration names.
            Error::ProviderRejected { rejection, .. } if rejection.reason == RejectionReason::NotFound => {
                Some(Failure::Unfit)
            }
            Error::ProviderRejected { .. } | Error::InvalidRequest { .. } | Error::EventTooLarge { .. } => {
                is_fallback.then_some(Failure::Unfit)
            }
            // The gateway's own decisions: every target would meet them.
            Error::ModelNotFound { .. }
            | Error::ModelUnpriced { .. }
            | Error::RateLimited(_)
            | Error::LimitsUnavailable { .. }
            | Error::BudgetExceeded { .. }
            | Error::LedgerUnavailable { .. }
            // Of a request that no target is asked for any more.
            | Error::ToolsUnavailable { .. }
            | Error::ToolRoundsExceeded { .. }
            | Error::AfterTools { .. } => None,
        }
    }
}
