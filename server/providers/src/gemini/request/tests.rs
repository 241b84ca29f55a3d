use serde_json::json;

use super::*;
use crate::testing;

fn translated(model: &str, request: Value) -> Result<Value, (String, String)> {
    match body(&testing::call(model, request.to_string()), &Images::default()) {
        Ok(body) => Ok(serde_json::from_slice(&body).unwrap()),
        Err(Error::InvalidRequest { param, reason }) => Err((param.unwrap_or_default(), reason)),
        Err(other) => panic!("{other:?}"),
    }
}

/// `options` beside one user message; what they become beside the constant rest.
#[track_caller]
fn check(model: &str, options: Value, expected: Value) {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let mut whole = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    for (object, more) in [(&mut request, options), (&mut whole, expected)] {
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }
    assert_eq!(translated(model, request.clone()), Ok(whole), "{request}");
}

#[test]
fn options() {
    const NEW: &str = "gemini-3-pro-preview";
    const OLD: &str = "gemini-2.5-flash";
    let generation = |config: Value| json!({"generationConfig": config});
    let function = json!({"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}});
    let tools = json!([{"functionDeclarations": [{"name": "f", "description": "d", "parametersJsonSchema": {"type": "object"}}]}]);
    let chosen = |choice: Value, config: Value| {
        (
            json!({"tools": [function], "tool_choice": choice}),
            json!({"tools": tools, "toolConfig": {"functionCallingConfig": config}}),
        )
    };
    let (none, none_expected) = chosen(json!("none"), json!({"mode": "NONE"}));
    let (required, required_expected) = chosen(json!("required"), json!({"mode": "ANY"}));
    let (one, one_expected) = chosen(
        json!({"type": "function", "function": {"name": "f"}}),
        json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
    );
    let schema = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}});
    for (model, options, expected) in [
        (NEW, json!({}), json!({})),
        (
            NEW,
            json!({"max_tokens": 5, "temperature": 2, "top_p": 0.5, "n": 2, "seed": 7, "frequency_penalty": 1, "presence_penalty": -1, "stop": "x"}),
            generation(json!({
                "maxOutputTokens": 5, "temperature": 2.0, "topP": 0.5, "candidateCount": 2, "seed": 7,
                "frequencyPenalty": 1.0, "presencePenalty": -1.0, "stopSequences": ["x"],
            })),
        ),
        (
            NEW,
            json!({"generationConfig": {"topK": 3}, "max_tokens": 5}),
            generation(json!({"topK": 3, "maxOutputTokens": 5})),
        ),
        (
            NEW,
            json!({"logprobs": true, "top_logprobs": 3}),
            generation(json!({"responseLogprobs": true, "logprobs": 3})),
        ),
        (NEW, json!({"logprobs": false, "top_logprobs": 0}), json!({})),
        (NEW, json!({"safetySettings": [], "parallel_tool_calls": true}), json!({"safetySettings": []})),
        (
            NEW,
            json!({"response_format": {"type": "json_object"}}),
            generation(json!({"responseMimeType": "application/json"})),
        ),
        (
            NEW,
            json!({"response_format": schema}),
            generation(
                json!({"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}}),
            ),
        ),
        (
            NEW,
            json!({"reasoning_effort": "low"}),
            generation(json!({"thinkingConfig": {"thinkingLevel": "low", "includeThoughts": true}})),
        ),
        (
            OLD,
            json!({"reasoning_effort": "none"}),
            generation(json!({"thinkingConfig": {"thinkingBudget": 0, "includeThoughts": false}})),
        ),
        (NEW, json!({"tools": [function]}), json!({"tools": tools})),
        (NEW, none, none_expected),
        (NEW, required, required_expected),
        (NEW, one, one_expected),
    ] {
        check(model, options, expected);
    }
}

#[test]
fn conversations() {
    let body = translated(
        "gemini-3-pro-preview",
        json!({"model": "m", "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "image_url", "image_url": {"url": "gs://bucket/a.png"}},
                {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,CCCC"}},
            ]},
            {"role": "assistant", "content": "hm", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
            ], "reasoning_details": [
                {"type": "reasoning.encrypted", "format": "google-gemini-v1", "data": "for the call", "id": "c1"},
                {"type": "reasoning.encrypted", "format": "google-gemini-v1", "data": "for the text"},
                {"type": "reasoning.encrypted", "format": "anthropic-claude-v1", "data": "x", "id": "c2"},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "{\"ok\":true}"},
            {"role": "tool", "tool_call_id": "c2", "content": "plain"},
        ]}),
    )
    .unwrap();
    assert_eq!(
        body,
        json!({
            "systemInstruction": {"parts": [{"text": "s"}]},
            "contents": [
                {"role": "user", "parts": [
                    {"text": "look"},
                    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                    {"fileData": {"fileUri": "gs://bucket/a.png"}},
                    {"inlineData": {"mimeType": "audio/wav", "data": "BBBB"}},
                    {"inlineData": {"mimeType": "application/pdf", "data": "CCCC"}},
                ]},
                {"role": "model", "parts": [
                    {"text": "hm", "thoughtSignature": "for the text"},
                    {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "for the call"},
                    {"functionCall": {"name": "g", "args": {}}},
                ]},
                {"role": "user", "parts": [
                    {"functionResponse": {"name": "f", "response": {"ok": true}}},
                    {"functionResponse": {"name": "g", "response": {"result": "plain"}}},
                ]},
            ],
        })
    );
}

/// Everything that would be lost is refused, by name.
#[test]
fn what_has_no_counterpart_is_refused() {
    let user = json!({"role": "user", "content": "hi"});
    let part = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    for (options, param) in [
        (json!({"logit_bias": {"1": 1}}), "logit_bias"),
        (json!({"parallel_tool_calls": false}), "parallel_tool_calls"),
        (json!({"user": "u"}), "user"),
        (json!({"reasoning_effort": "enormous"}), "reasoning_effort"),
        (json!({"tools": [{"type": "custom", "custom": {"name": "c"}}]}), "tools[0]"),
        (json!({"messages": [user, {"role": "developer", "content": "late"}]}), "messages[1].role"),
        (json!({"messages": [{"role": "user", "name": "bob", "content": "hi"}]}), "messages[0].name"),
        (
            json!({"messages": [{"role": "tool", "tool_call_id": "nobody", "content": "x"}]}),
            "messages[0].tool_call_id",
        ),
        (
            part(json!({"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}})),
            "messages[0].content[0].image_url.url",
        ),
        (part(json!({"type": "file", "file": {"file_id": "f"}})), "messages[0].content[0].file.file_data"),
    ] {
        let mut request = json!({"model": "m", "messages": [user]});
        request.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let (refused, reason) = translated("gemini-x", request.clone()).expect_err(param);
        assert_eq!(refused, param, "{request}");
        assert!(reason.contains(param), "the text names the field: {reason}");
    }
}
