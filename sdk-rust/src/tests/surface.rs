//! The generated surface over the runtime: what a user writes, against scripted replies.

use serde_json::{Value, json};

use super::scripted::{Act, STREAM_HEAD, Server, chunk, reply, send};
use super::{client, scripted};
use crate::Error;
use crate::types::{
    ChatCompletion, ChatCompletionRequest, FinishReason, KeyCreateRequest, Message, StreamOptions, ToolCall,
};

fn request() -> ChatCompletionRequest {
    ChatCompletionRequest::new("m", vec![Message::system("Be short."), Message::user("Hi!")]).temperature(0.5)
}

fn completion() -> Value {
    json!({
        "id": "c1", "object": "chat.completion", "created": 1, "model": "m", "region": "eu",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "Hello.", "refusal": null, "mood": {"kind": "good"}},
            "finish_reason": "tired",
        }],
        "usage": {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3, "joules": 4},
    })
}

#[tokio::test]
async fn create_asks_for_json_and_loses_nothing() {
    let server = Server::start(vec![scripted::json(&completion().to_string())]).await;
    // A `stream` that was set elsewhere must not turn the answer into one.
    let answer = client(&server).chat().completions().create(request().stream(true)).await.unwrap();
    assert_eq!(answer.choices[0].message.content.as_deref(), Some("Hello."));
    assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Unknown("tired".to_owned())));
    let mut back = serde_json::to_value(&*answer).unwrap();
    // Null and absent are the same for an optional field.
    back["choices"][0]["message"]["refusal"] = Value::Null;
    assert_eq!(back, completion());

    let sent = &server.requests()[0];
    assert!(sent.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
    assert_eq!(sent.header("accept"), Some("application/json"));
    assert_eq!(
        serde_json::from_str::<Value>(&sent.body).unwrap(),
        json!({
            "model": "m",
            "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi!"}],
            "temperature": 0.5,
        })
    );
}

#[tokio::test]
async fn a_new_key_is_there_but_no_log_shows_it() {
    let secret = "sk-novai-abcdef";
    let reply = json!({
        "id": "k1", "object": "key", "name": "backend", "prefix": "sk-novai-ab", "tenant": null, "scopes": ["admin"],
        "models": null, "limits": {}, "budget": {}, "created_at": 1, "expires_at": null, "last_used_at": null,
        "key": secret,
    });
    let made = scripted::reply("201 Created", "content-type: application/json\r\n", &reply.to_string());
    let server = Server::start(vec![made]).await;
    let created = client(&server).admin().keys().create(KeyCreateRequest::new("backend")).await.unwrap();
    for text in [format!("{created:?}"), format!("{created:#?}"), format!("{:?}", Some(&*created))] {
        assert!(text.contains("k1") && text.contains("[redacted]") && !text.contains(secret), "{text}");
    }
    assert_eq!(created.key, secret);
    assert_eq!(serde_json::to_value(&*created).unwrap(), reply);
}

fn events(events: &[Value]) -> String {
    let mut text = STREAM_HEAD.to_owned();
    for event in events {
        text += &chunk(&format!("data: {event}\n\n"));
    }
    text
}

fn piece(index: u64, delta: Value, finish_reason: Value) -> Value {
    json!({
        "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}],
    })
}

#[tokio::test]
async fn a_stream_makes_what_create_returns() {
    let call = |index, id: Value, name: Value, arguments: &str| json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]});
    let usage = json!({
        "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
        "usage": {"prompt_tokens": 2, "completion_tokens": 9, "total_tokens": 11},
    });
    let text = events(&[
        piece(0, json!({"role": "assistant", "content": ""}), Value::Null),
        piece(0, call(0, json!("call_a"), json!("weather"), "{\"ci"), Value::Null),
        piece(1, json!({"content": "No "}), Value::Null),
        piece(0, call(1, json!("call_b"), json!("time"), "{}"), Value::Null),
        piece(0, call(0, Value::Null, Value::Null, "ty\":1}"), Value::Null),
        piece(1, json!({"content": "idea."}), json!("stop")),
        piece(0, json!({}), json!("tool_calls")),
        usage,
    ]) + &chunk("data: [DONE]\n\n")
        + "0\r\n\r\n";
    let server = Server::start(vec![vec![send(text)]]).await;
    let request = request().stream_options(StreamOptions::default().include_usage(true));
    let stream = client(&server).chat().completions().stream(request).await.unwrap();
    let whole: ChatCompletion = stream.final_completion().await.unwrap();

    let sent: Value = serde_json::from_str(&server.requests()[0].body).unwrap();
    assert_eq!((&sent["stream"], &sent["stream_options"]), (&json!(true), &json!({"include_usage": true})));
    assert_eq!(whole.choices.len(), 2);
    assert_eq!(whole.choices[1].message.content.as_deref(), Some("No idea."));
    let calls: Vec<_> = whole.choices[0].message.tool_calls.iter().flatten().collect();
    let expected = [("call_a", "weather", "{\"city\":1}"), ("call_b", "time", "{}")];
    assert_eq!(calls.len(), expected.len());
    for (call, (id, name, arguments)) in calls.into_iter().zip(expected) {
        let ToolCall::Function(call) = call else { panic!("{call:?}") };
        let made = (call.id.as_str(), call.function.name.as_str(), call.function.arguments.as_str());
        assert_eq!(made, (id, name, arguments));
    }
    assert_eq!(whole.usage.map(|usage| usage.total_tokens), Some(11));
}

#[tokio::test]
async fn half_a_stream_is_kept_as_a_completion() {
    let text = events(&[
        piece(0, json!({"content": "Hel"}), Value::Null),
        piece(0, json!({"content": "lo"}), json!("stop")),
    ]);
    let server = Server::start(vec![vec![send(text), Act::Close]]).await;
    let stream = client(&server).chat().completions().stream(request()).await.unwrap();
    let error = stream.final_completion().await.unwrap_err();
    assert!(matches!(error, Error::StreamTruncated(_)), "{error:?}");
    let partial = error.partial::<ChatCompletion>().unwrap();
    assert_eq!((partial.choices[0].message.content.as_deref(), error.events_received()), (Some("Hello"), 2));
}

#[tokio::test]
async fn ids_are_encoded_into_the_path() {
    let model = r#"{"id":"org/model 1?#%","object":"model"}"#;
    let list = format!(r#"{{"object":"list","data":[{model}]}}"#);
    let server = Server::start(vec![scripted::json(&list), scripted::json(model)]).await;
    let client = client(&server);
    let models = client.models().list().await.unwrap();
    let same = client.models().retrieve(&models.data[0].id).await.unwrap();
    assert_eq!(same.into_inner(), models.data[0]);
    let requests = server.requests();
    assert!(requests[0].head.starts_with("GET /v1/models HTTP/1.1\r\n"));
    assert!(
        requests[1].head.starts_with("GET /v1/models/org%2Fmodel%201%3F%23%25 HTTP/1.1\r\n"),
        "{}",
        requests[1].head
    );
    assert!(requests.iter().all(|seen| seen.header("idempotency-key").is_none()), "only a POST needs one");
}

#[tokio::test]
async fn the_raw_client_has_every_documented_reply() {
    let body = r#"{"error":{"message":"no","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#;
    let server = Server::start(vec![reply("404 Not Found", "x-extra: 1\r\n", body)]).await;
    let client = client(&server);
    let error = client.raw().retrieve_model().model("m").send().await.unwrap_err();
    let crate::raw::Error::ErrorResponse(value) = error else { panic!("{error:?}") };
    assert_eq!((value.status().as_u16(), &value.headers()["x-extra"]), (404, &"1".parse().unwrap()));
    assert_eq!(value.error.code.as_deref(), Some("model_not_found"));

    let error = client.models().retrieve("m").await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    assert_eq!((error.code(), error.param()), (Some("model_not_found"), Some("model")));
}
