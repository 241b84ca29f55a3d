//! Tag Embeddings: texts as vectors.

use std::sync::Arc;

use dropshot::Body;
use http::Response;
use novai_api::body::JsonBody;
use novai_core::EmbeddingsRequest;
use novai_types::EmbeddingRequest;

use crate::answer;
use crate::exchange::Exchange;
use crate::problem::Problem;
use crate::received::{Received, receive};

pub(crate) async fn create(
    exchange: Exchange,
    body: JsonBody<EmbeddingRequest>,
) -> Result<Response<Body>, Problem> {
    let principal = exchange.principal()?;
    let Exchange { app, trail, .. } = exchange;
    let received = receive(&app, &trail, &principal, body, |request, facts| facts.set_model(&request.model));
    let (decoded, slot) = match received.await? {
        Received::New(decoded, slot) => (decoded, slot),
        Received::Replay(response) => return Ok(response),
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
