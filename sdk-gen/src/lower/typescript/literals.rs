//! JSON values → expressions.

use serde_json::Value;

use super::model::Literal;
use super::names;

pub fn of_json(value: &Value) -> Literal {
    match value {
        Value::String(text) => Literal::Code(names::literal(text)),
        Value::Array(items) => Literal::Array(items.iter().map(of_json).collect()),
        Value::Object(fields) => Literal::Object(
            fields.iter().map(|(name, value)| (names::literal_key(name), of_json(value))).collect(),
        ),
        scalar => Literal::Code(scalar.to_string()),
    }
}

pub fn text(text: &str) -> Literal {
    Literal::Code(names::literal(text))
}

pub fn code(code: impl Into<String>) -> Literal {
    Literal::Code(code.into())
}
