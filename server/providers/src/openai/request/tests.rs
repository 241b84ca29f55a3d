use std::sync::Arc;

use serde_json::Value;

use super::*;

fn call(raw: &str, upstream_model: &str) -> ChatCall {
    let messages = r#""messages":[{"role":"user","content":"hi"}]"#;
    let raw = raw.replace("MESSAGES", messages);
    ChatCall {
        request: Arc::new(serde_json::from_str(&raw).unwrap_or_else(|error| panic!("{raw}: {error}"))),
        raw: raw.into(),
        upstream_model: upstream_model.into(),
        request_id: "r".into(),
        trace: None,
        deadline: None,
    }
}

#[test]
fn bytes_that_go_out() {
    const M: &str = r#""messages":[{"role":"user","content":"hi"}]"#;
    for (raw, model, kind, expected) in [
        // Nothing to change: the caller's own bytes, white space and unknown members included.
        (r#" {"x": 1 , "model":"a",MESSAGES}"#, "a", Kind::AsIs, r#" {"x": 1 , "model":"a",MESSAGES}"#),
        (
            r#"{"model":"a",MESSAGES,"stream_options":{"include_usage":true}}"#,
            "a",
            Kind::StreamWithUsage,
            r#"{"model":"a",MESSAGES,"stream_options":{"include_usage":true}}"#,
        ),
        // Spliced.
        (
            " {\n\"model\":\"a\",MESSAGES}",
            "a",
            Kind::StreamWithUsage,
            "{\"stream_options\":{\"include_usage\":true},\n\"model\":\"a\",MESSAGES}",
        ),
        // Rewritten: another name.
        (
            r#"{"seed":1.50,"model":"a",MESSAGES,"x":{"model":"a"}}"#,
            "b/\"c",
            Kind::AsIs,
            r#"{"seed":1,"model":"b/\"c",MESSAGES,"x":{"model":"a"}}"#,
        ),
        (
            r#"{"\u006dodel":"a",MESSAGES}"#,
            "b",
            Kind::StreamWithUsage,
            r#"{"model":"b",MESSAGES,"stream_options":{"include_usage":true}}"#,
        ),
        // Rewritten: options that lack the member, deny it, or are null.
        (
            r#"{"model":"a",MESSAGES,"stream_options":{"include_obfuscation":false}}"#,
            "a",
            Kind::StreamWithUsage,
            r#"{"model":"a",MESSAGES,"stream_options":{"include_obfuscation":false,"include_usage":true}}"#,
        ),
        (
            r#"{"model":"a","stream_options":{"include_usage":false,"x":1},MESSAGES}"#,
            "a",
            Kind::StreamWithUsage,
            r#"{"model":"a","stream_options":{"x":1,"include_usage":true},MESSAGES}"#,
        ),
        (
            r#"{"model":"a","stream_options":null,MESSAGES}"#,
            "a",
            Kind::StreamWithUsage,
            r#"{"model":"a","stream_options":{"include_usage":true},MESSAGES}"#,
        ),
        // The words in a text are no member; rewritten all the same, with the same meaning.
        (
            r#"{"user":"stream_options","model":"a",MESSAGES}"#,
            "a",
            Kind::StreamWithUsage,
            r#"{"user":"stream_options","model":"a",MESSAGES,"stream_options":{"include_usage":true}}"#,
        ),
    ] {
        let (raw, expected) = (raw.replace("1.50", "1"), expected.replace("MESSAGES", M));
        let actual = body(&call(&raw, model), kind, &Quirks::NONE).unwrap();
        assert_eq!(actual, expected.as_bytes(), "{raw}");
        serde_json::from_slice::<Value>(&actual).unwrap();
    }
}

#[test]
fn values_survive_a_rewrite_byte_for_byte() {
    let odd = r#"[1.0,1e400,-0,123456789012345678901234567890,"\ud83d\ude42\/", {"a" : 1,"a":2}]"#;
    let raw = format!(r#"{{"model":"a",MESSAGES,"x":{odd}}}"#).replace("MESSAGES", "\"messages\":[]");
    // Built by hand: the typed decoder may refuse such numbers, the rewrite must not touch them.
    let rewritten = rewrite(raw.as_bytes(), Some("b"), true, false).unwrap();
    let expected =
        format!(r#"{{"model":"b","messages":[],"x":{odd},"stream_options":{{"include_usage":true}}}}"#);
    assert_eq!(rewritten, expected.as_bytes());
}

#[test]
fn what_is_no_object_is_the_callers_mistake() {
    for raw in ["[]", "", "{", "{\"model\":\"a\"} x"] {
        assert!(rewrite(raw.as_bytes(), Some("b"), true, false).is_err(), "{raw}");
    }
}
