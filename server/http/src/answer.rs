//! A whole answer of a model: its headers, what the access log learns of it, and its place among those that can be replayed.

use dropshot::Body;
use http::Response;
use novai_core::Answered;

use crate::access_log::Trail;
use crate::exchange::json;
use crate::idempotency::Slot;
use crate::{cost, rate_limit, retirement};

pub(crate) fn whole(answered: Answered, trail: &Trail, slot: Option<Slot>) -> Response<Body> {
    let Answered { completion, charged, target } = answered;
    let mut response = json(completion.json.clone());
    if let Some(limits) = &completion.meta.limits {
        rate_limit::write_upstream(limits, response.headers_mut());
    }
    cost::write_charged(&charged, &target.upstream_model, response.headers_mut());
    retirement::write(&target.card, response.headers_mut());
    let mut facts = trail.facts();
    facts.limits = Some(charged.limits);
    facts.usage = Some(charged.usage);
    facts.cost = Some(charged.cost);
    facts.upstream_request_id = completion.meta.upstream_request_id;
    drop(facts);
    if let Some(slot) = slot {
        slot.keep(response.headers().clone(), completion.json);
    }
    response
}
