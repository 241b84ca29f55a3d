//! One form for documents that mean the same: what a reader may not read a difference into is brought to one shape.
//!
//! References to parameters, headers, bodies and responses are replaced by what they point at (schemas stay references:
//! their names are part of the contract), lists that are sets are sorted, parameters are keyed by place and name, and
//! values that OpenAPI assumes anyway are left out.

use serde_json::{Map, Value};

/// Sections of `components` that only save typing.
const ONLY_SHORTHAND: [&str; 5] = ["responses", "parameters", "headers", "requestBodies", "examples"];
/// A reference that needs more steps than this refers to itself.
const REFERENCE_DEPTH_MAX: usize = 8;

pub fn form(document: &Value) -> Value {
    let mut normal = normalise(document, document, "");
    if let Some(components) = normal.get_mut("components").and_then(Value::as_object_mut) {
        components.retain(|section, _| !ONLY_SHORTHAND.contains(&section.as_str()));
    }
    normal
}

fn normalise(value: &Value, document: &Value, key: &str) -> Value {
    let value = resolve(value, document);
    match value {
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| (key.clone(), normalise(value, document, key)));
            let mut entries: Map<String, Value> = entries.collect();
            drop_assumed(&mut entries);
            Value::Object(entries)
        }
        Value::Array(items) if key == "parameters" => Value::Object(
            items
                .iter()
                .map(|item| normalise(item, document, ""))
                .map(|item| (parameter_key(&item), item))
                .collect(),
        ),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| normalise(item, document, "")).collect();
            if matches!(key, "required" | "tags") {
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        Value::String(text) if matches!(key, "description" | "summary") => Value::String(reflowed(text)),
        scalar => scalar.clone(),
    }
}

/// Each paragraph on one line: where a line ends inside it means nothing.
fn reflowed(text: &str) -> String {
    let one_line = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim().split("\n\n").map(one_line).collect::<Vec<_>>().join("\n\n")
}

fn resolve<'a>(mut value: &'a Value, document: &'a Value) -> &'a Value {
    for _ in 0..REFERENCE_DEPTH_MAX {
        let target =
            value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
        let shorthand = target.filter(|pointer| {
            ONLY_SHORTHAND.iter().any(|section| pointer.starts_with(&format!("/components/{section}/")))
        });
        match shorthand.and_then(|pointer| document.pointer(pointer)) {
            Some(found) => value = found,
            None => break,
        }
    }
    value
}

/// Values that the standard gives anyway.
fn drop_assumed(entries: &mut Map<String, Value>) {
    let location = entries.get("in").and_then(Value::as_str).map(str::to_owned);
    entries.retain(|key, value| match key.as_str() {
        "deprecated" | "nullable" | "uniqueItems" | "readOnly" | "writeOnly" | "allowEmptyValue" => {
            value != &Value::Bool(false)
        }
        "required" => value != &Value::Bool(false) && value != &Value::Array(Vec::new()),
        "tags" | "parameters" => value != &Value::Array(Vec::new()) && value != &Value::Object(Map::new()),
        "description" | "summary" => value.as_str() != Some(""),
        "style" => !matches!(
            (location.as_deref(), value.as_str()),
            (Some("path" | "header"), Some("simple")) | (Some("query" | "cookie"), Some("form"))
        ),
        "additionalProperties" => value != &Value::Bool(true),
        _ => true,
    });
}

fn parameter_key(parameter: &Value) -> String {
    let text = |key| parameter.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("{}:{}", text("in"), text("name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn same_meaning_same_form() {
        let left = json!({
            "paths": {"/a": {"get": {
                "tags": [],
                "parameters": [{"in": "path", "name": "id", "style": "simple", "required": true}],
                "responses": {"404": {"$ref": "#/components/responses/Gone"}},
            }}},
            "components": {"responses": {"Gone": {"description": " gone\n"}}, "schemas": {"A": {"required": ["b", "a"]}}},
        });
        let right = json!({
            "paths": {"/a": {"get": {
                "parameters": [{"name": "id", "required": true, "in": "path"}],
                "responses": {"404": {"description": "gone"}},
            }}},
            "components": {"schemas": {"A": {"required": ["a", "b"], "additionalProperties": true}}},
        });
        assert_eq!(form(&left), form(&right));
    }
}
