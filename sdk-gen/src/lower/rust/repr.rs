//! How each type of the API is spelled in Rust: an item of its own, or an expression such as `Vec<String>`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::ir::model::{Additional, Api, Shape, TypeId, TypeRef, UnionShape};

use super::graph::Cycles;
use super::model::{JsonKind, Ty};
use super::names::{self, Scope};

/// What stands for a type.
#[derive(Debug, Clone, PartialEq)]
pub enum Repr {
    /// A struct, enum, union or alias of this name.
    Item(String),
    Inline(Ty),
}

/// What a union turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnionKind {
    /// Anything at all: Rust could not tell the variants apart from other JSON.
    Any,
    /// One variant only.
    Single(TypeRef),
    /// Strings, some of them listed. Closed: all of them.
    Strings {
        closed: bool,
    },
    Number,
    /// Tells its variants apart by JSON kind and tag.
    Union,
}

pub struct Reprs<'a> {
    pub api: &'a Api,
    pub cycles: Cycles,
    reprs: Vec<Repr>,
}

impl<'a> Reprs<'a> {
    pub fn of(api: &'a Api) -> Self {
        let cycles = Cycles::of(api);
        let mut scope = Scope::default();
        let mut item_names: BTreeMap<TypeId, String> = BTreeMap::new();
        for (at, ty) in api.types.iter().enumerate() {
            let id = TypeId(at as u32);
            if is_item(api, &cycles, id) {
                item_names.insert(id, scope.claim(names::type_name(&ty.name)));
            }
        }
        let mut this = Self { api, cycles, reprs: Vec::new() };
        this.reprs = (0..api.types.len())
            .map(|at| {
                let id = TypeId(at as u32);
                match item_names.get(&id) {
                    Some(name) => Repr::Item(name.clone()),
                    None => Repr::Inline(this.inline(id, &item_names)),
                }
            })
            .collect();
        this
    }

    pub fn item_name(&self, id: TypeId) -> Option<&str> {
        match &self.reprs[id.0 as usize] {
            Repr::Item(name) => Some(name),
            Repr::Inline(_) => None,
        }
    }

    pub fn ty(&self, id: TypeId) -> Ty {
        match &self.reprs[id.0 as usize] {
            Repr::Item(name) => Ty::Named(name.clone()),
            Repr::Inline(ty) => ty.clone(),
        }
    }

    /// The type as `owner` holds it in place: boxed where they contain each other.
    pub fn held(&self, owner: TypeId, target: TypeId) -> Ty {
        match self.ty(target) {
            Ty::Named(name) if self.cycles.must_box(owner, target) => Ty::Boxed(name),
            ty => ty,
        }
    }

    /// An element of a list or map: `null` among them is kept.
    pub fn element(&self, element: TypeRef) -> Ty {
        optional(self.ty(element.id), element.nullable)
    }

    /// The declared type behind an alias item.
    pub fn aliased(&self, id: TypeId) -> Ty {
        self.inline(id, &self.item_names())
    }

    fn item_names(&self) -> BTreeMap<TypeId, String> {
        let named = |(at, repr): (usize, &Repr)| match repr {
            Repr::Item(name) => Some((TypeId(at as u32), name.clone())),
            Repr::Inline(_) => None,
        };
        self.reprs.iter().enumerate().filter_map(named).collect()
    }

    fn inline(&self, id: TypeId, items: &BTreeMap<TypeId, String>) -> Ty {
        if self.cycles.is_endless(id) {
            return Ty::Value;
        }
        let spell = |ty: TypeRef| {
            let name = items.get(&ty.id).cloned();
            optional(name.map_or_else(|| self.inline(ty.id, items), Ty::Named), ty.nullable)
        };
        match &self.api.ty(id).shape {
            Shape::Any | Shape::Null => Ty::Value,
            Shape::Bool => Ty::Bool,
            Shape::Integer { range, .. } => {
                let bound = range.minimum.as_ref().or(range.exclusive_minimum.as_ref());
                let natural = bound.and_then(serde_json::Number::as_f64).is_some_and(|low| low >= 0.0);
                if natural { Ty::U64 } else { Ty::I64 }
            }
            Shape::Number { .. } => Ty::F64,
            Shape::String(_) | Shape::Bytes { .. } => Ty::String,
            Shape::Const(value) => constant(value),
            Shape::Enum { values } => {
                let all = |kind: fn(&Value) -> bool| values.iter().all(|value| kind(&value.value));
                if all(Value::is_i64) {
                    Ty::I64
                } else if all(Value::is_boolean) {
                    Ty::Bool
                } else {
                    Ty::Value
                }
            }
            Shape::Array { items, .. } => Ty::Vec(Box::new(spell(*items))),
            Shape::Tuple { items, rest: None }
                if (1..=12).contains(&items.len()) && !self.cycles.must_box(id, id) =>
            {
                Ty::Tuple(items.iter().copied().map(spell).collect())
            }
            Shape::Tuple { .. } => Ty::Vec(Box::new(Ty::Value)),
            shape if is_free_object(self.api, shape) => Ty::Value,
            Shape::Map { values, .. } => match spell(*values) {
                Ty::Value => Ty::Object,
                values => Ty::Map(Box::new(values)),
            },
            Shape::Object(_) => Ty::Object,
            Shape::Alias(target) => spell(*target),
            Shape::Union(union) => match union_kind(self.api, union) {
                UnionKind::Single(variant) => spell(variant),
                UnionKind::Strings { .. } => Ty::String,
                UnionKind::Number => Ty::F64,
                UnionKind::Any | UnionKind::Union => Ty::Value,
            },
        }
    }
}

/// An object of which the document says nothing more: `Value`, so that `json!({…})` is one. The server's check sees to it
/// that it is an object.
pub fn is_free_object(api: &Api, shape: &Shape) -> bool {
    match shape {
        Shape::Object(object) => object.fields.is_empty() && object.additional == Additional::Open,
        Shape::Map {
            values,
            min_properties: None,
            max_properties: None,
            key_pattern: None,
            key_max_length: None,
        } => {
            matches!(resolved(api, values.id).1, Shape::Any)
        }
        _ => false,
    }
}

pub fn optional(ty: Ty, optional: bool) -> Ty {
    match ty {
        // `Value` holds `null` itself.
        Ty::Value => Ty::Value,
        Ty::Option(inner) => Ty::Option(inner),
        ty if optional => Ty::Option(Box::new(ty)),
        ty => ty,
    }
}

fn constant(value: &Value) -> Ty {
    match value {
        Value::String(_) => Ty::String,
        Value::Bool(_) => Ty::Bool,
        Value::Number(number) if number.is_i64() => Ty::I64,
        _ => Ty::Value,
    }
}

fn is_item(api: &Api, cycles: &Cycles, id: TypeId) -> bool {
    let ty = api.ty(id);
    match &ty.shape {
        Shape::Object(object) => {
            ty.named || !object.fields.is_empty() || object.additional != Additional::Open
        }
        Shape::Enum { values } => values.iter().all(|value| value.value.is_string()) && !values.is_empty(),
        Shape::Union(union) => match union_kind(api, union) {
            UnionKind::Union | UnionKind::Strings { .. } => true,
            _ => ty.named,
        },
        shape if is_free_object(api, shape) => false,
        // An endless alias is spelled `Value`, which needs no name.
        _ => ty.named && !cycles.is_endless(id),
    }
}

/// A variant after aliases and nested anonymous unions are looked through.
pub fn flattened(api: &Api, union: &UnionShape) -> Vec<crate::ir::model::Variant> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    flatten_into(api, union, &mut seen, &mut out);
    out
}

fn flatten_into(
    api: &Api,
    union: &UnionShape,
    seen: &mut BTreeSet<TypeId>,
    out: &mut Vec<crate::ir::model::Variant>,
) {
    for variant in &union.variants {
        let (id, _) = resolved(api, variant.ty.id);
        match &api.ty(id).shape {
            Shape::Union(inner) if variant.tags.is_empty() && kinds(api, id).len() > 1 && seen.insert(id) => {
                flatten_into(api, inner, seen, out);
            }
            _ => out.push(variant.clone()),
        }
    }
}

/// The type behind aliases.
pub fn resolved(api: &Api, id: TypeId) -> (TypeId, &Shape) {
    let mut id = id;
    // Aliases are at most as many as types; more steps mean that they run in a circle.
    for _ in 0..api.types.len() {
        match &api.ty(id).shape {
            Shape::Alias(target) => id = target.id,
            shape => return (id, shape),
        }
    }
    (id, &Shape::Any)
}

/// The JSON kinds that values of a type can have; empty means any, or only `null`.
pub fn kinds(api: &Api, id: TypeId) -> BTreeSet<JsonKind> {
    let mut kinds = BTreeSet::new();
    let mut seen = BTreeSet::new();
    if collect_kinds(api, id, &mut seen, &mut kinds) { kinds } else { BTreeSet::new() }
}

fn collect_kinds(api: &Api, id: TypeId, seen: &mut BTreeSet<TypeId>, kinds: &mut BTreeSet<JsonKind>) -> bool {
    if !seen.insert(id) {
        return true;
    }
    let kind = match &api.ty(id).shape {
        Shape::Any | Shape::Null => return false,
        Shape::Bool => JsonKind::Bool,
        Shape::Integer { .. } | Shape::Number { .. } => JsonKind::Number,
        Shape::String(_) | Shape::Bytes { .. } => JsonKind::String,
        Shape::Const(value) => return value_kind(value).map(|kind| kinds.insert(kind)).is_some(),
        Shape::Enum { values } => {
            return values
                .iter()
                .all(|value| value_kind(&value.value).map(|kind| kinds.insert(kind)).is_some());
        }
        Shape::Array { .. } | Shape::Tuple { .. } => JsonKind::Array,
        Shape::Map { .. } | Shape::Object(_) => JsonKind::Object,
        Shape::Alias(target) => return collect_kinds(api, target.id, seen, kinds),
        Shape::Union(union) => {
            return union.variants.iter().all(|variant| collect_kinds(api, variant.ty.id, seen, kinds));
        }
    };
    kinds.insert(kind);
    true
}

fn value_kind(value: &Value) -> Option<JsonKind> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(JsonKind::Bool),
        Value::Number(_) => Some(JsonKind::Number),
        Value::String(_) => Some(JsonKind::String),
        Value::Array(_) => Some(JsonKind::Array),
        Value::Object(_) => Some(JsonKind::Object),
    }
}

pub fn union_kind(api: &Api, union: &UnionShape) -> UnionKind {
    let variants = flattened(api, union);
    if let [single] = variants.as_slice()
        && single.tags.is_empty()
        && !kinds(api, single.ty.id).is_empty()
    {
        return UnionKind::Single(single.ty);
    }
    let sets: Vec<BTreeSet<JsonKind>> = variants.iter().map(|variant| kinds(api, variant.ty.id)).collect();
    if sets.is_empty() || sets.iter().any(|set| set.len() != 1) {
        return UnionKind::Any;
    }
    let all = |kind| sets.iter().all(|set| set.contains(&kind));
    if all(JsonKind::String) {
        let closed = variants.iter().all(|variant| !string_values(api, variant.ty.id).is_empty());
        return UnionKind::Strings { closed };
    }
    if all(JsonKind::Number) {
        return UnionKind::Number;
    }
    if all(JsonKind::Bool) {
        return UnionKind::Any;
    }
    UnionKind::Union
}

/// The strings that a constant or a list of strings allows, each with its description.
pub fn string_values(api: &Api, id: TypeId) -> Vec<(String, String)> {
    strings_into(api, id, &mut BTreeSet::new())
}

fn strings_into(api: &Api, id: TypeId, seen: &mut BTreeSet<TypeId>) -> Vec<(String, String)> {
    let (id, shape) = resolved(api, id);
    if !seen.insert(id) {
        return Vec::new();
    }
    match shape {
        Shape::Const(Value::String(text)) => vec![(text.clone(), api.ty(id).docs.description.clone())],
        Shape::Enum { values } => values
            .iter()
            .filter_map(|value| Some((value.value.as_str()?.to_owned(), value.description.clone())))
            .collect(),
        Shape::Union(union) => {
            union.variants.iter().flat_map(|variant| strings_into(api, variant.ty.id, seen)).collect()
        }
        _ => Vec::new(),
    }
}
