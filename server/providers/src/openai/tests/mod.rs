//! The adaptor against scripted upstreams and recorded answers.

mod calls;
mod embeddings;
mod presets;
mod recordings;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use novai_core::ChatEvent;

use super::*;
use crate::client::testing::Upstream as Scripted;
use crate::testing;

const KEY: &str = "sk-upstream-secret";

fn provider() -> (Arc<OpenAi>, Scripted) {
    provider_with(|_| {})
}

fn provider_with(change: impl FnOnce(&mut upstream::Config)) -> (Arc<OpenAi>, Scripted) {
    let mut config = upstream::Config::new("up", "http://upstream.test:9200/v1");
    config.api_key = Some(KEY.into());
    change(&mut config);
    scripted(Config::new(config))
}

fn scripted(config: Config) -> (Arc<OpenAi>, Scripted) {
    let dialect = dialect(config.preset);
    let (upstream, scripted) = upstream::scripted(config.upstream.clone(), dialect, Duration::ZERO);
    (Arc::new(OpenAi::with_upstream(upstream, &config).unwrap()), scripted)
}

fn chat(stream: bool) -> ChatCall {
    let raw = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"stream":{stream}}}"#);
    testing::call("m", raw)
}

async fn collect(provider: &OpenAi) -> (Vec<ChatEvent>, Option<Error>) {
    testing::collect(provider, chat(true)).await
}
