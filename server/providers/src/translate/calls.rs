//! The two ways to ask, for every vendor whose API is translated.

use novai_core::{Completion, Error, Streaming};
use novai_types::ChatCompletion;

use super::chunks::{Chunks, counts};
use super::events::{Events, Translate};
use crate::client::Outgoing;
use crate::headers;
use crate::upstream::Upstream;

/// Reads a vendor's answer; takes the time since 1970 in seconds, and fails with the reason.
type Read = fn(&[u8], u64) -> Result<ChatCompletion, &'static str>;

pub(crate) async fn complete(
    upstream: &Upstream,
    outgoing: Outgoing<'_>,
    read: Read,
) -> Result<Completion, Error> {
    let (headers, json) = upstream.json(outgoing).await?;
    let malformed = |reason| upstream.errors.malformed(reason);
    let completion = read(&json, upstream.clock.unix_time().as_secs()).map_err(malformed)?;
    let usage = completion.usage.as_ref().map(counts);
    let json =
        serde_json::to_vec(&completion).map_err(|_| malformed("its answer cannot be written as JSON"))?;
    Ok(Completion { json: json.into(), usage, meta: upstream.meta(&headers) })
}

pub(crate) async fn stream(
    upstream: &Upstream,
    outgoing: Outgoing<'_>,
    translate: impl Translate,
) -> Result<Streaming, Error> {
    let answer = upstream.send(outgoing).await?;
    if !headers::is_event_stream(&answer.headers) {
        return Err(upstream.not_a_stream());
    }
    let meta = upstream.meta(&answer.headers);
    let chunks = Chunks::begun_at(upstream.clock.unix_time());
    let events =
        Events::new(answer.body, translate, chunks, upstream.errors.clone(), upstream.event_bytes_max);
    Ok(Streaming { events: Box::pin(events), meta })
}
