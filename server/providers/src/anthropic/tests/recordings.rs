//! Real recordings: the same chunks wherever the bytes are cut, and what they add up to.

use serde_json::Value;

use super::*;
use crate::shared;
use crate::sse::{Decoder, Event};
use crate::translate::chunks::Chunks;
use crate::translate::events::{Fault, Progress, Translate};

/// The events of `bytes` cut in two at `cut`.
fn events(bytes: &Bytes, cut: usize) -> Vec<Event> {
    let mut decoder = Decoder::new(1 << 20);
    let mut events = Vec::new();
    for piece in [bytes.slice(..cut), bytes.slice(cut..)] {
        decoder.feed(piece);
        while let Some(event) = decoder.next_event().unwrap() {
            events.push(event);
        }
    }
    events
}

/// Every chunk, and how it ended.
fn decode(bytes: &Bytes) -> (Vec<Value>, Result<Progress, Fault>) {
    let (mut reader, mut chunks) = (stream::Reader::default(), Chunks::default());
    let mut progress = Ok(Progress::More);
    for event in events(bytes, 0) {
        if progress == Ok(Progress::More) {
            progress = reader.event(&event, &mut chunks);
        }
    }
    let seen = std::iter::from_fn(|| chunks.next());
    (seen.map(|event| serde_json::from_slice(&event.json).unwrap()).collect(), progress)
}

fn joined(chunks: &[Value], pick: impl Fn(&Value) -> &Value) -> String {
    chunks.iter().filter_map(|chunk| pick(&chunk["choices"][0]["delta"]).as_str()).collect()
}

#[test]
fn every_split_of_every_recording() {
    for path in shared::files("fixtures/anthropic", ".sse") {
        let Some(bytes) = shared::bytes(&path) else { return };
        let bytes = Bytes::from(bytes);
        assert_eq!(decode(&bytes).1, Ok(Progress::Done), "{path}");
        // What is translated is events: the same events are the same chunks.
        let whole = events(&bytes, 0);
        for cut in 1..=bytes.len() {
            assert_eq!(events(&bytes, cut), whole, "{path} cut at {cut}");
        }
    }
}

#[test]
fn recordings_say_what_they_said() {
    let Some(bytes) = shared::bytes("fixtures/anthropic/tools_stream.sse") else { return };
    let (chunks, _) = decode(&bytes.into());
    assert!(joined(&chunks, |delta| &delta["content"]).starts_with("Certainly! I can help you"));
    for (call, name) in [(0, "get_weather"), (1, "get_time")] {
        let of_call = |chunk: &&Value| chunk["choices"][0]["delta"]["tool_calls"][0]["index"] == call;
        let pieces: Vec<Value> = chunks.iter().filter(of_call).cloned().collect();
        assert_eq!(pieces[0]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"], name);
        let arguments = joined(&pieces, |delta| &delta["tool_calls"][0]["function"]["arguments"]);
        let arguments: Value = serde_json::from_str(&arguments).unwrap();
        assert!(arguments.is_object(), "{arguments}");
    }
    let finish = &chunks[chunks.len() - 2]["choices"][0]["finish_reason"];
    assert_eq!(finish, "tool_calls");

    let Some(bytes) = shared::bytes("fixtures/anthropic/thinking_stream.sse") else { return };
    let (chunks, _) = decode(&bytes.into());
    assert!(joined(&chunks, |delta| &delta["reasoning_content"]).ends_with("\"strawberry\"."));
    assert!(joined(&chunks, |delta| &delta["reasoning_details"][0]["signature"]).starts_with("ErUBCkYI"));
    assert!(joined(&chunks, |delta| &delta["content"]).ends_with("\"strawberry\"."));

    let Some(bytes) = shared::bytes("fixtures/anthropic/redacted_thinking_stream.sse") else { return };
    let (chunks, _) = decode(&bytes.into());
    assert!(joined(&chunks, |delta| &delta["reasoning_details"][0]["data"]).starts_with("EqkECkYI"));
}

/// Recordings whose framing was lost: one event a line.
#[test]
fn decoded_recordings() {
    for (path, expected, text) in [
        ("fixtures/anthropic/refusal.chunks.jsonl", Ok(Progress::Done), ""),
        (
            "fixtures/anthropic/duplicate_message_start.chunks.jsonl",
            Err(Fault::Malformed("it began a second message in the same stream")),
            "",
        ),
    ] {
        let Some(lines) = shared::bytes(path) else { return };
        let lines = String::from_utf8(lines).unwrap();
        let framed: String = lines.lines().map(|line| format!("data: {line}\n\n")).collect();
        let (chunks, progress) = decode(&framed.into());
        assert_eq!(progress, expected, "{path}");
        assert_eq!(joined(&chunks, |delta| &delta["content"]), text, "{path}");
        if expected.is_ok() {
            let refusal = joined(&chunks, |delta| &delta["refusal"]);
            assert!(refusal.starts_with("This request triggered restrictions"), "{refusal}");
            assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "content_filter");
        }
    }
}
