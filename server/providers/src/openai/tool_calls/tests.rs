use serde_json::{Value, json};

use super::*;

fn chunk(calls: &Value) -> Vec<u8> {
    json!({"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": null}]})
        .to_string()
        .into_bytes()
}

/// What becomes of each event's `tool_calls`; null where the event stays as it is.
fn repaired(events: &[Value]) -> Vec<Value> {
    let mut repair = Repair::default();
    let event = |calls: &Value| match repair.repaired(&chunk(calls)) {
        None => Value::Null,
        Some(json) => {
            serde_json::from_slice::<Value>(&json).unwrap()["choices"][0]["delta"]["tool_calls"].take()
        }
    };
    events.iter().map(event).collect()
}

#[test]
fn streams_by_the_letter_stay_the_bytes_that_they_are() {
    let begin = |index: u64, id: &str| json!([{"index": index, "id": id, "type": "function", "function": {"name": "f", "arguments": ""}}]);
    let more = |index: u64| json!([{"index": index, "function": {"arguments": "{}"}}]);
    let both =
        json!([{"index": 1, "function": {"arguments": "a"}}, {"index": 0, "function": {"arguments": "b"}}]);
    // From 0, from 1, interleaved; the type may come again, which readers replace.
    let typed = json!([{"index": 0, "type": "function", "function": {"arguments": "x"}}]);
    assert!(
        repaired(&[begin(0, "a"), more(0), begin(1, "b"), both, more(0), typed]).iter().all(Value::is_null)
    );
    assert!(repaired(&[begin(1, "a"), more(1), begin(2, "b"), more(2)]).iter().all(Value::is_null));
    let mut repair = Repair::default();
    for json in [
        &b"{\"choices\":[{\"delta\":{\"content\":\"tool_calls\"}}]}"[..],
        b"{\"tool_calls\":1}",
        b"{\"tool_calls\"",
        b"[]",
    ] {
        assert_eq!(repair.repaired(json), None);
    }
}

#[test]
fn quirks() {
    for (name, events, expected) in [
        (
            "no index, as Mistral",
            &[
                json!([{"id": "a", "function": {"name": "f", "arguments": "{}"}}]),
                json!([{"id": "b", "function": {"name": "g", "arguments": "{"}}, {"id": "c", "function": {"name": "g", "arguments": "{}"}}]),
                json!([{"id": "b", "function": {"arguments": "}"}}]),
            ][..],
            &[
                json!([{"id": "a", "function": {"name": "f", "arguments": "{}"}, "index": 0}]),
                json!([{"id": "b", "function": {"name": "g", "arguments": "{"}, "index": 1}, {"id": "c", "function": {"name": "g", "arguments": "{}"}, "index": 2}]),
                json!([{"function": {"arguments": "}"}, "index": 1}]),
            ][..],
        ),
        (
            "no index and no id in what follows",
            &[
                json!([{"index": null, "id": "a", "function": {"name": "f", "arguments": "{"}}]),
                json!([{"function": {"arguments": "}"}}]),
            ],
            &[
                json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]),
                json!([{"function": {"arguments": "}"}, "index": 0}]),
            ],
        ),
        (
            "name and id again",
            &[
                json!([{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]),
                json!([{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]),
            ],
            &[Value::Null, json!([{"index": 0, "type": "function", "function": {"arguments": "{}"}}])],
        ),
        (
            "nulls",
            &[
                json!([{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": null}}]),
                json!([{"index": 0, "id": null, "type": null, "function": {"name": null, "arguments": "{}"}}]),
                json!([{"index": 0, "id": "", "function": {"name": "", "arguments": ""}}]),
            ],
            &[
                json!([{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]),
                json!([{"index": 0, "function": {"arguments": "{}"}}]),
                json!([{"index": 0, "function": {"arguments": ""}}]),
            ],
        ),
        (
            "the same index for every call",
            &[
                json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]),
                json!([{"index": 0, "id": "b", "function": {"name": "f", "arguments": "{"}}]),
                json!([{"index": 0, "function": {"arguments": "}"}}]),
            ],
            &[
                Value::Null,
                json!([{"index": 1, "id": "b", "function": {"name": "f", "arguments": "{"}}]),
                json!([{"index": 1, "function": {"arguments": "}"}}]),
            ],
        ),
        (
            "the id late, and another each time",
            &[
                json!([{"index": 0, "id": null, "function": {"name": "f", "arguments": ""}}]),
                json!([{"index": 0, "id": "a", "function": {"arguments": "{"}}]),
                json!([{"index": 0, "id": "z", "function": {"arguments": "}"}}]),
            ],
            &[
                json!([{"index": 0, "function": {"name": "f", "arguments": ""}}]),
                Value::Null,
                json!([{"index": 0, "function": {"arguments": "}"}}]),
            ],
        ),
    ] {
        assert_eq!(repaired(events), expected, "{name}");
    }
}

#[test]
fn choices_are_counted_apart_and_calls_are_bounded() {
    let mut repair = Repair::default();
    let two = json!({"choices": [
        {"index": 0, "delta": {"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}},
        {"index": 1, "delta": {"tool_calls": [{"id": "b", "function": {"name": "f", "arguments": "{}"}}]}},
    ]});
    let json: Value = serde_json::from_slice(&repair.repaired(two.to_string().as_bytes()).unwrap()).unwrap();
    for choice in [0, 1] {
        assert_eq!(json["choices"][choice]["delta"]["tool_calls"][0]["index"], 0);
    }
    for number in 0..2 * CALLS_MAX {
        repair.repaired(&chunk(&json!([{"id": number.to_string(), "function": {"name": "f"}}])));
    }
    assert_eq!(repair.calls, CALLS_MAX);
}
