//! Tag Models: what callers may name in a request.

use dropshot::Body;
use http::Response;
use novai_api::{PathParams, RetrieveModelPath};
use novai_core::ModelInfo;
use serde::Serialize;

use crate::exchange::{Exchange, checked, encoded};
use crate::problem::Problem;

/// Written straight from `core`'s view; the shape is the spec's `Model`.
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'a str,
}

#[derive(Serialize)]
struct ModelList<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

impl<'a> From<&'a ModelInfo> for Model<'a> {
    fn from(info: &'a ModelInfo) -> Self {
        Model { id: &info.id, object: "model", created: info.created, owned_by: &info.owned_by }
    }
}

pub(crate) async fn list(exchange: Exchange) -> Result<Response<Body>, Problem> {
    let models = exchange.app.gateway.models(&*exchange.principal()?).await?;
    encoded(&ModelList { object: "list", data: models.iter().map(Model::from).collect() })
}

pub(crate) async fn retrieve(
    exchange: Exchange,
    path: PathParams<RetrieveModelPath>,
) -> Result<Response<Body>, Problem> {
    let id = checked(path.checked())?.model;
    let model = exchange.app.gateway.model(&*exchange.principal()?, &id).await?;
    encoded(&Model::from(&model))
}
