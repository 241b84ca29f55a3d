//! A stream that is certain to be served by its target, as far as that can be known.

use futures_util::StreamExt;

use crate::error::Error;
use crate::provider::{ChatCall, ChatEvent, ChatStream, ResponseMeta, Streaming};
use crate::routing::Attempt;

pub(super) struct Opened {
    pub meta: ResponseMeta,
    /// Read already.
    pub first: Option<Box<ChatEvent>>,
    pub events: ChatStream,
}

impl Opened {
    /// An upstream may accept a request and fail before its first event. Where another target could serve instead, or has failed
    /// before, that is a failure like any other, so the first event is awaited here; else nobody has to wait for it.
    pub(super) async fn open(attempt: Attempt<'_>, call: ChatCall) -> Result<Self, Error> {
        let Streaming { mut events, meta } = attempt.target.provider.stream(call).await?;
        if attempt.is_only {
            return Ok(Opened { meta, first: None, events });
        }
        match events.next().await {
            Some(Err(error)) => Err(error),
            // Ended without a single event, and without a fault: polled again, it stays so.
            None => Ok(Opened { meta, first: None, events: futures_util::stream::empty().boxed() }),
            Some(Ok(event)) => Ok(Opened { meta, first: Some(Box::new(event)), events }),
        }
    }
}
