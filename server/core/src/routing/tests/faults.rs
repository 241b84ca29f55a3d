//! Every way in which a target fails.

use std::time::Duration;

use crate::error::{Deadline, Error, Rejection, RejectionReason};

pub(super) type MakeError = fn(String) -> Error;

pub(super) fn unavailable(provider: String) -> Error {
    Error::ProviderUnavailable { provider, retry_after: None, source: "down".into() }
}

pub(super) fn unavailable_for_20_s(provider: String) -> Error {
    Error::ProviderUnavailable {
        provider,
        retry_after: Some(Duration::from_secs(20)),
        source: "maintenance".into(),
    }
}

pub(super) fn limited(provider: String) -> Error {
    Error::ProviderRateLimited { provider, message: String::new(), retry_after: None, limits: None }
}

pub(super) fn limited_for_20_s(provider: String) -> Error {
    let retry_after = Some(Duration::from_secs(20));
    Error::ProviderRateLimited { provider, message: String::new(), retry_after, limits: None }
}

pub(super) fn late(provider: String) -> Error {
    Error::ProviderTimeout { provider, deadline: Deadline::FirstByte, limit: Duration::from_secs(1) }
}

pub(super) fn malformed(provider: String) -> Error {
    Error::ProviderMalformed { provider, reason: "HTML".into() }
}

pub(super) fn broken(provider: String) -> Error {
    Error::StreamBroken { provider, events_sent: 0, source: "reset".into() }
}

pub(super) fn auth(provider: String) -> Error {
    Error::ProviderAuth { provider }
}

fn rejected_because(provider: String, reason: RejectionReason) -> Error {
    let rejection = Rejection { reason, message: "no".into(), param: None, code: None };
    Error::ProviderRejected { provider, rejection: Box::new(rejection) }
}

pub(super) fn rejected(provider: String) -> Error {
    rejected_because(provider, RejectionReason::Invalid)
}

pub(super) fn not_found(provider: String) -> Error {
    rejected_because(provider, RejectionReason::NotFound)
}

pub(super) fn inexpressible(provider: String) -> Error {
    Error::InvalidRequest { param: None, reason: provider }
}
