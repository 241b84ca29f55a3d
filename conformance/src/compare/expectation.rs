//! Completes a case's `expect` for one run: picks the mode's part, spells out short forms, and adds what always holds.

use serde_json::{Map, Value, json};

use crate::scenario::load::merge;
use crate::scenario::model::{CaseBody, Mode, Op};
use crate::upstream::chunk;
use crate::upstream::script::Script;
use crate::wire::sse;

/// Seen only by a raw HTTP caller.
const SERVER_ONLY: [&str; 7] =
    ["status", "statuses", "headers", "body", "comments", "keep_alives", "terminal"];
/// Seen only through an SDK.
const CLIENT_ONLY: [&str; 2] = ["request_id", "rate_limit"];
const CLIENT_ONLY_IN_ERROR: [&str; 3] = ["class", "partial", "deadline"];

/// The pattern for one run. `served` is what `as_sent` means: the last script that an upstream was armed with.
pub fn complete(case: &CaseBody, mode: Mode, served: Option<&Script>) -> Value {
    let mut expect = Value::Object(case.expect.clone());
    let own = match mode {
        Mode::Server => "server",
        Mode::Client => "client",
    };
    let specific = expect.get(own).cloned();
    if let Some(specific) = specific {
        merge(&mut expect, specific);
    }
    let Value::Object(mut expect) = expect else { return expect };
    for key in ["server", "client", "wire"] {
        expect.remove(key);
    }
    drop_foreign(&mut expect, mode, case.request.op);
    spell_out(&mut expect, mode, served);
    add_defaults(&mut expect, case, mode);
    Value::Object(expect)
}

fn drop_foreign(expect: &mut Map<String, Value>, mode: Mode, op: Op) {
    match mode {
        Mode::Server => {
            CLIENT_ONLY.iter().for_each(|key| drop(expect.remove(*key)));
            if op == Op::ChatStream {
                expect.remove("result");
            }
            if let Some(Value::Object(error)) = expect.get_mut("error") {
                CLIENT_ONLY_IN_ERROR.iter().for_each(|key| drop(error.remove(*key)));
            }
        }
        Mode::Client => SERVER_ONLY.iter().for_each(|key| drop(expect.remove(*key))),
    }
}

fn spell_out(expect: &mut Map<String, Value>, mode: Mode, served: Option<&Script>) {
    let body = served.map_or(&[][..], |script| &script.body);
    let equal = |value: Value| match mode {
        Mode::Server => json!({ "$exactly": value }),
        Mode::Client => json!({ "$same": value }),
    };
    if let Some(events) = expect.get_mut("events") {
        match events {
            Value::String(text) if text == "as_sent" => *events = equal(json!(events_of(body))),
            Value::Array(items) => items.iter_mut().for_each(spell_out_event),
            Value::Object(matcher) => {
                if let Some(Value::Array(items)) = matcher.get_mut("$starts_with") {
                    items.iter_mut().for_each(spell_out_event);
                }
            }
            _ => {}
        }
    }
    if expect.get("result").is_some_and(|result| result == "as_sent") {
        let sent = serde_json::from_slice(body).unwrap_or(Value::Null);
        expect.insert("result".into(), equal(sent));
    }
    if let Some(Value::Object(headers)) = expect.get_mut("headers") {
        headers.values_mut().for_each(like);
    }
    for request in ["first", "last"] {
        let headers =
            expect.get_mut("upstream").and_then(|upstream| upstream.get_mut(request)?.get_mut("headers"));
        if let Some(Value::Object(headers)) = headers {
            headers.values_mut().for_each(like);
        }
    }
    for key in ["message", "param"] {
        if let Some(value) = expect.get_mut("error").and_then(|error| error.get_mut(key)) {
            like(value);
        }
    }
}

/// In header values and messages, `*` stands for any run of characters.
fn like(value: &mut Value) {
    if value.is_string() {
        *value = json!({ "$like": value.take() });
    }
}

/// `He` is the event whose delta has that content; `finish`, `delta` and `choice` mean what they mean in an upstream script.
fn spell_out_event(event: &mut Value) {
    match event {
        Value::String(text) => {
            *event = json!({ "choices": [{ "delta": { "content": text } }] });
        }
        Value::Object(fields) if fields.contains_key("delta") || fields.contains_key("finish") => {
            let mut choice = json!({});
            if let Some(index) = fields.get("choice") {
                choice["index"] = index.clone();
            }
            if let Some(delta) = fields.get("delta") {
                choice["delta"] = match delta {
                    Value::String(text) => json!({ "content": text }),
                    other => other.clone(),
                };
            }
            if let Some(reason) = fields.get("finish") {
                choice["finish_reason"] = reason.clone();
            }
            *event = json!({ "choices": [choice] });
        }
        Value::Object(fields) => {
            if let Some(usage) = fields.get_mut("usage").filter(|usage| usage.is_array()) {
                *usage = chunk::usage(usage)["usage"].take();
            }
        }
        _ => {}
    }
}

/// The chunks that a body holds: complete events, without the terminal marker and without errors.
fn events_of(body: &[u8]) -> Vec<Value> {
    sse::decode(body)
        .events
        .iter()
        .filter(|event| event.name != "error" && event.data != "[DONE]")
        .filter_map(|event| serde_json::from_str(&event.data).ok())
        .filter(|value: &Value| value.get("error").is_none())
        .collect()
}

/// What holds unless a case says otherwise: success, one terminal event, and no request too many.
fn add_defaults(expect: &mut Map<String, Value>, case: &CaseBody, mode: Mode) {
    let fails = expect.contains_key("error");
    let abandons = case.abandons();
    if !fails {
        expect.insert("error".into(), json!({ "$absent": true }));
    }
    if mode == Mode::Server && !abandons {
        expect.entry("body_complete").or_insert(json!(true));
        if !fails {
            expect.entry("status").or_insert(json!(200));
        }
        if case.request.op == Op::ChatStream {
            let terminal =
                if fails { json!({ "$one_of": ["error", "not a stream"] }) } else { json!("done") };
            expect.entry("terminal").or_insert(terminal);
        }
    }
    let upstream = expect.entry("upstream").or_insert_with(|| json!({}));
    if let Value::Object(upstream) = upstream {
        // Refused connections leave nothing to count.
        if !case.refuses_connections() {
            upstream.entry("requests").or_insert(json!(case.requests_expected()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::parse_yaml;
    use crate::scenario::variation::Variation;

    fn case(yaml: &str) -> CaseBody {
        serde_json::from_value(parse_yaml(yaml).unwrap()).unwrap()
    }

    fn completed(yaml: &str, mode: Mode) -> Value {
        let case = case(yaml);
        let scripts: Vec<Script> = case
            .scripts()
            .iter()
            .map(|steps| Script::compile(steps, Variation::default()).unwrap())
            .collect();
        complete(&case, mode, scripts.last())
    }

    const ERROR: &str = "name: c\nrequest: {op: chat.stream}\nupstream: [{delta: He}, close]\n\
        expect: {events: [He], error: {code: stream_broken, class: StreamTruncatedError}, client: {error: {code: null}}}";

    #[test]
    fn each_mode_sees_its_part() {
        let server = completed(ERROR, Mode::Server);
        assert_eq!(server["error"], json!({"code": "stream_broken"}));
        assert_eq!(server["terminal"], json!({"$one_of": ["error", "not a stream"]}));
        let client = completed(ERROR, Mode::Client);
        assert_eq!(client["error"], json!({"code": null, "class": "StreamTruncatedError"}));
        assert_eq!(client.get("terminal"), None);
        assert_eq!(client["upstream"]["requests"], 1);
    }

    #[test]
    fn as_sent_is_what_the_script_holds() {
        let yaml = "name: c\nrequest: {op: chat.stream}\nupstream: [{comment: x}, {delta: He}, done]\nexpect: {events: as_sent}";
        let events = &completed(yaml, Mode::Server)["events"]["$exactly"];
        assert_eq!(events[0]["choices"][0]["delta"]["content"], "He");
        assert_eq!(events.as_array().unwrap().len(), 1);
    }
}
