//! Embeddings by `batchEmbedContents`.

use std::sync::Arc;

use super::*;

fn ask(with: Value) -> EmbeddingCall {
    let mut body = json!({"model": "m", "input": ["a", "b"]});
    for (name, value) in with.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let raw = body.to_string();
    EmbeddingCall {
        request: Arc::new(serde_json::from_str(&raw).unwrap()),
        raw: raw.into(),
        upstream_model: "gemini-embedding-x".into(),
        request_id: "r".into(),
        trace: None,
        deadline: None,
    }
}

async fn embed(call: EmbeddingCall, replies: &[Value]) -> (Result<Completion, Error>, Vec<Value>) {
    let (provider, mut upstream) = provider();
    tokio::join!(provider.embed(call), async {
        let mut bodies = Vec::new();
        for reply in replies {
            let mut peer = upstream.accept().await;
            let request = peer.request().await;
            let path = "POST /v1beta/models/gemini-embedding-x:batchEmbedContents HTTP/1.1\r\n";
            assert!(request.starts_with(path), "{request}");
            bodies.push(serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap());
            peer.send(answer("200 OK", JSON_TYPE, &reply.to_string())).await;
        }
        bodies
    })
}

#[tokio::test]
async fn requests_and_answers_are_translated() {
    let reply = json!({"embeddings": [{"values": [3.0, 4.0]}, {"values": [0.0, -2.0]}], "usageMetadata": {"promptTokenCount": 5}});
    let (completion, sent) =
        embed(ask(json!({"dimensions": 2, "taskType": "RETRIEVAL_QUERY"})), std::slice::from_ref(&reply))
            .await;
    let request = |text: &str| json!({"model": "models/gemini-embedding-x", "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 2, "content": {"parts": [{"text": text}]}});
    assert_eq!(sent, [json!({"requests": [request("a"), request("b")]})]);
    let completion = completion.unwrap();
    assert_eq!(completion.usage.unwrap().total, 5);
    assert_eq!(
        serde_json::from_slice::<Value>(&completion.json).unwrap(),
        json!({
            "object": "list",
            // Brought to unit length, because shorter vectors were asked for.
            "data": [
                {"object": "embedding", "index": 0, "embedding": [0.6, 0.8]},
                {"object": "embedding", "index": 1, "embedding": [0.0, -1.0]},
            ],
            "model": "gemini-embedding-x",
            "usage": {"prompt_tokens": 5, "total_tokens": 5},
        })
    );

    let call = ask(json!({"encoding_format": "base64"}));
    let reply = json!({"embeddings": [{"values": [3.0]}, {"values": [1.0]}]});
    let completion = embed(call, &[reply]).await.0.unwrap();
    assert_eq!(completion.usage, None, "the gateway estimates what Google does not count");
    let json: Value = serde_json::from_slice(&completion.json).unwrap();
    assert_eq!(json["data"][0]["embedding"], "AABAQA==", "left as it is at its own length");
}

#[tokio::test]
async fn more_than_a_hundred_are_several_calls() {
    let texts: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let hundred = json!({"embeddings": vec![json!({"values": [1.0]}); 100]});
    let (completion, sent) =
        embed(ask(json!({"input": texts})), &[hundred, json!({"embeddings": [{"values": [2.0]}]})]).await;
    let list: Value = serde_json::from_slice(&completion.unwrap().json).unwrap();
    assert_eq!(list["data"][100], json!({"object": "embedding", "index": 100, "embedding": [2.0]}));
    assert_eq!(sent[0]["requests"].as_array().unwrap().len(), 100);
    assert_eq!(sent[1]["requests"][0]["content"]["parts"][0]["text"], "100");
}

#[tokio::test]
async fn what_google_has_no_words_for_is_refused() {
    for (with, param) in [
        (json!({"user": "u"}), "user"),
        (json!({"input": [1, 2]}), "input"),
        (json!({"input": [[1], [2]]}), "input"),
    ] {
        match embed(ask(with), &[]).await.0 {
            Err(Error::InvalidRequest { param: Some(got), .. }) => assert_eq!(got, param),
            other => panic!("{param}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn answers_out_of_contract() {
    for (reply, reason) in [
        (json!({}), "unknown shape"),
        (json!({"embeddings": [{"values": ["a"]}, {"values": [1]}]}), "unknown shape"),
        (json!({"embeddings": [{"values": [1]}]}), "1 vectors for 2 inputs"),
        (json!({"embeddings": [{"values": [1]}, {"values": []}]}), "0 numbers where 1 belong"),
        (json!({"embeddings": [{"values": [1]}, {"values": [1e39]}]}), "unknown shape"),
    ] {
        match embed(ask(json!({})), &[reply]).await.0 {
            Err(Error::ProviderMalformed { reason: got, .. }) => assert!(got.contains(reason), "{got}"),
            other => panic!("{reason}: {other:?}"),
        }
    }
}
