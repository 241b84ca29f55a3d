//! Between progenitor's client and the network: signs requests, sends them, retries, and keeps what progenitor drops.
//!
//! Start at the `ClientHooks` at the end. progenitor builds the request and decodes the JSON; `exec` does all that lies
//! between. It cannot return our errors, and progenitor's own lose headers and bodies, so a [`Call`] goes along inside
//! [`Inner`]: whatever happens is written there, progenitor is handed a stand-in, and the client reads the call instead.
//! Without a call (users of [`Client::raw`](crate::Client::raw)) replies and errors pass through as they are.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use progenitor_client::{ClientHooks, OperationInfo};
use tokio::time::Instant;

use crate::body::{EventBody, ReadError, read_error, read_whole};
use crate::call::{Call, Mode, Opened};
use crate::errors::Error;
use crate::failure::Failure;
use crate::options::Options;
use crate::response::Meta;
use crate::retirement;
use crate::retry::{Again, Failed, retry_after, run, verdict};
use crate::shared::{ApiKey, Shared};
use crate::stream::{SETTLE_TIME, reported};
use crate::timeout::{Deadline, after, until};

pub use crate::generated::raw::Client as RawClient;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const EVENT_STREAM: &str = "text/event-stream";

/// What progenitor's client carries: the client's own parts, the options, and this call.
#[derive(Clone, Debug)]
pub struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Arc<Options>,
    pub(crate) call: Option<Arc<Call>>,
}

impl Inner {
    fn sign(&self, request: &mut reqwest::Request, operation_id: &str) {
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.shared.authorization.clone());
        let streams = match &self.call {
            Some(call) => call.mode == Mode::Stream,
            None => operation_id.ends_with("stream"),
        };
        if streams {
            headers.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
        }
        for (name, value) in &self.options.headers {
            headers.insert(name, value.clone());
        }
        if *request.method() == http::Method::POST && !request.headers().contains_key(IDEMPOTENCY_KEY) {
            let key = self.options.idempotency_key.clone().or_else(|| self.make_idempotency_key());
            if let Some(key) = key {
                request.headers_mut().insert(IDEMPOTENCY_KEY, key);
            }
        }
    }

    fn make_idempotency_key(&self) -> Option<HeaderValue> {
        let entropy = &self.shared.entropy;
        HeaderValue::from_str(&format!("novai-{:016x}{:016x}", entropy.bits(), entropy.bits())).ok()
    }

    /// All attempts of a user's call. What comes back is for progenitor to decode; a stream's is a stand-in.
    async fn drive(
        &self,
        client: &reqwest::Client,
        request: reqwest::Request,
        call: &Call,
    ) -> Result<reqwest::Response, Error> {
        let total_at = after(Instant::now(), self.options.timeouts.total);
        let mut source = Repeatable(Some(request));
        let mut attempts = 0;
        let sent = run(&self.options, &self.shared.entropy, total_at, |number| {
            attempts = number;
            let next = source.next();
            async move {
                let Some((request, last)) = next else {
                    return Err(no_more(Error::configuration("the body cannot be sent twice")));
                };
                let sent = self.attempt(client, request, call, total_at).await;
                sent.map_err(|failed| if last { no_more(failed.error) } else { failed })
            }
        })
        .await;
        if let Some(opened) = &mut call.seen().opened {
            opened.attempts = attempts;
        }
        let retirement = call.seen().retirement.take();
        if let (Ok(_), Some(headers)) = (&sent, retirement) {
            let body = source.0.as_ref().and_then(|request| request.body()?.as_bytes());
            self.shared.retirements.warn(&headers, body);
        }
        sent.map_err(|mut error| {
            error.details_mut().attempts = attempts;
            error
        })
    }

    async fn attempt(
        &self,
        client: &reqwest::Client,
        request: reqwest::Request,
        call: &Call,
        total_at: Option<Instant>,
    ) -> Result<reqwest::Response, Failed<Error>> {
        call.seen().meta = None;
        let first_event_at = match call.mode {
            Mode::Stream => after(Instant::now(), self.options.timeouts.first_event),
            Mode::Json => None,
        };
        let (at, deadline) = match (first_event_at, total_at) {
            (Some(first_event), Some(total)) if first_event < total => {
                (Some(first_event), Deadline::FirstEvent)
            }
            (Some(first_event), None) => (Some(first_event), Deadline::FirstEvent),
            (_, total) => (total, Deadline::Total),
        };
        match until(at, self.exchange(client, request, call, total_at)).await {
            Ok(exchanged) => exchanged,
            Err(_) => {
                let meta = call.seen().meta.take();
                let error = Failure::Deadline { deadline, source: None }
                    .into_error(meta.as_ref(), &self.shared.api_key);
                Err(if deadline == Deadline::Total { no_more(error) } else { once_more(error) })
            }
        }
    }

    async fn exchange(
        &self,
        client: &reqwest::Client,
        request: reqwest::Request,
        call: &Call,
        total_at: Option<Instant>,
    ) -> Result<reqwest::Response, Failed<Error>> {
        let key = &self.shared.api_key;
        let timeouts = &self.options.timeouts;
        let response = client.execute(request).await.map_err(|error| {
            let again = !error.is_builder();
            let error = Failure::connection(error).into_error(None, key);
            if again { once_more(error) } else { no_more(error) }
        })?;
        let (parts, mut body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let meta = Meta::of(parts.status.as_u16(), &parts.headers);
        {
            let mut seen = call.seen();
            seen.meta = Some(meta.clone());
            seen.retirement = retirement::headers(&parts.headers);
        }
        if !parts.status.is_success() {
            let body = read_error(&mut body, timeouts.idle).await;
            let now = SystemTime::now();
            let again = verdict(parts.status.as_u16(), &parts.headers, now);
            let retry_after = retry_after(&parts.headers, now);
            let error = Failure::Status { body, headers: Box::new(parts.headers), retry_after }
                .into_error(Some(&meta), key);
            return Err(Failed { error, again });
        }
        match call.mode {
            Mode::Json => {
                let read = read_whole(&mut body, self.options.response_bytes_max, timeouts.idle).await;
                let whole =
                    read.map_err(|error| unread(error, self.options.response_bytes_max, &meta, key))?;
                Ok(http::Response::from_parts(parts, whole).into())
            }
            Mode::Stream => {
                if let Some(content_type) = other_content_type(&parts.headers) {
                    let message = format!("a stream was asked for and the reply is {content_type}");
                    let body = read_error(&mut body, timeouts.idle).await;
                    return Err(no_more(
                        Failure::Decode { body, message, source: None }.into_error(Some(&meta), key),
                    ));
                }
                let mut events = EventBody::new(body, self.options.event_bytes_max);
                events
                    .peek()
                    .await
                    .map_err(|error| once_more(Failure::connection(error).into_error(Some(&meta), key)))?;
                if let Some(failure) = events.first().as_ref().and_then(reported) {
                    events.drain().await;
                    tokio::time::sleep(SETTLE_TIME).await;
                    return Err(refused(failure, &parts.headers, &meta, key));
                }
                call.seen().opened = Some(Opened {
                    meta,
                    events,
                    api_key: key.clone(),
                    idle_timeout: timeouts.idle,
                    total_at,
                    event_bytes_max: self.options.event_bytes_max,
                    attempts: 1,
                });
                Ok(stand_in(http::StatusCode::OK))
            }
        }
    }

    /// All attempts of a user of the raw client: replies and reqwest's errors come back as they are.
    async fn drive_raw(
        &self,
        client: &reqwest::Client,
        mut request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        let total = self.options.timeouts.total;
        if request.timeout().is_none() && total < Duration::MAX {
            *request.timeout_mut() = Some(total);
        }
        let total_at = after(Instant::now(), total);
        let mut source = Repeatable(Some(request));
        let sent = run(&self.options, &self.shared.entropy, total_at, |_| {
            let next = source.next();
            async move {
                // Not reached: after the last request there is no other attempt.
                let Some((request, last)) = next else {
                    return Err(no_more(Ok(stand_in(http::StatusCode::INTERNAL_SERVER_ERROR))));
                };
                let result = client.execute(request).await;
                let again = match &result {
                    Ok(response) if response.status().is_success() => return Ok(result),
                    Ok(response) => {
                        verdict(response.status().as_u16(), response.headers(), SystemTime::now())
                    }
                    Err(error) if error.is_builder() => Again::No,
                    Err(_) => Again::Yes { asked: None },
                };
                Err(Failed { error: result, again: if last { Again::No } else { again } })
            }
        })
        .await;
        sent.unwrap_or_else(|failed| failed)
    }
}

/// A request to be sent several times. A body that cannot be copied is sent once.
struct Repeatable(Option<reqwest::Request>);

impl Repeatable {
    /// The next request, and whether it is the last.
    fn next(&mut self) -> Option<(reqwest::Request, bool)> {
        match self.0.as_ref().and_then(reqwest::Request::try_clone) {
            Some(copy) => Some((copy, false)),
            None => self.0.take().map(|last| (last, true)),
        }
    }
}

fn once_more<E>(error: E) -> Failed<E> {
    Failed { error, again: Again::Yes { asked: None } }
}

fn no_more<E>(error: E) -> Failed<E> {
    Failed { error, again: Again::No }
}

/// An error in place of the first event. Nothing was handed out yet, so it is as good as a reply outside 2xx.
fn refused(failure: Failure, headers: &http::HeaderMap, meta: &Meta, key: &ApiKey) -> Failed<Error> {
    let error = failure.into_error(Some(meta), key);
    let status = error.details().status_code;
    let again = status.map_or(Again::No, |status| verdict(status, headers, SystemTime::now()));
    Failed { error, again }
}

fn unread(error: ReadError, bytes_max: usize, meta: &Meta, key: &ApiKey) -> Failed<Error> {
    let (failure, again) = match error {
        ReadError::TooLarge => (Failure::ReplyTooLarge { bytes_max }, false),
        ReadError::Idle => (Failure::Deadline { deadline: Deadline::Idle, source: None }, true),
        ReadError::Broken(error) => (Failure::connection(error), true),
    };
    let error = failure.into_error(Some(meta), key);
    if again { once_more(error) } else { no_more(error) }
}

/// The content type, if there is one and it is not an event stream's.
fn other_content_type(headers: &http::HeaderMap) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(CONTENT_TYPE)?.as_bytes()).into_owned();
    let essence = value.split(';').next().unwrap_or_default().trim();
    (!essence.eq_ignore_ascii_case(EVENT_STREAM)).then_some(value)
}

/// What progenitor gets where the call has the real outcome.
fn stand_in(status: http::StatusCode) -> reqwest::Response {
    let mut response = http::Response::new(reqwest::Body::default());
    *response.status_mut() = status;
    response.into()
}

impl ClientHooks<Inner> for RawClient {
    async fn pre<E>(
        &self,
        request: &mut reqwest::Request,
        info: &OperationInfo,
    ) -> Result<(), progenitor_client::Error<E>> {
        self.inner.sign(request, info.operation_id);
        Ok(())
    }

    async fn exec(
        &self,
        request: reqwest::Request,
        _info: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        let Some(call) = &self.inner.call else { return self.inner.drive_raw(&self.client, request).await };
        match self.inner.drive(&self.client, request, call).await {
            Ok(response) => Ok(response),
            Err(error) => {
                call.seen().error = Some(error);
                Ok(stand_in(http::StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }
}
