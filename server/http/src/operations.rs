//! The generated interface, implemented: one line per operation, the work in the file of its tag.

use std::future::Future;
use std::sync::Arc;

use dropshot::{ApiDescription, ApiDescriptionBuildErrors, Body, RequestContext};
use futures_util::FutureExt;
use http::Response;
use novai_api::body::JsonBody;
use novai_api::{
    ApiError, Created, DeleteKeyPath, Gateway, ListKeysQuery, NoContent, PathParams, QueryParams, Reply,
    RetrieveKeyPath, RetrieveModelPath, RetrieveUsageQuery, RotateKeyPath, UpdateKeyPath, gateway_mod,
};
use novai_types::{
    ChatCompletion, ChatCompletionRequest, EmbeddingList, EmbeddingRequest, Health, Key, KeyCreateRequest,
    KeyPage, KeyUpdateRequest, KeyWithSecret, Model, ModelList, Readiness, UsagePage,
};

use crate::app::App;
use crate::exchange::{Exchange, reply};
use crate::problem::Problem;
use crate::routes::{Answer, Direct};
use crate::{chat, embeddings, health, keys, models, usage};

/// Never constructed: only its functions are used.
enum Operations {}

pub(crate) fn api() -> Result<ApiDescription<Arc<App>>, ApiDescriptionBuildErrors> {
    gateway_mod::api_description::<Operations>()
}

type Context = RequestContext<Arc<App>>;

/// Every operation: begin, do, reply.
async fn run<R, F>(context: Context, operation: impl FnOnce(Exchange) -> F) -> Result<R, ApiError>
where
    R: From<Response<Body>>,
    F: Future<Output = Result<Response<Body>, Problem>>,
{
    reply(match Exchange::begin(context) {
        Ok(exchange) => operation(exchange).await,
        Err(problem) => Err(problem),
    })
}

/// The operation that gateways are there for, without dropshot's handler before it: on its way that makes five boxes, moves the
/// request and its future through them, and copies the route, which is 6 % of a request.
///
/// **Invariant:** it runs the function that the trait's method below runs, on the same body type. So the spec decides what the
/// operation takes, the body checks it and answers errors as everywhere, and dropshot still routes to it and describes it.
pub(crate) fn direct(operation_id: &str) -> Option<Direct> {
    match operation_id {
        "createChatCompletion" => {
            Some(|exchange, request| answer(chat::create(exchange, JsonBody::new(request))))
        }
        _ => None,
    }
}

fn answer(operation: impl Future<Output = Result<Response<Body>, Problem>> + Send + 'static) -> Answer {
    // Not an async block: it would keep room for `operation` twice, as what it was given and as what it waits for.
    Box::pin(operation.map(|answered| Ok(answered.unwrap_or_else(Problem::into_response))))
}

impl Gateway for Operations {
    type Context = Arc<App>;

    async fn create_chat_completion(
        context: Context,
        body: JsonBody<ChatCompletionRequest>,
    ) -> Result<Reply<ChatCompletion>, ApiError> {
        run(context, |exchange| chat::create(exchange, body)).await
    }

    async fn create_embedding(
        context: Context,
        body: JsonBody<EmbeddingRequest>,
    ) -> Result<Reply<EmbeddingList>, ApiError> {
        run(context, |exchange| embeddings::create(exchange, body)).await
    }

    async fn list_models(context: Context) -> Result<Reply<ModelList>, ApiError> {
        run(context, models::list).await
    }

    async fn retrieve_model(
        context: Context,
        path: PathParams<RetrieveModelPath>,
    ) -> Result<Reply<Model>, ApiError> {
        run(context, |exchange| models::retrieve(exchange, path)).await
    }

    async fn retrieve_usage(
        context: Context,
        query: QueryParams<RetrieveUsageQuery>,
    ) -> Result<Reply<UsagePage>, ApiError> {
        run(context, |exchange| usage::retrieve(exchange, query)).await
    }

    async fn create_key(
        context: Context,
        body: JsonBody<KeyCreateRequest>,
    ) -> Result<Created<KeyWithSecret>, ApiError> {
        run(context, |exchange| keys::create(exchange, body)).await
    }

    async fn list_keys(
        context: Context,
        query: QueryParams<ListKeysQuery>,
    ) -> Result<Reply<KeyPage>, ApiError> {
        run(context, |exchange| keys::list(exchange, query)).await
    }

    async fn retrieve_key(
        context: Context,
        path: PathParams<RetrieveKeyPath>,
    ) -> Result<Reply<Key>, ApiError> {
        run(context, |exchange| keys::retrieve(exchange, path)).await
    }

    async fn update_key(
        context: Context,
        path: PathParams<UpdateKeyPath>,
        body: JsonBody<KeyUpdateRequest>,
    ) -> Result<Reply<Key>, ApiError> {
        run(context, |exchange| keys::update(exchange, path, body)).await
    }

    async fn delete_key(context: Context, path: PathParams<DeleteKeyPath>) -> Result<NoContent, ApiError> {
        run(context, |exchange| keys::delete(exchange, path)).await
    }

    async fn rotate_key(
        context: Context,
        path: PathParams<RotateKeyPath>,
    ) -> Result<Reply<KeyWithSecret>, ApiError> {
        run(context, |exchange| keys::rotate(exchange, path)).await
    }

    async fn check_health(context: Context) -> Result<Reply<Health>, ApiError> {
        run(context, |_| async { health::alive() }).await
    }

    async fn check_ready(context: Context) -> Result<Reply<Readiness>, ApiError> {
        run(context, health::ready).await
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::routes::{Routes, Surface};

    /// A name that the spec no longer has would send the request through dropshot, unseen and slower.
    #[test]
    fn chat_completions_do_without_dropshots_handler() {
        let routes = Routes::new(api().unwrap(), Surface::All).unwrap();
        let is_direct = |method, path| routes.find(&method, path).ok().unwrap().operation.direct.is_some();
        assert!(is_direct(Method::POST, "/v1/chat/completions"));
        assert!(!is_direct(Method::GET, "/v1/models"));
    }
}
