//! The adaptor against scripted upstreams and recorded answers.

mod calls;
mod recordings;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use novai_core::{ChatEvent, Provider};

use super::*;
use crate::client::testing::Upstream as Scripted;

const KEY: &str = "sk-ant-secret";
/// 2026-08-19T14:34:01Z
const NOW: Duration = Duration::from_secs(1_787_150_041);

fn provider() -> (Arc<Anthropic>, Scripted) {
    let mut config = upstream::Config::new("claude", "http://upstream.test/v1");
    config.api_key = Some(KEY.into());
    let (upstream, scripted) = crate::upstream::scripted(config, dialect(), NOW);
    (Arc::new(Anthropic::with_upstream(upstream, 8192).unwrap()), scripted)
}

fn chat(stream: bool) -> ChatCall {
    let raw = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"stream":{stream}}}"#);
    ChatCall {
        request: Arc::new(serde_json::from_str(&raw).unwrap()),
        raw: raw.into(),
        upstream_model: "claude-x".into(),
        request_id: "req-1".into(),
    }
}

/// All events, and the error if the stream ended with one.
async fn collect(provider: &Anthropic) -> (Vec<ChatEvent>, Option<Error>) {
    let mut events = match provider.stream(chat(true)).await {
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
