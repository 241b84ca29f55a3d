use novai_core::Provider;
use novai_types::{EmbeddingList, EmbeddingRequest, EmbeddingVector};
use serde_json::{Value, json};

use super::*;
use crate::sim::Sim;

async fn ask(with: Value) -> Result<EmbeddingList, Error> {
    let mut body = json!({"model": MODEL, "input": "hello world"});
    for (name, value) in with.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let raw = body.to_string();
    let request: EmbeddingRequest = serde_json::from_str(&raw).unwrap();
    let call = EmbeddingCall {
        raw: raw.into(),
        request: request.into(),
        upstream_model: MODEL.into(),
        request_id: "r".into(),
        trace: None,
        deadline: None,
    };
    Sim::new("sim").embed(call).await.map(|answer| serde_json::from_slice(&answer.json).unwrap())
}

fn numbers(list: &EmbeddingList, at: usize) -> &[f64] {
    match &list.data[at].embedding {
        EmbeddingVector::Numbers(numbers) => numbers,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn vectors_are_unit_length_deterministic_and_as_long_as_asked() {
    for dimensions in [1_u64, 2, 3, 256, 1536, 4096] {
        let list = ask(json!({"dimensions": dimensions})).await.unwrap();
        let vector = numbers(&list, 0);
        assert_eq!(vector.len() as u64, dimensions);
        let length = vector.iter().map(|number| number * number).sum::<f64>().sqrt();
        assert!((length - 1.0).abs() < 1e-6, "{dimensions}: {length}");
        assert_eq!(ask(json!({"dimensions": dimensions})).await.unwrap(), list);
    }
    let list = ask(json!({})).await.unwrap();
    assert_eq!((numbers(&list, 0).len() as u64, list.usage.prompt_tokens), (DIMENSIONS, 2));
    // Of this version; a change breaks whoever kept vectors.
    let first: Vec<usize> = numbers(&list, 0)
        .iter()
        .enumerate()
        .filter(|(_, number)| **number != 0.0)
        .map(|(at, _)| at)
        .collect();
    assert!((5..=8).contains(&first.len()), "{first:?}");
}

#[tokio::test]
async fn inputs_that_share_words_point_alike() {
    let texts = ["The cat sat on the mat", "the CAT sat on a mat", "Quarterly revenue grew by 4 %"];
    let list = ask(json!({"input": texts})).await.unwrap();
    let similarity = |a: usize, b: usize| -> f64 {
        numbers(&list, a).iter().zip(numbers(&list, b)).map(|(a, b)| a * b).sum()
    };
    assert!(similarity(0, 1) > 0.7, "{}", similarity(0, 1));
    assert!(similarity(0, 2) < 0.3, "{}", similarity(0, 2));
}

#[tokio::test]
async fn every_kind_of_input_has_one_vector_each_in_order() {
    for (input, vectors, tokens) in [
        (json!("a b c"), 1, 3),
        (json!(["a", "b c"]), 2, 3),
        (json!([1, 2, 3]), 1, 3),
        (json!([[1], [2, 3], [1]]), 3, 4),
    ] {
        let list = ask(json!({"input": input})).await.unwrap();
        assert_eq!((list.data.len(), list.usage.total_tokens), (vectors, tokens), "{input}");
        let indexes: Vec<u64> = list.data.iter().map(|item| item.index).collect();
        assert_eq!(indexes, (0..vectors as u64).collect::<Vec<_>>());
        // The same alone and among others.
        let Some(items) = input.as_array().filter(|items| !items[0].is_number()) else { continue };
        for (at, item) in items.iter().enumerate() {
            let alone = ask(json!({"input": item})).await.unwrap();
            assert_eq!(numbers(&alone, 0), numbers(&list, at), "{item}");
        }
    }
}

#[tokio::test]
async fn what_it_cannot_do_is_said() {
    let long = "a ".repeat(TOKENS_MAX + 1);
    for (with, param) in [
        (json!({"dimensions": 4097}), "dimensions"),
        (json!({"input": long}), "input"),
        (json!({"input": ["a", long]}), "input[1]"),
    ] {
        match ask(with).await {
            Err(Error::InvalidRequest { param: Some(got), reason }) => {
                assert_eq!(got, param);
                assert!(reason.starts_with(param), "{reason}");
            }
            other => panic!("{param}: {other:?}"),
        }
    }
}
