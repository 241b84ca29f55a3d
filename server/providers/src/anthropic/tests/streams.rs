//! Streams that break Anthropic's rules, one each.

use super::*;
use crate::client::testing::{LAST_CHUNK, chunk, chunked_head};

const START: &str = r#"{"type":"message_start","message":{"id":"m","model":"x","usage":{"input_tokens":1,"output_tokens":1}}}"#;
const TEXT: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const HELLO: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#;
const CLOSE: &str = r#"{"type":"content_block_stop","index":0}"#;
const END: &str =
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;
const TOOL: &str =
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f"}}"#;

async fn play(events: &[&str]) -> (Vec<ChatEvent>, Option<Error>) {
    let (provider, mut upstream) = provider();
    let (collected, ()) = tokio::join!(collect(&provider), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        let mut out = chunked_head("text/event-stream");
        for event in events {
            out += &chunk(&format!("data: {event}\n\n"));
        }
        peer.send(out + LAST_CHUNK).await;
    });
    collected
}

#[tokio::test]
async fn a_whole_stream() {
    let unknown = r#"{"type":"novelty"}"#;
    let (events, error) = play(&[START, unknown, TEXT, HELLO, CLOSE, END, STOP]).await;
    assert!(error.is_none(), "{error:?}");
    let json: Vec<&str> = events.iter().map(|event| std::str::from_utf8(&event.json).unwrap()).collect();
    let chunk = |rest: &str| {
        format!(
            r#"{{"id":"m","object":"chat.completion.chunk","created":{},"model":"x",{rest}}}"#,
            NOW.as_secs()
        )
    };
    assert_eq!(
        json,
        [
            chunk(
                r#""choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]"#
            ),
            chunk(r#""choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]"#),
            chunk(r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#),
            chunk(
                r#""choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0}}"#
            ),
        ]
    );
    assert!(events[3].usage_only && events[3].usage.unwrap().total == 3);
}

#[tokio::test]
async fn citations_follow_the_text_that_they_are_about() {
    use serde_json::{Value, json};

    let block = |kind: &str, rest: &str| format!(r#"{{"type":"content_block_{kind}","index":0{rest}}}"#);
    let text = |text: &str| block("delta", &format!(r#","delta":{{"type":"text_delta","text":"{text}"}}"#));
    let cited = r#"{"type":"char_location","cited_text":"The sky.","document_index":0,"document_title":null,"start_char_index":0,"end_char_index":8}"#;
    let page = r#"{"type":"web_search_result_location","url":"https://a.test/","title":"A","encrypted_index":"e","cited_text":"c"}"#;
    let citation = |citation: &str| {
        block("delta", &format!(r#","delta":{{"type":"citations_delta","citation":{citation}}}"#))
    };
    let start =
        block("start", &format!(r#","content_block":{{"type":"text","text":"","citations":[{page}]}}"#));
    let (so, ho) = (text("So: "), text("h\u{e9}!"));
    let (events, error) =
        play(&[START, TEXT, &so, CLOSE, &start, &citation(cited), &ho, CLOSE, END, STOP]).await;
    assert!(error.is_none(), "{error:?}");
    let chunks = events.iter().map(|event| serde_json::from_slice::<Value>(&event.json).unwrap());
    let annotations: Vec<Value> =
        chunks.filter_map(|chunk| chunk["choices"][0]["delta"].get("annotations").cloned()).collect();
    let whole = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let expected = json!([
        {
            "type": "url_citation",
            "url_citation": {"url": "https://a.test/", "title": "A", "start_index": 4, "end_index": 6},
            "anthropic_citation": whole(page),
        },
        {"type": "anthropic_citation", "start_index": 4, "end_index": 6, "anthropic_citation": whole(cited)},
    ]);
    assert_eq!(annotations, [expected]);
}

#[tokio::test]
async fn broken_rules_are_errors_never_a_made_up_stop() {
    let other_delta = r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"x"}}"#;
    let wrong_delta =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}"#;
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let cases: &[(&[&str], &str)] = &[
        (&[], "ended without message_stop"),
        (&[START], "ended without message_stop"),
        (&[START, TEXT, HELLO, CLOSE, END], "ended without message_stop"),
        (&[START, TEXT, HELLO, CLOSE, STOP], "without a stop_reason"),
        (&[START, TEXT, HELLO, STOP], "inside of a block"),
        (&[START, TOOL, STOP], "inside of a block"),
        (&[START, START], "second message"),
        (&[START, TEXT, HELLO, START], "second message"),
        (&[TEXT], "before message_start"),
        (&[START, TEXT, TEXT], "before the last one's end"),
        (&[START, HELLO], "outside of a block"),
        (&[START, TEXT, other_delta], "not open"),
        (&[START, TEXT, wrong_delta], "does not fit"),
        (&[START, END, END], "finished twice"),
        (&[START, "{"], "does not have"),
        (&[START, "<html>"], "does not have"),
        (&[START, TEXT, overloaded], "Overloaded"),
    ];
    for (events, reason) in cases {
        let (seen, error) = play(events).await;
        let told = match error.unwrap_or_else(|| panic!("{events:?} ended well")) {
            Error::StreamBroken { source, events_sent, .. } => {
                assert_eq!(events_sent, seen.len() as u64, "{events:?}");
                source.to_string()
            }
            // Nobody has seen anything yet: another provider may answer.
            Error::ProviderMalformed { reason, .. } if seen.is_empty() => reason,
            other => panic!("{events:?}: {other:?}"),
        };
        assert!(told.contains(reason), "{events:?}: {told}");
        assert!(
            seen.iter().all(|event| !String::from_utf8_lossy(&event.json).contains("\"stop\""))
                || events.contains(&END)
        );
    }
}
