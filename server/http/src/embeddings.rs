//! Tag Embeddings: texts as vectors.

use std::sync::Arc;

use dropshot::Body;
use http::Response;
use novai_api::body::{BodyLimits, JsonBody};
use novai_core::EmbeddingsRequest;
use novai_types::EmbeddingRequest;

use crate::answer;
use crate::exchange::Exchange;
use crate::idempotency::{self, Begun};
use crate::problem::Problem;

pub(crate) async fn create(
    exchange: Exchange,
    body: JsonBody<EmbeddingRequest>,
) -> Result<Response<Body>, Problem> {
    let principal = exchange.principal()?;
    let Exchange { app, trail, .. } = exchange;
    let limits =
        BodyLimits { bytes_max: app.options.body_bytes_max, idle_timeout: app.options.body_idle_timeout };
    let key = idempotency::key(body.headers())?.map(str::to_owned);
    let decoded = body.decoded(limits).await?;
    trail.facts().set_model(&decoded.value.model);
    let slot = match key {
        None => None,
        Some(key) => match app.replays.begin(&principal.id, &key, &decoded.raw).await? {
            Begun::New(slot) => Some(slot),
            Begun::Replay(response) => return Ok(response),
        },
    };
    let asked = EmbeddingsRequest {
        raw: decoded.raw,
        request: decoded.value,
        request_id: Arc::clone(trail.request_id()),
        principal,
        observer: Some(Arc::clone(&trail) as _),
        trace: trail.trace(),
    };
    let answered = app.gateway.embed(asked).await?;
    Ok(answer::whole(answered, &trail, slot))
}
