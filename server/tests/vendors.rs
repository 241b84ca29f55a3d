//! One key, one piece of a caller's code with the SDK, four vendors: a conversation with a tool, whole and streamed.
//!
//! The caller sees nothing of who serves but the model's name; each vendor is played in its own words, and sees nothing but them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod support;

use std::io::Write;

use novai_sdk::Client;
use novai_sdk::types::{
    AssistantMessage, ChatCompletionRequest, FunctionDefinition, Message, Tool, ToolCall,
};
use serde_json::{Value, json};
use support::http::{answer, serve};

const KEY: &str = "operators-own-key-0123456789";
const ANSWER: &str = "It is -3 degrees.";

/// Models, and the kinds of their providers.
const VENDORS: [(&str, &str); 4] = [
    ("gpt-4.1", "openai"),
    ("deepseek-chat", "deepseek"),
    ("claude-sonnet-4-20250514", "anthropic"),
    ("gemini-2.5-flash", "gemini"),
];

/// What each vendor answers, in its own API: a tool's call where the request has no result of one, else a sentence.
fn played(path: &str, body: &Value) -> (bool, Vec<Value>) {
    let text = body.to_string();
    let has_result =
        ["\"role\":\"tool\"", "tool_result", "functionResponse"].iter().any(|mark| text.contains(mark));
    if path.starts_with("/anthropic") {
        let block = match has_result {
            true => json!({"type": "text", "text": ANSWER}),
            false => {
                json!({"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}})
            }
        };
        let reason = if has_result { "end_turn" } else { "tool_use" };
        if body["stream"] != json!(true) {
            let usage = json!({"input_tokens": 20, "output_tokens": 5});
            return (
                false,
                vec![
                    json!({"type": "message", "id": "msg_1", "role": "assistant", "model": "c", "content": [block], "stop_reason": reason, "usage": usage}),
                ],
            );
        }
        let (start, delta) = match has_result {
            true => (json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": ANSWER})),
            false => (
                json!({"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}),
                json!({"type": "input_json_delta", "partial_json": "{\"city\":\"Oslo\"}"}),
            ),
        };
        let events = vec![
            json!({"type": "message_start", "message": {"type": "message", "id": "msg_1", "role": "assistant", "model": "c", "content": [], "usage": {"input_tokens": 20, "output_tokens": 1}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": start}),
            json!({"type": "content_block_delta", "index": 0, "delta": delta}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 5}}),
            json!({"type": "message_stop"}),
        ];
        return (true, events);
    }
    if path.starts_with("/gemini") {
        let part = match has_result {
            true => json!({"text": ANSWER}),
            false => json!({"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}}),
        };
        let answer = json!({
            "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 5, "totalTokenCount": 25},
            "modelVersion": "g", "responseId": "r",
        });
        return (path.contains("alt=sse"), vec![answer]);
    }
    let call = json!([{"index": 0, "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"}}]);
    let message = match has_result {
        true => json!({"role": "assistant", "content": ANSWER}),
        false => json!({"role": "assistant", "content": null, "tool_calls": call}),
    };
    let reason = if has_result { "stop" } else { "tool_calls" };
    let usage = json!({"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25});
    let whole = |kind: &str, choices: Value, usage: Value| json!({"id": "c", "object": kind, "created": 1, "model": "o", "choices": choices, "usage": usage});
    if body["stream"] != json!(true) {
        let choices = json!([{"index": 0, "message": message, "finish_reason": reason}]);
        return (false, vec![whole("chat.completion", choices, usage)]);
    }
    let chunk = "chat.completion.chunk";
    let events = vec![
        whole(chunk, json!([{"index": 0, "delta": message, "finish_reason": null}]), Value::Null),
        whole(chunk, json!([{"index": 0, "delta": {}, "finish_reason": reason}]), Value::Null),
        whole(chunk, json!([]), usage),
        json!("[DONE]"),
    ];
    (true, events)
}

/// All four behind one address.
fn vendors() -> String {
    let address = serve(|asked, mut socket| {
        let (is_stream, told) = played(asked.path(), &asked.json());
        let event = |event: &Value| match event.as_str() {
            Some(text) => format!("data: {text}\n\n"),
            None => format!("data: {event}\n\n"),
        };
        let answer = match is_stream {
            true => answer("text/event-stream", &told.iter().map(event).collect::<String>()),
            false => answer("application/json", &told[0].to_string()),
        };
        socket.write_all(answer.as_bytes())
    });
    address.to_string()
}

fn config(upstream: &str) -> String {
    let mut text = String::new();
    for (model, kind) in VENDORS {
        text += &format!(
            "[[providers]]\nname = \"{kind}\"\nkind = \"{kind}\"\nbase_url = \"http://{upstream}/{kind}\"\napi_key_env = \"VENDOR_KEY\"\n\
             [[models]]\nid = \"{model}\"\nprovider = \"{kind}\"\n"
        );
    }
    text
}

/// The caller's code: the same SDK and the same request, whoever answers.
async fn ask(client: &Client, model: &str, is_stream: bool, messages: &[Message]) -> AssistantTurn {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let request = ChatCompletionRequest::new(model, messages.to_vec())
        .max_completion_tokens(100)
        .tools(vec![Tool::function(FunctionDefinition::new("get_weather").parameters(parameters))]);
    let completions = client.chat().completions();
    let completion = match is_stream {
        true => completions.stream(request).await.unwrap().final_completion().await.unwrap(),
        false => completions.create(request).await.unwrap().into_inner(),
    };
    let choice = completion.choices.into_iter().next().unwrap();
    AssistantTurn {
        reason: choice.finish_reason.unwrap().to_string(),
        content: choice.message.content.unwrap_or_default(),
        calls: choice.message.tool_calls.unwrap_or_default(),
    }
}

struct AssistantTurn {
    reason: String,
    content: String,
    calls: Vec<ToolCall>,
}

#[tokio::test]
async fn one_key_reaches_every_vendor_through_the_same_code() {
    let upstream = vendors();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("novai.toml"), config(&upstream)).unwrap();
    let environment = [("NOVAI_BOOTSTRAP_KEY", KEY), ("VENDOR_KEY", "sk-vendor")];
    let novai = support::start_with(dir.path(), &["--config", "novai.toml"], &environment);
    let base_url = format!("http://{}/v1", novai.address);
    let client = Client::builder().api_key(KEY).base_url(base_url).build().unwrap();
    for (model, _) in VENDORS {
        for is_stream in [false, true] {
            let case = format!("{model}, streamed: {is_stream}");
            let mut messages =
                vec![Message::developer("Be brief."), Message::user("How cold is it in Oslo?")];
            let called = ask(&client, model, is_stream, &messages).await;
            assert_eq!(called.reason, "tool_calls", "{case}");
            let [ToolCall::Function(call)] = &called.calls[..] else { panic!("{case}: {:?}", called.calls) };
            assert_eq!(call.function.name, "get_weather", "{case}");
            let arguments: Value = serde_json::from_str(&call.function.arguments).unwrap();
            assert_eq!(arguments, json!({"city": "Oslo"}), "{case}");
            messages.push(AssistantMessage::default().tool_calls(called.calls.clone()).into());
            messages.push(Message::tool("{\"celsius\": -3}", call.id.clone()));
            let said = ask(&client, model, is_stream, &messages).await;
            assert_eq!((said.content.as_str(), said.reason.as_str()), (ANSWER, "stop"), "{case}");
        }
    }
    novai.stop();
}
