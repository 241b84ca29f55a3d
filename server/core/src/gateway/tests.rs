use std::time::Duration;

use futures_util::StreamExt;

use super::*;
use crate::money::{Pricing, Tariff};
use crate::provider::Provider;
use crate::stream::StreamEnd;
use crate::testing::{FakeProvider, Line};

fn gateway(lines: &[Line]) -> (Gateway, Arc<FakeProvider>) {
    let provider = FakeProvider::listing("fake", &["x"]);
    provider.script(lines);
    let mut catalog = Catalog::new();
    catalog.add_model("m", Arc::clone(&provider) as Arc<dyn Provider>, "inner-m", 0, Tariff::FREE).unwrap();
    (Gateway::new(catalog), provider)
}

fn anybody() -> Principal {
    Principal::new("key_1", crate::Scopes::all())
}

fn request(model: &str, options: &str) -> ChatRequest {
    let raw = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]{options}}}"#);
    ChatRequest {
        request: Arc::new(serde_json::from_str(&raw).unwrap()),
        raw: raw.into(),
        request_id: "r-1".into(),
        principal: Arc::new(anybody()),
        observer: None,
        trace: None,
    }
}

const USAGE_WANTED: &str = r#","stream_options":{"include_usage":true}"#;
const LINES: [Line; 4] = [
    Line::Wait(Duration::from_millis(40)),
    Line::Event("{\"a\":1}"),
    Line::Event("{\"a\":2}"),
    Line::UsageOnly(9),
];

#[tokio::test(start_paused = true)]
async fn usage_is_shown_to_those_who_ask_and_known_in_any_case() {
    for (options, events) in [("", 2), (USAGE_WANTED, 3), (r#","stream_options":{"include_usage":false}"#, 2)]
    {
        let (gateway, _) = gateway(&LINES);
        let mut streamed = gateway.stream(request("m", options)).await.unwrap();
        let facts = streamed.events.facts();
        assert_eq!(facts.time_to_first_event(), None);
        let mut seen = 0;
        while let Some(event) = streamed.events.next().await {
            event.unwrap();
            seen += 1;
            assert_eq!(facts.events_sent(), seen);
        }
        assert!(streamed.events.next().await.is_none());
        assert_eq!(seen, events, "{options}");
        assert_eq!(facts.usage().unwrap().total, 9);
        assert_eq!(facts.end(), StreamEnd::Complete);
        let waited = facts.time_to_first_event().unwrap();
        assert!((40..=42).contains(&waited.as_millis()), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_is_the_last_thing() {
    let (gateway, _) = gateway(&[Line::Event("{}"), Line::Break, Line::Event("{}"), Line::Break]);
    let mut streamed = gateway.stream(request("m", "")).await.unwrap();
    let facts = streamed.events.facts();
    assert!(streamed.events.next().await.unwrap().is_ok());
    assert_eq!(facts.end(), StreamEnd::Running);
    assert!(streamed.events.next().await.unwrap().is_err());
    assert!(streamed.events.next().await.is_none());
    assert_eq!((facts.end(), facts.events_sent()), (StreamEnd::Failed, 1));
}

#[tokio::test(start_paused = true)]
async fn the_call_names_the_upstreams_model() {
    let (gateway, provider) = gateway(&[]);
    let answered = gateway.complete(request("m", "")).await.unwrap();
    assert_eq!((answered.target.provider.name(), &*answered.target.upstream_model), ("fake", "inner-m"));
    let calls = provider.calls();
    assert_eq!((&*calls[0].upstream_model, &*calls[0].request_id), ("inner-m", "r-1"));
    assert_eq!(calls[0].raw, request("m", "").raw);
}

#[tokio::test(start_paused = true)]
async fn unknown_models_reach_nobody() {
    let (gateway, provider) = gateway(&[]);
    assert!(matches!(gateway.complete(request("nope", "")).await, Err(Error::ModelNotFound { .. })));
    assert!(matches!(gateway.stream(request("nope", "")).await, Err(Error::ModelNotFound { .. })));
    assert!(matches!(gateway.model(&anybody(), "nope").await, Err(Error::ModelNotFound { .. })));
    assert!(provider.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn models_that_a_caller_may_not_use_do_not_exist_for_them() {
    let (gateway, provider) = gateway(&[]);
    let other = Arc::new(Principal { models: Some(Arc::from([Box::from("x")])), ..anybody() });
    let chat = || ChatRequest { principal: Arc::clone(&other), ..request("m", "") };
    assert!(matches!(gateway.complete(chat()).await, Err(Error::ModelNotFound { .. })));
    assert!(matches!(gateway.stream(chat()).await, Err(Error::ModelNotFound { .. })));
    assert!(matches!(gateway.model(&other, "m").await, Err(Error::ModelNotFound { .. })));
    assert!(gateway.models(&other).await.unwrap().is_empty());
    assert_eq!(gateway.models(&anybody()).await.unwrap().len(), 1);
    assert!(provider.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn readiness() {
    let (gateway, _) = gateway(&[]);
    assert_eq!(gateway.ready().await, Readiness { ready: true, models: 1 });
    let provider = FakeProvider::listing("fake", &["x"]);
    provider.fail(true);
    let mut catalog = Catalog::new();
    catalog.add_discovery(provider, Pricing::Free);
    assert_eq!(Gateway::new(catalog).ready().await, Readiness { ready: false, models: 0 });
}
