//! Every instance is judged by an independent validator.

use super::*;

#[track_caller]
fn check(schema: &Value) {
    let instance = of(schema);
    let (mut compiler, mut schemas) = (boon::Compiler::new(), boon::Schemas::new());
    compiler.add_resource("schema.json", schema.clone()).unwrap();
    let root =
        compiler.compile("schema.json", &mut schemas).unwrap_or_else(|error| panic!("{schema}: {error}"));
    let refused = schemas.validate(&instance, root).err();
    assert!(refused.is_none(), "{schema}\nrefuses {instance}: {}", refused.unwrap());
}

#[test]
fn instances_validate() {
    for schema in [
        json!({}),
        json!({"type": "object"}),
        json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"], "additionalProperties": false}),
        json!({"type": "object", "required": ["x"], "additionalProperties": {"type": "number"}}),
        json!({"type": "object", "minProperties": 3}),
        json!({"enum": ["red", "green"]}),
        json!({"const": {"a": [1]}}),
        json!({"type": ["null", "string"], "minLength": 3}),
        json!({"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": true}),
        json!({"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": true}),
        json!({"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": true}),
        json!({"type": "array", "maxItems": 0}),
        json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": false}),
        json!({"type": "integer", "minimum": 10, "maximum": 10}),
        json!({"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6}),
        json!({"type": "integer", "minimum": 7, "multipleOf": 5}),
        json!({"type": "integer", "maximum": -3}),
        json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        json!({"type": "number", "minimum": 0.25, "maximum": 0.5}),
        json!({"type": "number", "multipleOf": 0.5, "minimum": 0.7}),
        json!({"type": "string", "maxLength": 2}),
        json!({"type": "string", "minLength": 20}),
        json!({"type": "string", "pattern": "^[A-Z]{3}-\\d+$", "minLength": 8}),
        json!({"type": "string", "format": "date-time"}),
        json!({"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 5}]}),
        json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
        json!({"allOf": [{"required": ["a"]}, {"properties": {"a": {"type": "string"}}}], "required": ["b"], "properties": {"b": {"type": "null"}}}),
        json!({"$ref": "#/$defs/item", "$defs": {"item": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}}),
        json!({"type": "object", "properties": {"head": {"$ref": "#/$defs/node"}}, "required": ["head"],
            "$defs": {"node": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "v": {"type": "string"}}, "required": ["next", "v"], "additionalProperties": false}}}),
        json!({"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}, "required": ["children"]}),
        json!({"type": "object", "properties": {"steps": {"type": "array", "items": {"type": "object",
            "properties": {"explanation": {"type": "string"}, "output": {"type": "string"}},
            "required": ["explanation", "output"], "additionalProperties": false}}, "final_answer": {"type": "string"}},
            "required": ["steps", "final_answer"], "additionalProperties": false}),
    ] {
        check(&schema);
    }
}

#[test]
fn hostile_schemas_get_small_answers() {
    let wide: Map<String, Value> = (0..60).map(|n| (format!("p{n}"), json!({"$ref": "#"}))).collect();
    for schema in [
        json!({"$ref": "#"}),
        json!({"allOf": vec![json!({"$ref": "#"}); 20]}),
        json!({"type": "array", "minItems": 50, "items": {"const": "x".repeat(100_000)}}),
        json!({"type": "array", "minItems": 50, "items": {"enum": [vec![1; 20_000]]}}),
        json!({"type": "object", "properties": wide}),
        json!({"type": "array", "minItems": 1_000_000_000, "items": {"type": "array", "minItems": 1_000_000_000, "items": {"$ref": "#"}}}),
        json!({"type": "string", "minLength": 1_000_000_000_000_u64}),
        json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}),
        json!({"enum": []}),
        json!({"type": 7, "items": "no", "properties": [], "required": {"a": 1}, "minimum": "x"}),
        json!({"type": "number", "minimum": 5, "maximum": 1}),
        json!({"type": "integer", "multipleOf": 0}),
        json!({"$ref": "http://evil.test/schema"}),
        json!([1]),
        json!(null),
    ] {
        let text = of(&schema).to_string();
        let shown: String = schema.to_string().chars().take(200).collect();
        assert!(text.len() < 300_000, "{} bytes for {shown}", text.len());
    }
}
