use super::*;

fn estimate(body: &str) -> Estimate {
    let request: ChatCompletionRequest = serde_json::from_str(body).unwrap();
    Estimate::of(&request, body.len(), 4096)
}

#[test]
fn text_is_bounded_by_its_bytes() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"Hello, world"}],"max_tokens":7}"#;
    let expected = Estimate { input: body.len() as u64, output: 7, output_is_default: false };
    assert_eq!(estimate(body), expected);
}

#[test]
fn output_is_what_all_choices_may_have() {
    for (fields, output, is_default) in [
        ("", 4096, true),
        (r#","n":3"#, 3 * 4096, true),
        (r#","max_tokens":10,"n":3"#, 30, false),
        (r#","max_tokens":10,"max_completion_tokens":20"#, 20, false),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}]{fields}}}"#);
        let estimate = estimate(&body);
        assert_eq!((estimate.output, estimate.output_is_default), (output, is_default), "{fields}");
    }
}

#[test]
fn media_count_by_kind_and_not_by_bytes() {
    let media = "A".repeat(1_000_000);
    for (part, tokens) in [
        (format!(r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{media}"}}}}"#), 1600),
        (r#"{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}"#.to_owned(), 1600),
        (
            format!(r#"{{"type":"input_audio","input_audio":{{"data":"{media}","format":"wav"}}}}"#),
            1_000_000u64.div_ceil(128),
        ),
        (format!(r#"{{"type":"file","file":{{"file_data":"{media}","filename":"a.pdf"}}}}"#), 1_000_000),
        (r#"{"type":"file","file":{"file_id":"file-1"}}"#.to_owned(), 4096),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#);
        let input = estimate(&body).input;
        let around = 200;
        assert!((tokens..tokens + around).contains(&input), "{input} for {}", &part[..60]);
        assert!(!is_text(&serde_json::from_str(&body).unwrap()));
    }
}

#[test]
fn a_caller_without_a_bound_gets_the_whole_limit_instead_of_nothing() {
    let unbounded = Estimate { input: 100, output: 4096, output_is_default: true };
    assert_eq!(unbounded.reserved(None), 4196);
    assert_eq!(unbounded.reserved(Some(10_000)), 4196);
    assert_eq!(unbounded.reserved(Some(1000)), 1000);
    assert_eq!(unbounded.reserved(Some(100)), 4196, "no room for an answer: refused");
    let bounded = Estimate { output_is_default: false, ..unbounded };
    assert_eq!(bounded.reserved(Some(1000)), 4196, "asked for more than the limit: refused");
}

#[test]
fn embeddings_have_no_output_and_tokens_are_counted() {
    for (input, most, likely, is_text) in [
        (r#""four score""#, 34, 9, true),
        (r#"["four","score"]"#, 38, 10, true),
        ("[1,22,333]", 5, 5, false),
        ("[[1,22],[333]]", 7, 7, false),
    ] {
        let body = format!(r#"{{"model":"m","input":{input}}}"#);
        let request: EmbeddingRequest = serde_json::from_str(&body).unwrap();
        let estimate = Estimate::of(&request, body.len(), 4096);
        assert_eq!(estimate, Estimate { input: most, output: 0, output_is_default: false }, "{body}");
        let payload = Payload::from(&request);
        assert_eq!((payload.input_likely(estimate.input), payload.is_text()), (likely, is_text), "{body}");
    }
}
