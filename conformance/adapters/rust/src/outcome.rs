//! The result of one call, as the protocol wants it.

use novai::{Deadline, Error, Quota, RateLimit};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    pub events: Option<Vec<Value>>,
    pub result: Option<Value>,
    pub error: Option<Value>,
    pub request_id: Option<String>,
    pub rate_limit: Option<Value>,
}

impl Outcome {
    pub fn failed(error: &Error) -> Outcome {
        Outcome { error: Some(error_json(error)), ..Outcome::default() }
    }

    /// The adapter itself could not go on; no scenario accepts this class.
    pub fn foreign(what: impl std::fmt::Display) -> Outcome {
        Outcome { error: Some(json!({ "class": format!("foreign: {what}") })), ..Outcome::default() }
    }
}

pub fn error_json(error: &Error) -> Value {
    let details = error.details();
    let partial = details.partial.as_ref().map(|partial| partial.to_json());
    json!({
        "class": error.name(),
        "status": details.status_code,
        "type": details.kind,
        "code": details.code,
        "param": details.param,
        "message": details.message,
        "request_id": details.request_id,
        "retry_after_ms": details.retry_after.map(|wait| wait.as_millis()),
        "events_received": details.events_received,
        "partial": partial.and_then(|json| serde_json::from_str::<Value>(&json).ok()),
        "rate_limit": details.rate_limit.as_ref().map(rate_limit_json),
        "deadline": details.deadline.map(|deadline| match deadline {
            Deadline::Connect => "connect",
            Deadline::FirstEvent => "first_event",
            Deadline::Idle => "idle",
            Deadline::Total => "total",
        }),
    })
}

pub fn rate_limit_json(limits: &RateLimit) -> Value {
    let quota = |quota: &Quota| {
        json!({
            "limit": quota.limit,
            "remaining": quota.remaining,
            "reset_ms": quota.reset.map(|reset| reset.as_millis()),
        })
    };
    json!({ "requests": limits.requests.as_ref().map(quota), "tokens": limits.tokens.as_ref().map(quota) })
}
