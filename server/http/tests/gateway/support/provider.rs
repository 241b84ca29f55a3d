//! A provider whose models' names say what it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use novai_core::error::RejectionReason;
use novai_core::{
    ChatCall, ChatEvent, ChatStream, Completion, EmbeddingCall, Error, Provider, RateLimitSnapshot,
    Rejection, ResponseMeta, Streaming, TokenUsage, UpstreamModel, WindowSnapshot,
};
use tokio::sync::{Semaphore, mpsc};

pub const MODELS: [&str; 11] = [
    "plain",
    "panic",
    "hang",
    "rejected",
    "limited",
    "down",
    "broken",
    "gated",
    "endless",
    "org/with-slash",
    "embed",
];

/// What the provider saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    Called,
    /// The call or its stream was dropped before its end.
    Cancelled,
}

pub struct Fake {
    /// Requests that reached it.
    pub calls: Arc<AtomicUsize>,
    notes: mpsc::UnboundedSender<Note>,
    release: Arc<Semaphore>,
}

impl Fake {
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Note>, Arc<Semaphore>) {
        let (notes, received) = mpsc::unbounded_channel();
        let release = Arc::new(Semaphore::new(0));
        (Fake { calls: Arc::default(), notes, release: release.clone() }, received, release)
    }

    fn guard(&self) -> Cancelled {
        let _ = self.notes.send(Note::Called);
        Cancelled(self.notes.clone())
    }
}

/// Notes when it is dropped.
struct Cancelled(mpsc::UnboundedSender<Note>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        let _ = self.0.send(Note::Cancelled);
    }
}

impl Provider for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            self.calls.fetch_add(1, SeqCst);
            refuse(&call)?;
            match &*call.upstream_model {
                "panic" => panic!("on purpose"),
                "hang" => {
                    let _guard = self.guard();
                    std::future::pending::<()>().await;
                }
                _ => {}
            }
            let json = Bytes::from_static(br#"{"id":"c1","object":"chat.completion","choices":[]}"#);
            Ok(Completion { json, usage: Some(USAGE), meta: meta() })
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            self.calls.fetch_add(1, SeqCst);
            refuse(&call)?;
            let events: ChatStream = match &*call.upstream_model {
                "panic" => {
                    stream::iter([Ok(event(1))]).chain(stream::poll_fn(|_| panic!("on purpose"))).boxed()
                }
                "hang" => {
                    let guard = self.guard();
                    let forever = stream::pending().inspect(move |_: &Result<ChatEvent, Error>| {
                        let _ = &guard;
                    });
                    stream::iter([Ok(event(1))]).chain(forever).boxed()
                }
                "broken" => {
                    let source = "the upstream's own words".into();
                    let error = Error::StreamBroken { provider: "fake".into(), events_sent: 1, source };
                    stream::iter([Ok(event(1)), Err(error)]).boxed()
                }
                "gated" => {
                    let release = Arc::clone(&self.release);
                    let _ = self.notes.send(Note::Called);
                    let last = stream::once(async move {
                        release.acquire().await.unwrap().forget();
                        Ok(event(2))
                    });
                    stream::iter([Ok(event(1))]).chain(last).boxed()
                }
                "endless" => {
                    let guard = self.guard();
                    let json = Bytes::from(format!("{{\"filler\":\"{}\"}}", "x".repeat(32 * 1024)));
                    stream::repeat_with(move || {
                        let _ = &guard;
                        Ok(ChatEvent { json: json.clone(), usage: None, usage_only: false })
                    })
                    .boxed()
                }
                _ => {
                    let usage = ChatEvent { usage: Some(USAGE), usage_only: true, ..event(3) };
                    stream::iter([Ok(event(1)), Ok(event(2)), Ok(usage)]).boxed()
                }
            };
            Ok(Streaming { events, meta: meta() })
        })
    }

    fn embeds(&self, upstream_model: &str) -> Option<bool> {
        Some(upstream_model == "embed")
    }

    /// Does not count tokens.
    fn embed(&self, _: EmbeddingCall) -> BoxFuture<'_, Result<Completion, Error>> {
        self.calls.fetch_add(1, SeqCst);
        let json = Bytes::from_static(br#"{"object":"list","data":[],"model":"e"}"#);
        Box::pin(std::future::ready(Ok(Completion { json, usage: None, meta: meta() })))
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

const USAGE: TokenUsage = TokenUsage {
    prompt: 7,
    cached_prompt: 3,
    audio_prompt: 0,
    completion: 2,
    reasoning: 0,
    audio_completion: 0,
    total: 9,
};

fn event(number: u64) -> ChatEvent {
    ChatEvent { json: format!("{{\"n\":{number}}}").into(), usage: None, usage_only: false }
}

fn meta() -> ResponseMeta {
    let requests =
        WindowSnapshot { limit: Some(60), remaining: Some(59), reset: Some(Duration::from_secs(1)) };
    ResponseMeta {
        upstream_request_id: Some("up_1".to_owned()),
        limits: Some(RateLimitSnapshot { requests, ..RateLimitSnapshot::default() }),
    }
}

fn refuse(call: &ChatCall) -> Result<(), Error> {
    let provider = "fake".to_owned();
    match &*call.upstream_model {
        "rejected" => Err(Error::ProviderRejected {
            provider,
            rejection: Box::new(Rejection {
                reason: RejectionReason::Invalid,
                message: "too long".to_owned(),
                param: Some("messages".to_owned()),
                code: Some("context_length_exceeded".to_owned()),
            }),
        }),
        "limited" => Err(Error::ProviderRateLimited {
            provider,
            message: String::new(),
            retry_after: Some(Duration::from_millis(1500)),
            limits: meta().limits.map(Box::new),
        }),
        "down" => {
            Err(Error::ProviderUnavailable { provider, retry_after: None, source: "secret detail".into() })
        }
        _ => Ok(()),
    }
}
