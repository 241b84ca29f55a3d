//! A worker's messages, as the provider's stream that they carry.
//!
//! Honest about its end (law C4): only the worker's word that the stream is complete ends it well. A worker that dies, a
//! connection that breaks and a status without that word are each the stream's one `Err`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_util::Stream;
use novai_core::{ChatEvent, Error, ResponseMeta};
use tokio::time::Sleep;
use tonic::{Status, Streaming};

use super::failure::{self, WorkerFailed};
use super::pool::Flight;
use super::remote::Timer;
use crate::errors::{self, Told};
use crate::v1::{self, ChatStreamResponse};

pub(super) struct Events {
    /// `None` once the stream is over. Dropping it cancels the call at the worker.
    open: Option<Open>,
    /// Of the last message, not handed out yet.
    waiting: vec::IntoIter<v1::ChatEvent>,
    /// The worker has said that nothing follows.
    is_complete: bool,
    events_sent: u64,
    provider: String,
}

struct Open {
    messages: Streaming<ChatStreamResponse>,
    deadline: Pin<Box<Sleep>>,
    timer: Timer,
    flight: Flight,
}

impl Events {
    pub(super) fn new(
        messages: Streaming<ChatStreamResponse>,
        flight: Flight,
        timer: Timer,
        provider: &str,
    ) -> Self {
        let deadline = Box::pin(tokio::time::sleep_until(timer.ends_at));
        Events {
            open: Some(Open { messages, deadline, timer, flight }),
            waiting: Vec::new().into_iter(),
            is_complete: false,
            events_sent: 0,
            provider: provider.to_owned(),
        }
    }

    /// Waits for the first message: the provider has accepted the request then.
    pub(super) async fn accepted(&mut self) -> Result<ResponseMeta, Error> {
        let message = std::future::poll_fn(|cx| self.poll_message(cx)).await;
        let meta = match message {
            Some(Ok(message)) => self.take(message),
            Some(Err(error)) => return Err(error),
            None => None,
        };
        Ok(meta.map(Into::into).unwrap_or_default())
    }

    fn take(&mut self, message: ChatStreamResponse) -> Option<v1::ResponseMeta> {
        self.is_complete |= message.end.is_some();
        self.waiting = message.events.into_iter();
        message.meta
    }

    /// The next message. `None` after the last, or an error in its place; then the stream is over.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatStreamResponse, Error>>> {
        let Some(open) = &mut self.open else { return Poll::Ready(None) };
        let failure = match Pin::new(&mut open.messages).poll_next(cx) {
            Poll::Ready(Some(Ok(message))) if !self.is_complete => return Poll::Ready(Some(Ok(message))),
            // What follows the last word changes nothing; looking once lets a call that is over end without a reset.
            _ if self.is_complete => {
                self.open = None;
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(status))) => Some(status),
            Poll::Ready(_) => None,
            Poll::Pending => {
                ready!(open.deadline.as_mut().poll(cx));
                let error = open.timer.error(&self.provider);
                self.open = None;
                return Poll::Ready(Some(Err(error)));
            }
        };
        let error = self.broken(failure.as_ref());
        self.open = None;
        Poll::Ready(Some(Err(error)))
    }

    fn broken(&self, status: Option<&Status>) -> Error {
        let url = self.open.as_ref().map(|open| open.flight.worker.url.clone()).unwrap_or_default();
        let reason = match status {
            None => "it ended the stream without saying that it is complete".to_owned(),
            Some(status) => match errors::from_status(status) {
                Told::Error(error) => return error,
                Told::UnknownProvider | Told::Nothing => failure::described(status),
            },
        };
        let (provider, source) = (self.provider.clone(), Box::new(WorkerFailed { url, reason }));
        if self.events_sent == 0 && self.waiting.len() == 0 {
            return Error::ProviderUnavailable { provider, retry_after: None, source };
        }
        Error::StreamBroken { provider, events_sent: self.events_sent, source }
    }
}

impl Stream for Events {
    type Item = Result<ChatEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.waiting.next() {
                this.events_sent += 1;
                return Poll::Ready(Some(Ok(event.into())));
            }
            match ready!(this.poll_message(cx)) {
                Some(Ok(message)) => _ = this.take(message),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}
