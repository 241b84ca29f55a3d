//! The simulator as its callers see it: each answer decoded by the generated types, whole and streamed alike.

use std::time::Duration;

use futures_util::StreamExt;
use novai_core::clock::FixedClock;
use novai_core::{ChatEvent, TokenUsage};
use novai_types::{ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, Check};
use serde_json::{Value, json};

use super::*;

fn sim() -> Sim {
    Sim::with_clock("sim", Arc::new(FixedClock(Duration::from_secs(1_700_000_000))))
}

/// A call for `model` whose request is the usual one changed by `with`.
fn call(model: &str, with: Value) -> ChatCall {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": "Say hello twice" }] });
    for (name, value) in with.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let raw = body.to_string();
    let request: ChatCompletionRequest = serde_json::from_str(&raw).unwrap();
    request.check().unwrap_or_else(|violation| panic!("{body}: {violation:?}"));
    ChatCall {
        raw: raw.into(),
        request: Arc::new(request),
        upstream_model: model.into(),
        request_id: "r".into(),
        trace: None,
        deadline: None,
    }
}

async fn whole(model: &str, with: Value) -> Value {
    let completion = sim().complete(call(model, with)).await.unwrap();
    let typed: ChatCompletion = serde_json::from_slice(&completion.json).unwrap();
    assert!(typed.extra.is_empty(), "unknown fields: {:?}", typed.extra);
    serde_json::from_slice(&completion.json).unwrap()
}

async fn streamed(model: &str, with: Value) -> (Vec<ChatEvent>, Option<Error>) {
    let mut events = match sim().stream(call(model, with)).await {
        Ok(streaming) => streaming.events,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut seen = Vec::new();
    while let Some(item) = events.next().await {
        match item {
            Ok(event) => seen.push(event),
            Err(error) => return (seen, Some(error)),
        }
    }
    (seen, None)
}

/// A streamed answer put together again, in the shape of a whole one: what a client would hold.
fn merged(events: &[ChatEvent]) -> (Vec<Value>, Option<TokenUsage>) {
    let mut choices: Vec<Value> = Vec::new();
    let mut usage = None;
    let append = |to: &mut Value, more: &Value| {
        if let Some(more) = more.as_str() {
            *to = format!("{}{more}", to.as_str().unwrap_or_default()).into();
        }
    };
    for event in events {
        let typed: ChatCompletionChunk = serde_json::from_slice(&event.json).unwrap();
        assert!(typed.extra.is_empty(), "unknown fields: {:?}", typed.extra);
        usage = usage.or(event.usage);
        let chunk: Value = serde_json::from_slice(&event.json).unwrap();
        for delta in chunk["choices"].as_array().unwrap() {
            let index = delta["index"].as_u64().unwrap() as usize;
            if choices.len() <= index {
                choices.resize(index + 1, json!({ "calls": [] }));
            }
            let choice = &mut choices[index];
            for name in ["content", "refusal", "reasoning_content"] {
                append(&mut choice[name], &delta["delta"][name]);
            }
            for call in delta["delta"]["tool_calls"].as_array().into_iter().flatten() {
                let place = call["index"].as_u64().unwrap() as usize;
                let calls = choice["calls"].as_array_mut().unwrap();
                if calls.len() <= place {
                    calls
                        .push(json!({ "id": call["id"], "name": call["function"]["name"], "arguments": "" }));
                }
                append(&mut calls[place]["arguments"], &call["function"]["arguments"]);
            }
            if !delta["finish_reason"].is_null() {
                choice["finish_reason"] = delta["finish_reason"].clone();
            }
        }
    }
    (choices, usage)
}

fn weather(name: &str) -> Value {
    json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object",
        "properties": { "city": { "type": "string" } }, "required": ["city"] } } })
}

#[tokio::test]
async fn whole_and_streamed_answers_agree() {
    for with in [
        json!({}),
        json!({ "n": 3, "seed": 7 }),
        json!({ "max_tokens": 5 }),
        json!({ "max_completion_tokens": 1, "max_tokens": 9 }),
        json!({ "stop": "\n" }),
        json!({ "stop": ["nothing like it", "hello"] }),
        json!({ "logprobs": true, "top_logprobs": 2 }),
        json!({ "reasoning_effort": "high" }),
        json!({ "reasoning_effort": "low", "max_completion_tokens": 3 }),
        json!({ "tools": [weather("get_weather")] }),
        json!({ "tools": [weather("one"), weather("two")], "tool_choice": "required", "messages": [{ "role": "user", "content": "call one and two" }] }),
        json!({ "response_format": { "type": "json_object" } }),
        json!({ "messages": [] , "messages": [{ "role": "user", "content": [{ "type": "text", "text": "parts 한국어 🙂" }] }] }),
    ] {
        let completion = whole("novai-sim", with.clone()).await;
        let (events, error) = streamed("novai-sim", with.clone()).await;
        assert!(error.is_none(), "{error:?}");
        let (choices, usage) = merged(&events);
        assert_eq!(choices.len(), completion["choices"].as_array().unwrap().len(), "{with}");
        for (choice, expected) in choices.iter().zip(completion["choices"].as_array().unwrap()) {
            let message = &expected["message"];
            for name in ["content", "refusal", "reasoning_content"] {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                assert_eq!(text(&choice[name]), text(&message[name]), "{name} of {with}");
            }
            assert_eq!(choice["finish_reason"], expected["finish_reason"], "{with}");
            let calls: Vec<Value> = message["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|call| json!({ "id": call["id"], "name": call["function"]["name"], "arguments": call["function"]["arguments"] }))
                .collect();
            assert_eq!(choice["calls"], Value::from(calls), "{with}");
        }
        let usage = usage.unwrap();
        assert_eq!(completion["usage"]["total_tokens"], usage.total, "{with}");
        assert_eq!(usage.total, usage.prompt + usage.completion);
        assert!(events.last().unwrap().usage_only);
        assert_eq!(events.iter().filter(|event| event.usage_only).count(), 1);
        // One event per token, one to begin and one to end each choice, one for the usage.
        assert_eq!(events.len() as u64, usage.completion + 2 * choices.len() as u64 + 1, "{with}");
        assert_eq!(whole("novai-sim", with).await, completion, "not deterministic");
    }
}

#[tokio::test]
async fn lengths_and_stops() {
    let plain = whole("novai-sim", json!({})).await;
    let content = plain["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert!(content.contains("Say hello twice"), "{content}");
    assert_eq!(plain["choices"][0]["finish_reason"], "stop");
    assert_eq!(plain["usage"]["completion_tokens"], tokens::count(&content));

    let short = whole("novai-sim", json!({ "max_completion_tokens": 4 })).await;
    assert_eq!(short["choices"][0]["finish_reason"], "length");
    assert_eq!(short["usage"]["completion_tokens"], 4);
    assert!(content.starts_with(short["choices"][0]["message"]["content"].as_str().unwrap()));

    let stopped = whole("novai-sim", json!({ "stop": [" hello"] })).await;
    assert_eq!(stopped["choices"][0]["message"]["content"], "You said: Say");
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");

    let counted = whole("novai-sim-tokens-64", json!({})).await;
    assert_eq!(counted["usage"]["completion_tokens"], 64);
}

#[tokio::test]
async fn tools_are_called_as_chosen() {
    let tools = json!([weather("one"), weather("two"), { "type": "custom", "custom": { "name": "free" } }]);
    let after_tool = json!([
        { "role": "user", "content": "hi" },
        { "role": "assistant", "tool_calls": [{ "id": "c", "type": "function", "function": { "name": "one", "arguments": "{}" } }] },
        { "role": "tool", "tool_call_id": "c", "content": "sunny" },
    ]);
    let asking = |text: &str| json!([{ "role": "user", "content": text }]);
    let named = json!({ "type": "function", "function": { "name": "two" } });
    let allowed = json!({ "type": "allowed_tools", "allowed_tools": { "mode": "required",
        "tools": [{ "type": "function", "function": { "name": "two" } }] } });
    for (with, names) in [
        (json!({ "tools": tools }), &["one"][..]),
        (json!({ "tools": tools, "messages": asking("use two, then one") }), &["one", "two"]),
        (
            json!({ "tools": tools, "messages": asking("use two, then one"), "parallel_tool_calls": false }),
            &["one"],
        ),
        (json!({ "tools": tools, "tool_choice": "none" }), &[]),
        (json!({ "tools": tools, "tool_choice": named }), &["two"]),
        (json!({ "tools": tools, "tool_choice": allowed }), &["two"]),
        (
            json!({ "tools": tools, "tool_choice": { "type": "custom", "custom": { "name": "free" } } }),
            &["free"],
        ),
        (json!({ "tools": tools, "messages": after_tool }), &[]),
        (json!({ "tools": tools, "messages": after_tool, "tool_choice": "required" }), &["one"]),
    ] {
        let completion = whole("novai-sim", with.clone()).await;
        let choice = &completion["choices"][0];
        let called: Vec<&str> = choice["message"]["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|call| call["function"]["name"].as_str().or(call["custom"]["name"].as_str()).unwrap())
            .collect();
        assert_eq!(called, names, "{with}");
        assert_eq!(choice["finish_reason"], if names.is_empty() { "stop" } else { "tool_calls" });
        for call in choice["message"]["tool_calls"].as_array().into_iter().flatten() {
            if let Some(arguments) = call["function"]["arguments"].as_str() {
                assert!(serde_json::from_str::<Value>(arguments).unwrap()["city"].is_string());
            }
        }
    }
    for choice in [json!("required"), json!({ "type": "function", "function": { "name": "gone" } })] {
        let refused = sim().complete(call("novai-sim", json!({ "tool_choice": choice }))).await;
        assert!(matches!(refused, Err(Error::InvalidRequest { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn structured_output_validates() {
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer", "minimum": 5 } }, "required": ["n"] });
    let with = json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "a", "schema": schema } } });
    let completion = whole("novai-sim", with).await;
    let content = completion["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(content).unwrap(), json!({ "n": 5 }));
}

#[tokio::test]
async fn shapes_of_answers() {
    let refusal = whole("novai-sim-refusal", json!({})).await;
    assert!(refusal["choices"][0]["message"]["content"].is_null());
    assert!(refusal["choices"][0]["message"]["refusal"].is_string());
    let filtered = whole("novai-sim-content-filter", json!({})).await;
    assert_eq!(filtered["choices"][0]["finish_reason"], "content_filter");
    let empty = whole("novai-sim-empty", json!({})).await;
    assert_eq!(empty["choices"][0]["message"]["content"], "");
    assert_eq!(empty["usage"]["completion_tokens"], 0);
}

#[tokio::test(start_paused = true)]
async fn every_listed_model_does_what_the_table_says() {
    let models = sim().models().await.unwrap();
    for model in models.into_iter().filter(|model| sim().embeds(&model.id) == Some(false)) {
        let fault = Behaviour::of(&model.id).unwrap_or_else(|| panic!("{} is unknown", model.id)).fault;
        let (events, error) = streamed(&model.id, json!({})).await;
        let whole = sim().complete(call(&model.id, json!({}))).await;
        assert_eq!(error.is_some(), fault.is_some(), "{}: {error:?}", model.id);
        assert_eq!(whole.is_err(), fault.is_some(), "{}", model.id);
        if let Some(fault) = fault {
            assert_eq!(events.len() as u64, fault.events_before(), "{}", model.id);
        }
    }
    for unknown in
        ["novai-sim-", "novai-sim-error-418", "novai-sim-tokens-0", "novai-sim-tokens-99999", "gpt-4o", ""]
    {
        assert_eq!(Behaviour::of(unknown), None, "{unknown}");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_and_stalled_take_their_time() {
    let started_at = tokio::time::Instant::now();
    let (events, _) = streamed("novai-sim-slow", json!({ "max_tokens": 3 })).await;
    let each = started_at.elapsed() / u32::try_from(events.len()).unwrap();
    assert!((50..=52).contains(&each.as_millis()), "{each:?}");

    let started_at = tokio::time::Instant::now();
    let (_, error) = streamed("novai-sim-stall", json!({})).await;
    assert!(matches!(error, Some(Error::ProviderTimeout { .. })), "{error:?}");
    assert_eq!(started_at.elapsed().as_secs(), Deadlines::default().idle.as_secs());
}
