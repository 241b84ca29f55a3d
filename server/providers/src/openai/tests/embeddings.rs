//! Embeddings: what goes out, and what becomes of what comes back.

use serde_json::{Value, json};

use super::*;
use crate::client::testing::answer;

const JSON_TYPE: &str = "content-type: application/json\r\n";

fn ask(model: &str, with: Value) -> EmbeddingCall {
    let mut body = json!({"model": "m", "input": "hi"});
    for (name, value) in with.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let raw = body.to_string();
    EmbeddingCall {
        request: Arc::new(serde_json::from_str(&raw).unwrap()),
        raw: raw.into(),
        upstream_model: model.into(),
        request_id: "req-1".into(),
        trace: None,
        deadline: None,
    }
}

/// One call against scripted answers, one for each connection; also the bodies that were sent, in the order of the answers.
async fn embed(
    call: EmbeddingCall,
    inputs_max: usize,
    replies: &[String],
) -> (Result<Completion, Error>, Vec<Value>) {
    let (provider, mut upstream) = provider();
    let Ok(mut provider) = Arc::try_unwrap(provider) else { panic!("it is ours alone") };
    provider.embedding_inputs_max = inputs_max;
    let play = async {
        let mut bodies = Vec::new();
        for reply in replies {
            let mut peer = upstream.accept().await;
            let request = peer.request().await;
            assert!(request.starts_with("POST /v1/embeddings HTTP/1.1\r\n"), "{request}");
            assert!(request.contains("\r\nx-client-request-id: req-1\r\n"), "{request}");
            bodies.push(serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap());
            peer.send(reply).await;
        }
        bodies
    };
    tokio::join!(provider.embed(call), play)
}

fn good(vectors: &[&str]) -> String {
    let data: Vec<String> = vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| format!(r#"{{"object":"embedding","index":{index},"embedding":{vector}}}"#))
        .collect();
    let usage = format!(r#"{{"prompt_tokens":{0},"total_tokens":{0}}}"#, vectors.len());
    let json =
        format!(r#"{{"object":"list","data":[{}],"model":"up","usage":{usage},"x":1}}"#, data.join(","));
    answer("200 OK", JSON_TYPE, &json)
}

#[tokio::test]
async fn requests_and_answers_pass_through() {
    let call =
        ask("m", json!({"input": ["a", "b"], "encoding_format": "float", "user": "u", "vendor": [1.5]}));
    let raw: Value = serde_json::from_slice(&call.raw).unwrap();
    let reply = good(&["[1,2]", "[3,4]"]);
    let (completion, sent) = embed(call, 2048, std::slice::from_ref(&reply)).await;
    assert_eq!(sent, [raw]);
    let completion = completion.unwrap();
    assert_eq!(completion.json, reply.split_once("\r\n\r\n").unwrap().1);
    assert_eq!(completion.usage.unwrap().total, 2);
}

#[tokio::test]
async fn the_model_is_called_what_its_upstream_calls_it() {
    let (completion, sent) = embed(ask("other", json!({"vendor": 1})), 2048, &[good(&["[1]"])]).await;
    completion.unwrap();
    assert_eq!(sent, [json!({"model": "other", "input": "hi", "vendor": 1})]);
}

#[tokio::test]
async fn many_inputs_are_several_calls_and_one_answer() {
    let call = ask("m", json!({"input": ["a", "b", "c"], "dimensions": 1}));
    let (completion, sent) = embed(call, 2, &[good(&["[1]", "[2]"]), good(&["[3]"])]).await;
    assert_eq!(
        sent,
        [
            json!({"model": "m", "input": ["a", "b"], "dimensions": 1}),
            json!({"model": "m", "input": ["c"], "dimensions": 1})
        ]
    );
    let completion = completion.unwrap();
    let list: Value = serde_json::from_slice(&completion.json).unwrap();
    assert_eq!(list["data"][2], json!({"object": "embedding", "index": 2, "embedding": [3]}));
    assert_eq!(list["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    assert_eq!(completion.usage.unwrap().prompt, 3);
}

#[tokio::test]
async fn one_failed_batch_fails_the_request() {
    let limited = answer("429 Too Many Requests", "retry-after: 7\r\n", r#"{"error":{"message":"slow"}}"#);
    let call = ask("m", json!({"input": ["a", "b"]}));
    let (refused, _) = embed(call, 1, &[good(&["[1]"]), limited]).await;
    assert!(matches!(refused, Err(Error::ProviderRateLimited { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_other_encoding_is_turned() {
    for (asked, sent, expected) in [
        ("base64", "[0.6,0.0,0.8]", json!("mpkZPwAAAADNzEw/")),
        ("float", "\"mpkZPwAAAADNzEw/\"", json!([0.6, 0.0, 0.8])),
    ] {
        let call = ask("m", json!({"encoding_format": asked}));
        let (completion, _) = embed(call, 2048, &[good(&[sent])]).await;
        let list: Value = serde_json::from_slice(&completion.unwrap().json).unwrap();
        assert_eq!((&list["data"][0]["embedding"], &list["x"]), (&expected, &json!(1)));
    }
}

#[tokio::test]
async fn answers_out_of_contract() {
    for (reply, expected) in [
        (answer("200 OK", "content-type: text/html\r\n", "<html>"), "content type is not JSON"),
        (answer("200 OK", JSON_TYPE, "[]"), "something else than a JSON object"),
        (answer("200 OK", JSON_TYPE, "{\"data\":["), "invalid JSON"),
        (answer("200 OK", JSON_TYPE, "{}"), "no list of embeddings"),
        (good(&[]), "0 vectors for 1 inputs"),
        (good(&["\"####\""]), "no base64"),
    ] {
        match embed(ask("m", json!({})), 2048, &[reply]).await.0 {
            Err(Error::ProviderMalformed { reason, .. }) => assert!(reason.contains(expected), "{reason}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let body = r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#;
    let (refused, _) = embed(ask("m", json!({})), 2048, &[answer("200 OK", JSON_TYPE, body)]).await;
    assert!(matches!(refused, Err(Error::ProviderRejected { .. })), "{refused:?}");
}
