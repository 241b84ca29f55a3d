//! Batches, encodings and answers as data.

use novai_types::EmbeddingInput;
use serde_json::{Value, json};

use super::answer::{Answer, Wanted, counts};
use super::vector::{Encoding, normalized};
use super::*;

#[test]
fn inputs_are_cut_by_number_and_by_weight() {
    let texts = |lengths: &[usize]| -> EmbeddingInput {
        lengths.iter().map(|length| "x".repeat(*length)).collect::<Vec<_>>().into()
    };
    let lists = |lengths: &[usize]| -> EmbeddingInput {
        lengths.iter().map(|length| vec![7; *length]).collect::<Vec<Vec<u64>>>().into()
    };
    for (input, inputs_max, expected) in [
        ("one".into(), 1, &[1][..]),
        (vec![1_u64, 2, 3].into(), 1, &[1]),
        (texts(&[1]), 1, &[1]),
        (texts(&[1; 7]), 3, &[3, 3, 1]),
        (texts(&[1; 7]), 7, &[7]),
        (texts(&[100_000; 7]), 2048, &[3, 3, 1]),
        // Too heavy by itself: alone, so that it is the one that is refused.
        (texts(&[1, 300_001, 1]), 2048, &[1, 1, 1]),
        (texts(&[300_001, 300_001]), 2048, &[1, 1]),
        (lists(&[150_000, 150_000, 1]), 2048, &[2, 1]),
    ] {
        assert_eq!(Batches::of(&input, inputs_max).lengths(), expected);
    }
}

#[tokio::test]
async fn batches_keep_their_order_and_the_first_failure_is_all_there_is() {
    let input: EmbeddingInput = (0..10).map(|n| n.to_string()).collect::<Vec<_>>().into();
    let ask = |fails_at: Option<&'static str>| {
        Batches::of(&input, 1).ask(move |batch| async move {
            let Batch::Texts([text]) = batch else { panic!("{batch:?}") };
            // The later, the sooner.
            for _ in 0..10 - text.parse::<usize>().unwrap() {
                tokio::task::yield_now().await;
            }
            match fails_at == Some(text) {
                true => Err(novai_core::Error::ProviderAuth { provider: text.clone() }),
                false => Ok(text.clone()),
            }
        })
    };
    assert_eq!(ask(None).await.unwrap().concat(), "0123456789");
    let failed = ask(Some("3")).await;
    assert!(
        matches!(&failed, Err(novai_core::Error::ProviderAuth { provider }) if provider == "3"),
        "{failed:?}"
    );
}

#[test]
fn vectors_change_their_encoding_and_nothing_else() {
    // 0.6, 0, 0.8; the smallest and the largest that 32 bits hold; 1/3.
    for (numbers, base64) in [
        ("[0.6,0.0,0.8]", "\"mpkZPwAAAADNzEw/\""),
        ("[1e-45,3.4028235e+38,-0.0]", "\"AQAAAP//f38AAACA\""),
        ("[0.33333334]", "\"q6qqPg==\""),
    ] {
        assert_eq!(Encoding::Numbers.turned(numbers).as_deref(), Ok(base64));
        assert_eq!(Encoding::Base64.turned(base64).as_deref(), Ok(numbers));
        let length = numbers.split(',').count();
        assert_eq!(Encoding::of(numbers), Ok((Encoding::Numbers, length)));
        assert_eq!(Encoding::of(base64), Ok((Encoding::Base64, length)));
    }
    // As precise as the upstream wrote them, cut to 32 bits.
    assert_eq!(Encoding::Numbers.turned("[0.3333333333333333, 1]").as_deref(), Ok("\"q6qqPgAAgD8=\""));
}

#[test]
fn what_is_no_vector_is_refused() {
    for json in [
        "[]", "[ ]", "[\"a\"]", "[null]", "[[1]]", "{}", "null", "1", "\"\"", "\"AAA\"", "\"AAAA\"",
        "\"####\"",
    ] {
        assert!(Encoding::of(json).is_err(), "{json}");
    }
    // A NaN; a number that 32 bits cannot hold; one that is no number.
    for (encoding, json) in
        [(Encoding::Base64, "\"AADAfw==\""), (Encoding::Numbers, "[1e39]"), (Encoding::Numbers, "[1-2]")]
    {
        assert!(encoding.turned(json).is_err(), "{json}");
    }
}

#[test]
fn lengths_become_one() {
    assert_eq!(normalized(vec![3.0, 0.0, -4.0]), [0.6, 0.0, -0.8]);
    assert_eq!(normalized(vec![0.0, 0.0]), [0.0, 0.0]);
    let tiny = normalized(vec![1e-30, 1e-30]);
    assert!((tiny[0] - 0.5_f32.sqrt()).abs() < 1e-6, "{tiny:?}");
}

fn wanted(vectors: usize, encoding: Encoding) -> Wanted {
    Wanted { vectors, dimensions: None, encoding }
}

fn joined(answers: &[(&str, usize)], encoding: Encoding) -> (String, Option<u64>) {
    let answers = answers
        .iter()
        .map(|(json, vectors)| Answer::read(json.to_string().into(), wanted(*vectors, encoding)).unwrap())
        .collect();
    let (json, usage) = Answer::joined(answers, encoding).unwrap();
    (String::from_utf8(json.to_vec()).unwrap(), usage.map(|usage| usage.prompt))
}

#[test]
fn one_answer_that_is_as_asked_stays_the_bytes_that_it_is() {
    let json = r#"{ "data":[{"index":0,"x":1.50,"embedding":[1, 2.0]}],"usage":{"prompt_tokens":3,"total_tokens":3},"new":[]}"#;
    assert_eq!(joined(&[(json, 1)], Encoding::Numbers), (json.to_owned(), Some(3)));
}

#[test]
fn answers_are_put_in_order_turned_and_summed() {
    let first = r#"{"object":"list","data":[{"object":"embedding","index":1,"embedding":[2]},{"index":0,"embedding":[1],"x":1.50}],"model":"up","usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    let second = r#"{"object":"list","data":[{"object":"embedding","embedding":"AABAQA=="}],"usage":{"total_tokens":4}}"#;
    let (json, usage) = joined(&[(first, 2), (second, 1)], Encoding::Numbers);
    assert_eq!(
        json,
        r#"{"object":"list","data":[{"embedding":[1],"x":1.50,"index":0},{"object":"embedding","embedding":[2],"index":1},{"object":"embedding","embedding":[3.0],"index":2}],"model":"up","usage":{"prompt_tokens":7,"total_tokens":7}}"#
    );
    assert_eq!(usage, Some(7));
    let short = r#"{"data":[{"index":0,"embedding":[4]}],"usage":{"total_tokens":4}}"#;
    let (json, usage) = joined(&[(short, 1)], Encoding::Numbers);
    assert_eq!(usage, Some(4));
    assert!(json.ends_with(r#""usage":{"prompt_tokens":4,"total_tokens":4}}"#), "{json}");
    // One that does not count makes the sum a guess, and that is the gateway's to make.
    let uncounted = r#"{"data":[{"embedding":[4]}]}"#;
    let (json, usage) = joined(&[(first, 2), (uncounted, 1)], Encoding::Base64);
    assert_eq!(usage, None);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["usage"], Value::Null);
    assert_eq!(json["data"][2], json!({"embedding": "AACAQA==", "index": 2}));
}

#[test]
fn answers_that_are_not_what_was_asked_for_are_refused() {
    let item = |index: u64, vector: &str| format!(r#"{{"index":{index},"embedding":{vector}}}"#);
    let list = |items: &[String]| format!(r#"{{"data":[{}]}}"#, items.join(","));
    for (json, dimensions, reason) in [
        ("{}".to_owned(), None, "no list of embeddings"),
        ("[]".to_owned(), None, "no list of embeddings"),
        ("<html>".to_owned(), None, "no list of embeddings"),
        (r#"{"data":[{"index":0},{"index":1}]}"#.to_owned(), None, "no list of embeddings"),
        (list(&[]), None, "0 vectors for 2 inputs"),
        (list(&[item(0, "[1]")]), None, "1 vectors for 2 inputs"),
        (list(&[item(0, "[1]"), item(1, "[1]"), item(2, "[1]")]), None, "3 vectors for 2 inputs"),
        (list(&[item(0, "[1]"), item(0, "[1]")]), None, "one input each"),
        (list(&[item(0, "[1]"), item(2, "[1]")]), None, "one input each"),
        (list(&[item(0, "[1]"), r#"{"embedding":[1]}"#.to_owned()]), None, "one input each"),
        (list(&[item(0, "[1]"), item(1, "[1,2]")]), None, "2 numbers where 1 belong"),
        (list(&[item(0, "[1]"), item(1, "\"AACAQAAAgEA=\"")]), None, "2 numbers where 1 belong"),
        (list(&[item(0, "[1]"), item(1, "[1]")]), Some(2), "1 numbers where 2 belong"),
        (list(&[item(0, "[1]"), item(1, "[]")]), None, "no list of numbers"),
        (list(&[item(0, "[1]"), item(1, "null")]), None, "neither a list"),
    ] {
        let wanted = Wanted { dimensions, ..wanted(2, Encoding::Numbers) };
        let refused = Answer::read(json.clone().into(), wanted).unwrap_err();
        assert!(refused.contains(reason), "{json}: {refused}");
    }
}

#[test]
fn lists_are_what_the_schema_says() {
    let vectors = [vec![0.6_f32, 0.0, 0.8], vec![1.0, 0.0, 0.0]];
    for encoding in [Encoding::Numbers, Encoding::Base64] {
        let vectors = vectors.iter().map(Vec::as_slice);
        let json = super::answer::list("m\"", vectors, encoding, Some(counts(5)));
        let typed: novai_types::EmbeddingList = serde_json::from_slice(&json).unwrap();
        assert_eq!((typed.data.len(), typed.model.as_str(), typed.usage.total_tokens), (2, "m\"", 5));
        assert_eq!(
            Encoding::of(&serde_json::to_string(&typed.data[0].embedding).unwrap()),
            Ok((encoding, 3))
        );
    }
}
