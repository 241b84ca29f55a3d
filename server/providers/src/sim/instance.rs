//! A value that a JSON Schema accepts.
//!
//! Covers what structured output and tools use: types, `properties` and `required`, `items` and `prefixItems`, `enum`,
//! `const`, bounds, lengths, formats, patterns, `anyOf`, `oneOf`, `allOf` and local `$ref`, recursion included. Conditions
//! (`if`, `not`, `dependent…`) are not looked at; a schema that contradicts itself gets a value all the same.

use std::collections::HashMap;

use serde_json::{Map, Number, Value, json};

use super::pattern;

/// Below this depth only what is required is made, which ends every recursion that can end.
const FULL_DEPTH_MAX: usize = 4;
const DEPTH_MAX: usize = 32;
/// Values made for one schema, and members of it looked at: a caller must get neither a huge answer nor a long wait with a
/// small schema that refers to itself.
const VALUES_MAX: usize = 2000;
const STEPS_MAX: usize = 100_000;
const ITEMS_MAX: u64 = 50;
const STRING_CHARS_MAX: usize = 2000;

pub(super) fn of(schema: &Value) -> Value {
    if schema.as_object().is_none_or(Map::is_empty) {
        return json!({});
    }
    Maker { root: schema, values_left: VALUES_MAX, steps_left: STEPS_MAX }.make(schema, 0, 0)
}

struct Maker<'a> {
    root: &'a Value,
    values_left: usize,
    steps_left: usize,
}

/// A schema with its references followed and its alternatives decided.
#[derive(Default)]
struct Flat<'a> {
    members: HashMap<&'a str, &'a Value>,
    properties: Vec<(&'a str, &'a Value)>,
    required: Vec<&'a str>,
}

impl<'a> Flat<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).copied()
    }

    fn list(&self, name: &str) -> &'a [Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(Value::as_f64)
    }

    fn bound(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(|value| value.as_u64().or_else(|| value.as_f64().map(|number| number as u64)))
    }
}

impl<'a> Maker<'a> {
    /// `variant` tells equal items of a list apart.
    fn make(&mut self, schema: &'a Value, depth: usize, variant: usize) -> Value {
        let Some(values_left) = self.values_left.checked_sub(1) else { return Value::Null };
        self.values_left = values_left;
        if depth > DEPTH_MAX {
            return Value::Null;
        }
        let schema = &self.flattened(schema, depth);
        if let Some(constant) = schema.get("const") {
            return self.copied(constant);
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return values.get(variant % values.len().max(1)).map_or(Value::Null, |value| self.copied(value));
        }
        match kind(schema, depth) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "integer" => number(schema, true, variant),
            "number" => number(schema, false, variant),
            "boolean" => Value::Bool(variant.is_multiple_of(2)),
            "null" => Value::Null,
            _ => Value::String(string(schema, variant)),
        }
    }

    fn flattened(&mut self, schema: &'a Value, depth: usize) -> Flat<'a> {
        let mut flat = Flat::default();
        self.flatten_into(&mut flat, schema, depth, DEPTH_MAX);
        flat
    }

    /// A caller's own value, within what is left to spend.
    fn copied(&mut self, value: &Value) -> Value {
        match self.values_left.checked_sub(weight(value) / 64) {
            Some(left) => {
                self.values_left = left;
                value.clone()
            }
            None => {
                self.values_left = 0;
                Value::Null
            }
        }
    }

    fn flatten_into(&mut self, flat: &mut Flat<'a>, schema: &'a Value, depth: usize, hops_left: usize) {
        let (Some(members), Some(hops_left)) = (schema.as_object(), hops_left.checked_sub(1)) else { return };
        if let Some(target) = members.get("$ref").and_then(|target| self.resolve(target)) {
            self.flatten_into(flat, target, depth, hops_left);
        }
        for (name, value) in members {
            let inside = match (name.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    flat.properties.extend(properties.iter().map(|(name, value)| (name.as_str(), value)));
                    properties.len()
                }
                ("required", Value::Array(names)) => {
                    flat.required.extend(names.iter().filter_map(Value::as_str));
                    names.len()
                }
                _ => 0,
            };
            flat.members.insert(name, value);
            self.steps_left = self.steps_left.saturating_sub(1 + inside);
            if self.steps_left == 0 {
                self.values_left = 0;
                return;
            }
        }
        for part in list(members, "allOf") {
            self.flatten_into(flat, part, depth, hops_left);
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(chosen) = alternative(list(members, name), depth) {
                self.flatten_into(flat, chosen, depth, hops_left);
            }
        }
    }

    fn resolve(&self, target: &Value) -> Option<&'a Value> {
        self.root.pointer(target.as_str()?.strip_prefix('#')?)
    }

    fn object(&mut self, schema: &Flat<'a>, depth: usize) -> Value {
        let mut object = Map::new();
        for (name, property) in &schema.properties {
            if (depth < FULL_DEPTH_MAX || schema.required.contains(name)) && self.values_left > 0 {
                object.insert((*name).to_owned(), self.make(property, depth + 1, 0));
            }
        }
        let other = schema.get("additionalProperties").unwrap_or(&Value::Bool(true));
        for name in &schema.required {
            if !object.contains_key(*name) && self.values_left > 0 {
                object.insert((*name).to_owned(), self.make(other, depth + 1, 0));
            }
        }
        let least = schema.bound("minProperties").unwrap_or(0).min(ITEMS_MAX) as usize;
        let mut place = 0;
        while object.len() < least && place < least {
            place += 1;
            object.insert(format!("key{place}"), self.make(other, depth + 1, 0));
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &Flat<'a>, depth: usize) -> Value {
        let first = schema.list("prefixItems");
        let least = schema.bound("minItems").unwrap_or(0);
        let most = schema.bound("maxItems").unwrap_or(u64::MAX);
        let wanted = if depth < FULL_DEPTH_MAX { least.max(first.len() as u64).max(1) } else { least };
        let length = wanted.min(most).min(ITEMS_MAX) as usize;
        let items = schema.get("items").unwrap_or(&Value::Bool(true));
        let mut array = Vec::new();
        while array.len() < length && self.values_left > 0 {
            let place = array.len();
            array.push(self.make(first.get(place).unwrap_or(items), depth + 1, place));
        }
        Value::Array(array)
    }
}

/// Deep down, whatever ends soonest; above, the first that says something.
fn alternative(alternatives: &[Value], depth: usize) -> Option<&Value> {
    let is_null = |schema: &&Value| schema["type"] == "null" || schema.get("const") == Some(&Value::Null);
    let is_nested = |schema: &&Value| {
        schema.get("$ref").is_some() || matches!(schema["type"].as_str(), Some("object" | "array"))
    };
    let mut all = alternatives.iter();
    let chosen = if depth > FULL_DEPTH_MAX {
        all.clone().find(is_null).or_else(|| all.find(|schema| !is_nested(schema)))
    } else {
        all.find(|schema| !is_null(schema))
    };
    chosen.or(alternatives.first())
}

/// Nodes and bytes of text in a value.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len(),
        Value::Array(values) => 1 + values.iter().map(weight).sum::<usize>(),
        Value::Object(members) => {
            1 + members.iter().map(|(name, value)| name.len() + weight(value)).sum::<usize>()
        }
        _ => 1,
    }
}

/// The type to make: the first listed, but for null above the depth at which null is a welcome end.
fn kind<'a>(schema: &Flat<'a>, depth: usize) -> &'a str {
    let has = |names: &[&str]| names.iter().any(|name| schema.get(name).is_some());
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            let wanted = kinds.clone().find(|kind| (*kind == "null") == (depth > FULL_DEPTH_MAX));
            wanted.or_else(|| kinds.next()).unwrap_or("null")
        }
        _ if has(&["properties", "required", "additionalProperties"]) => "object",
        _ if has(&["items", "prefixItems", "minItems"]) => "array",
        _ if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) => "number",
        _ => "string",
    }
}

/// The first likely number that keeps every bound.
fn number(schema: &Flat<'_>, integer: bool, variant: usize) -> Value {
    let (low, high) = (schema.number("minimum"), schema.number("maximum"));
    let (above, below) = (schema.number("exclusiveMinimum"), schema.number("exclusiveMaximum"));
    let step = schema.number("multipleOf").filter(|step| *step > 0.0).or(integer.then_some(1.0));
    let fits = |number: &f64| {
        low.is_none_or(|low| *number >= low)
            && high.is_none_or(|high| *number <= high)
            && above.is_none_or(|above| *number > above)
            && below.is_none_or(|below| *number < below)
            && step.is_none_or(|step| (number / step).fract() == 0.0)
    };
    let floor = low.or(above);
    let ceiling = high.or(below);
    let spread = variant as f64 * step.unwrap_or(1.0);
    let up = floor.map(|floor| step.map_or(floor, |step| (floor / step).ceil() * step));
    let down = ceiling.map(|ceiling| step.map_or(ceiling, |step| (ceiling / step).floor() * step));
    let candidates = [
        Some(1.0 + spread),
        up.map(|up| up + spread),
        up.map(|up| up + step.unwrap_or(1.0) + spread),
        down.map(|down| down - spread),
        down.map(|down| down - step.unwrap_or(1.0) - spread),
        floor.zip(ceiling).map(|(floor, ceiling)| f64::midpoint(floor, ceiling)),
        step,
        Some(0.0),
    ];
    let number = candidates.into_iter().flatten().find(fits).unwrap_or(floor.or(ceiling).unwrap_or(0.0));
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn string(schema: &Flat<'_>, variant: usize) -> String {
    let least = schema.bound("minLength").unwrap_or(0).min(STRING_CHARS_MAX as u64) as usize;
    let most = schema.bound("maxLength").unwrap_or(u64::MAX).min(STRING_CHARS_MAX as u64) as usize;
    let expression = schema.get("pattern").and_then(Value::as_str);
    if let Some(text) = expression.and_then(|expression| pattern::sample(expression, least)) {
        return text;
    }
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-31".to_owned(),
        Some("time") => "12:00:00Z".to_owned(),
        Some("date-time") => "2026-01-31T12:00:00Z".to_owned(),
        Some("duration") => "PT1M".to_owned(),
        Some("email" | "idn-email") => "user@example.com".to_owned(),
        Some("hostname" | "idn-hostname") => "example.com".to_owned(),
        Some("ipv4") => "192.0.2.1".to_owned(),
        Some("ipv6") => "2001:db8::1".to_owned(),
        Some("uuid") => "123e4567-e89b-42d3-a456-426614174000".to_owned(),
        Some("uri" | "iri" | "uri-reference" | "iri-reference") => "https://example.com/".to_owned(),
        _ if variant > 0 => format!("text{variant}"),
        _ => "text".to_owned(),
    };
    let missing = least.saturating_sub(text.chars().count());
    text.chars().chain(std::iter::repeat_n('x', missing)).take(most).collect()
}

fn list<'a>(schema: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    schema.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
