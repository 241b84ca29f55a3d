//! What the adaptors' tests share: a call to make, and what came of it.

use std::sync::Arc;

use futures_util::StreamExt;
use novai_core::{ChatCall, ChatEvent, Error, Provider};

/// The request `raw`, on its way to `upstream_model`.
pub(crate) fn call(upstream_model: &str, raw: String) -> ChatCall {
    ChatCall {
        request: Arc::new(serde_json::from_str(&raw).unwrap()),
        raw: raw.into(),
        upstream_model: upstream_model.into(),
        request_id: "req-1".into(),
        trace: None,
        deadline: None,
    }
}

/// All events of a stream, and the error if it ended with one. Nothing may follow either end.
pub(crate) async fn collect(provider: &dyn Provider, call: ChatCall) -> (Vec<ChatEvent>, Option<Error>) {
    let mut events = match provider.stream(call).await {
        Ok(streaming) => streaming.events,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut seen = Vec::new();
    while let Some(item) = events.next().await {
        match item {
            Ok(event) => seen.push(event),
            Err(error) => {
                assert!(events.next().await.is_none(), "something after the error");
                return (seen, Some(error));
            }
        }
    }
    assert!(events.next().await.is_none(), "something after the end");
    (seen, None)
}
