//! Tag Chat: chat completions, whole or streamed.

use std::sync::Arc;

use dropshot::Body;
use http::Response;
use novai_api::body::{BodyLimits, JsonBody};
use novai_core::ChatRequest;
use novai_types::ChatCompletionRequest;

use crate::answer;
use crate::exchange::Exchange;
use crate::idempotency::{self, Begun};
use crate::problem::Problem;
use crate::sse::{self, Timing};

pub(crate) async fn create(
    exchange: Exchange,
    body: JsonBody<ChatCompletionRequest>,
) -> Result<Response<Body>, Problem> {
    let principal = exchange.principal()?;
    let Exchange { app, trail, .. } = exchange;
    let limits =
        BodyLimits { bytes_max: app.options.body_bytes_max, idle_timeout: app.options.body_idle_timeout };
    let key = idempotency::key(body.headers())?.map(str::to_owned);
    let decoded = body.decoded(limits).await?;
    let is_stream = decoded.value.stream == Some(true);
    {
        let mut facts = trail.facts();
        facts.set_model(&decoded.value.model);
        facts.is_stream = is_stream;
    }
    let slot = match key {
        None => None,
        Some(key) => match app.replays.begin(&principal.id, &key, &decoded.raw).await? {
            Begun::New(slot) => Some(slot),
            Begun::Replay(response) => return Ok(response),
        },
    };
    let chat = ChatRequest {
        raw: decoded.raw,
        request: decoded.value,
        request_id: Arc::clone(trail.request_id()),
        principal,
        observer: Some(Arc::clone(&trail) as _),
        trace: trail.trace(),
    };
    let gateway = Arc::clone(&app.gateway);

    if is_stream {
        let timing = Timing {
            first_event_grace: app.options.first_event_grace,
            keep_alive_interval: app.options.keep_alive_interval,
        };
        // On its own: the body may have to carry it on after the head is out.
        let opening = Box::pin(async move { gateway.stream(chat).await });
        let response = sse::respond(opening, timing, trail).await?;
        return Ok(match slot {
            Some(slot) => slot.record(response),
            None => response,
        });
    }

    let answered = gateway.complete(chat).await?;
    Ok(answer::whole(answered, &trail, slot))
}
