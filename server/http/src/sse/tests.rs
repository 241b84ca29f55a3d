//! On a paused clock: time passes when everybody waits.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use http_body_util::BodyExt;
use novai_core::money::Day;
use novai_core::{
    Catalog, ChatCall, ChatRequest, Completion, Gateway, ModelCard, Principal, Provider, ResponseMeta,
    Scopes, Streaming, TargetSpec, UpstreamModel,
};
use tokio::time::sleep;

use super::*;

/// What one stream does, in order.
#[derive(Debug, Clone, Copy)]
enum Act {
    Wait(u64),
    Event(&'static str),
    Fail,
}
use Act::{Event, Fail, Wait};

/// Waits before it accepts, then acts once.
struct Scripted {
    accepts_after_s: u64,
    acts: Mutex<Vec<Act>>,
}

impl Provider for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn complete(&self, _: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(std::future::pending())
    }

    fn stream(&self, _: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            sleep(Duration::from_secs(self.accepts_after_s)).await;
            let acts = std::mem::take(&mut *self.acts.lock().unwrap());
            let events: BoxStream<'static, Result<ChatEvent, Error>> = stream::iter(acts)
                .filter_map(|act| async move {
                    match act {
                        Wait(seconds) => {
                            sleep(Duration::from_secs(seconds)).await;
                            None
                        }
                        Event(json) => {
                            Some(Ok(ChatEvent { json: json.into(), usage: None, usage_only: false }))
                        }
                        Fail => Some(Err(Error::EventTooLarge { provider: "scripted".into(), bytes_max: 1 })),
                    }
                })
                .boxed();
            Ok(Streaming { events, meta: ResponseMeta::default() })
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

const TIMING: Timing =
    Timing { first_event_grace: Duration::from_secs(10), keep_alive_interval: Duration::from_secs(15) };

/// The response of one stream, and its seconds of waiting for the head.
async fn respond_to(accepts_after_s: u64, acts: &[Act]) -> (Result<Response<Body>, Error>, u64) {
    respond_through(&["m"], accepts_after_s, acts).await
}

/// The same with several targets, by the names that their provider knows them by; the model is deprecated.
async fn respond_through(
    upstream_models: &[&str],
    accepts_after_s: u64,
    acts: &[Act],
) -> (Result<Response<Body>, Error>, u64) {
    let provider = Arc::new(Scripted { accepts_after_s, acts: Mutex::new(acts.to_vec()) });
    let target = |upstream_model: &&str| TargetSpec {
        provider: Arc::clone(&provider) as _,
        upstream_model: Arc::from(*upstream_model),
        tariff: novai_core::money::Tariff::FREE,
        weight: None,
    };
    let card = ModelCard { deprecated_on: Day::parse("2026-12-01"), ..ModelCard::default() };
    let mut catalog = Catalog::new();
    catalog.add_route("m", 0, upstream_models.iter().map(target).collect(), card).unwrap();
    let gateway = Arc::new(Gateway::new(catalog));
    let request = serde_json::from_str(r#"{"model":"m","messages":[]}"#).unwrap();
    let chat = ChatRequest {
        raw: Bytes::new(),
        request: Arc::new(request),
        request_id: "req_1".into(),
        principal: Arc::new(Principal::new("key_1", Scopes::all())),
        observer: None,
        trace: None,
    };
    let trail = Trail::new(Arc::new(()), Arc::new(()), "req_1".into(), http::Method::POST, None);
    trail.facts().set_model("m");
    let started_at = Instant::now();
    let asked = Arc::clone(&gateway);
    let opening = Box::pin(async move { asked.stream(chat).await });
    let response = respond(opening, TIMING, trail, &gateway).await;
    (response, started_at.elapsed().as_secs())
}

/// Every frame with the second that it came in, counted from the head.
#[track_caller]
fn check(accepts_after_s: u64, acts: &[Act], head_after_s: u64, frames: &[(u64, &str)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let (actual_head_after_s, actual) = runtime.unwrap().block_on(async {
        let (response, head_after_s) = respond_to(accepts_after_s, acts).await;
        let mut body = response.unwrap().into_body();
        let began_at = Instant::now();
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            let bytes = frame.unwrap().into_data().unwrap();
            frames.push((began_at.elapsed().as_secs(), String::from_utf8(bytes.to_vec()).unwrap()));
        }
        (head_after_s, frames)
    });
    let actual: Vec<(u64, &str)> = actual.iter().map(|(second, text)| (*second, text.as_str())).collect();
    assert_eq!((actual_head_after_s, &actual[..]), (head_after_s, frames));
}

/// That a model is deprecated is known before anybody answers; who does, where nobody else could.
#[tokio::test(start_paused = true)]
async fn what_the_head_says_of_the_model() {
    for (upstream_models, accepts_after_s, used_model) in [
        (&["one"][..], 0, Some("one")),
        (&["one", "two"], 0, Some("one")),
        (&["one"], 30, Some("one")),
        (&["one", "two"], 30, None),
    ] {
        let (response, _) = respond_through(upstream_models, accepts_after_s, &[Event("{1}")]).await;
        let response = response.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        let case = format!("{upstream_models:?} after {accepts_after_s} s");
        assert_eq!(header("x-used-model"), used_model, "{case}");
        assert_eq!(header("deprecation"), Some("@1796083200"), "{case}");
    }
}

const COMMENT: &str = ": keep-alive\n\n";

#[test]
fn what_is_ready_together_leaves_together() {
    let all = "data: {1}\n\ndata: {2}\n\ndata: {3}\n\ndata: [DONE]\n\n";
    check(0, &[Event("{1}"), Event("{2}"), Event("{3}")], 0, &[(0, all)]);
}

#[test]
fn nothing_is_held_back() {
    let acts = [Event("{1}"), Wait(1), Event("{2}"), Wait(1)];
    check(0, &acts, 0, &[(0, "data: {1}\n\n"), (1, "data: {2}\n\n"), (2, "data: [DONE]\n\n")]);
}

#[test]
fn the_head_waits_for_the_first_event_but_not_longer_than_the_grace() {
    check(0, &[Wait(9), Event("{1}")], 9, &[(0, "data: {1}\n\ndata: [DONE]\n\n")]);
    check(0, &[Wait(12), Event("{1}")], 10, &[(2, "data: {1}\n\ndata: [DONE]\n\n")]);
    // Also when the upstream has not even accepted yet.
    check(12, &[Event("{1}")], 10, &[(2, "data: {1}\n\ndata: [DONE]\n\n")]);
}

#[test]
fn each_silence_of_fifteen_seconds_gets_one_comment() {
    let acts = [Event("{1}"), Wait(40), Event("{2}"), Wait(14), Event("{3}"), Wait(16)];
    let frames = [
        (0, "data: {1}\n\n"),
        (15, COMMENT),
        (30, COMMENT),
        (40, "data: {2}\n\n"),
        (54, "data: {3}\n\n"),
        (69, COMMENT),
        (70, "data: [DONE]\n\n"),
    ];
    check(0, &acts, 0, &frames);
    check(40, &[], 10, &[(15, COMMENT), (30, "data: [DONE]\n\n")]);
}

#[test]
fn a_failure_after_the_grace_or_the_first_event_is_the_last_event() {
    let error = "data: {\"error\":{\"message\":\"provider scripted sent an event larger than 1 bytes\",\
                 \"type\":\"upstream_error\",\"param\":null,\"code\":\"event_too_large\"}}\n\n";
    check(0, &[Event("{1}"), Wait(1), Fail], 0, &[(0, "data: {1}\n\n"), (1, error)]);
    check(0, &[Wait(11), Fail], 10, &[(1, error)]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_that_has_its_own_status() {
    let (response, _) = respond_to(5, &[Wait(4), Fail]).await;
    assert!(matches!(response, Err(Error::EventTooLarge { .. })));
}

#[test]
fn a_frame_ends_at_its_limit() {
    let large: &'static str = Box::leak(format!("{{{}}}", "x".repeat(40_000)).into_boxed_str());
    let one = format!("data: {large}\n\n");
    let two = one.repeat(2);
    let last = format!("{one}data: [DONE]\n\n");
    check(0, &[Event(large), Event(large), Event(large)], 0, &[(0, two.as_str()), (0, last.as_str())]);
}
