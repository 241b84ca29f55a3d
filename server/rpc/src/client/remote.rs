//! A provider of a worker's configuration, as one more provider here.
//!
//! A call that no worker has begun is put to the next one at once: that repeats nothing. Whatever else fails is told to
//! `core`, which alone decides about retries.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use novai_core::{
    Call, ChatCall, Completion, Deadline, Deadlines, EmbeddingCall, Error, Provider, Rejection,
    RejectionReason, Streaming, TraceContext, UpstreamModel,
};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::events::Events;
use super::failure::{self, WorkerFailed};
use super::link::Link;
use super::pool::{Flight, Pool};
use crate::errors::{self, Told};
use crate::v1::embedding_service_client::EmbeddingServiceClient;
use crate::v1::inference_service_client::InferenceServiceClient;
use crate::v1::{ChatRequest, ChatStreamRequest, EmbedRequest, ListModelsRequest, Target};
use crate::{MESSAGE_BYTES_MAX, metadata};

/// What a message needs beside its payload.
const ENVELOPE_BYTES_MAX: usize = 64 * 1024;

pub struct Remote {
    name: String,
    pool: Arc<Pool>,
    deadlines: Deadlines,
}

/// How long one call may take. The worker is told, and is the first to know; this end watches too, should it not answer.
#[derive(Clone, Copy)]
pub(super) struct Timer {
    started_at: Instant,
    pub ends_at: Instant,
}

impl Timer {
    /// `deadline` is the whole request's, of which this may be one attempt of several.
    fn start(deadlines: &Deadlines, deadline: Option<Instant>) -> Self {
        let started_at = Instant::now();
        let own = started_at + deadlines.total;
        Timer { started_at, ends_at: deadline.map_or(own, |deadline| deadline.min(own)) }
    }

    /// What is sent is rounded to milliseconds, and two ends never agree on the time.
    fn has_passed(&self) -> bool {
        self.ends_at.saturating_duration_since(Instant::now()) < std::time::Duration::from_millis(10)
    }

    pub fn error(&self, provider: &str) -> Error {
        let limit = self.ends_at.saturating_duration_since(self.started_at);
        Error::ProviderTimeout { provider: provider.to_owned(), deadline: Deadline::Total, limit }
    }
}

/// What joins logs and traces of both ends.
#[derive(Clone, Copy)]
struct Joined<'a> {
    request_id: &'a str,
    trace: Option<TraceContext>,
}

impl<'a> Joined<'a> {
    fn of<T>(call: &'a Call<T>) -> Self {
        Joined { request_id: &call.request_id, trace: call.trace }
    }
}

impl Remote {
    /// `name` is the provider's in the worker's configuration, and here.
    pub fn new(name: impl Into<String>, pool: Arc<Pool>, deadlines: Deadlines) -> Self {
        Remote { name: name.into(), pool, deadlines }
    }

    fn target<T>(&self, call: &Call<T>) -> Option<Target> {
        Some(Target { provider: self.name.clone(), upstream_model: call.upstream_model.to_string() })
    }

    /// Before it is sent: the far end would end the whole connection's patience with it.
    fn check_size(&self, json: &Bytes) -> Result<(), Error> {
        let bytes_max = MESSAGE_BYTES_MAX - ENVELOPE_BYTES_MAX;
        if json.len() <= bytes_max {
            return Ok(());
        }
        let rejection = Rejection {
            reason: RejectionReason::TooLarge,
            message: format!("the request must be at most {bytes_max} bytes, but has {}", json.len()),
            param: None,
            code: None,
        };
        Err(Error::ProviderRejected { provider: self.name.clone(), rejection: Box::new(rejection) })
    }

    /// Asks one worker after another, until one has begun.
    async fn ask<M, T, F>(
        &self,
        message: M,
        joined: Joined<'_>,
        deadline: Option<Instant>,
        send: impl Fn(Link, Request<M>) -> F,
    ) -> Result<Begun<T>, Error>
    where
        M: Clone,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let timer = Timer::start(&self.deadlines, deadline);
        let mut tried = Vec::new();
        let mut reasons = Vec::new();
        while let Some(flight) = self.pool.choose(&tried) {
            let mut request = Request::new(message.clone());
            metadata::write_request_id(request.metadata_mut(), joined.request_id);
            metadata::write_trace(request.metadata_mut(), joined.trace);
            request.set_timeout(timer.ends_at.saturating_duration_since(Instant::now()));
            let sent = send(flight.worker.link.clone(), request);
            let status = match tokio::time::timeout_at(timer.ends_at, sent).await {
                Ok(Ok(answer)) => return Ok(Begun { answer: answer.into_inner(), flight, timer }),
                Ok(Err(status)) => status,
                Err(_elapsed) => return Err(timer.error(&self.name)),
            };
            let url = flight.worker.url.clone();
            match errors::from_status(&status) {
                Told::Error(error) => return Err(error),
                Told::UnknownProvider => reasons.push(format!("{url} has no provider {:?}", self.name)),
                Told::Nothing if timer.has_passed() => return Err(timer.error(&self.name)),
                Told::Nothing if failure::was_not_begun(&status) => {
                    let reason = failure::described(&status);
                    flight.worker.suspect(&reason);
                    reasons.push(format!("{url}: {reason}"));
                }
                Told::Nothing => {
                    let reason = failure::described(&status);
                    return Err(self.unavailable(WorkerFailed { url, reason }));
                }
            }
            tried.push(Arc::clone(&flight.worker));
        }
        Err(self.unavailable(NoWorker { reasons: reasons.join("; ") }))
    }

    fn unavailable(&self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::ProviderUnavailable {
            provider: self.name.clone(),
            retry_after: None,
            source: Box::new(source),
        }
    }
}

fn inference(link: Link) -> InferenceServiceClient<Link> {
    InferenceServiceClient::new(link)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}

fn embedding(link: Link) -> EmbeddingServiceClient<Link> {
    EmbeddingServiceClient::new(link)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}

/// An answer that has begun.
struct Begun<T> {
    answer: T,
    flight: Flight,
    timer: Timer,
}

#[derive(Debug, thiserror::Error)]
#[error("no worker could be asked: {reasons}")]
struct NoWorker {
    reasons: String,
}

impl Provider for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            self.check_size(&call.raw)?;
            let message = ChatRequest { target: self.target(&call), json: call.raw.clone() };
            let begun = self
                .ask(message, Joined::of(&call), call.deadline, |link, request| async move {
                    inference(link).chat(request).await
                })
                .await?;
            Ok(Completion {
                json: begun.answer.json,
                usage: begun.answer.usage.map(Into::into),
                meta: begun.answer.meta.map(Into::into).unwrap_or_default(),
            })
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            self.check_size(&call.raw)?;
            let message = ChatStreamRequest { target: self.target(&call), json: call.raw.clone() };
            let begun = self
                .ask(message, Joined::of(&call), call.deadline, |link, request| async move {
                    inference(link).chat_stream(request).await
                })
                .await?;
            let Begun { answer, flight, timer } = begun;
            let mut events = Events::new(answer, flight, timer, &self.name);
            let meta = events.accepted().await?;
            Ok(Streaming { events: Box::pin(events), meta })
        })
    }

    /// The worker's provider knows.
    fn embeds(&self, _: &str) -> Option<bool> {
        None
    }

    fn embed(&self, call: EmbeddingCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            self.check_size(&call.raw)?;
            let message = EmbedRequest { target: self.target(&call), json: call.raw.clone() };
            let begun = self
                .ask(message, Joined::of(&call), call.deadline, |link, request| async move {
                    embedding(link).embed(request).await
                })
                .await?;
            Ok(Completion {
                json: begun.answer.json,
                usage: begun.answer.usage.map(Into::into),
                meta: begun.answer.meta.map(Into::into).unwrap_or_default(),
            })
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(async move {
            let message = ListModelsRequest { provider: self.name.clone() };
            let begun = self
                .ask(message, Joined { request_id: "", trace: None }, None, |link, request| async move {
                    inference(link).list_models(request).await
                })
                .await?;
            Ok(begun.answer.models.into_iter().map(Into::into).collect())
        })
    }
}
