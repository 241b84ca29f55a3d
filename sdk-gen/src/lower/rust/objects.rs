//! An object → a struct: its fields, constants, and the map that keeps what the schema does not name.

use serde_json::Value;

use crate::ir::model::{Additional, Field, ObjectShape, Shape, TypeId};
use crate::ir::secrets::is_secret;

use super::model::{DefaultKind, Presence, Struct, StructField, Ty};
use super::names::{self, Scope};
use super::repr::{optional, resolved};
use super::{Context, builders, docs};

pub fn lower(context: &Context<'_>, id: TypeId, object: &ObjectShape) -> Struct {
    let mut scope = Scope::default();
    let dropped = context.tags.dropped(id);
    let kept = object.fields.iter().filter(|field| Some(field.name.as_str()) != dropped);
    let fields: Vec<StructField> = kept.map(|field| struct_field(context, id, field, &mut scope)).collect();
    let extra_ty = match object.additional {
        Additional::Open | Additional::Closed => Ty::Extra,
        Additional::Typed(values) => match context.reprs.element(values) {
            Ty::Value => Ty::Extra,
            values => Ty::Map(Box::new(values)),
        },
    };
    let written = fields.iter().any(|field| field.constant.is_some());
    let default =
        context.defaults.has(id).then_some(if written { DefaultKind::Written } else { DefaultKind::Derived });
    let required = builders::required(&fields).count();
    Struct {
        extra: (scope.claim("extra".to_owned()), extra_ty),
        builder: required <= builders::PARAMS_MAX && (required > 0 || context.api.ty(id).in_request),
        setters: context.api.ty(id).in_request,
        default,
        fields,
    }
}

fn struct_field(context: &Context<'_>, owner: TypeId, field: &Field, scope: &mut Scope) -> StructField {
    let (target, shape) = resolved(context.api, field.ty.id);
    let snake = scope.claim(names::snake(&field.name));
    let presence = match (field.required, field.ty.nullable) {
        (true, false) => Presence::Required,
        (true, true) => Presence::Nullable,
        (false, _) => Presence::Optional,
    };
    let constant = constant(shape).filter(|_| presence == Presence::Required);
    let ty = context.reprs.held(owner, field.ty.id);
    let ty = match ty {
        // An alias of something nullable adds its own `Option`; two would make `null` mean two things.
        Ty::Option(inner) => *inner,
        ty => ty,
    };
    let ident = names::identifier(&snake);
    StructField {
        // serde's own name for a field is its identifier without the `r#`.
        renamed: ident.trim_start_matches("r#") != field.name,
        ident,
        setter: names::setter(&snake),
        wire: field.name.clone(),
        docs: docs::field(field, shape, constant_text(shape).as_deref()),
        pass: builders::pass(context, target, &ty),
        presence,
        secret: is_secret(context.api, field.ty),
        constant,
        ty,
    }
}

/// A field's type with the `Option` that its presence asks for.
pub fn declared(field: &StructField) -> Ty {
    match field.presence {
        Presence::Required => field.ty.clone(),
        // `Option<Value>` on purpose: absent and `null` differ in what is written.
        Presence::Nullable | Presence::Optional if field.ty == Ty::Value => Ty::Option(Box::new(Ty::Value)),
        Presence::Nullable | Presence::Optional => optional(field.ty.clone(), true),
    }
}

fn constant_text(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Const(Value::String(text)) => Some(text.clone()),
        Shape::Const(value) => Some(value.to_string()),
        _ => None,
    }
}

/// The Rust literal of a constant.
fn constant(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Const(Value::String(text)) => Some(format!("{text:?}.to_owned()")),
        Shape::Const(Value::Bool(value)) => Some(value.to_string()),
        Shape::Const(Value::Number(number)) if number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}
