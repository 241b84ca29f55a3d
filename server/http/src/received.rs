//! The body of a request that costs something, on its way in: read, checked, told to the log, looked up under its idempotency key.

use dropshot::Body;
use http::Response;
use novai_api::body::{Decoded, JsonBody};
use novai_core::Principal;
use novai_types::Check;
use serde::de::DeserializeOwned;

use crate::access_log::{Facts, Trail};
use crate::app::App;
use crate::idempotency::{self, Begun, Slot};
use crate::problem::Problem;

pub(crate) enum Received<T> {
    /// Run it, and tell the slot if there is one.
    New(Decoded<T>, Option<Slot>),
    /// The same request has been answered before.
    Replay(Response<Body>),
}

/// `note` is told the request before anything can answer it, so that replays are logged like the first answer.
pub(crate) async fn receive<T: DeserializeOwned + Check>(
    app: &App,
    trail: &Trail,
    principal: &Principal,
    body: JsonBody<T>,
    note: impl FnOnce(&T, &mut Facts),
) -> Result<Received<T>, Problem> {
    let key = idempotency::key(body.headers())?.map(str::to_owned);
    let decoded = body.decoded(app.options.body_limits()).await?;
    note(&decoded.value, &mut trail.facts());
    let Some(key) = key else { return Ok(Received::New(decoded, None)) };
    Ok(match app.replays.begin(&principal.id, &key, &decoded.raw).await? {
        Begun::New(slot) => Received::New(decoded, Some(slot)),
        Begun::Replay(response) => Received::Replay(response),
    })
}
