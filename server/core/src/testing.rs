//! A scripted provider for this crate's tests.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};

use crate::error::Error;
use crate::provider::{
    ChatCall, ChatEvent, Completion, Provider, ResponseMeta, Streaming, TokenUsage, UpstreamModel,
};

/// What the fake says in a stream, in order.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    Event(&'static str),
    /// Empty choices, and this many tokens.
    UsageOnly(u64),
    Wait(Duration),
    Break,
}

pub(crate) struct FakeProvider {
    name: String,
    models: Mutex<Vec<String>>,
    fails: AtomicBool,
    listings_asked: AtomicUsize,
    delay: Mutex<Duration>,
    script: Mutex<Vec<Line>>,
    calls: Mutex<Vec<ChatCall>>,
}

impl FakeProvider {
    pub(crate) fn listing(name: &str, models: &[&str]) -> Arc<Self> {
        let fake = FakeProvider {
            name: name.into(),
            models: Mutex::default(),
            fails: AtomicBool::new(false),
            listings_asked: AtomicUsize::new(0),
            delay: Mutex::default(),
            script: Mutex::default(),
            calls: Mutex::default(),
        };
        fake.list(models);
        Arc::new(fake)
    }

    pub(crate) fn list(&self, models: &[&str]) {
        *self.models.lock().unwrap() = models.iter().map(|model| (*model).into()).collect();
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, SeqCst);
    }

    pub(crate) fn take_time(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    pub(crate) fn script(&self, lines: &[Line]) {
        *self.script.lock().unwrap() = lines.to_vec();
    }

    pub(crate) fn listings_asked(&self) -> usize {
        self.listings_asked.load(SeqCst)
    }

    pub(crate) fn calls(&self) -> Vec<ChatCall> {
        self.calls.lock().unwrap().clone()
    }

    fn check(&self) -> Result<(), Error> {
        if self.fails.load(SeqCst) {
            let provider = self.name.clone();
            return Err(Error::ProviderUnavailable { provider, retry_after: None, source: "down".into() });
        }
        Ok(())
    }
}

impl Provider for FakeProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            self.calls.lock().unwrap().push(call);
            self.check()?;
            Ok(Completion { json: Bytes::from_static(b"{}"), usage: None, meta: ResponseMeta::default() })
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            self.calls.lock().unwrap().push(call);
            self.check()?;
            let lines = self.script.lock().unwrap().clone();
            let events = stream::iter(lines).filter_map(|line| async move {
                let event = |json: &'static str| ChatEvent {
                    json: Bytes::from_static(json.as_bytes()),
                    usage: None,
                    usage_only: false,
                };
                match line {
                    Line::Event(json) => Some(Ok(event(json))),
                    Line::UsageOnly(total) => Some(Ok(ChatEvent {
                        usage: Some(TokenUsage { total, ..TokenUsage::default() }),
                        usage_only: true,
                        ..event("{\"choices\":[]}")
                    })),
                    Line::Wait(time) => {
                        tokio::time::sleep(time).await;
                        None
                    }
                    Line::Break => Some(Err(Error::StreamBroken {
                        provider: "fake".into(),
                        events_sent: 0,
                        source: "script".into(),
                    })),
                }
            });
            Ok(Streaming { events: Box::pin(events), meta: ResponseMeta::default() })
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(async move {
            self.listings_asked.fetch_add(1, SeqCst);
            let delay = *self.delay.lock().unwrap();
            tokio::time::sleep(delay).await;
            self.check()?;
            let models = self.models.lock().unwrap().clone();
            Ok(models
                .into_iter()
                .map(|id| UpstreamModel { id, created: 1, owned_by: self.name.clone() })
                .collect())
        })
    }
}
