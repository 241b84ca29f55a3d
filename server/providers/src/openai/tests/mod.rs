//! The adaptor against scripted upstreams and recorded answers.

mod calls;
mod recordings;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use novai_core::clock::FixedClock;
use novai_core::{ChatCall, ChatEvent, Error, Provider};

use super::*;
use crate::client::testing::{Upstream, pipes};

const KEY: &str = "sk-upstream-secret";

fn provider() -> (Arc<OpenAi>, Upstream) {
    provider_with(|_| {})
}

fn provider_with(change: impl FnOnce(&mut Config)) -> (Arc<OpenAi>, Upstream) {
    let mut config = Config::new("up", "http://upstream.test:9200/v1");
    config.api_key = Some(KEY.into());
    change(&mut config);
    let origin = Origin::parse(&config.base_url).unwrap();
    let (pipes, upstream) = pipes();
    let client = Client::new(pipes, config.pool, config.deadlines);
    let clock = Arc::new(FixedClock(Duration::ZERO));
    (Arc::new(OpenAi::with_client(config, &origin, client, clock).unwrap()), upstream)
}

fn chat(stream: bool) -> ChatCall {
    let raw = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"stream":{stream}}}"#);
    ChatCall {
        request: Arc::new(serde_json::from_str(&raw).unwrap()),
        raw: raw.into(),
        upstream_model: "m".into(),
        request_id: "req-1".into(),
    }
}

/// All events, and the error if the stream ended with one.
async fn collect(provider: &OpenAi) -> (Vec<ChatEvent>, Option<Error>) {
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
