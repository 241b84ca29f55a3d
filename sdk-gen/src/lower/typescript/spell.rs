//! Which types are declared under a name, and how every type is spelled where it is used.
//!
//! Start at [`Spelling::of`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::ir::model::{Additional, Api, Shape, TypeId, TypeRef, UnionShape};
use crate::ir::reach::closure;
use crate::lower::shared::resolved;

use super::model::Ty;
use super::names::{self, Scope};

/// Longest union that is written where it is used; a longer one is declared.
const INLINE_CHARS_MAX: usize = 48;
/// Deepest nesting of types without a name. Documents have no more than a few; this ends those that never do.
const DEPTH_MAX: usize = 32;

pub struct Spelling<'a> {
    api: &'a Api,
    names: BTreeMap<TypeId, String>,
    /// Types that are sent in parts of their own, where bytes are files.
    in_multipart: BTreeSet<TypeId>,
}

impl<'a> Spelling<'a> {
    pub fn of(api: &'a Api, scope: &mut Scope) -> Self {
        let mut names = BTreeMap::new();
        // The document's own names first, so that no inline type takes one of them.
        for named in [true, false] {
            for (at, ty) in api.types.iter().enumerate().filter(|(_, ty)| ty.named == named) {
                let id = TypeId(at as u32);
                if named || is_declared(api, id) {
                    names.insert(id, scope.claim(&names::type_name(&ty.name)));
                }
            }
        }
        let forms = api.operations.iter().filter_map(|operation| operation.body.as_ref());
        let forms = forms.flat_map(|body| &body.media).filter(|media| !media.media_type.contains("json"));
        let in_multipart = closure(&api.types, forms.filter_map(|media| media.ty)).into_iter().collect();
        Self { api, names, in_multipart }
    }

    /// The name that a type is declared under, if it is.
    pub fn name(&self, id: TypeId) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// A use of a type.
    pub fn ty(&self, ty: TypeRef) -> Ty {
        self.used(ty, 0)
    }

    /// What a declared alias stands for.
    pub fn declared(&self, id: TypeId) -> Ty {
        self.shape(id, 0)
    }

    /// The type of the items that a field of an object lists.
    pub fn item_of(&self, object: TypeRef, field: &str) -> Option<Ty> {
        let Shape::Object(object) = resolved(self.api, object.id).1 else { return None };
        let list = object.fields.iter().find(|known| known.name == field)?;
        match resolved(self.api, list.ty.id).1 {
            Shape::Array { items, .. } => Some(self.ty(*items)),
            _ => None,
        }
    }

    fn used(&self, ty: TypeRef, depth: usize) -> Ty {
        if depth > DEPTH_MAX {
            return Ty::unknown();
        }
        let spelled = match self.name(ty.id) {
            Some(name) => Ty::Named(name.to_owned()),
            None => self.shape(ty.id, depth + 1),
        };
        spelled.or_null(ty.nullable)
    }

    fn shape(&self, id: TypeId, depth: usize) -> Ty {
        let def = self.api.ty(id);
        let used = |ty: TypeRef| self.used(ty, depth);
        let readonly = def.in_request && !def.in_response;
        match &def.shape {
            Shape::Any => Ty::unknown(),
            Shape::Null => Ty::word("null"),
            Shape::Bool => Ty::word("boolean"),
            Shape::Integer { .. } | Shape::Number { .. } => Ty::word("number"),
            Shape::Bytes { base64: false } if self.in_multipart.contains(&id) => Ty::Uploadable,
            Shape::String(_) | Shape::Bytes { .. } => Ty::word("string"),
            Shape::Const(value) => constant(value),
            Shape::Enum { values } if values.len() == 1 => constant(&values[0].value),
            Shape::Enum { values } => open_enum(values.iter().map(|value| &value.value)),
            Shape::Array { items, .. } => Ty::Array { items: Box::new(used(*items)), readonly },
            Shape::Tuple { items, rest } => Ty::Tuple {
                items: items.iter().copied().map(used).collect(),
                rest: rest.map(|rest| Box::new(used(rest))),
                readonly,
            },
            Shape::Map { values, .. } => record(used(*values)),
            Shape::Object(object) => match object.additional {
                Additional::Typed(values) => record(used(values)),
                Additional::Open | Additional::Closed => record(Ty::unknown()),
            },
            Shape::Alias(target) => used(*target),
            Shape::Union(union) => self.union(id, union, depth),
        }
    }

    fn union(&self, id: TypeId, union: &UnionShape, depth: usize) -> Ty {
        let mut all: Option<Ty> = None;
        let mut add = |ty: Ty| all = Some(all.take().map_or_else(|| ty.clone(), |all| all.or(ty.clone())));
        let property = union.discriminator.as_ref().map(|known| known.property.as_str());
        for variant in self.variants(id, union) {
            let spelled = match property {
                Some(property) if !self.says_its_tag(variant.ty.id, property, &variant.tags) => Ty::Tagged {
                    key: names::key(property),
                    tags: variant.tags.iter().map(|tag| names::literal(tag)).collect(),
                    of: Box::new(self.used(TypeRef { nullable: false, ..variant.ty }, depth)),
                }
                .or_null(variant.ty.nullable),
                _ => self.used(variant.ty, depth),
            };
            add(spelled);
        }
        if let (Some(property), true) = (property, self.api.ty(id).in_response) {
            add(Ty::Unknown { property: property.to_owned() });
        }
        all.unwrap_or_else(|| Ty::word("never"))
    }

    /// Variants, with unions that contain this one taken apart: an alias must not name itself.
    fn variants(&self, id: TypeId, union: &UnionShape) -> Vec<crate::ir::model::Variant> {
        let mut out = Vec::new();
        let mut seen = BTreeSet::from([id]);
        let mut open: Vec<_> = union.variants.iter().rev().cloned().collect();
        while let Some(variant) = open.pop() {
            let (target, shape) = resolved(self.api, variant.ty.id);
            match shape {
                Shape::Union(inner) if self.leads_to(target, id) => {
                    if seen.insert(target) {
                        open.extend(inner.variants.iter().rev().cloned());
                    }
                }
                _ => out.push(variant),
            }
        }
        out
    }

    /// Whether one union is a variant of the other, at any depth.
    fn leads_to(&self, from: TypeId, to: TypeId) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(id) = open.pop() {
            let (id, shape) = resolved(self.api, id);
            if id == to {
                return true;
            }
            if let (true, Shape::Union(union)) = (seen.insert(id), shape) {
                open.extend(union.variants.iter().map(|variant| variant.ty.id));
            }
        }
        false
    }

    /// Whether the variant's own type has the tag as a constant, so that a comparison narrows to it.
    fn says_its_tag(&self, id: TypeId, property: &str, tags: &[String]) -> bool {
        if tags.is_empty() {
            return true;
        }
        match resolved(self.api, id).1 {
            Shape::Object(object) => {
                let field = object.fields.iter().find(|field| field.name == property);
                field
                    .and_then(|field| only_value(resolved(self.api, field.ty.id).1))
                    .is_some_and(|value| tags.iter().all(|tag| value.as_str() == Some(tag)))
            }
            // A union's own variants are looked at where it is declared.
            _ => true,
        }
    }
}

fn record(values: Ty) -> Ty {
    let mut names_a_type = false;
    values.walk(&mut |ty| names_a_type |= matches!(ty, Ty::Named(_)));
    // `type A = Record<string, A>` refers to itself too early; the index signature does not.
    if names_a_type { Ty::Index(Box::new(values)) } else { Ty::Record(Box::new(values)) }
}

/// The constant that a type is.
fn only_value(shape: &Shape) -> Option<&Value> {
    match shape {
        Shape::Const(value) => Some(value),
        Shape::Enum { values } if values.len() == 1 => Some(&values[0].value),
        _ => None,
    }
}

/// The type of one value.
fn constant(value: &Value) -> Ty {
    match value {
        Value::String(text) => Ty::Word(names::literal(text)),
        Value::Array(_) => Ty::Array { items: Box::new(Ty::unknown()), readonly: false },
        Value::Object(_) => Ty::Record(Box::new(Ty::unknown())),
        scalar => Ty::Word(scalar.to_string()),
    }
}

/// The listed values, and any other of their kind: a newer server may know more.
fn open_enum<'v>(values: impl Iterator<Item = &'v Value> + Clone) -> Ty {
    let mut all: Option<Ty> = None;
    let rest = [
        values.clone().any(Value::is_string).then(|| Ty::word("(string & {})")),
        values.clone().any(Value::is_number).then(|| Ty::word("(number & {})")),
    ];
    for ty in values.map(constant).chain(rest.into_iter().flatten()) {
        all = Some(match all {
            None => ty,
            Some(all) => all.or(ty),
        });
    }
    all.unwrap_or_else(|| Ty::word("never"))
}

/// Whether an inline type is declared under the name that its place gives it.
fn is_declared(api: &Api, id: TypeId) -> bool {
    match &api.ty(id).shape {
        Shape::Object(object) => !object.fields.is_empty(),
        Shape::Union(union) => union.discriminator.is_some() || chars(api, id, 0) > INLINE_CHARS_MAX,
        Shape::Enum { .. } => chars(api, id, 0) > INLINE_CHARS_MAX,
        _ => false,
    }
}

/// About how long the type is where it is not declared.
fn chars(api: &Api, id: TypeId, depth: usize) -> usize {
    let def = api.ty(id);
    if def.named || depth > DEPTH_MAX {
        return def.name.len();
    }
    match &def.shape {
        Shape::Enum { values } => {
            values.iter().map(|value| value.value.to_string().len() + 3).sum::<usize>() + 13
        }
        Shape::Union(union) if union.discriminator.is_none() => {
            union.variants.iter().map(|variant| chars(api, variant.ty.id, depth + 1) + 3).sum()
        }
        Shape::Array { items, .. } => chars(api, items.id, depth + 1) + 11,
        Shape::Map { values, .. } => chars(api, values.id, depth + 1) + 16,
        Shape::Tuple { items, .. } => items.iter().map(|item| chars(api, item.id, depth + 1) + 2).sum(),
        Shape::Alias(target) => chars(api, target.id, depth + 1),
        Shape::Const(value) => value.to_string().len(),
        Shape::Object(_) | Shape::Union(_) => def.name.len(),
        _ => 7,
    }
}
