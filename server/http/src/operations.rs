//! The generated interface, implemented: one line per operation, the work in the file of its tag.

use std::sync::Arc;

use dropshot::{ApiDescription, ApiDescriptionBuildErrors, Path, RequestContext};
use novai_api::body::JsonBody;
use novai_api::{ApiError, Gateway, Reply, RetrieveModelPath, gateway_mod};
use novai_types::{ChatCompletion, ChatCompletionRequest, Health, Model, ModelList, Readiness};

use crate::app::App;
use crate::exchange::{Exchange, reply};
use crate::{chat, health, models};

/// Never constructed: only its functions are used.
enum Operations {}

pub(crate) fn api() -> Result<ApiDescription<Arc<App>>, ApiDescriptionBuildErrors> {
    gateway_mod::api_description::<Operations>()
}

impl Gateway for Operations {
    type Context = Arc<App>;

    async fn create_chat_completion(
        context: RequestContext<Arc<App>>,
        body: JsonBody<ChatCompletionRequest>,
    ) -> Result<Reply<ChatCompletion>, ApiError> {
        reply(match Exchange::begin(context) {
            Ok(exchange) => chat::create(exchange, body).await,
            Err(problem) => Err(problem),
        })
    }

    async fn list_models(context: RequestContext<Arc<App>>) -> Result<Reply<ModelList>, ApiError> {
        reply(match Exchange::begin(context) {
            Ok(exchange) => models::list(exchange).await,
            Err(problem) => Err(problem),
        })
    }

    async fn retrieve_model(
        context: RequestContext<Arc<App>>,
        path: Path<RetrieveModelPath>,
    ) -> Result<Reply<Model>, ApiError> {
        reply(match Exchange::begin(context) {
            Ok(exchange) => models::retrieve(exchange, &path.into_inner().model).await,
            Err(problem) => Err(problem),
        })
    }

    async fn check_health(context: RequestContext<Arc<App>>) -> Result<Reply<Health>, ApiError> {
        reply(Exchange::begin(context).and_then(|_| health::alive()))
    }

    async fn check_ready(context: RequestContext<Arc<App>>) -> Result<Reply<Readiness>, ApiError> {
        reply(match Exchange::begin(context) {
            Ok(exchange) => health::ready(exchange).await,
            Err(problem) => Err(problem),
        })
    }
}
