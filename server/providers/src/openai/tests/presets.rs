//! Every preset on the wire: where a request goes, what it carries, and what becomes of an answer.

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::*;
use crate::client::testing::answer;
use crate::openai::presets::{PRESETS, find};

const JSON_TYPE: &str = "content-type: application/json\r\n";

fn preset(kind: &str, base_url: Option<&str>) -> (Arc<OpenAi>, Scripted) {
    let preset = find(kind).unwrap_or_else(|| panic!("no preset is called {kind}"));
    let base_url = base_url.unwrap_or(preset.base_url_example);
    let mut config = Config::preset(upstream::Config::new("up", base_url), preset);
    config.upstream.api_key = Some(KEY.into());
    scripted(config)
}

fn call(with: Value) -> ChatCall {
    let mut raw = json!({"model": "mine", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in with.as_object().into_iter().flatten() {
        raw[name] = value.clone();
    }
    testing::call("up/model 4.1", raw.to_string())
}

/// What a chat puts on the wire: its head, and its body.
async fn sent(kind: &str, base_url: Option<&str>, with: Value) -> (String, Value) {
    let (provider, mut upstream) = preset(kind, base_url);
    let call = call(with);
    let ask = async {
        match call.request.stream {
            // What comes is no stream, and not looked at.
            Some(true) => provider.stream(call).await.map(drop).or(Ok(())),
            _ => provider.complete(call).await.map(drop),
        }
    };
    let play = async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        peer.send(answer("200 OK", JSON_TYPE, r#"{"choices":[{}]}"#)).await;
        request
    };
    let (result, request): (Result<(), Error>, String) = tokio::join!(ask, play);
    result.unwrap_or_else(|error| panic!("{kind}: {error}"));
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn where_each_is_and_how_the_key_travels() {
    const BEARER: &str = "authorization: Bearer sk-upstream-secret";
    const AZURE: &str = "api-key: sk-upstream-secret";
    const DEPLOYED: &str = "/openai/deployments/up%2Fmodel%204.1/chat/completions?api-version=2024-10-21";
    let own = Some("http://here.test:81/x");
    for (kind, base_url, host, path, key) in [
        ("deepseek", None, "api.deepseek.com", "/chat/completions", BEARER),
        ("mistral", None, "api.mistral.ai", "/v1/chat/completions", BEARER),
        ("groq", None, "api.groq.com", "/openai/v1/chat/completions", BEARER),
        ("xai", None, "api.x.ai", "/v1/chat/completions", BEARER),
        ("openrouter", None, "openrouter.ai", "/api/v1/chat/completions", BEARER),
        ("together", None, "api.together.xyz", "/v1/chat/completions", BEARER),
        ("ollama", None, "127.0.0.1:11434", "/v1/chat/completions", BEARER),
        ("vllm", None, "127.0.0.1:8000", "/v1/chat/completions", BEARER),
        ("llama-cpp", None, "127.0.0.1:8081", "/v1/chat/completions", BEARER),
        ("azure", None, "RESOURCE.openai.azure.com", DEPLOYED, AZURE),
        // Azure's newer API, and addresses of one's own.
        ("azure", Some("https://a.test/openai/v1/"), "a.test", "/openai/v1/chat/completions", AZURE),
        ("deepseek", own, "here.test:81", "/x/chat/completions", BEARER),
    ] {
        for stream in [false, true] {
            let (head, _) = sent(kind, base_url, json!({"stream": stream})).await;
            let mut lines = head.split("\r\n");
            assert_eq!(lines.next(), Some(format!("POST {path} HTTP/1.1").as_str()), "{kind}");
            let headers: Vec<&str> = lines.collect();
            assert!(headers.contains(&format!("host: {host}").as_str()), "{kind}: {headers:?}");
            assert!(headers.contains(&key), "{kind}: {headers:?}");
            assert_eq!(head.matches(KEY).count(), 1, "{kind}: {head}");
        }
    }
}

#[tokio::test]
async fn requests_in_each_vendors_words() {
    const USER: &str = r#"[{"role":"user","content":"hi"}]"#;
    let user = || serde_json::from_str::<Value>(USER).unwrap();
    let cases = [
        // Who has no quirks gets what came.
        (
            "groq",
            json!({"max_completion_tokens": 5, "seed": 1, "logprobs": false, "user": null}),
            json!({"max_completion_tokens": 5, "seed": 1, "logprobs": false, "user": null}),
        ),
        (
            "xai",
            json!({"stop": ["x"], "stream": true}),
            json!({"stop": ["x"], "stream": true, "stream_options": {"include_usage": true}}),
        ),
        ("openrouter", json!({"provider": {"order": ["x"]}}), json!({"provider": {"order": ["x"]}})),
        (
            "vllm",
            json!({"top_k": 5, "max_completion_tokens": 5}),
            json!({"top_k": 5, "max_completion_tokens": 5}),
        ),
        ("azure", json!({"n": 2, "data_sources": []}), json!({"n": 2, "data_sources": []})),
        // The old name of the longest answer, whichever came; OpenAI's newer one wins.
        ("llama-cpp", json!({"max_completion_tokens": 5}), json!({"max_tokens": 5})),
        ("ollama", json!({"max_tokens": 7, "max_completion_tokens": 5}), json!({"max_tokens": 5})),
        ("deepseek", json!({"max_tokens": 7, "max_completion_tokens": null}), json!({"max_tokens": 7})),
        ("together", json!({"max_completion_tokens": 5, "logprobs": false}), json!({"max_tokens": 5})),
        // Fields that are nobody's but the vendor's, and hints that are nobody's there.
        (
            "deepseek",
            json!({"thinking": {"type": "enabled"}, "prompt_cache_key": "x", "parallel_tool_calls": true, "n": 1}),
            json!({"thinking": {"type": "enabled"}}),
        ),
        ("ollama", json!({"tool_choice": "auto", "store": false, "keep_alive": 5}), json!({"keep_alive": 5})),
        (
            "mistral",
            json!({"seed": 3, "logprobs": false, "store": false, "safe_prompt": true, "temperature": 0.5, "n": 2}),
            json!({"random_seed": 3, "safe_prompt": true, "temperature": 0.5, "n": 2}),
        ),
        (
            "mistral",
            json!({"seed": 3, "random_seed": 4, "max_tokens": 9}),
            json!({"random_seed": 3, "max_tokens": 9}),
        ),
        // Usage: asked for where the field is known.
        (
            "deepseek",
            json!({"stream": true, "stream_options": {"x": 1}}),
            json!({"stream": true, "stream_options": {"x": 1, "include_usage": true}}),
        ),
        (
            "ollama",
            json!({"stream": true}),
            json!({"stream": true, "stream_options": {"include_usage": true}}),
        ),
        (
            "mistral",
            json!({"stream": true, "stream_options": {"include_usage": true}}),
            json!({"stream": true}),
        ),
        // The gateway's own option is for nobody.
        ("mistral", json!({"usage": {"include": true}}), json!({})),
    ];
    for (kind, with, expected) in cases {
        let (_, body) = sent(kind, None, with.clone()).await;
        let mut whole = json!({"model": "up/model 4.1", "messages": user()});
        for (name, value) in expected.as_object().unwrap() {
            whole[name] = value.clone();
        }
        assert_eq!(body, whole, "{kind}: {with}");
    }
}

#[tokio::test]
async fn messages_in_each_vendors_words() {
    let asked = json!([
        {"role": "developer", "content": "Be \u{e9}.", "name": "ops"},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": null, "refusal": null, "annotations": [], "reasoning_content": "hm", "audio": null,
         "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]);
    let mut system = asked.clone();
    system[0]["role"] = "system".into();
    let mut bare = system.clone();
    for name in ["refusal", "annotations", "reasoning_content", "audio"] {
        bare[2].as_object_mut().unwrap().remove(name);
    }
    for preset in &PRESETS {
        let mut expected = match preset.kind {
            // DeepSeek wants the reasoning of a turn with tools back.
            "deepseek" | "together" | "ollama" => system.clone(),
            "mistral" => bare.clone(),
            _ => asked.clone(),
        };
        if SAY_REASONING.contains(&preset.kind) {
            let message = expected[2].as_object_mut().unwrap();
            let text = message.remove("reasoning_content").unwrap();
            message.insert("reasoning".to_owned(), text);
        }
        let (_, body) = sent(preset.kind, None, json!({"messages": asked})).await;
        assert_eq!(body["messages"], expected, "{}", preset.kind);
    }
}

const SAY_REASONING: [&str; 5] = ["groq", "openrouter", "together", "ollama", "vllm"];

#[tokio::test]
async fn answers_in_our_words() {
    for preset in &PRESETS {
        let ours = if SAY_REASONING.contains(&preset.kind) { "reasoning_content" } else { "reasoning" };
        for (stream, part) in [(false, "message"), (true, "delta")] {
            let (provider, mut upstream) = self::preset(preset.kind, None);
            let theirs = json!({"choices": [{"index": 0, part: {"reasoning": "hm", "content": "a"}}]});
            let expected = json!({"choices": [{"index": 0, part: {ours: "hm", "content": "a"}}]});
            let ask = async {
                let call = call(json!({"stream": stream}));
                if !stream {
                    return provider.complete(call).await.unwrap().json;
                }
                let mut streaming = provider.stream(call).await.unwrap();
                streaming.events.next().await.unwrap().unwrap().json
            };
            let (json, ()) = tokio::join!(ask, async {
                let mut peer = upstream.accept().await;
                peer.request().await;
                peer.send(match stream {
                    false => answer("200 OK", JSON_TYPE, &theirs.to_string()),
                    true => answer(
                        "200 OK",
                        "content-type: text/event-stream\r\n",
                        &format!("data: {theirs}\n\ndata: [DONE]\n\n"),
                    ),
                })
                .await;
            });
            let json: Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(json, expected, "{}, streamed: {stream}", preset.kind);
        }
    }
}

#[tokio::test]
async fn what_a_vendor_has_no_words_for_is_refused() {
    for (kind, with, param) in [
        ("deepseek", json!({"seed": 1}), "seed"),
        ("deepseek", json!({"n": 2}), "n"),
        ("deepseek", json!({"parallel_tool_calls": false}), "parallel_tool_calls"),
        ("deepseek", json!({"user": "u"}), "user"),
        ("mistral", json!({"logprobs": true}), "logprobs"),
        ("mistral", json!({"logit_bias": {"1": 1}}), "logit_bias"),
        ("together", json!({"logprobs": true, "seed": 1}), "logprobs"),
        ("ollama", json!({"tool_choice": "required"}), "tool_choice"),
        ("ollama", json!({"n": 2}), "n"),
    ] {
        let (provider, _upstream) = preset(kind, None);
        let vendor = find(kind).unwrap().vendor;
        for stream in [false, true] {
            let mut with = with.clone();
            with["stream"] = stream.into();
            let refused = match stream {
                true => provider.stream(call(with)).await.map(drop),
                false => provider.complete(call(with)).await.map(drop),
            };
            match refused {
                Err(Error::InvalidRequest { param: Some(named), reason }) => {
                    assert_eq!(named, param, "{kind}");
                    assert!(reason.contains(vendor) && reason.contains(param), "{kind}: {reason}");
                }
                other => panic!("{kind} with {param}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn embeddings_in_each_vendors_words() {
    for (kind, path, expected) in [
        ("mistral", "/v1/embeddings", json!({"model": "e", "input": ["a"], "output_dimension": 8})),
        ("vllm", "/v1/embeddings", json!({"model": "e", "input": ["a"], "dimensions": 8})),
        (
            "azure",
            "/openai/deployments/e/embeddings?api-version=2024-10-21",
            json!({"model": "e", "input": ["a"], "dimensions": 8}),
        ),
    ] {
        let (provider, mut upstream) = preset(kind, None);
        let raw = json!({"model": "e", "input": ["a"], "dimensions": 8}).to_string();
        let call = EmbeddingCall {
            request: Arc::new(serde_json::from_str(&raw).unwrap()),
            raw: raw.into(),
            upstream_model: "e".into(),
            request_id: "req-1".into(),
            trace: None,
            deadline: None,
        };
        let (_, request) = tokio::join!(provider.embed(call), async {
            let mut peer = upstream.accept().await;
            let request = peer.request().await;
            peer.send(answer("200 OK", JSON_TYPE, r#"{"error":{}}"#)).await;
            request
        });
        assert!(request.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{kind}: {request}");
        let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(body, expected, "{kind}");
    }
}

#[tokio::test]
async fn deployments_are_not_listed_and_stay_below_their_path() {
    let (provider, _upstream) = preset("azure", None);
    assert_eq!(provider.models().await.unwrap(), []);
    for (model, segment) in [("gpt-4.1", "gpt-4.1"), ("..", "%2E%2E"), ("a/../b?c#d", "a%2F..%2Fb%3Fc%23d")] {
        let (provider, mut upstream) = preset("azure", None);
        let raw = r#"{"model":"m","messages":[]}"#;
        let ask = provider.complete(testing::call(model, raw.to_owned()));
        let (_, request) = tokio::join!(ask, async {
            let mut peer = upstream.accept().await;
            let request = peer.request().await;
            peer.send(answer("200 OK", JSON_TYPE, "{}")).await;
            request
        });
        let path = format!("POST /openai/deployments/{segment}/chat/completions?api-version=");
        assert!(request.starts_with(&path), "{request}");
    }
}

#[test]
fn the_table_is_consistent() {
    for preset in &PRESETS {
        let kind = preset.kind;
        assert!(kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{kind}");
        assert!(std::ptr::eq(find(kind).unwrap(), preset), "{kind} is there twice");
        assert!(preset.base_url.is_none_or(|url| url == preset.base_url_example), "{kind}");
        assert_eq!(preset.key_variable.is_none(), preset.is_local, "{kind}");
        if !preset.is_local {
            assert!(
                preset.base_url_example.starts_with("https://"),
                "{kind} would send its key in the clear"
            );
        }
    }
}
