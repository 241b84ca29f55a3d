//! [`Call`]: one call of a user, and what became of it.
//!
//! It goes along inside progenitor's client; `transport` writes to it, and the client reads it at the end.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use progenitor_client::{ByteStream, ResponseValue};
use tokio::time::Instant;

use crate::body::EventBody;
use crate::errors::Error;
use crate::failure::Failure;
use crate::response::{Meta, Response};
use crate::shared::{ApiKey, Shared};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Json,
    Stream,
}

/// One call of a user: how it is to be sent, and what became of it.
pub struct Call {
    pub mode: Mode,
    seen: Mutex<Seen>,
}

#[derive(Default)]
pub struct Seen {
    /// Head of the last reply.
    pub meta: Option<Meta>,
    /// What it says of a deprecated model.
    pub retirement: Option<HeaderMap>,
    pub error: Option<Error>,
    pub opened: Option<Opened>,
}

/// A stream whose first event is there.
pub struct Opened {
    pub meta: Meta,
    pub events: EventBody,
    pub api_key: ApiKey,
    pub idle_timeout: Duration,
    pub total_at: Option<Instant>,
    pub event_bytes_max: usize,
    pub attempts: u32,
}

impl Call {
    pub fn new(mode: Mode) -> Self {
        Self { mode, seen: Mutex::default() }
    }

    /// The end of a JSON call.
    pub fn reply<T, E>(
        &self,
        shared: &Shared,
        sent: Result<ResponseValue<T>, progenitor_client::Error<E>>,
    ) -> Result<Response<T>, Error> {
        let mut seen = self.seen();
        match (seen.error.take(), sent, seen.meta.take()) {
            (Some(error), _, _) => Err(error),
            (None, Ok(value), Some(meta)) => Ok(Response::new(value.into_inner(), meta)),
            (None, Ok(_), None) => Err(Error::configuration("the request was not sent")),
            (None, Err(error), meta) => Err(translate(error, meta.as_ref(), shared)),
        }
    }

    /// The end of opening a stream.
    pub fn opened<E>(
        &self,
        shared: &Shared,
        sent: Result<ResponseValue<ByteStream>, progenitor_client::Error<E>>,
    ) -> Result<Opened, Error> {
        let mut seen = self.seen();
        match (seen.error.take(), seen.opened.take(), sent) {
            (Some(error), _, _) => Err(error),
            (None, Some(opened), _) => Ok(opened),
            (None, None, Err(error)) => Err(translate(error, seen.meta.as_ref(), shared)),
            (None, None, Ok(_)) => Err(Error::configuration("the request was not sent")),
        }
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing in it can be half done.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// What progenitor itself found wrong: before sending, or in a reply that `exec` had let through.
fn translate<E>(error: progenitor_client::Error<E>, meta: Option<&Meta>, shared: &Shared) -> Error {
    use progenitor_client::Error as Raw;
    match error {
        Raw::InvalidRequest(reason) | Raw::Custom(reason) => Error::configuration(reason),
        Raw::CommunicationError(error) | Raw::InvalidUpgrade(error) | Raw::ResponseBodyError(error) => {
            Error::configuration(format!("the request cannot be built: {error}"))
        }
        Raw::InvalidResponsePayload(body, error) => {
            let message = format!("the reply is not what the API describes: {error}");
            Failure::Decode { body: body.to_vec(), message, source: Some(error.into()) }
                .into_error(meta, &shared.api_key)
        }
        Raw::ErrorResponse(_) | Raw::UnexpectedResponse(_) => {
            let message = "the reply has a status that the API does not describe".to_owned();
            Failure::Decode { body: Vec::new(), message, source: None }.into_error(meta, &shared.api_key)
        }
    }
}
