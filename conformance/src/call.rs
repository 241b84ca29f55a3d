//! What a case's call says, in either mode: its model and its parameters.

use serde_json::{Map, Value, json};

use crate::scenario::Case;
use crate::scenario::model::{Op, Request};

/// The model id of a case: its name, without the slashes that would be path separators in `/models/{model}`.
pub fn model_of(case: &Case) -> String {
    case.id.replace('/', "--")
}

/// A case with this model in its request is configured with another name upstream.
pub const ALIASED: &str = "${aliased}";

/// The parameters of a call to a model: the case's own, with `model`, and `messages` or `input`, where it names none.
pub fn model_params(request: &Request, model: &str) -> Map<String, Value> {
    let mut params = Map::new();
    params.insert("model".into(), json!(model));
    match request.op {
        Op::EmbeddingsCreate => params.insert("input".into(), json!("Say hello.")),
        _ => params.insert("messages".into(), json!([{ "role": "user", "content": "Say hello." }])),
    };
    for (key, value) in &request.params {
        if value != ALIASED {
            params.insert(key.clone(), value.clone());
        }
    }
    if request.op == Op::ChatStream {
        params.insert("stream".into(), json!(true));
    }
    params
}
