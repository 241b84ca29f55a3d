//! Every error of a provider, as the detail of a gRPC status, and back.
//!
//! The detail is one [`v1::ErrorDetail`] in a `google.rpc.Status`, where any gRPC client looks for it. The status's own code
//! and message are for such clients; the gateway reads the detail alone.

use std::time::Duration;

use novai_core::error::BoxError;
use novai_core::{Deadline, Error, Rejection, RejectionReason};
use prost::Message;
use tonic::{Code, Status};
use tonic_types::pb;

use crate::convert::{from_wire_duration, to_wire_duration};
use crate::v1::error_detail::{self as detail, Kind};
use crate::v1::{self, ErrorDetail};

const TYPE_URL: &str = "type.googleapis.com/novai.v1.ErrorDetail";

/// Statuses are HTTP headers, which are bounded. Adaptors cut a vendor's words at 1000 characters themselves.
const TEXT_CHARS_MAX: usize = 2000;
const CAUSES_MAX: usize = 8;
const CAUSE_CHARS_MAX: usize = 300;
/// Of the status's own message, which is a copy.
const MESSAGE_CHARS_MAX: usize = 200;

/// What a status says.
pub(crate) enum Told {
    /// The provider's error, as the worker met it.
    Error(Error),
    /// The worker has no such provider.
    UnknownProvider,
    /// No provider's error: the connection, or the worker itself, failed.
    Nothing,
}

pub(crate) fn to_status(error: &Error) -> Status {
    let (code, provider, kind) = match error {
        Error::InvalidRequest { param, reason } => {
            let kind = detail::InvalidRequest { param: param.as_deref().map(text), reason: text(reason) };
            (Code::InvalidArgument, "", Kind::InvalidRequest(kind))
        }
        Error::ModelNotFound { model } => {
            (Code::NotFound, "", Kind::ModelNotFound(detail::ModelNotFound { model: text(model) }))
        }
        Error::ProviderRejected { provider, rejection } => {
            let Rejection { reason, message, param, code } = &**rejection;
            let kind = detail::Rejected {
                reason: reason_to_wire(*reason).into(),
                message: text(message),
                param: param.as_deref().map(text),
                code: code.as_deref().map(text),
            };
            (rejection_code(*reason), provider.as_str(), Kind::Rejected(kind))
        }
        Error::ProviderRateLimited { provider, message, retry_after, limits } => {
            let kind = detail::RateLimited {
                message: text(message),
                retry_after: retry_after.map(to_wire_duration),
                limits: limits.as_deref().cloned().map(Into::into),
            };
            (Code::ResourceExhausted, provider.as_str(), Kind::RateLimited(kind))
        }
        Error::ProviderAuth { provider } => {
            let kind = Kind::CredentialsRefused(detail::CredentialsRefused {});
            (Code::FailedPrecondition, provider.as_str(), kind)
        }
        Error::ProviderUnavailable { provider, retry_after, source: _ } => {
            let kind = detail::Unavailable { retry_after: retry_after.map(to_wire_duration) };
            (Code::Unavailable, provider.as_str(), Kind::Unavailable(kind))
        }
        Error::ProviderTimeout { provider, deadline, limit } => {
            let deadline = deadline_to_wire(*deadline).into();
            let kind = detail::TimedOut { deadline, limit: Some(to_wire_duration(*limit)) };
            (Code::DeadlineExceeded, provider.as_str(), Kind::TimedOut(kind))
        }
        Error::ProviderMalformed { provider, reason } => {
            let kind = detail::OutOfContract { reason: text(reason) };
            (Code::Internal, provider.as_str(), Kind::OutOfContract(kind))
        }
        Error::StreamBroken { provider, events_sent, source: _ } => {
            let kind = detail::StreamBroken { events_sent: *events_sent };
            (Code::DataLoss, provider.as_str(), Kind::StreamBroken(kind))
        }
        Error::EventTooLarge { provider, bytes_max } => {
            let bytes_max = u64::try_from(*bytes_max).unwrap_or(u64::MAX);
            let kind = detail::EventTooLarge { bytes_max };
            (Code::Internal, provider.as_str(), Kind::EventTooLarge(kind))
        }
        // Decided by the gateway, before anybody asks a worker.
        Error::RateLimited(_)
        | Error::LimitsUnavailable { .. }
        | Error::BudgetExceeded { .. }
        | Error::LedgerUnavailable { .. }
        | Error::ModelUnpriced { .. }
        | Error::ToolsUnavailable { .. }
        | Error::ToolRoundsExceeded { .. }
        | Error::AfterTools { .. } => return Status::internal(error.to_string()),
    };
    with_detail(code, &error.to_string(), provider, causes(error), kind)
}

pub(crate) fn unknown_provider(provider: &str) -> Status {
    let message = format!("this worker's configuration has no provider called {provider:?}");
    let kind = Kind::UnknownProvider(detail::UnknownProvider {});
    with_detail(Code::NotFound, &message, provider, Vec::new(), kind)
}

fn with_detail(code: Code, message: &str, provider: &str, causes: Vec<String>, kind: Kind) -> Status {
    let detail = ErrorDetail { provider: text(provider), causes, kind: Some(kind) };
    let message = cut(message, MESSAGE_CHARS_MAX);
    let any = prost_types::Any { type_url: TYPE_URL.to_owned(), value: detail.encode_to_vec() };
    let details = pb::Status { code: code.into(), message: message.clone(), details: vec![any] };
    Status::with_details(code, message, details.encode_to_vec().into())
}

pub(crate) fn from_status(status: &Status) -> Told {
    let Ok(details) = pb::Status::decode(status.details()) else { return Told::Nothing };
    let ours = details.details.iter().find(|any| any.type_url == TYPE_URL);
    let Some(Ok(detail)) = ours.map(|any| ErrorDetail::decode(any.value.as_slice())) else {
        return Told::Nothing;
    };
    let ErrorDetail { provider, causes, kind } = detail;
    let Some(kind) = kind else {
        // A newer worker's kind of error.
        return Told::Nothing;
    };
    Told::Error(match kind {
        Kind::InvalidRequest(kind) => Error::InvalidRequest { param: kind.param, reason: kind.reason },
        Kind::ModelNotFound(kind) => Error::ModelNotFound { model: kind.model },
        Kind::Rejected(kind) => {
            let reason = reason_from_wire(kind.reason());
            let rejection = Rejection { reason, message: kind.message, param: kind.param, code: kind.code };
            Error::ProviderRejected { provider, rejection: Box::new(rejection) }
        }
        Kind::RateLimited(kind) => Error::ProviderRateLimited {
            provider,
            message: kind.message,
            retry_after: kind.retry_after.and_then(from_wire_duration),
            limits: kind.limits.map(|limits| Box::new(limits.into())),
        },
        Kind::CredentialsRefused(_) => Error::ProviderAuth { provider },
        Kind::Unavailable(kind) => Error::ProviderUnavailable {
            provider,
            retry_after: kind.retry_after.and_then(from_wire_duration),
            source: chain(causes),
        },
        Kind::TimedOut(kind) => Error::ProviderTimeout {
            provider,
            deadline: deadline_from_wire(kind.deadline()),
            limit: kind.limit.and_then(from_wire_duration).unwrap_or(Duration::ZERO),
        },
        Kind::OutOfContract(kind) => Error::ProviderMalformed { provider, reason: kind.reason },
        Kind::StreamBroken(kind) => {
            Error::StreamBroken { provider, events_sent: kind.events_sent, source: chain(causes) }
        }
        Kind::EventTooLarge(kind) => {
            let bytes_max = usize::try_from(kind.bytes_max).unwrap_or(usize::MAX);
            Error::EventTooLarge { provider, bytes_max }
        }
        Kind::UnknownProvider(_) => return Told::UnknownProvider,
    })
}

fn reason_to_wire(reason: RejectionReason) -> v1::RejectionReason {
    match reason {
        RejectionReason::Invalid => v1::RejectionReason::Invalid,
        RejectionReason::NotFound => v1::RejectionReason::NotFound,
        RejectionReason::Conflict => v1::RejectionReason::Conflict,
        RejectionReason::TooLarge => v1::RejectionReason::TooLarge,
        RejectionReason::Unprocessable => v1::RejectionReason::Unprocessable,
    }
}

fn reason_from_wire(reason: v1::RejectionReason) -> RejectionReason {
    match reason {
        // Unspecified is also what a newer worker's reason reads as: some fault of the request.
        v1::RejectionReason::Unspecified | v1::RejectionReason::Invalid => RejectionReason::Invalid,
        v1::RejectionReason::NotFound => RejectionReason::NotFound,
        v1::RejectionReason::Conflict => RejectionReason::Conflict,
        v1::RejectionReason::TooLarge => RejectionReason::TooLarge,
        v1::RejectionReason::Unprocessable => RejectionReason::Unprocessable,
    }
}

fn rejection_code(reason: RejectionReason) -> Code {
    match reason {
        RejectionReason::Invalid | RejectionReason::Unprocessable => Code::InvalidArgument,
        RejectionReason::NotFound => Code::NotFound,
        RejectionReason::Conflict => Code::Aborted,
        RejectionReason::TooLarge => Code::OutOfRange,
    }
}

fn deadline_to_wire(deadline: Deadline) -> v1::Deadline {
    match deadline {
        Deadline::Connect => v1::Deadline::Connect,
        Deadline::FirstByte => v1::Deadline::FirstByte,
        Deadline::Idle => v1::Deadline::Idle,
        Deadline::Total => v1::Deadline::Total,
    }
}

fn deadline_from_wire(deadline: v1::Deadline) -> Deadline {
    match deadline {
        v1::Deadline::Connect => Deadline::Connect,
        v1::Deadline::FirstByte => Deadline::FirstByte,
        v1::Deadline::Idle => Deadline::Idle,
        v1::Deadline::Unspecified | v1::Deadline::Total => Deadline::Total,
    }
}

fn text(text: &str) -> String {
    cut(text, TEXT_CHARS_MAX)
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// What lies under `error`, outermost first.
fn causes(error: &Error) -> Vec<String> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source())
        .take(CAUSES_MAX)
        .map(|cause| cut(&cause.to_string(), CAUSE_CHARS_MAX))
        .collect()
}

/// A worker's error, in its words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Cause {
    message: String,
    source: Option<BoxError>,
}

fn chain(causes: Vec<String>) -> BoxError {
    let told = causes.into_iter().rev().fold(None, |source: Option<BoxError>, message| {
        Some(Box::new(Cause { message, source }) as BoxError)
    });
    told.unwrap_or_else(|| "the worker did not say why".into())
}

#[cfg(test)]
mod tests;
