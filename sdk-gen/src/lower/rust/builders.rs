//! `Default`, `new` and setters: which types have them and how their parameters are passed.

use std::collections::BTreeSet;

use crate::ir::model::{Api, Field, Shape, TypeId, UnionShape};

use super::Context;
use super::model::{Pass, Presence, StructField, Ty};
use super::repr::{Reprs, UnionKind, resolved, union_kind};
use super::unions::Tags;

/// clippy's limit for the parameters of a function; a struct that needs more is written out by name.
pub const PARAMS_MAX: usize = 7;

/// Parameters of `new`: what a value cannot do without.
pub fn required(fields: &[StructField]) -> impl Iterator<Item = &StructField> {
    fields.iter().filter(|field| field.presence == Presence::Required && field.constant.is_none())
}

/// Structs that have a `Default`: each required field's type has one, or is a constant.
pub struct Defaults {
    ids: BTreeSet<TypeId>,
}

impl Defaults {
    pub fn of(api: &Api, reprs: &Reprs<'_>, tags: &Tags) -> Self {
        let mut ids = BTreeSet::new();
        // Grows until nothing is added: a struct's default may need another's.
        loop {
            let before = ids.len();
            for at in 0..api.types.len() {
                let id = TypeId(at as u32);
                if let Shape::Object(object) = &api.ty(id).shape {
                    let dropped = tags.dropped(id);
                    let needed = |field: &&Field| field.required && Some(field.name.as_str()) != dropped;
                    let needed: Vec<&Field> = object.fields.iter().filter(needed).collect();
                    if needed
                        .iter()
                        .all(|field| field.ty.nullable || has_default(api, reprs, &ids, field.ty.id))
                    {
                        ids.insert(id);
                    }
                }
            }
            if ids.len() == before {
                return Self { ids };
            }
        }
    }

    pub fn has(&self, id: TypeId) -> bool {
        self.ids.contains(&id)
    }
}

fn has_default(api: &Api, reprs: &Reprs<'_>, known: &BTreeSet<TypeId>, id: TypeId) -> bool {
    let (id, shape) = resolved(api, id);
    match shape {
        Shape::Object(_) => reprs.item_name(id).is_none() || known.contains(&id),
        Shape::Enum { .. } => reprs.item_name(id).is_none(),
        Shape::Union(union) => match union_kind(api, union) {
            UnionKind::Single(variant) => has_default(api, reprs, known, variant.id),
            UnionKind::Any | UnionKind::Number => true,
            UnionKind::Strings { .. } | UnionKind::Union => false,
        },
        Shape::Tuple { .. } => false,
        _ => true,
    }
}

/// How a parameter of this type is taken: `impl Into<…>` where something useful converts into it.
pub fn pass(context: &Context<'_>, target: TypeId, ty: &Ty) -> Pass {
    let converts = match &context.api.ty(target).shape {
        Shape::Enum { .. } => context.reprs.item_name(target).is_some(),
        Shape::Union(union) => is_item_union(context.api, union),
        _ => false,
    };
    match ty {
        Ty::Boxed(_) => Pass::IntoBoxed,
        Ty::String | Ty::Value => Pass::Into,
        Ty::Named(_) if converts => Pass::Into,
        Ty::Named(_) if string_alias(context, target) => Pass::Into,
        _ => Pass::Plain,
    }
}

fn is_item_union(api: &Api, union: &UnionShape) -> bool {
    matches!(union_kind(api, union), UnionKind::Union | UnionKind::Strings { .. })
}

fn string_alias(context: &Context<'_>, target: TypeId) -> bool {
    matches!(context.api.ty(target).shape, Shape::String(_) | Shape::Any)
}
