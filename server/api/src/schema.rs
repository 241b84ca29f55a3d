//! Gives dropshot the schemas of wire types, straight from the spec.
//!
//! `types` knows only serde, and a foreign trait cannot be implemented for a foreign type: [`Schema`] is the local stand-in.
//! The schemas are the lowered components of `spec/openapi.yaml` (`generated/schemas.json`), so the document that dropshot
//! derives can differ from the spec only where a trait method does; `cargo xtask check` compares the two.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::Schema as JsonSchemaValue;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A type that has a component schema in the spec. Implemented by generated code only.
pub trait WireSchema: Send + Sync + 'static {
    /// Name in `components/schemas`.
    const NAME: &'static str;
    /// Components that no JSON body refers to and that belong to the document nevertheless: a stream's events.
    const ALSO: &'static [&'static str] = &[];
}

/// Stands for `T` where dropshot wants a `JsonSchema`. Never constructed.
pub struct Schema<T>(PhantomData<fn() -> T>);

impl<T: WireSchema> JsonSchema for Schema<T> {
    fn schema_name() -> String {
        T::NAME.to_owned()
    }

    fn schema_id() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }

    fn json_schema(generator: &mut SchemaGenerator) -> JsonSchemaValue {
        register_references(component(T::NAME), generator);
        T::ALSO.iter().for_each(|name| register(name, generator));
        decode(component(T::NAME))
    }
}

impl<T> Serialize for Schema<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

static COMPONENTS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "a generated constant: wrong only if generation is, and every test would fail"
    )]
    serde_json::from_str(include_str!("generated/schemas.json")).expect("schemas.json is a JSON object")
});

fn component(name: &str) -> &'static Value {
    COMPONENTS.get(name).unwrap_or(&Value::Null)
}

fn decode(schema: &Value) -> JsonSchemaValue {
    // `null` (a component that does not exist) becomes "anything", which the round-trip check reports.
    serde_json::from_value(schema.clone()).unwrap_or(JsonSchemaValue::Bool(true))
}

fn register(name: &str, generator: &mut SchemaGenerator) {
    if !generator.definitions().contains_key(name) {
        generator.definitions_mut().insert(name.to_owned(), decode(component(name)));
        register_references(component(name), generator);
    }
}

/// Adds every component that `schema` refers to, directly or not.
fn register_references(schema: &Value, generator: &mut SchemaGenerator) {
    match schema {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str).and_then(|it| it.rsplit('/').next());
            target.into_iter().for_each(|name| register(name, generator));
            members.values().for_each(|member| register_references(member, generator));
        }
        Value::Array(items) => items.iter().for_each(|item| register_references(item, generator)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
