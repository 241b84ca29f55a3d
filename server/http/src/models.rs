//! Tag Models: what callers may name in a request.

use dropshot::Body;
use http::Response;
use novai_api::{PathParams, RetrieveModelPath};
use novai_core::ModelInfo;
use novai_core::money::{Day, Price, Usd};
use serde::{Serialize, Serializer};

use crate::exchange::{Exchange, checked, encoded};
use crate::problem::Problem;

/// Written straight from `core`'s view; the shape is the spec's `Model`. What nobody knows is left out.
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<&'a [String]>,
    pricing: Pricing,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecation_date: Option<Text<Day>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_date: Option<Text<Day>>,
}

#[derive(Serialize)]
struct Pricing {
    input: Text<Usd>,
    cached_input: Text<Usd>,
    output: Text<Usd>,
}

/// As it is displayed.
struct Text<T>(T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Serialize)]
struct ModelList<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

impl From<&Price> for Pricing {
    fn from(price: &Price) -> Self {
        let text = |rate| Text(Usd::from_nano(rate));
        Pricing {
            input: text(price.input),
            cached_input: text(price.cached_input),
            output: text(price.output),
        }
    }
}

impl<'a> From<&'a ModelInfo> for Model<'a> {
    fn from(info: &'a ModelInfo) -> Self {
        let card = &*info.card;
        Model {
            id: &info.id,
            object: "model",
            created: info.created,
            owned_by: &info.owned_by,
            context_length: card.context_length,
            max_output_tokens: info.tariff.output_tokens_max,
            capabilities: card.capabilities.as_deref(),
            pricing: Pricing::from(&info.tariff.price),
            deprecation_date: card.deprecated_on.map(Text),
            shutdown_date: card.shut_down_on.map(Text),
        }
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
