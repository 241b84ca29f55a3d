//! Real vendors' recorded streams: what goes in comes out, wherever the bytes are cut.

use serde_json::Value;

use super::*;
use crate::client::testing::{Peer, answer, chunk, chunked_head};
use crate::shared;
use crate::sse::Decoder;

/// Vendors that speak this API. Their files of *another* API (`responses_…`) are left out by name.
const VENDORS: [&str; 7] = ["azure", "deepseek", "groq", "mistral", "ollama", "openai", "openrouter"];

fn recordings() -> Vec<(String, Vec<u8>)> {
    let mut recordings = Vec::new();
    for vendor in VENDORS {
        for path in shared::files(&format!("fixtures/{vendor}"), ".sse") {
            if !path.contains("/responses_") {
                recordings.extend(shared::bytes(&path).map(|bytes| (path, bytes)));
            }
        }
    }
    recordings
}

/// The data of every event but the last, which must be `[DONE]`, found without the decoder under test.
fn expected(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut data: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect();
    assert_eq!(data.pop().as_deref(), Some("[DONE]"));
    data
}

fn total_tokens(json: &str) -> Option<u64> {
    let value: Value = serde_json::from_str(json).unwrap();
    [&value["usage"], &value["x_groq"]["usage"]].iter().find_map(|usage| usage["total_tokens"].as_u64())
}

/// Every two-way split, at the level of decoder and facts: cheap enough for every byte of every recording.
#[test]
fn every_split_of_every_recording() {
    let recordings = recordings();
    if recordings.is_empty() {
        println!("skipped: ../shared is absent");
        return;
    }
    for (path, bytes) in &recordings {
        let expected = expected(bytes);
        let bytes = Bytes::copy_from_slice(bytes);
        // Cuts near each other exercise the same code; the long files would take minutes in a debug build.
        let step = 1 + bytes.len() / 2000;
        for cut in (0..=bytes.len()).step_by(step) {
            let mut decoder = Decoder::new(1 << 20);
            let mut seen = Vec::new();
            for piece in [bytes.slice(..cut), bytes.slice(cut..)] {
                decoder.feed(piece);
                while let Some(event) = decoder.next_event().unwrap() {
                    seen.push(event.data);
                }
            }
            assert_eq!(seen.pop().unwrap(), "[DONE]", "{path} cut at {cut}");
            assert!(seen.iter().eq(expected.iter()), "{path} cut at {cut}");
        }
    }
}

/// Sends `bytes` as HTTP chunks of `size` bytes each.
async fn play(peer: &mut Peer, bytes: &[u8], size: usize) {
    peer.request().await;
    let mut out = chunked_head("text/event-stream; charset=utf-8").into_bytes();
    for piece in bytes.chunks(size) {
        out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    peer.send(out).await;
}

#[tokio::test]
async fn recordings_pass_through_with_their_facts() {
    for (path, bytes) in recordings() {
        let expected = expected(&bytes);
        for size in [1, 7, 1400, usize::MAX / 2] {
            let (provider, mut upstream) = provider();
            let ((events, error), ()) = tokio::join!(collect(&provider), async {
                let mut peer = upstream.accept().await;
                play(&mut peer, &bytes, size.min(bytes.len())).await;
            });
            assert!(error.is_none(), "{path} by {size}: {error:?}");
            let json: Vec<&str> =
                events.iter().map(|event| std::str::from_utf8(&event.json).unwrap()).collect();
            assert_eq!(json.len(), expected.len(), "{path} by {size}");
            for (json, expected) in json.iter().zip(&expected) {
                // Tool calls are told by the letter; `tool_calls/tests.rs` has how. All else stays the bytes that it is.
                let is_repaired =
                    ["mistral/tool_call", "openrouter/tool_quirk"].iter().any(|name| path.contains(name))
                        && expected.contains("\"tool_calls\":[");
                assert!(json == expected || is_repaired, "{path} by {size}: {json}");
            }
            for event in &events {
                let json = std::str::from_utf8(&event.json).unwrap();
                assert_eq!(event.usage.map(|usage| usage.total), total_tokens(json), "{path}: {json}");
                let value: Value = serde_json::from_str(json).unwrap();
                let no_choice = value["choices"].as_array().is_some_and(Vec::is_empty);
                assert_eq!(event.usage_only, no_choice && value["usage"].is_object(), "{path}: {json}");
            }
        }
    }
}

/// What a client makes of the recorded quirks: every call once, with an index, and its id and name in one piece.
#[tokio::test]
async fn recorded_quirks_are_repaired() {
    for (path, id, name) in [
        ("fixtures/mistral/tool_call.sse", "qDEcl0n92", "get_weather"),
        ("fixtures/openrouter/tool_quirk_variant_a.sse", "0", "llm_version"),
        ("fixtures/openrouter/tool_quirk_variant_c.sse", "llm_version:0", "llm_version"),
    ] {
        let Some(bytes) = shared::bytes(path) else { return };
        let (provider, mut upstream) = provider();
        let ((events, error), ()) = tokio::join!(collect(&provider), async {
            play(&mut upstream.accept().await, &bytes, bytes.len()).await;
        });
        assert!(error.is_none(), "{path}: {error:?}");
        let (mut ids, mut names, mut arguments) = (String::new(), String::new(), String::new());
        for event in &events {
            let event: Value = serde_json::from_slice(&event.json).unwrap();
            for call in event["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
                assert_eq!(call["index"], 0, "{path}: {call}");
                ids += call["id"].as_str().unwrap_or_default();
                names += call["function"]["name"].as_str().unwrap_or_default();
                arguments += call["function"]["arguments"].as_str().unwrap_or_default();
            }
        }
        assert_eq!((ids.as_str(), names.as_str()), (id, name), "{path}");
        assert!(
            serde_json::from_str::<Value>(&arguments).is_ok_and(|value| value.is_object()),
            "{path}: {arguments}"
        );
    }
}

/// A recording cut anywhere before its end is an error with the events before the cut, never a good end.
#[tokio::test]
async fn every_truncation_is_noticed() {
    let Some(bytes) = shared::bytes("fixtures/openai/chat_finish_length.sse") else { return };
    let done = bytes.len() - "\n".len();
    for cut in 0..bytes.len() {
        let (provider, mut upstream) = provider();
        let ((events, error), ()) = tokio::join!(collect(&provider), async {
            let mut peer = upstream.accept().await;
            peer.request().await;
            let sent = std::str::from_utf8(&bytes[..cut]).unwrap();
            peer.send(chunked_head("text/event-stream")).await;
            if cut > 0 {
                peer.send(chunk(sent)).await;
            }
        });
        let whole = bytes[..cut].windows(2).filter(|two| two == b"\n\n").count();
        if cut < done {
            assert!(matches!(error, Some(Error::StreamBroken { .. })), "cut at {cut}: {error:?}");
            assert_eq!(events.len(), whole, "cut at {cut}");
        }
    }
}

#[tokio::test]
async fn recorded_documents_pass_through() {
    let Some(body) = shared::bytes("fixtures/openai/chat_refusal_nonstream.json") else { return };
    let body = String::from_utf8(body).unwrap();
    let (provider, mut upstream) = provider();
    let (completion, ()) = tokio::join!(provider.complete(chat(false)), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.send(answer("200 OK", "content-type: application/json\r\n", &body)).await;
    });
    let completion = completion.unwrap();
    assert_eq!(completion.json, body);
    assert_eq!(completion.usage.unwrap().total, 78);
}
