//! [`Failure`]: what the transport and the stream see go wrong, and its one translation into [`Error`].

use http::HeaderMap;

use crate::body::is_early_end;
use crate::error_body::{describe, implied_status};
use crate::errors::{Error, ErrorDetails, Source};
use crate::response::Meta;
use crate::shared::ApiKey;
use crate::timeout::Deadline;

/// Bodies and events in errors are cut here.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Of a plain-text body; the rest stays in the details' body.
const MESSAGE_CHARS_MAX: usize = 500;

#[derive(Debug)]
pub(crate) enum Failure {
    /// A reply outside 2xx.
    Status {
        body: Vec<u8>,
        headers: Box<HeaderMap>,
        retry_after: Option<std::time::Duration>,
    },
    Connection {
        source: Source,
    },
    Deadline {
        deadline: Deadline,
        source: Option<Source>,
    },
    /// A JSON reply that is not what the API describes.
    Decode {
        body: Vec<u8>,
        message: String,
        source: Option<Source>,
    },
    ReplyTooLarge {
        bytes_max: usize,
    },
    /// An error in mid-stream.
    Event {
        data: String,
    },
    EventDecode {
        data: String,
        error: serde_json::Error,
    },
    EventTooLarge {
        bytes_max: usize,
    },
    Truncated {
        source: Option<Source>,
    },
}

impl Failure {
    /// What reqwest reports before there is a reply.
    pub fn connection(error: reqwest::Error) -> Self {
        if error.is_timeout() && error.is_connect() {
            return Self::Deadline { deadline: Deadline::Connect, source: Some(error.into()) };
        }
        Self::Connection { source: error.into() }
    }

    /// What reqwest reports in the middle of a stream.
    pub fn broken_stream(error: reqwest::Error) -> Self {
        if is_early_end(&error) {
            Self::Truncated { source: Some(error.into()) }
        } else {
            Self::Connection { source: error.into() }
        }
    }

    /// `meta` is the reply's, where there was one. The key is blotted out of whatever the server sent back.
    pub fn into_error(self, meta: Option<&Meta>, key: &ApiKey) -> Error {
        let mut details = ErrorDetails {
            status_code: meta.map(|meta| meta.status_code),
            request_id: meta.and_then(|meta| meta.request_id.clone()),
            rate_limit: meta.and_then(|meta| meta.rate_limit.clone()),
            ..ErrorDetails::default()
        };
        let variant: fn(Box<ErrorDetails>) -> Error = match self {
            Self::Status { body, headers, retry_after } => {
                let text = cut(&body);
                let fallback = match plain_text(&headers, &text) {
                    Some(message) => message,
                    None => unexplained(details.status_code, &headers, body.len()),
                };
                describe(&text, &fallback, &mut details);
                details.retry_after = retry_after;
                details.body = Some(text);
                |details| Error::of_status(*details)
            }
            Self::Event { data } => {
                describe(&data, "the server reported an error in mid-stream", &mut details);
                details.status_code = implied_status(&details);
                details.body = Some(cut(data.as_bytes()));
                |details| Error::of_status(*details)
            }
            Self::Connection { source } => {
                // The source's text repeats the URL, which is long and known; its own sources say what happened.
                details.message = format!("the connection failed: {}", root_cause(source.as_ref()));
                details.source = Some(source);
                Error::ApiConnection
            }
            Self::Deadline { deadline, source } => {
                details.message = deadline.describe().to_owned();
                details.deadline = Some(deadline);
                details.source = source;
                Error::ApiTimeout
            }
            Self::Decode { body, message, source } => {
                details.message = message;
                details.body = Some(cut(&body));
                details.source = source;
                Error::ResponseDecode
            }
            Self::ReplyTooLarge { bytes_max } => {
                details.message = format!("the reply is larger than {bytes_max} bytes");
                Error::ResponseDecode
            }
            Self::EventDecode { data, error } => {
                details.message = format!("an event of the stream is not what the API describes: {error}");
                details.body = Some(cut(data.as_bytes()));
                details.source = Some(error.into());
                Error::ResponseDecode
            }
            Self::EventTooLarge { bytes_max } => {
                details.message = format!("an event of the stream is larger than {bytes_max} bytes");
                details.code = Some("event_too_large".to_owned());
                Error::ResponseDecode
            }
            Self::Truncated { source } => {
                details.message = "the stream ended before its terminal event".to_owned();
                details.source = source;
                Error::StreamTruncated
            }
        };
        details.message = key.scrub(details.message);
        for field in [
            &mut details.code,
            &mut details.kind,
            &mut details.param,
            &mut details.request_id,
            &mut details.body,
        ] {
            *field = field.take().map(|text| key.scrub(text));
        }
        // A parser's message may quote what it read.
        details.source = details.source.filter(|source| !key.is_in(&format!("{source} {source:?}")));
        variant(Box::new(details))
    }
}

/// A body that is a message as it stands. HTML never is.
fn plain_text(headers: &HeaderMap, body: &str) -> Option<String> {
    let content_type = headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let message = body.trim();
    let says = content_type.starts_with("text/plain") && !message.is_empty();
    says.then(|| message.chars().take(MESSAGE_CHARS_MAX).collect())
}

/// Message for a body that has none: `502 Bad Gateway (text/html, 162 bytes)`.
fn unexplained(status: Option<u16>, headers: &HeaderMap, bytes: usize) -> String {
    let status = status.and_then(|status| http::StatusCode::from_u16(status).ok());
    let reason = status.and_then(|status| status.canonical_reason()).unwrap_or("unknown status");
    let content_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match (bytes, content_type) {
        (0, _) => format!("{reason} (empty body)"),
        (bytes, Some(content_type)) => format!("{reason} ({content_type}, {bytes} bytes)"),
        (bytes, None) => format!("{reason} ({bytes} bytes)"),
    }
}

fn cut(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(BODY_BYTES_MAX)]).into_owned()
}

fn root_cause(mut error: &(dyn std::error::Error + 'static)) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
