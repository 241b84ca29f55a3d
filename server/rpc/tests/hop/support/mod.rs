//! What the tests share.

pub mod authority;
pub mod provider;
pub mod worker;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use novai_core::{ChatCall, ChatEvent, ChatStream, Deadlines, Error, TraceContext};
use novai_rpc::{ClientTls, Pool, PoolConfig, Remote, WorkerUrl};

pub const PROVIDER: &str = "scripted";
pub const REQUEST: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"x_unknown": [1, 2.50, null]}"#;

pub const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub fn call() -> ChatCall {
    call_of(REQUEST)
}

pub fn call_of(json: &str) -> ChatCall {
    ChatCall {
        raw: Bytes::copy_from_slice(json.as_bytes()),
        request: Arc::new(serde_json::from_str(json).unwrap()),
        upstream_model: "m-2025".into(),
        request_id: "request-1".into(),
        trace: TraceContext::parse(TRACEPARENT),
        deadline: None,
    }
}

pub fn event(json: &'static str) -> ChatEvent {
    ChatEvent { json: Bytes::from_static(json.as_bytes()), usage: None, usage_only: false }
}

/// A gateway's provider in front of workers.
pub fn remote(urls: &[String]) -> Remote {
    remote_with(urls, ClientTls::default(), Deadlines::default())
}

pub fn remote_with(urls: &[String], tls: ClientTls, deadlines: Deadlines) -> Remote {
    Remote::new(PROVIDER, pool(urls, tls), deadlines)
}

pub fn pool(urls: &[String], tls: ClientTls) -> Arc<Pool> {
    let urls = urls.iter().map(|url| WorkerUrl::parse(url).unwrap()).collect();
    Pool::new(PoolConfig { urls, tls, connect_timeout: Duration::from_secs(10) }).unwrap()
}

/// A test that hangs says where.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(60);
    tokio::time::timeout(patience, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: nothing for {patience:?}"))
}

/// Everything that a stream says, to its end.
pub async fn everything(mut events: ChatStream) -> (Vec<ChatEvent>, Option<Error>) {
    let mut got = Vec::new();
    while let Some(event) = within("the next event", events.next()).await {
        match event {
            Ok(event) => got.push(event),
            Err(error) => {
                assert!(events.next().await.is_none(), "nothing follows an error");
                return (got, Some(error));
            }
        }
    }
    (got, None)
}
