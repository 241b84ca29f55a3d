//! A provider that does what a test says.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use novai_core::{
    ChatCall, ChatEvent, ChatStream, Completion, EmbeddingCall, Error, Provider, ResponseMeta, Streaming,
    UpstreamModel,
};
use tokio::sync::oneshot;

use super::PROVIDER;

pub const EMBEDDINGS: &str = r#"{"object":"list","data":[{"index":0,"embedding":[1.0,-0.50]}],"new":1}"#;

type Complete = Box<dyn Fn(ChatCall) -> BoxFuture<'static, Result<Completion, Error>> + Send + Sync>;
type Begin = Box<dyn Fn(ChatCall) -> BoxFuture<'static, Result<Streaming, Error>> + Send + Sync>;

pub struct Scripted {
    complete: Complete,
    stream: Begin,
    pub models: Mutex<Vec<UpstreamModel>>,
    pub calls: Mutex<Vec<ChatCall>>,
    pub embeddings: Mutex<Vec<EmbeddingCall>>,
}

impl Scripted {
    /// Answers `{}`, and streams nothing.
    pub fn new() -> Self {
        Scripted {
            complete: Box::new(|_| Box::pin(std::future::ready(Ok(completion("{}"))))),
            stream: Box::new(|_| Box::pin(std::future::ready(Ok(streaming(Box::pin(stream::empty())))))),
            models: Mutex::default(),
            calls: Mutex::default(),
            embeddings: Mutex::default(),
        }
    }

    pub fn completes<F>(mut self, complete: impl Fn(ChatCall) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Completion, Error>> + Send + 'static,
    {
        self.complete = Box::new(move |call| Box::pin(complete(call)));
        self
    }

    pub fn streams<F>(mut self, begin: impl Fn(ChatCall) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Streaming, Error>> + Send + 'static,
    {
        self.stream = Box::new(move |call| Box::pin(begin(call)));
        self
    }

    /// Every stream is these items.
    pub fn says(self, items: impl Fn() -> Vec<Result<ChatEvent, Error>> + Send + Sync + 'static) -> Self {
        self.streams(move |_| std::future::ready(Ok(streaming(Box::pin(stream::iter(items()))))))
    }
}

pub fn completion(json: &'static str) -> Completion {
    Completion { json: Bytes::from_static(json.as_bytes()), usage: None, meta: ResponseMeta::default() }
}

pub fn streaming(events: ChatStream) -> Streaming {
    Streaming { events, meta: ResponseMeta::default() }
}

impl Provider for Scripted {
    fn name(&self) -> &str {
        PROVIDER
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        self.calls.lock().unwrap().push(call.clone());
        (self.complete)(call)
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        self.calls.lock().unwrap().push(call.clone());
        (self.stream)(call)
    }

    /// A vector for whatever it is asked.
    fn embed(&self, call: EmbeddingCall) -> BoxFuture<'_, Result<Completion, Error>> {
        self.embeddings.lock().unwrap().push(call);
        Box::pin(std::future::ready(Ok(completion(EMBEDDINGS))))
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(std::future::ready(Ok(self.models.lock().unwrap().clone())))
    }
}

/// Says when it is dropped.
pub struct Dropped(Option<oneshot::Sender<()>>);

impl Dropped {
    pub fn new() -> (Self, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        (Dropped(Some(sender)), receiver)
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(());
        }
    }
}

/// For closures that are called again and again, but hand something out once.
pub fn once<T>(value: T) -> Arc<Mutex<Option<T>>> {
    Arc::new(Mutex::new(Some(value)))
}
