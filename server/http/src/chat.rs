//! Tag Chat: chat completions, whole or streamed.

use std::sync::Arc;

use dropshot::Body;
use http::Response;
use novai_api::body::JsonBody;
use novai_core::ChatRequest;
use novai_types::ChatCompletionRequest;

use crate::answer;
use crate::exchange::Exchange;
use crate::problem::Problem;
use crate::received::{Received, receive};
use crate::sse::{self, Timing};

pub(crate) async fn create(
    exchange: Exchange,
    body: JsonBody<ChatCompletionRequest>,
) -> Result<Response<Body>, Problem> {
    let principal = exchange.principal()?;
    let Exchange { app, trail, .. } = exchange;
    let received = receive(&app, &trail, &principal, body, |request, facts| {
        facts.set_model(&request.model);
        facts.is_stream = request.stream == Some(true);
    });
    let (decoded, slot) = match received.await? {
        Received::New(decoded, slot) => (decoded, slot),
        Received::Replay(response) => return Ok(response),
    };
    let is_stream = decoded.value.stream == Some(true);
    let chat = ChatRequest {
        raw: decoded.raw,
        request: decoded.value,
        request_id: Arc::clone(trail.request_id()),
        principal,
        observer: Some(Arc::clone(&trail) as _),
        trace: trail.trace(),
    };
    if is_stream {
        let gateway = Arc::clone(&app.gateway);
        let timing = Timing {
            first_event_grace: app.options.first_event_grace,
            keep_alive_interval: app.options.keep_alive_interval,
        };
        // On its own: the body may have to carry it on after the head is out.
        let opening = Box::pin(async move { gateway.stream(chat).await });
        let response = sse::respond(opening, timing, trail, &app.gateway).await?;
        return Ok(match slot {
            Some(slot) => slot.record(response),
            None => response,
        });
    }

    let answered = app.gateway.complete(chat).await?;
    Ok(answer::whole(answered, &trail, slot))
}
