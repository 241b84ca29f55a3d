//! The adaptor against scripted upstreams and recorded answers.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};

mod embeddings;
mod images;

use super::*;
use crate::client::testing::{LAST_CHUNK, Upstream as Scripted, answer, chunk, chunked_head};
use crate::shared;
use crate::testing;

const KEY: &str = "AIza-secret";
const JSON_TYPE: &str = "content-type: application/json; charset=UTF-8\r\n";

fn provider() -> (Gemini, Scripted) {
    let mut config = upstream::Config::new("google", "http://upstream.test/v1beta");
    config.api_key = Some(KEY.into());
    let (upstream, scripted) = upstream::scripted(config, dialect(), Duration::from_secs(60));
    (Gemini::with_upstream(upstream).unwrap(), scripted)
}

fn chat() -> ChatCall {
    testing::call("gemini-x", r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#.to_owned())
}

async fn complete(status: &str, body: &str) -> (Result<Completion, Error>, String) {
    let (provider, mut upstream) = provider();
    tokio::join!(provider.complete(chat()), async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        peer.send(answer(status, JSON_TYPE, body)).await;
        request
    })
}

/// The chunks of a stream that consists of `bytes`, sent `size` at a time, and its error.
async fn play(bytes: &[u8], size: usize) -> (Vec<Value>, Option<String>) {
    let (provider, mut upstream) = provider();
    let collect = async {
        let mut events = match provider.stream(chat()).await {
            Ok(streaming) => streaming.events,
            Err(error) => return (Vec::new(), Some(error.to_string())),
        };
        let (mut seen, mut failed) = (Vec::new(), None);
        while let Some(item) = events.next().await {
            match item {
                Ok(event) => seen.push(serde_json::from_slice(&event.json).unwrap()),
                Err(Error::StreamBroken { source, .. }) => failed = Some(source.to_string()),
                Err(error) => failed = Some(error.to_string()),
            }
        }
        (seen, failed)
    };
    let (collected, ()) = tokio::join!(collect, async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        let path = "POST /v1beta/models/gemini-x:streamGenerateContent?alt=sse HTTP/1.1\r\n";
        assert!(request.starts_with(path), "{request}");
        let mut out = chunked_head("text/event-stream").into_bytes();
        for piece in bytes.chunks(size) {
            out.extend_from_slice(chunk(std::str::from_utf8(piece).unwrap()).as_bytes());
        }
        out.extend_from_slice(LAST_CHUNK.as_bytes());
        peer.send(out).await;
    });
    collected
}

#[tokio::test]
async fn an_answer_is_a_completion() {
    let body = json!({
        "candidates": [{
            "content": {"role": "model", "parts": [
                {"text": "so", "thought": true},
                {"text": "a"}, {"text": "b", "thoughtSignature": "for the text"},
                {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "for the call"},
            ]},
            "finishReason": "STOP",
        }],
        "usageMetadata": {"promptTokenCount": 8, "cachedContentTokenCount": 3, "candidatesTokenCount": 7, "thoughtsTokenCount": 20, "totalTokenCount": 35},
        "modelVersion": "gemini-x-001", "responseId": "R",
    });
    let (answered, request) = complete("200 OK", &body.to_string()).await;
    assert!(request.starts_with("POST /v1beta/models/gemini-x:generateContent HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-goog-api-key: AIza-secret"), "{request}");
    let completion = answered.unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&completion.json).unwrap(),
        json!({
            "id": "R", "object": "chat.completion", "created": 60, "model": "gemini-x-001",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "ab", "reasoning_content": "so",
                "reasoning_details": [
                    {"type": "reasoning.encrypted", "index": 0, "format": "google-gemini-v1", "data": "for the text"},
                    {"type": "reasoning.encrypted", "index": 1, "id": "call_R_0_0", "format": "google-gemini-v1", "data": "for the call"},
                ],
                "tool_calls": [{"type": "function", "id": "call_R_0_0", "function": {"name": "f", "arguments": "{\"x\":1}"}}],
            }}],
            "usage": {
                "prompt_tokens": 8, "completion_tokens": 27, "total_tokens": 35,
                "prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 20},
            },
        })
    );
    assert_eq!(completion.usage.unwrap().reasoning, 20);
}

#[tokio::test]
async fn logprobs_and_sources_are_carried_whole_and_streamed() {
    let result = json!({
        "chosenCandidates": [{"token": "Grüß", "tokenId": 7, "logProbability": -0.25}, {"token": " dich", "logProbability": -1.5}],
        "topCandidates": [{"candidates": [{"token": "Grüß", "logProbability": -0.25}, {"token": "Hallo", "logProbability": -2.0}]}],
    });
    let sources = json!({"citationSources": [
        {"startIndex": 6, "endIndex": 11, "uri": "https://example.com/a", "license": "mit"},
        {"startIndex": 1, "endIndex": 2},
    ]});
    let candidate = json!({
        "content": {"parts": [{"text": "Grüß"}, {"text": " dich"}]}, "finishReason": "STOP", "avgLogprobs": -0.875,
        "logprobsResult": result, "citationMetadata": sources,
    });
    let expected_logprobs = json!({"content": [
        {"token": "Grüß", "logprob": -0.25, "top_logprobs": [{"token": "Grüß", "logprob": -0.25}, {"token": "Hallo", "logprob": -2.0}]},
        {"token": " dich", "logprob": -1.5, "top_logprobs": []},
    ]});
    // Characters 4 to 8 of "Grüß dich".
    let expected_sources = json!([{"type": "url_citation", "url_citation": {
        "url": "https://example.com/a", "start_index": 4, "end_index": 8, "license": "mit",
    }}]);
    let answer = json!({"candidates": [candidate], "responseId": "R"}).to_string();
    let (answered, _) = complete("200 OK", &answer).await;
    let json: Value = serde_json::from_slice(&answered.unwrap().json).unwrap();
    assert_eq!(json["choices"][0]["logprobs"], expected_logprobs);
    assert_eq!(json["choices"][0]["message"]["annotations"], expected_sources);

    let (chunks, error) = play(format!("data: {answer}\r\n\r\n").as_bytes(), usize::MAX).await;
    assert_eq!(error, None);
    assert_eq!(chunks[3]["choices"][0]["logprobs"], expected_logprobs);
    assert_eq!(chunks[4]["choices"][0]["delta"], json!({"annotations": expected_sources}));
    assert_eq!(chunks[5]["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn a_blocked_prompt_is_a_refusal() {
    let body = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":8},"responseId":"R"}"#;
    let (answered, _) = complete("200 OK", body).await;
    let json: Value = serde_json::from_slice(&answered.unwrap().json).unwrap();
    assert_eq!(json["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(json["choices"][0]["message"]["refusal"], "The prompt was blocked: PROHIBITED_CONTENT.");
    let (chunks, error) = play(format!("data: {body}\r\n\r\n").as_bytes(), usize::MAX).await;
    assert_eq!(error, None);
    assert_eq!(chunks[1]["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(chunks[2]["usage"]["prompt_tokens"], 8);
}

#[tokio::test]
async fn recorded_errors() {
    let Some(body) = shared::bytes("fixtures/gemini/error_400_bad_key.json") else { return };
    let (answered, _) = complete("400 Bad Request", std::str::from_utf8(&body).unwrap()).await;
    assert!(matches!(answered, Err(Error::ProviderAuth { .. })), "{answered:?}");
    let Some(body) = shared::bytes("fixtures/gemini/error_429_resource_exhausted.json") else { return };
    let (answered, _) = complete("429 Too Many Requests", std::str::from_utf8(&body).unwrap()).await;
    let Err(Error::ProviderRateLimited { retry_after, .. }) = answered else { panic!("{answered:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(48)));
}

#[tokio::test]
async fn recorded_streams() {
    let Some(text) = shared::bytes("fixtures/gemini/text_crlf.sse") else { return };
    let Some(tool) = shared::bytes("fixtures/gemini/tool_call_thought_signature.sse") else { return };
    for size in [1, 2, 3, 7, 64, usize::MAX] {
        let (chunks, error) = play(&text, size).await;
        assert_eq!(error, None);
        assert_eq!(chunks[1]["choices"][0]["delta"]["content"], "1, 2, 3");
        assert_eq!(chunks[2]["choices"][0]["finish_reason"], "stop");
        assert_eq!(chunks[3]["usage"]["total_tokens"], 35);
        assert_eq!(chunks.len(), 4);

        let (chunks, error) = play(&tool, size).await;
        assert_eq!(error, None);
        let call = &chunks[1]["choices"][0]["delta"]["tool_calls"][0];
        assert_eq!(
            (&call["function"]["name"], &call["function"]["arguments"]),
            (&json!("get_country"), &json!("{}"))
        );
        let detail = &chunks[2]["choices"][0]["delta"]["reasoning_details"][0];
        assert_eq!(detail["id"], call["id"]);
        assert!(detail["data"].as_str().unwrap().starts_with("EpwICpkI"));
        assert_eq!(chunks[3]["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(chunks[4]["usage"]["completion_tokens_details"]["reasoning_tokens"], 202);
    }
}

#[tokio::test]
async fn broken_streams_are_errors_never_a_made_up_stop() {
    let piece = r#"{"candidates":[{"content":{"parts":[{"text":"Hello"}]}}],"responseId":"R"}"#;
    let end = r#"{"candidates":[{"finishReason":"STOP"}]}"#;
    let other = r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"x"}]}}]}"#;
    let overloaded = r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    for (events, reason) in [
        (&[][..], "without a finishReason"),
        (&[piece], "without a finishReason"),
        (&[piece, other, end], "without a finishReason"),
        (&[piece, end, piece], "went on after"),
        (&[piece, "{"], "does not have"),
        (&[piece, overloaded], "overloaded"),
    ] {
        let bytes: String = events.iter().map(|event| format!("data: {event}\r\n\r\n")).collect();
        let (_, error) = play(bytes.as_bytes(), usize::MAX).await;
        let error = error.unwrap_or_else(|| panic!("{events:?} ended well"));
        assert!(error.contains(reason), "{events:?}: {error}");
    }
}

#[tokio::test]
async fn models_are_listed() {
    let (provider, mut upstream) = provider();
    let body = json!({"models": [
        {"name": "models/gemini-x", "supportedGenerationMethods": ["generateContent"]},
        {"name": "models/gemini-embedding", "supportedGenerationMethods": ["embedContent"]},
        {"name": "models/imagen", "supportedGenerationMethods": ["predict"]},
    ]});
    let (models, request) = tokio::join!(provider.models(), async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        peer.send(answer("200 OK", JSON_TYPE, &body.to_string())).await;
        request
    });
    assert!(request.starts_with("GET /v1beta/models?pageSize=1000 HTTP/1.1"), "{request}");
    let expected = ["gemini-x", "gemini-embedding"].map(|id| UpstreamModel {
        id: id.into(),
        created: 0,
        owned_by: "google".into(),
    });
    assert_eq!(models.unwrap(), expected);
}
