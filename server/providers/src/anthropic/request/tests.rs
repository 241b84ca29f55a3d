use serde_json::json;

use super::*;
use crate::testing;

fn translated(model: &str, request: Value) -> Result<Value, (String, String)> {
    match body(&testing::call(model, request.to_string()), 8192) {
        Ok(body) => Ok(serde_json::from_slice(&body).unwrap()),
        Err(Error::InvalidRequest { param, reason }) => Err((param.unwrap_or_default(), reason)),
        Err(other) => panic!("{other:?}"),
    }
}

/// `options` beside one user message; what they become beside the constant rest.
#[track_caller]
fn check(model: &str, options: Value, expected: Value) {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let mut whole = json!({
        "model": model,
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    });
    for (object, more) in [(&mut request, options), (&mut whole, expected)] {
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }
    assert_eq!(translated(model, request.clone()), Ok(whole), "{request}");
}

#[test]
fn options() {
    const NEW: &str = "claude-sonnet-4-6";
    const OLD: &str = "claude-haiku-4-5-20251001";
    let function = json!({"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}});
    let tool = json!({"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": true});
    for (model, options, expected) in [
        (NEW, json!({}), json!({})),
        (NEW, json!({"max_tokens": 5}), json!({"max_tokens": 5})),
        (NEW, json!({"max_tokens": 5, "max_completion_tokens": 7}), json!({"max_tokens": 7})),
        (
            NEW,
            json!({"temperature": 0.5, "top_p": 0.9, "stream": true}),
            json!({"temperature": 0.5, "top_p": 0.9, "stream": true}),
        ),
        (NEW, json!({"stop": "a"}), json!({"stop_sequences": ["a"]})),
        (NEW, json!({"stop": ["a", "b"]}), json!({"stop_sequences": ["a", "b"]})),
        (NEW, json!({"user": "u"}), json!({"metadata": {"user_id": "u"}})),
        (NEW, json!({"service_tier": "default"}), json!({"service_tier": "standard_only"})),
        (NEW, json!({"top_k": 5, "prompt_cache_key": "k", "n": 1}), json!({"top_k": 5})),
        // The caller's own words for the vendor never replace what is translated.
        (NEW, json!({"system": "own", "max_tokens": 3}), json!({"system": "own", "max_tokens": 3})),
        (NEW, json!({"tools": [function]}), json!({"tools": [tool]})),
        (
            NEW,
            json!({"tools": [function], "tool_choice": "none"}),
            json!({"tools": [tool], "tool_choice": {"type": "none"}}),
        ),
        (
            NEW,
            json!({"tools": [function], "tool_choice": "required"}),
            json!({"tools": [tool], "tool_choice": {"type": "any"}}),
        ),
        (
            NEW,
            json!({"tools": [function], "tool_choice": {"type": "function", "function": {"name": "f"}}}),
            json!({"tools": [tool], "tool_choice": {"type": "tool", "name": "f"}}),
        ),
        (
            NEW,
            json!({"tools": [function], "parallel_tool_calls": false}),
            json!({"tools": [tool], "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}),
        ),
        (
            NEW,
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}}),
            json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}),
        ),
        (
            NEW,
            json!({"reasoning_effort": "minimal"}),
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ),
        (NEW, json!({"reasoning_effort": "none"}), json!({"thinking": {"type": "disabled"}})),
        (
            OLD,
            json!({"reasoning_effort": "low"}),
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ),
    ] {
        check(model, options, expected);
    }
}

#[test]
fn conversations() {
    let call = json!({"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
    let bare_call = json!({"id": "t2", "type": "function", "function": {"name": "g", "arguments": ""}});
    let text = |text: &str| json!({"type": "text", "text": text});
    for (messages, system, turns) in [
        (
            json!([
                {"role": "system", "content": "s"},
                {"role": "developer", "content": [{"type": "text", "text": "d", "prompt_cache_breakpoint": {"mode": "explicit"}}]},
                {"role": "user", "content": "u"},
            ]),
            json!([text("s"), {"type": "text", "text": "d", "cache_control": {"type": "ephemeral"}}]),
            json!([{"role": "user", "content": [text("u")]}]),
        ),
        // Results of one turn, and what the user adds, are one turn.
        (
            json!([
                {"role": "user", "content": "u"},
                {"role": "assistant", "content": "a", "tool_calls": [call, bare_call], "reasoning_details": [
                    {"type": "reasoning.text", "format": "anthropic-claude-v1", "text": "t", "signature": "sig"},
                    {"type": "reasoning.encrypted", "format": "anthropic-claude-v1", "data": "d"},
                    {"type": "reasoning.text", "format": "google-gemini-v1", "text": "x", "signature": "y"},
                ]},
                {"role": "tool", "tool_call_id": "t1", "content": "r1"},
                {"role": "tool", "tool_call_id": "t2", "content": [{"type": "text", "text": "r2"}]},
                {"role": "user", "content": "more"},
            ]),
            Value::Null,
            json!([
                {"role": "user", "content": [text("u")]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "t", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "d"},
                    text("a"),
                    {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
                    {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": [text("r1")]},
                    {"type": "tool_result", "tool_use_id": "t2", "content": [text("r2")]},
                    text("more"),
                ]},
            ]),
        ),
        (
            json!([{"role": "user", "content": [
                {"type": "text", "text": ""},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "auto"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}},
            ]}]),
            Value::Null,
            json!([{"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}},
            ]}]),
        ),
    ] {
        let body = translated("claude-x", json!({"model": "m", "messages": messages})).unwrap();
        assert_eq!(body["system"], system, "{messages}");
        assert_eq!(body["messages"], turns, "{messages}");
    }
}

/// Everything that would be lost is refused, by name.
#[test]
fn what_has_no_counterpart_is_refused() {
    let user = json!({"role": "user", "content": "hi"});
    let part = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let calls = |arguments: &str| json!({"messages": [user, {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": arguments}}]}]});
    for (options, param) in [
        (json!({"n": 2}), "n"),
        (json!({"seed": 1}), "seed"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"frequency_penalty": 0.5}), "frequency_penalty"),
        (json!({"metadata": {"a": "b"}}), "metadata"),
        (json!({"temperature": 1.5}), "temperature"),
        (json!({"service_tier": "flex"}), "service_tier"),
        (json!({"response_format": {"type": "json_object"}}), "response_format"),
        (json!({"reasoning_effort": "enormous"}), "reasoning_effort"),
        (json!({"tools": [{"type": "custom", "custom": {"name": "c"}}]}), "tools[0]"),
        (json!({"messages": [user, {"role": "system", "content": "late"}]}), "messages[1].role"),
        (json!({"messages": [{"role": "user", "name": "bob", "content": "hi"}]}), "messages[0].name"),
        (
            part(json!({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}})),
            "messages[0].content[0]",
        ),
        (
            part(json!({"type": "image_url", "image_url": {"url": "http://10.0.0.1/a.png"}})),
            "messages[0].content[0].image_url.url",
        ),
        (
            part(json!({"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,AA"}})),
            "messages[0].content[0].image_url.url",
        ),
        (
            part(json!({"type": "image_url", "image_url": {"url": "https://x/a", "detail": "low"}})),
            "messages[0].content[0].image_url.detail",
        ),
        (part(json!({"type": "file", "file": {"file_id": "f"}})), "messages[0].content[0].file.file_data"),
        (calls("[1]"), "messages[1].tool_calls[0].function.arguments"),
        (calls("{"), "messages[1].tool_calls[0].function.arguments"),
    ] {
        let mut request = json!({"model": "m", "messages": [user]});
        request.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let (refused, reason) = translated("claude-x", request.clone()).expect_err(param);
        assert_eq!(refused, param, "{request}");
        assert!(reason.contains(param), "the text names the field: {reason}");
    }
    let too_small = json!({"model": "m", "messages": [user], "reasoning_effort": "high", "max_tokens": 100});
    assert_eq!(translated("claude-sonnet-4-5", too_small).unwrap_err().0, "reasoning_effort");
}
