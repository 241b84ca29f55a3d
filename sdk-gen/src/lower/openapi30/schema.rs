//! One type as a 3.0 schema.

use serde_json::{Map, Value, json};

use crate::diagnostic::Diagnostics;
use crate::ir::model::{
    Additional, Api, Docs, Field, ObjectShape, Range, Shape, TypeId, TypeRef, UnionShape,
};

use super::Names;

/// Deepest nesting of inline schemas. Documents nest a handful; only a cycle without names would go on.
const DEPTH_MAX: usize = 64;

/// Writes schemas and says what it could not write.
struct Lowering<'a> {
    api: &'a Api,
    names: Names<'a>,
    diagnostics: &'a mut Diagnostics,
    depth: usize,
}

/// The schema behind a name.
pub fn body(api: &Api, id: TypeId, names: Names<'_>, diagnostics: &mut Diagnostics) -> Value {
    let mut lowering = Lowering { api, names, diagnostics, depth: 0 };
    Value::Object(lowering.described(id, &api.ty(id).docs))
}

/// The schema of a use: a reference, or the type in place.
pub fn used(api: &Api, ty: TypeRef, names: Names<'_>, diagnostics: &mut Diagnostics) -> Value {
    Lowering { api, names, diagnostics, depth: 0 }.reference(ty, None)
}

/// The same, with a description and default of its own.
pub fn used_as(api: &Api, field: &Field, names: Names<'_>, diagnostics: &mut Diagnostics) -> Value {
    Lowering { api, names, diagnostics, depth: 0 }.field(field)
}

impl Lowering<'_> {
    /// A use with the docs of the place that uses it.
    fn reference(&mut self, ty: TypeRef, docs: Option<&Docs>) -> Value {
        let docs =
            docs.filter(|docs| !docs.description.is_empty() || docs.deprecated || !docs.examples.is_empty());
        if let Some(name) = (self.names)(ty.id) {
            let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
            if docs.is_none() && !ty.nullable {
                return reference;
            }
            // In 3.0 nothing may stand beside a `$ref`.
            let mut wrapper = Map::new();
            wrapper.insert("allOf".to_owned(), json!([reference]));
            self.describe(&mut wrapper, docs.unwrap_or(&Docs::default()));
            nullable(&mut wrapper, ty.nullable);
            return Value::Object(wrapper);
        }
        if self.depth >= DEPTH_MAX {
            let origin = &self.api.ty(ty.id).origin;
            self.diagnostics.error(
                origin.pointer.clone(),
                origin.place,
                "this schema contains itself and has no name to refer to it by",
                "move it to components/schemas and use a $ref",
            );
            return json!({});
        }
        self.depth += 1;
        let own = &self.api.ty(ty.id).docs;
        let mut schema = self.described(ty.id, docs.unwrap_or(own));
        self.depth -= 1;
        nullable(&mut schema, ty.nullable);
        Value::Object(schema)
    }

    fn described(&mut self, id: TypeId, docs: &Docs) -> Map<String, Value> {
        let mut schema = self.shape(id);
        self.describe(&mut schema, docs);
        schema
    }

    fn describe(&mut self, schema: &mut Map<String, Value>, docs: &Docs) {
        if !docs.description.is_empty() {
            schema.insert("description".to_owned(), json!(docs.description));
        }
        if docs.deprecated {
            schema.insert("deprecated".to_owned(), json!(true));
        }
        // 3.0 has room for one.
        if let Some(example) = docs.examples.first() {
            schema.insert("example".to_owned(), example.clone());
        }
    }

    fn shape(&mut self, id: TypeId) -> Map<String, Value> {
        let api = self.api;
        let schema = match &api.ty(id).shape {
            Shape::Any => json!({}),
            Shape::Null => json!({ "enum": [null], "nullable": true }),
            Shape::Bool => json!({ "type": "boolean" }),
            Shape::Integer { format, range } => number("integer", format.as_deref(), range),
            Shape::Number { format, range } => number("number", format.as_deref(), range),
            Shape::String(string) => compact(json!({
                "type": "string",
                "format": string.format,
                "pattern": string.pattern,
                "minLength": string.min_length,
                "maxLength": string.max_length,
            })),
            Shape::Bytes { base64 } => {
                json!({ "type": "string", "format": if *base64 { "byte" } else { "binary" } })
            }
            Shape::Const(value) => enumeration(std::slice::from_ref(value)),
            Shape::Enum { values } => {
                enumeration(&values.iter().map(|value| value.value.clone()).collect::<Vec<_>>())
            }
            Shape::Array { items, min_items, max_items, unique } => compact(json!({
                "type": "array",
                "items": self.reference(*items, None),
                "minItems": min_items,
                "maxItems": max_items,
                "uniqueItems": unique.then_some(true),
            })),
            Shape::Tuple { items, rest } => self.tuple(id, items, *rest),
            Shape::Map { values, min_properties, max_properties, key_pattern, key_max_length } => {
                if key_pattern.is_some() || key_max_length.is_some() {
                    let origin = &api.ty(id).origin;
                    self.diagnostics.warning(
                        origin.pointer.clone(),
                        origin.place,
                        "OpenAPI 3.0 has no `propertyNames`: the lowered document leaves it out",
                        "nothing to do: the server's generated check keeps the rule",
                    );
                }
                compact(json!({
                    "type": "object",
                    "additionalProperties": self.reference(*values, None),
                    "minProperties": min_properties,
                    "maxProperties": max_properties,
                }))
            }
            Shape::Object(object) => self.object(object),
            Shape::Union(union) => self.union(union),
            Shape::Alias(target) => json!({ "allOf": [self.reference(*target, None)] }),
        };
        match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }

    fn tuple(&mut self, id: TypeId, items: &[TypeRef], rest: Option<TypeRef>) -> Value {
        let origin = &self.api.ty(id).origin;
        self.diagnostics.warning(
            origin.pointer.clone(),
            origin.place,
            "OpenAPI 3.0 has no `prefixItems`: the lowered document allows each item's type at any place",
            "use an object with named fields if the order must be checked",
        );
        let length = items.len();
        let any: Vec<Value> = items.iter().chain(&rest).map(|item| self.reference(*item, None)).collect();
        compact(json!({
            "type": "array",
            "items": { "anyOf": any },
            "minItems": length,
            "maxItems": rest.is_none().then_some(length),
        }))
    }

    fn object(&mut self, object: &ObjectShape) -> Value {
        let mut properties = Map::new();
        for field in &object.fields {
            let schema = self.field(field);
            properties.insert(field.name.clone(), schema);
        }
        let required: Vec<&str> =
            object.fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
        let additional = match object.additional {
            Additional::Open => Value::Null,
            Additional::Closed => json!(false),
            Additional::Typed(values) => self.reference(values, None),
        };
        compact(json!({
            "type": "object",
            "required": if required.is_empty() { Value::Null } else { json!(required) },
            "properties": if properties.is_empty() { Value::Null } else { Value::Object(properties) },
            "additionalProperties": additional,
        }))
    }

    fn field(&mut self, field: &Field) -> Value {
        let schema = self.reference(field.ty, Some(&field.docs));
        let extra = [
            ("default", field.default.clone()),
            ("readOnly", field.read_only.then_some(json!(true))),
            ("writeOnly", field.write_only.then_some(json!(true))),
        ];
        let extra: Map<String, Value> =
            extra.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        match schema {
            Value::Object(fields) if fields.contains_key("$ref") && !extra.is_empty() => {
                let mut wrapper = Map::new();
                wrapper.insert("allOf".to_owned(), json!([fields]));
                wrapper.extend(extra);
                Value::Object(wrapper)
            }
            Value::Object(mut fields) => {
                fields.extend(extra);
                Value::Object(fields)
            }
            other => other,
        }
    }

    fn union(&mut self, union: &UnionShape) -> Value {
        let variants: Vec<Value> =
            union.variants.iter().map(|variant| self.reference(variant.ty, Some(&variant.docs))).collect();
        let key = if union.any_of { "anyOf" } else { "oneOf" };
        let mut schema = json!({ key: variants });
        let declared = union.discriminator.as_ref().filter(|discriminator| !discriminator.inferred);
        if let Some(discriminator) = declared {
            let mut mapping = Map::new();
            for variant in &union.variants {
                if let Some(name) = (self.names)(variant.ty.id) {
                    for tag in &variant.tags {
                        mapping.insert(tag.clone(), json!(format!("#/components/schemas/{name}")));
                    }
                }
            }
            schema["discriminator"] = json!({ "propertyName": discriminator.property, "mapping": mapping });
        }
        schema
    }
}

fn nullable(schema: &mut Map<String, Value>, nullable: bool) {
    if nullable {
        schema.insert("nullable".to_owned(), json!(true));
        // A list must name `null` itself, or `nullable` has no effect.
        if let Some(Value::Array(values)) = schema.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
    }
}

fn number(kind: &str, format: Option<&str>, range: &Range) -> Value {
    // In 3.0 an exclusive bound is the bound with a flag.
    let (minimum, exclusive_minimum) = match (&range.exclusive_minimum, &range.minimum) {
        (Some(bound), _) => (Some(bound), Some(true)),
        (None, bound) => (bound.as_ref(), None),
    };
    let (maximum, exclusive_maximum) = match (&range.exclusive_maximum, &range.maximum) {
        (Some(bound), _) => (Some(bound), Some(true)),
        (None, bound) => (bound.as_ref(), None),
    };
    compact(json!({
        "type": kind,
        "format": format,
        "minimum": minimum,
        "exclusiveMinimum": exclusive_minimum,
        "maximum": maximum,
        "exclusiveMaximum": exclusive_maximum,
        "multipleOf": range.multiple_of,
    }))
}

fn enumeration(values: &[Value]) -> Value {
    let all = |kind: fn(&Value) -> bool| values.iter().all(kind);
    let kind = if all(Value::is_string) {
        Some("string")
    } else if all(Value::is_boolean) {
        Some("boolean")
    } else if all(|value| value.is_i64() || value.is_u64()) {
        Some("integer")
    } else if all(Value::is_number) {
        Some("number")
    } else {
        None
    };
    compact(json!({ "type": kind, "enum": values }))
}

/// Without the keys that have no value.
fn compact(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect())
        }
        other => other,
    }
}
