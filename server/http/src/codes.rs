//! Every error code the gateway itself gives, with its status and type. docs/errors.md explains them to people; a test
//! holds the two together.

use http::StatusCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    MissingApiKey,
    InvalidApiKey,
    PermissionDenied,
    ModelNotFound,
    NotFound,
    UnknownPath,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    RequestTooLarge,
    UnsupportedMediaType,
    Unprocessable,
    ToolRoundsExceeded,
    HeadersTooLarge,
    RateLimitExceeded,
    LargerThanLimit,
    BudgetExceeded,
    InternalError,
    ProviderUnavailable,
    ProviderMalformed,
    ProviderAuthFailed,
    StreamBroken,
    EventTooLarge,
    NotReady,
    ToolsUnavailable,
    StoreUnavailable,
    Overloaded,
    LimitsUnavailable,
    ProviderTimeout,
}

/// What clients see of a code.
pub(crate) struct Row {
    pub status: StatusCode,
    pub kind: &'static str,
    pub code: &'static str,
}

impl Code {
    pub(crate) fn row(self) -> Row {
        const INVALID: &str = "invalid_request_error";
        const UPSTREAM: &str = "upstream_error";
        let (status, kind, code) = match self {
            Code::InvalidRequest => (StatusCode::BAD_REQUEST, INVALID, "invalid_request"),
            Code::MissingApiKey => (StatusCode::UNAUTHORIZED, "authentication_error", "missing_api_key"),
            Code::InvalidApiKey => (StatusCode::UNAUTHORIZED, "authentication_error", "invalid_api_key"),
            Code::PermissionDenied => (StatusCode::FORBIDDEN, "permission_error", "permission_denied"),
            Code::ModelNotFound => (StatusCode::NOT_FOUND, INVALID, "model_not_found"),
            Code::NotFound => (StatusCode::NOT_FOUND, "not_found_error", "not_found"),
            Code::UnknownPath => (StatusCode::NOT_FOUND, "not_found_error", "unknown_path"),
            Code::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, INVALID, "method_not_allowed"),
            Code::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, INVALID, "request_timeout"),
            Code::Conflict => (StatusCode::CONFLICT, INVALID, "conflict"),
            Code::IdempotencyKeyInUse => (StatusCode::CONFLICT, INVALID, "idempotency_key_in_use"),
            Code::IdempotencyKeyReused => (StatusCode::CONFLICT, INVALID, "idempotency_key_reused"),
            Code::RequestTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, INVALID, "request_too_large"),
            Code::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID, "unsupported_media_type")
            }
            Code::Unprocessable => (StatusCode::UNPROCESSABLE_ENTITY, INVALID, "unprocessable"),
            Code::ToolRoundsExceeded => (StatusCode::UNPROCESSABLE_ENTITY, INVALID, "tool_rounds_exceeded"),
            Code::HeadersTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, INVALID, "headers_too_large")
            }
            Code::RateLimitExceeded => {
                (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "rate_limit_exceeded")
            }
            Code::LargerThanLimit => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "larger_than_limit"),
            Code::BudgetExceeded => (StatusCode::TOO_MANY_REQUESTS, "insufficient_quota", "budget_exceeded"),
            Code::InternalError => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal_error"),
            Code::ProviderUnavailable => (StatusCode::BAD_GATEWAY, UPSTREAM, "provider_unavailable"),
            Code::ProviderMalformed => (StatusCode::BAD_GATEWAY, UPSTREAM, "provider_malformed"),
            Code::ProviderAuthFailed => (StatusCode::BAD_GATEWAY, UPSTREAM, "provider_auth_failed"),
            // In mid-stream the status is already 200; the last event carries type and code.
            Code::StreamBroken => (StatusCode::BAD_GATEWAY, UPSTREAM, "stream_broken"),
            Code::EventTooLarge => (StatusCode::BAD_GATEWAY, UPSTREAM, "event_too_large"),
            Code::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "server_error", "not_ready"),
            Code::ToolsUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "server_error", "tools_unavailable"),
            Code::StoreUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "server_error", "store_unavailable"),
            Code::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "server_error", "overloaded"),
            Code::LimitsUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "server_error", "limits_unavailable")
            }
            Code::ProviderTimeout => (StatusCode::GATEWAY_TIMEOUT, UPSTREAM, "provider_timeout"),
        };
        Row { status, kind, code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Code; 32] = [
        Code::InvalidRequest,
        Code::MissingApiKey,
        Code::InvalidApiKey,
        Code::PermissionDenied,
        Code::ModelNotFound,
        Code::NotFound,
        Code::UnknownPath,
        Code::MethodNotAllowed,
        Code::RequestTimeout,
        Code::Conflict,
        Code::IdempotencyKeyInUse,
        Code::IdempotencyKeyReused,
        Code::RequestTooLarge,
        Code::UnsupportedMediaType,
        Code::Unprocessable,
        Code::ToolRoundsExceeded,
        Code::HeadersTooLarge,
        Code::RateLimitExceeded,
        Code::LargerThanLimit,
        Code::BudgetExceeded,
        Code::InternalError,
        Code::ProviderUnavailable,
        Code::ProviderMalformed,
        Code::ProviderAuthFailed,
        Code::StreamBroken,
        Code::EventTooLarge,
        Code::NotReady,
        Code::ToolsUnavailable,
        Code::StoreUnavailable,
        Code::Overloaded,
        Code::LimitsUnavailable,
        Code::ProviderTimeout,
    ];

    #[test]
    fn the_table_is_the_one_in_docs_errors_md() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
        let document = std::fs::read_to_string(path).unwrap();
        let mut documented: Vec<(String, String, String)> = document
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| {
                let cell =
                    |index: usize| line.split('|').nth(index).unwrap().trim().trim_matches('`').to_owned();
                (cell(1), cell(2), cell(3))
            })
            .collect();
        let mut ours: Vec<(String, String, String)> = ALL
            .iter()
            .map(|code| {
                let Row { status, kind, code } = code.row();
                (code.to_owned(), status.as_str().to_owned(), kind.to_owned())
            })
            .collect();
        documented.sort();
        ours.sort();
        assert_eq!(ours, documented);
    }
}
