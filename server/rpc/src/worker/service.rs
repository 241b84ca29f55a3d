//! One call: find the provider, decode the request, ask, answer.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use novai_core::{Call, CallEvents, Completion, Deadline, Error, Provider};
use novai_types::Check;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::answer::Answer;
use super::log::CallLog;
use crate::v1::embedding_service_server::EmbeddingService;
use crate::v1::inference_service_server::InferenceService;
use crate::v1::{
    ChatRequest, ChatResponse, ChatStreamRequest, EmbedRequest, EmbedResponse, ListModelsRequest,
    ListModelsResponse, Target,
};
use crate::{MESSAGE_BYTES_MAX, errors, metadata};

/// What a message needs beside its payload.
const ENVELOPE_BYTES_MAX: usize = 64 * 1024;

/// The providers of a worker's configuration, by name.
#[derive(Clone)]
pub struct Providers(Arc<HashMap<String, Arc<dyn Provider>>>);

impl FromIterator<Arc<dyn Provider>> for Providers {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Provider>>>(providers: I) -> Self {
        let named = providers.into_iter().map(|provider| (provider.name().to_owned(), provider));
        Providers(Arc::new(named.collect()))
    }
}

#[derive(Clone)]
pub(super) struct Service {
    providers: Providers,
    events: Arc<dyn CallEvents>,
}

/// A request that may be put to its provider.
struct Begun<T> {
    provider: Arc<dyn Provider>,
    call: Call<T>,
    timer: Timer,
    log: CallLog,
}

impl Service {
    pub(super) fn new(providers: Providers, events: Arc<dyn CallEvents>) -> Self {
        Service { providers, events }
    }

    fn provider(&self, name: &str) -> Result<&Arc<dyn Provider>, Status> {
        self.providers.0.get(name).ok_or_else(|| errors::unknown_provider(name))
    }

    fn begin<T: DeserializeOwned + Check>(
        &self,
        operation: &'static str,
        metadata: &MetadataMap,
        target: Option<Target>,
        json: Bytes,
    ) -> Result<Begun<T>, Status> {
        let timer = Timer::start(metadata);
        let target = target.unwrap_or_default();
        let (request_id, parent) = (metadata::request_id(metadata), metadata::trace(metadata));
        let mut log = CallLog::start(operation, request_id, &target, Arc::clone(&self.events), parent);
        let provider = self.provider(&target.provider).inspect_err(|status| log.refused(status))?;
        let request = decode(&json).map_err(|error| log.failed(&error))?;
        let call = Call {
            raw: json,
            request: Arc::new(request),
            upstream_model: target.upstream_model.into(),
            request_id: log.request_id(),
            trace: log.trace(),
            deadline: timer.ends_at,
        };
        Ok(Begun { provider: Arc::clone(provider), call, timer, log })
    }
}

/// The gateway has checked it, but not everybody who can connect is a gateway.
fn decode<T: DeserializeOwned + Check>(json: &[u8]) -> Result<T, Error> {
    let request: T = serde_json::from_slice(json).map_err(|error| Error::InvalidRequest {
        param: None,
        reason: format!("the request is not what the API describes: {error}"),
    })?;
    request.check().map_err(|violation| Error::InvalidRequest {
        reason: violation.to_string(),
        param: (!violation.param.is_empty()).then_some(violation.param),
    })?;
    Ok(request)
}

#[tonic::async_trait]
impl InferenceService for Service {
    async fn chat(&self, request: Request<ChatRequest>) -> Result<Response<ChatResponse>, Status> {
        let (metadata, _, ChatRequest { target, json }) = request.into_parts();
        let Begun { provider, call, timer, mut log } = self.begin("chat", &metadata, target, json)?;
        let answered = timer.bound(&*provider, provider.complete(call)).await;
        let Completion { json, usage, meta } = finish(&*provider, answered, &mut log)?;
        Ok(Response::new(ChatResponse { json, usage: usage.map(Into::into), meta: Some(meta.into()) }))
    }

    type ChatStreamStream = Answer;

    async fn chat_stream(&self, request: Request<ChatStreamRequest>) -> Result<Response<Answer>, Status> {
        let (metadata, _, ChatStreamRequest { target, json }) = request.into_parts();
        let Begun { provider, call, timer, mut log } = self.begin("chat", &metadata, target, json)?;
        let accepted = timer.bound(&*provider, provider.stream(call)).await;
        let streaming = accepted.map_err(|error| log.failed(&error))?;
        Ok(Response::new(Answer::new(streaming, provider, timer, log)))
    }

    async fn list_models(
        &self,
        request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let timer = Timer::start(request.metadata());
        let provider = self.provider(&request.get_ref().provider)?;
        let listed = timer.bound(&**provider, provider.models()).await;
        let models = listed.map_err(|error| errors::to_status(&error))?;
        Ok(Response::new(ListModelsResponse { models: models.into_iter().map(Into::into).collect() }))
    }
}

#[tonic::async_trait]
impl EmbeddingService for Service {
    async fn embed(&self, request: Request<EmbedRequest>) -> Result<Response<EmbedResponse>, Status> {
        let (metadata, _, EmbedRequest { target, json }) = request.into_parts();
        let Begun { provider, call, timer, mut log } = self.begin("embeddings", &metadata, target, json)?;
        let answered = timer.bound(&*provider, provider.embed(call)).await;
        let Completion { json, usage, meta } = finish(&*provider, answered, &mut log)?;
        Ok(Response::new(EmbedResponse { json, usage: usage.map(Into::into), meta: Some(meta.into()) }))
    }
}

/// A whole answer, if it can be handed on.
fn finish(
    provider: &dyn Provider,
    answered: Result<Completion, Error>,
    log: &mut CallLog,
) -> Result<Completion, Status> {
    let bounded = answered.and_then(|completion| match completion.json.len() {
        length if length > MESSAGE_BYTES_MAX - ENVELOPE_BYTES_MAX => Err(Error::ProviderMalformed {
            provider: provider.name().to_owned(),
            reason: format!("its answer of {length} bytes is larger than a worker may hand on"),
        }),
        _ => Ok(completion),
    });
    let completion = bounded.map_err(|error| log.failed(&error))?;
    log.complete();
    Ok(completion)
}

/// The deadline that the client gave the call.
#[derive(Clone, Copy)]
pub(super) struct Timer {
    started_at: Instant,
    ends_at: Option<Instant>,
}

impl Timer {
    fn start(metadata: &MetadataMap) -> Self {
        let started_at = Instant::now();
        let ends_at = metadata::timeout(metadata).and_then(|timeout| started_at.checked_add(timeout));
        Timer { started_at, ends_at }
    }

    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.ends_at
    }

    pub(super) fn passed(&self, provider: &dyn Provider) -> Error {
        let limit = self.ends_at.unwrap_or(self.started_at).duration_since(self.started_at);
        Error::ProviderTimeout { provider: provider.name().to_owned(), deadline: Deadline::Total, limit }
    }

    async fn bound<T>(
        &self,
        provider: &dyn Provider,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(ends_at) = self.ends_at else { return answer.await };
        tokio::time::timeout_at(ends_at, answer).await.unwrap_or_else(|_| Err(self.passed(provider)))
    }
}
