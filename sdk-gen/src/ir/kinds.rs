//! Sets of JSON kinds: which kinds of value a schema lets through.

use serde_json::Value;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub const NONE: Kinds = Kinds(0);
    pub const NULL: Kinds = Kinds(1);
    pub const BOOL: Kinds = Kinds(2);
    pub const INTEGER: Kinds = Kinds(4);
    /// Numbers, integers among them.
    pub const NUMBER: Kinds = Kinds(4 | 8);
    pub const STRING: Kinds = Kinds(16);
    pub const ARRAY: Kinds = Kinds(32);
    pub const OBJECT: Kinds = Kinds(64);
    pub const ALL: Kinds = Kinds(127);

    pub fn of_type(name: &str) -> Option<Kinds> {
        Some(match name {
            "null" => Kinds::NULL,
            "boolean" => Kinds::BOOL,
            "integer" => Kinds::INTEGER,
            "number" => Kinds::NUMBER,
            "string" => Kinds::STRING,
            "array" => Kinds::ARRAY,
            "object" => Kinds::OBJECT,
            _ => return None,
        })
    }

    pub fn of_value(value: &Value) -> Kinds {
        match value {
            Value::Null => Kinds::NULL,
            Value::Bool(_) => Kinds::BOOL,
            Value::Number(number) if number.is_f64() && number.as_f64().is_some_and(|f| f.fract() != 0.0) => {
                Kinds::NUMBER
            }
            Value::Number(_) => Kinds::INTEGER,
            Value::String(_) => Kinds::STRING,
            Value::Array(_) => Kinds::ARRAY,
            Value::Object(_) => Kinds::OBJECT,
        }
    }

    pub fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    pub fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    pub fn without_null(self) -> Kinds {
        Kinds(self.0 & !Kinds::NULL.0)
    }

    pub fn meets(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }

    pub fn is_within(self, other: Kinds) -> bool {
        self.0 & !other.0 == 0
    }

    /// `null` beside other kinds, but not just anything.
    pub fn is_nullable(self) -> bool {
        self.meets(Kinds::NULL) && self != Kinds::NULL && self != Kinds::ALL
    }

    /// The kinds one by one, without null; a number that may be an integer counts once.
    pub fn split(self) -> Vec<Kinds> {
        let number = if self.0 & 8 != 0 { Kinds::NUMBER } else { Kinds::INTEGER };
        [Kinds::BOOL, number, Kinds::STRING, Kinds::ARRAY, Kinds::OBJECT]
            .into_iter()
            .filter(|&kind| self.meets(kind))
            .collect()
    }

    /// Of one kind: its name as a part of a type's name.
    pub fn label(self) -> &'static str {
        match self {
            Kinds::NULL => "Null",
            Kinds::BOOL => "Boolean",
            Kinds::INTEGER => "Integer",
            Kinds::NUMBER => "Number",
            Kinds::STRING => "String",
            Kinds::ARRAY => "Array",
            Kinds::OBJECT => "Object",
            _ => "Any",
        }
    }
}

/// The kind that a keyword speaks of; the other kinds it lets through.
pub(super) fn of_keyword(key: &str) -> Option<Kinds> {
    Some(match key {
        "pattern" | "minLength" | "maxLength" | "contentEncoding" | "contentMediaType" | "contentSchema" => {
            Kinds::STRING
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Kinds::NUMBER,
        "items" | "prefixItems" | "minItems" | "maxItems" | "uniqueItems" | "contains"
        | "unevaluatedItems" => Kinds::ARRAY,
        "properties"
        | "required"
        | "additionalProperties"
        | "patternProperties"
        | "propertyNames"
        | "minProperties"
        | "maxProperties"
        | "dependentRequired"
        | "dependentSchemas"
        | "unevaluatedProperties" => Kinds::OBJECT,
        _ => return None,
    })
}

/// The kind that a `format` without `type` means.
pub(super) fn of_format(format: &str) -> Kinds {
    match format {
        "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64" => Kinds::INTEGER,
        "float" | "double" | "decimal" => Kinds::NUMBER,
        _ => Kinds::STRING,
    }
}
