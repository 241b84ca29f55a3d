//! Tag Models: what callers may name in a request.

use dropshot::Body;
use http::Response;
use novai_core::ModelInfo;
use serde::Serialize;

use crate::exchange::{Exchange, json};
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
    let models = exchange.app.gateway.models().await?;
    encoded(&ModelList { object: "list", data: models.iter().map(Model::from).collect() })
}

pub(crate) async fn retrieve(exchange: Exchange, id: &str) -> Result<Response<Body>, Problem> {
    let model = exchange.app.gateway.model(id).await?;
    encoded(&Model::from(&model))
}

fn encoded(value: &impl Serialize) -> Result<Response<Body>, Problem> {
    // Strings and numbers only: cannot fail.
    serde_json::to_vec(value).map(json).map_err(|_| Problem::internal())
}
