//! A provider's stream as messages: what is there goes out at once, in as few messages as it can.
//!
//! Nothing is read ahead. A message is asked for when the connection can take one, so a slow gateway holds back the vendor; a
//! call that is dropped drops the provider's stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use novai_core::{ChatStream, Error, Provider, Streaming};
use tokio::time::Sleep;
use tonic::Status;

use super::log::CallLog;
use super::service::Timer;
use crate::v1::{ChatEnd, ChatStreamResponse, ResponseMeta};

/// Bounds of one message; a single event may be larger.
const EVENTS_MAX: usize = 64;
const BYTES_MAX: usize = 32 * 1024;

pub struct Answer {
    /// `None` once the stream is over.
    events: Option<ChatStream>,
    /// For the first message.
    meta: Option<ResponseMeta>,
    /// What ends the stream after the events before it have gone out.
    failure: Option<Status>,
    deadline: Option<Pin<Box<Sleep>>>,
    provider: Arc<dyn Provider>,
    timer: Timer,
    log: CallLog,
}

impl Answer {
    pub(super) fn new(streaming: Streaming, provider: Arc<dyn Provider>, timer: Timer, log: CallLog) -> Self {
        Answer {
            events: Some(streaming.events),
            meta: Some(streaming.meta.into()),
            failure: None,
            deadline: timer.ends_at().map(|ends_at| Box::pin(tokio::time::sleep_until(ends_at))),
            provider,
            timer,
            log,
        }
    }

    /// Everything that is there now.
    fn gather(&mut self, cx: &mut Context<'_>) -> ChatStreamResponse {
        let mut message = ChatStreamResponse { meta: self.meta.take(), ..ChatStreamResponse::default() };
        let mut bytes = 0;
        while message.events.len() < EVENTS_MAX && bytes < BYTES_MAX {
            let Some(events) = &mut self.events else { break };
            match events.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(event))) => {
                    bytes += event.json.len();
                    message.events.push(event.into());
                }
                Poll::Ready(Some(Err(error))) => self.fail(&error),
                Poll::Ready(None) => {
                    self.events = None;
                    self.log.complete();
                    message.end = Some(ChatEnd {});
                }
                Poll::Pending => {
                    if let Some(deadline) = &mut self.deadline
                        && deadline.as_mut().poll(cx).is_ready()
                    {
                        self.fail(&self.timer.passed(&*self.provider));
                    }
                    break;
                }
            }
        }
        self.log.sent(message.events.len());
        message
    }

    fn fail(&mut self, error: &Error) {
        self.failure = Some(self.log.failed(error));
        self.events = None;
    }
}

impl Stream for Answer {
    type Item = Result<ChatStreamResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let message = this.gather(cx);
        if message != ChatStreamResponse::default() {
            return Poll::Ready(Some(Ok(message)));
        }
        match (this.failure.take(), &this.events) {
            (Some(status), _) => Poll::Ready(Some(Err(status))),
            (None, Some(_)) => Poll::Pending,
            (None, None) => Poll::Ready(None),
        }
    }
}
