//! From `core`'s errors to what callers see. [`crate::codes`] has the statuses.

use std::time::Duration;

use novai_api::body::BodyError;
use novai_core::Error;
use novai_core::error::RejectionReason;

use crate::codes::Code;
use crate::observer::Cause;
use crate::problem::Problem;

/// A store or a tool server is asked again about this often while it fails.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// No `_` arm: a new variant must choose its code.
fn code(error: &Error) -> Code {
    match error {
        Error::InvalidRequest { .. } => Code::InvalidRequest,
        Error::ModelNotFound { .. } | Error::ModelUnpriced { .. } => Code::ModelNotFound,
        Error::ProviderRejected { rejection, .. } => match rejection.reason {
            RejectionReason::Invalid => Code::InvalidRequest,
            RejectionReason::NotFound => Code::NotFound,
            RejectionReason::Conflict => Code::Conflict,
            RejectionReason::TooLarge => Code::RequestTooLarge,
            RejectionReason::Unprocessable => Code::Unprocessable,
        },
        Error::RateLimited(rejected) if rejected.retry_after.is_none() => Code::LargerThanLimit,
        Error::RateLimited(_) | Error::ProviderRateLimited { .. } => Code::RateLimitExceeded,
        Error::LimitsUnavailable { .. } | Error::LedgerUnavailable { .. } => Code::LimitsUnavailable,
        Error::BudgetExceeded { .. } => Code::BudgetExceeded,
        Error::ProviderAuth { .. } => Code::ProviderAuthFailed,
        Error::ProviderUnavailable { .. } => Code::ProviderUnavailable,
        Error::ProviderTimeout { .. } => Code::ProviderTimeout,
        Error::ProviderMalformed { .. } => Code::ProviderMalformed,
        Error::StreamBroken { .. } => Code::StreamBroken,
        Error::EventTooLarge { .. } => Code::EventTooLarge,
        Error::ToolsUnavailable { .. } => Code::ToolsUnavailable,
        Error::ToolRoundsExceeded { .. } => Code::ToolRoundsExceeded,
        Error::AfterTools { source, .. } => code(source),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Error::AfterTools { rounds, source } = error {
            let mut problem = Problem::from(*source);
            let message = &problem.message;
            problem.message =
                format!("{message} (after {rounds} rounds of tool calls, which are not undone)").into();
            // Whoever does not know better would run the tools twice.
            problem.details.never_retry = true;
            return problem;
        }
        let mut problem = Problem::new(code(&error), "");
        problem.details.cause = Cause::of(&error);
        if problem.status.is_server_error() {
            tracing::warn!(code = %problem.code, error = %Chain(&error), "a request failed");
        }
        problem.message = match &error {
            Error::InvalidRequest { reason, .. } => reason.clone(),
            // The upstream's own words: they name the rule that the request broke.
            Error::ProviderRejected { rejection, .. } => rejection.message.clone(),
            Error::ProviderRateLimited { message, .. } if !message.is_empty() => message.clone(),
            other => other.to_string(),
        }
        .into();
        match error {
            Error::InvalidRequest { param, .. } => problem.param = param,
            Error::ModelNotFound { .. } | Error::ModelUnpriced { .. } => {
                problem.param = Some("model".to_owned())
            }
            Error::ProviderRejected { rejection, .. } => {
                problem.param = rejection.param;
                if let Some(code) = rejection.code {
                    problem.code = code.into();
                }
            }
            Error::ProviderRateLimited { retry_after, limits, .. } => {
                problem.details.retry_after = retry_after;
                problem.details.limits = limits;
            }
            Error::ProviderUnavailable { retry_after, .. } => problem.details.retry_after = retry_after,
            Error::RateLimited(rejected) => {
                problem.details.retry_after = rejected.retry_after;
                problem.details.never_retry = rejected.retry_after.is_none();
                problem.details.own_limits = Some(Box::new(rejected.snapshot));
            }
            Error::LimitsUnavailable { .. }
            | Error::LedgerUnavailable { .. }
            | Error::ToolsUnavailable { .. } => {
                problem.details.retry_after = Some(STORE_RETRY);
            }
            // Not before there is money again, which may be weeks: `message` says when.
            Error::BudgetExceeded { .. } => problem.details.never_retry = true,
            Error::ProviderAuth { .. }
            | Error::ProviderTimeout { .. }
            | Error::ProviderMalformed { .. }
            | Error::StreamBroken { .. }
            | Error::EventTooLarge { .. }
            | Error::ToolRoundsExceeded { .. }
            | Error::AfterTools { .. } => {}
        }
        problem
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { bytes_max } => Problem::new(
                Code::RequestTooLarge,
                format!("the body must be at most {bytes_max} bytes, but is larger"),
            ),
            BodyError::UnsupportedMediaType { got } => Problem::new(
                Code::UnsupportedMediaType,
                format!("the body must be declared as `Content-Type: application/json`, but is {got:?}"),
            ),
            BodyError::IdleTimeout { idle_timeout } => Problem::new(
                Code::RequestTimeout,
                format!("the body stalled for {} ms", idle_timeout.as_millis()),
            ),
            BodyError::Incomplete => Problem::bad_request("the connection broke before the body's end"),
            BodyError::NotJson { reason } => Problem::bad_request(format!("the body is not JSON: {reason}")),
            BodyError::Invalid(violation) => {
                let mut problem = Problem::bad_request(violation.to_string());
                problem.param = (!violation.param.is_empty()).then_some(violation.param);
                problem
            }
        }
    }
}

/// An error with its causes, for the log.
pub(crate) struct Chain<'a>(pub &'a Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
