//! A stream that may not have begun: while the upstream still thinks about whether to accept, its client already gets
//! keep-alives.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use novai_core::{ChatEvent, Error, GatewayStream, LimitSnapshot, RateLimitSnapshot, Streamed, Target};

use crate::access_log::Trail;

pub(crate) type Opening = BoxFuture<'static, Result<Streamed, Error>>;

pub(super) struct Source {
    stage: Stage,
    upstream_limits: Option<RateLimitSnapshot>,
    target: Option<Arc<Target>>,
    trail: Arc<Trail>,
}

enum Stage {
    Opening(Opening),
    Running(GatewayStream),
    Over,
}

impl Source {
    pub(super) fn new(opening: Opening, trail: Arc<Trail>) -> Self {
        Source { stage: Stage::Opening(opening), upstream_limits: None, target: None, trail }
    }

    pub(super) async fn next(&mut self) -> Option<Result<ChatEvent, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// As the upstream told them when it accepted; `None` before that.
    pub(super) fn take_upstream_limits(&mut self) -> Option<RateLimitSnapshot> {
        self.upstream_limits.take()
    }

    /// Who serves it; `None` before that is certain.
    pub(super) fn take_target(&mut self) -> Option<Arc<Target>> {
        self.target.take()
    }

    /// The caller's, as they stand now; `None` before the stream runs and after its end.
    pub(super) fn own_limits(&self) -> Option<LimitSnapshot> {
        match &self.stage {
            Stage::Running(events) => events.limits(),
            Stage::Opening(_) | Stage::Over => None,
        }
    }

    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatEvent, Error>>> {
        loop {
            match &mut self.stage {
                Stage::Over => return Poll::Ready(None),
                Stage::Running(events) => return Pin::new(events).poll_next(cx),
                Stage::Opening(opening) => {
                    let opened = ready!(opening.as_mut().poll(cx));
                    self.stage = Stage::Over;
                    match opened {
                        Ok(streamed) => self.begin(streamed),
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
            }
        }
    }

    fn begin(&mut self, streamed: Streamed) {
        self.trail.begin_stream(streamed.events.facts());
        let mut facts = self.trail.facts();
        facts.upstream_request_id = streamed.meta.upstream_request_id;
        drop(facts);
        self.upstream_limits = streamed.meta.limits;
        self.target = Some(streamed.target);
        self.stage = Stage::Running(streamed.events);
    }
}
