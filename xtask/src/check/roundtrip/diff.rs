//! Differences between two JSON documents, each at the highest place where they part.

use std::fmt;

use serde_json::Value;

#[derive(Debug)]
pub struct Difference {
    pub pointer: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    OnlyInSpec,
    OnlyInTrait(String),
    Differs { spec: String, derived: String },
}

/// More of a value than this says nothing that the place does not.
const SHOWN_CHARACTERS_MAX: usize = 120;

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::OnlyInSpec => write!(f, "{}: in the spec, but not in the trait", self.pointer),
            Kind::OnlyInTrait(value) => {
                write!(f, "{}: in the trait ({value}), but not in the spec", self.pointer)
            }
            Kind::Differs { spec, derived } => {
                write!(f, "{}: the spec has {spec}, the trait {derived}", self.pointer)
            }
        }
    }
}

pub fn differences(spec: &Value, derived: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(spec, derived, "", &mut found);
    found
}

fn walk(spec: &Value, derived: &Value, pointer: &str, found: &mut Vec<Difference>) {
    match (spec, derived) {
        (Value::Object(left), Value::Object(right)) => {
            for (key, value) in left {
                let pointer = format!("{pointer}/{}", escape(key));
                match right.get(key) {
                    Some(other) => walk(value, other, &pointer, found),
                    None => found.push(Difference { pointer, kind: Kind::OnlyInSpec }),
                }
            }
            for (key, value) in right.iter().filter(|(key, _)| !left.contains_key(*key)) {
                let pointer = format!("{pointer}/{}", escape(key));
                found.push(Difference { pointer, kind: Kind::OnlyInTrait(short(value)) });
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                walk(left, right, &format!("{pointer}/{index}"), found);
            }
        }
        _ if same_scalar(spec, derived) => {}
        _ => found.push(Difference {
            pointer: pointer.to_owned(),
            kind: Kind::Differs { spec: short(spec), derived: short(derived) },
        }),
    }
}

/// `2` and `2.0` are one number in JSON Schema; schemars holds every bound as a float.
fn same_scalar(left: &Value, right: &Value) -> bool {
    left == right || (left.is_number() && right.is_number() && left.as_f64() == right.as_f64())
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reports_the_highest_place() {
        let spec = json!({"a": {"b": [1, 2]}, "c": 2, "d/e": {}});
        let derived = json!({"a": {"b": [1]}, "c": 2.0, "f": true});
        let all: Vec<String> = differences(&spec, &derived).iter().map(ToString::to_string).collect();
        assert_eq!(
            all,
            [
                "/a/b: the spec has [1,2], the trait [1]",
                "/d~1e: in the spec, but not in the trait",
                "/f: in the trait (true), but not in the spec",
            ]
        );
    }
}
