//! What stands for a required value that nobody gave.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::ir::model::{Api, Shape, TypeId, TypeRef};

use super::target;

/// `null` where it is allowed, else the type's empty value; `None` where it has none, such as an enum.
pub fn empty(api: &Api, ty: TypeRef) -> Option<Value> {
    inside(api, ty, &mut BTreeSet::new())
}

fn inside(api: &Api, ty: TypeRef, open: &mut BTreeSet<TypeId>) -> Option<Value> {
    let ty = target(api, ty);
    if let Some(constant) = constant(api, ty) {
        return Some(constant);
    }
    if ty.nullable {
        return Some(Value::Null);
    }
    match &api.ty(ty.id).shape {
        Shape::Any | Shape::Null => Some(Value::Null),
        Shape::Bool => Some(Value::Bool(false)),
        Shape::Integer { .. } | Shape::Number { .. } => Some(Value::from(0)),
        Shape::String(_) => Some(Value::from("")),
        Shape::Array { .. } => Some(Value::Array(Vec::new())),
        Shape::Map { .. } => Some(Value::Object(Map::new())),
        Shape::Object(object) => {
            if !open.insert(ty.id) {
                return None;
            }
            let required = object.fields.iter().filter(|field| field.required);
            let fields =
                required.map(|field| Some((field.name.clone(), inside(api, field.ty, open)?))).collect();
            open.remove(&ty.id);
            Option::<Map<String, Value>>::map(fields, Value::Object)
        }
        _ => None,
    }
}

/// The only value that a type has, if it has one only.
pub fn constant(api: &Api, ty: TypeRef) -> Option<Value> {
    match &api.ty(target(api, ty).id).shape {
        Shape::Const(value) => Some(value.clone()),
        Shape::Enum { values } if values.len() == 1 => Some(values[0].value.clone()),
        _ => None,
    }
}
