//! What a provider says arrives as it was said.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use novai_core::{
    ChatEvent, Completion, EmbeddingCall, Error, Provider, RateLimitSnapshot, Rejection, RejectionReason,
    ResponseMeta, Streaming, TokenUsage, UpstreamModel, WindowSnapshot,
};
use novai_rpc::worker::Limits;

use crate::support::provider::{EMBEDDINGS, Scripted};
use crate::support::worker::Worker;
use crate::support::{REQUEST, TRACEPARENT, call, event, everything, remote, within};

const JSON: &str = r#"{"id":"x","choices":[],"new_field":{"a":[1,2.50]},"text":"ü\u0000"}"#;

fn usage() -> TokenUsage {
    TokenUsage {
        prompt: 1,
        cached_prompt: 2,
        audio_prompt: 3,
        completion: u64::MAX,
        reasoning: 5,
        audio_completion: 6,
        total: 7,
    }
}

fn meta() -> ResponseMeta {
    let requests =
        WindowSnapshot { limit: Some(60), remaining: Some(0), reset: Some(Duration::from_millis(132)) };
    let limits = RateLimitSnapshot { requests, tokens: WindowSnapshot::default() };
    ResponseMeta { upstream_request_id: Some("req_1".into()), limits: Some(limits) }
}

#[tokio::test]
async fn a_whole_answer_and_its_request_cross_unchanged() {
    let answer =
        || Completion { json: Bytes::from_static(JSON.as_bytes()), usage: Some(usage()), meta: meta() };
    let provider = Arc::new(Scripted::new().completes(move |_| std::future::ready(Ok(answer()))));
    let worker = Worker::start_with(Arc::clone(&provider) as _, None, Limits::default());
    let got = within("the answer", remote(&[worker.url()]).complete(call())).await.unwrap();
    assert_eq!(format!("{got:?}"), format!("{:?}", answer()));
    let asked = provider.calls.lock().unwrap().remove(0);
    assert_eq!(asked.raw, REQUEST, "byte by byte");
    assert_eq!((&*asked.upstream_model, &*asked.request_id), ("m-2025", "request-1"));
    assert_eq!(asked.trace.map(|trace| trace.to_string()).as_deref(), Some(TRACEPARENT));
    assert_eq!(asked.request.model, "m");
}

#[tokio::test]
async fn a_stream_crosses_event_by_event() {
    let events = || {
        vec![
            Ok(event(JSON)),
            Ok(ChatEvent { usage: Some(usage()), ..event("{}") }),
            Ok(ChatEvent { usage: Some(TokenUsage::default()), usage_only: true, ..event("{}") }),
        ]
    };
    let provider = Scripted::new().streams(move |_| {
        let events = Box::pin(futures_util::stream::iter(events()));
        std::future::ready(Ok(Streaming { events, meta: meta() }))
    });
    let worker = Worker::start(provider);
    let streaming = within("the stream", remote(&[worker.url()]).stream(call())).await.unwrap();
    assert_eq!(format!("{:?}", streaming.meta), format!("{:?}", meta()));
    let (got, error) = everything(streaming.events).await;
    assert!(error.is_none(), "{error:?}");
    let expected: Vec<ChatEvent> = events().into_iter().map(Result::unwrap).collect();
    assert_eq!(format!("{got:?}"), format!("{expected:?}"));
}

#[tokio::test]
async fn embeddings_cross_unchanged() {
    const REQUEST: &str = r#"{"model":"m","input":["a","b"],"x_unknown":1}"#;
    let provider = Arc::new(Scripted::new());
    let worker = Worker::start_with(Arc::clone(&provider) as _, None, Limits::default());
    let remote = remote(&[worker.url()]);
    let call = EmbeddingCall {
        raw: Bytes::from_static(REQUEST.as_bytes()),
        request: Arc::new(serde_json::from_str(REQUEST).unwrap()),
        upstream_model: "m-2025".into(),
        request_id: "request-1".into(),
        trace: None,
        deadline: None,
    };
    let got = within("the vectors", remote.embed(call)).await.unwrap();
    assert_eq!(got.json, EMBEDDINGS);
    let asked = provider.embeddings.lock().unwrap().remove(0);
    assert_eq!((&asked.raw[..], &*asked.upstream_model), (REQUEST.as_bytes(), "m-2025"));
}

#[tokio::test]
async fn models_and_their_absence_cross() {
    let provider = Scripted::new();
    let model = UpstreamModel { id: "m".into(), created: 7, owned_by: "o".into() };
    provider.models.lock().unwrap().push(model.clone());
    let worker = Worker::start(provider);
    let models = within("the models", remote(&[worker.url()]).models()).await.unwrap();
    assert_eq!(models, [model]);
}

fn refusal() -> Error {
    let rejection = Rejection {
        reason: RejectionReason::Unprocessable,
        message: "temperature must be at most 2".into(),
        param: Some("temperature".into()),
        code: Some("too_hot".into()),
    };
    Error::ProviderRejected { provider: "scripted".into(), rejection: Box::new(rejection) }
}

/// Each variant's own fields are `errors`' tests; here, every place that an error can come from.
#[tokio::test]
async fn a_refusal_is_the_same_refusal_at_every_point() {
    let worker = Worker::start(
        Scripted::new()
            .completes(|_| std::future::ready(Err(refusal())))
            .streams(|_| std::future::ready(Err(refusal()))),
    );
    let remote = remote(&[worker.url()]);
    let expected = format!("{:?}", refusal());
    let whole = within("the refusal", remote.complete(call())).await.unwrap_err();
    assert_eq!(format!("{whole:?}"), expected);
    let before = within("the refusal", remote.stream(call())).await.err().unwrap();
    assert_eq!(format!("{before:?}"), expected);
}

#[tokio::test]
async fn an_error_in_mid_stream_comes_after_the_events_before_it() {
    let broken =
        || Error::StreamBroken { provider: "scripted".into(), events_sent: 2, source: "reset".into() };
    let worker =
        Worker::start(Scripted::new().says(move || vec![Ok(event("1")), Ok(event("2")), Err(broken())]));
    let streaming = within("the stream", remote(&[worker.url()]).stream(call())).await.unwrap();
    let (got, error) = everything(streaming.events).await;
    assert_eq!(got.len(), 2);
    let Some(Error::StreamBroken { events_sent: 2, source, .. }) = error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "reset");
}
