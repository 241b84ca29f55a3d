//! The adaptor against scripted upstreams and recorded answers.

mod calls;
mod recordings;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use novai_core::ChatEvent;

use super::*;
use crate::client::testing::Upstream as Scripted;
use crate::testing;

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
    testing::call("claude-x", raw)
}

async fn collect(provider: &Anthropic) -> (Vec<ChatEvent>, Option<Error>) {
    testing::collect(provider, chat(true)).await
}
