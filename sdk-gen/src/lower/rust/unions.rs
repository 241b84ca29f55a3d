//! A union → an enum: how its variants are told apart, what they are called, and how they are made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::ir::model::{Api, Field, ObjectShape, Shape, TypeId, TypeRef, UnionShape, Variant};

use super::model::{Constructor, JsonKind, Pass, StructField, Ty, Union, UnionVariant};
use super::names::{self, Scope};
use super::repr::{Reprs, UnionKind, flattened, kinds, resolved, union_kind};
use super::{Context, builders, docs, graph, objects};

/// Properties that a tag is looked for in first: an object may have more than one constant.
const USUAL_TAGS: &[&str] = &["type", "role", "object", "kind"];

/// How the variants of every union are told apart.
pub struct Tags {
    unions: BTreeMap<TypeId, Tagged>,
    dropped: BTreeMap<TypeId, String>,
}

struct Tagged {
    property: Option<String>,
    variants: Vec<(Variant, Vec<String>)>,
}

impl Tags {
    pub fn of(api: &Api, reprs: &Reprs<'_>) -> Self {
        let mut unions = BTreeMap::new();
        for (at, ty) in api.types.iter().enumerate() {
            let id = TypeId(at as u32);
            if let Shape::Union(union) = &ty.shape
                && reprs.item_name(id).is_some()
                && union_kind(api, union) == UnionKind::Union
            {
                unions.insert(id, tagged(api, union));
            }
        }
        let dropped = dropped(api, &unions);
        Self { unions, dropped }
    }

    /// The property that a struct leaves to the union that it is a variant of.
    pub fn dropped(&self, id: TypeId) -> Option<&str> {
        self.dropped.get(&id).map(String::as_str)
    }

    /// Every property that tells variants of some union apart.
    pub fn properties(&self) -> BTreeSet<String> {
        self.unions.values().filter_map(|union| union.property.clone()).collect()
    }

    /// What the variants of a union hold.
    pub fn payloads(&self, id: TypeId) -> Vec<TypeRef> {
        let variants = self.unions.get(&id).into_iter().flat_map(|union| &union.variants);
        variants.map(|(variant, _)| variant.ty).collect()
    }
}

fn object(api: &Api, id: TypeId) -> Option<(TypeId, &ObjectShape)> {
    match resolved(api, id) {
        (id, Shape::Object(object)) => Some((id, object)),
        _ => None,
    }
}

fn constant<'a>(api: &'a Api, field: &Field) -> Option<&'a str> {
    match resolved(api, field.ty.id).1 {
        Shape::Const(Value::String(text)) if field.required => Some(text),
        Shape::Enum { values } if field.required && values.len() == 1 => values[0].value.as_str(),
        _ => None,
    }
}

fn tagged(api: &Api, union: &UnionShape) -> Tagged {
    let variants = flattened(api, union);
    let property = match &union.discriminator {
        Some(discriminator) => Some(discriminator.property.clone()),
        None => infer(api, &variants),
    };
    let tags = |variant: &Variant| match &property {
        None => Vec::new(),
        Some(_) if !variant.tags.is_empty() => variant.tags.clone(),
        Some(property) => tags_of(api, variant.ty.id, property, &mut BTreeSet::new()),
    };
    let variants = variants.iter().map(|variant| (variant.clone(), tags(variant))).collect();
    Tagged { property, variants }
}

/// The values that a type's own constant gives the tag.
fn tags_of(api: &Api, id: TypeId, property: &str, seen: &mut BTreeSet<TypeId>) -> Vec<String> {
    let (id, shape) = resolved(api, id);
    if !seen.insert(id) {
        return Vec::new();
    }
    match shape {
        Shape::Object(object) => {
            let field = object.fields.iter().find(|field| field.name == property);
            field.and_then(|field| constant(api, field)).map(str::to_owned).into_iter().collect()
        }
        Shape::Union(union) => {
            union.variants.iter().flat_map(|variant| tags_of(api, variant.ty.id, property, seen)).collect()
        }
        _ => Vec::new(),
    }
}

/// A required constant that every object variant has, with a value of its own.
fn infer(api: &Api, variants: &[Variant]) -> Option<String> {
    let objects: Vec<TypeId> = variants
        .iter()
        .filter(|variant| kinds(api, variant.ty.id).contains(&JsonKind::Object))
        .map(|variant| variant.ty.id)
        .collect();
    let first = object(api, *objects.first()?)?.1;
    let mut candidates: Vec<&str> = first.fields.iter().map(|field| field.name.as_str()).collect();
    candidates
        .sort_by_key(|name| USUAL_TAGS.iter().position(|usual| usual == name).unwrap_or(USUAL_TAGS.len()));
    let tells_apart = |property: &&str| {
        let mut seen = BTreeSet::new();
        objects.iter().all(|&id| {
            let tags = tags_of(api, id, property, &mut BTreeSet::new());
            !tags.is_empty() && tags.into_iter().all(|tag| seen.insert(tag))
        })
    };
    candidates.into_iter().find(tells_apart).map(str::to_owned)
}

/// A struct leaves its tag to the union where every use of it is as a variant under exactly that constant.
fn dropped(api: &Api, unions: &BTreeMap<TypeId, Tagged>) -> BTreeMap<TypeId, String> {
    let uses = graph::use_counts(api);
    let mut claims: BTreeMap<TypeId, Vec<(Option<&str>, bool)>> = BTreeMap::new();
    for union in unions.values() {
        for (variant, tags) in &union.variants {
            let id = variant.ty.id;
            let property = union.property.as_deref();
            let exact = match (&api.ty(id).shape, property, tags.as_slice()) {
                (Shape::Object(object), Some(property), [tag]) => object
                    .fields
                    .iter()
                    .find(|field| field.name == property)
                    .is_some_and(|field| constant(api, field) == Some(tag)),
                _ => false,
            };
            claims.entry(id).or_default().push((property, exact));
        }
    }
    claims
        .into_iter()
        .filter_map(|(id, claims)| {
            let (property, _) = *claims.first()?;
            let agreed = claims.iter().all(|&(other, exact)| exact && other == property);
            let only = uses.get(&id).copied().unwrap_or(0) <= claims.len();
            property.filter(|_| agreed && only).map(|property| (id, property.to_owned()))
        })
        .collect()
}

pub fn lower(context: &Context<'_>, id: TypeId, name: &str) -> Union {
    let Some(tagged) = context.tags.unions.get(&id) else {
        return Union { tag: None, variants: Vec::new(), expected: String::new(), constructors: Vec::new() };
    };
    let mut scope = Scope::with(&["Unknown"]);
    let mut variants: Vec<UnionVariant> = Vec::new();
    let mut strings = 0;
    for (variant, tags) in &tagged.variants {
        let kind = kinds(context.api, variant.ty.id).first().copied().unwrap_or(JsonKind::Object);
        strings += usize::from(kind == JsonKind::String);
        if kind == JsonKind::String && strings > 1 {
            merge_strings(&mut variants);
            continue;
        }
        let ty = context.reprs.held(id, variant.ty.id);
        variants.push(UnionVariant {
            name: scope.claim(variant_name(context, variant, tags, kind, &ty, name)),
            docs: docs::lines(&variant.docs),
            keeps_tag: tagged.property.is_some() && context.tags.dropped(variant.ty.id).is_none(),
            tags: if kind == JsonKind::Object { tags.clone() } else { Vec::new() },
            from: false,
            kind,
            ty,
        });
    }
    let types: Vec<Ty> = variants.iter().map(|variant| variant.ty.clone()).collect();
    for (at, variant) in variants.iter_mut().enumerate() {
        variant.from = types.iter().filter(|&ty| *ty == types[at]).count() == 1;
    }
    if tagged.property.is_some() {
        // serde wants the variants that it tags before those that it does not.
        variants.sort_by_key(|variant| variant.keeps_tag || variant.tags.len() != 1);
    }
    let has_tags = variants.iter().any(|variant| !variant.tags.is_empty());
    Union {
        tag: tagged.property.clone().filter(|_| has_tags),
        expected: expected(&variants),
        constructors: if context.api.ty(id).in_request {
            constructors(context, tagged, &variants)
        } else {
            Vec::new()
        },
        variants,
    }
}

/// Two kinds of string cannot be told apart without losing one: keep the text.
fn merge_strings(variants: &mut [UnionVariant]) {
    if let Some(first) = variants.iter_mut().find(|variant| variant.kind == JsonKind::String) {
        first.ty = Ty::String;
    }
}

fn variant_name(
    context: &Context<'_>,
    variant: &Variant,
    tags: &[String],
    kind: JsonKind,
    ty: &Ty,
    union_name: &str,
) -> String {
    if let [tag] = tags {
        return names::variant_name(tag);
    }
    let target = context.api.ty(variant.ty.id);
    let title = if variant.docs.title.is_empty() { &target.docs.title } else { &variant.docs.title };
    if !title.is_empty() && names::words(title).len() <= 2 {
        return names::variant_name(title);
    }
    match (kind, ty) {
        (JsonKind::Number, Ty::F64) => "Number".to_owned(),
        (JsonKind::Number, _) => "Integer".to_owned(),
        (JsonKind::Bool, _) => "Bool".to_owned(),
        (JsonKind::String, Ty::String) => "Text".to_owned(),
        (JsonKind::Array, Ty::Vec(item)) => list_name(item),
        (JsonKind::Array, _) => "List".to_owned(),
        (JsonKind::Object, Ty::Object | Ty::Map(_)) => "Object".to_owned(),
        (_, Ty::Named(name) | Ty::Boxed(name)) => own_name(name, union_name, target.named, kind),
        _ => "Other".to_owned(),
    }
}

fn list_name(item: &Ty) -> String {
    match item {
        Ty::Named(name) => {
            let last = names::words(name).pop().unwrap_or_default();
            names::variant_name(&if last.ends_with('s') { last } else { format!("{last}s") })
        }
        Ty::String => "Texts".to_owned(),
        Ty::I64 | Ty::U64 => "Integers".to_owned(),
        Ty::Vec(_) => "Lists".to_owned(),
        _ => "List".to_owned(),
    }
}

/// The type's name without what it shares with the union's.
fn own_name(name: &str, union_name: &str, named: bool, kind: JsonKind) -> String {
    let rest = name.strip_prefix(union_name).filter(|rest| !rest.is_empty());
    match (rest, named, kind) {
        (Some(rest), true, _) => names::variant_name(rest),
        (None, true, _) => name.to_owned(),
        (_, false, JsonKind::String) => "Mode".to_owned(),
        (_, false, _) => "Object".to_owned(),
    }
}

fn expected(variants: &[UnionVariant]) -> String {
    let kinds: BTreeSet<JsonKind> = variants.iter().map(|variant| variant.kind).collect();
    let words: Vec<&str> = kinds
        .iter()
        .map(|kind| match kind {
            JsonKind::String => "a string",
            JsonKind::Number => "a number",
            JsonKind::Bool => "a boolean",
            JsonKind::Array => "an array",
            JsonKind::Object => "an object",
        })
        .collect();
    let items = items_expected(variants);
    words.join(" or ") + &items
}

/// Of several kinds of array, what each holds: "array" alone would not say what is wrong with one that mixes them.
fn items_expected(variants: &[UnionVariant]) -> String {
    let items: Option<Vec<&str>> = variants
        .iter()
        .filter(|variant| variant.kind == JsonKind::Array)
        .map(|variant| match &variant.ty {
            Ty::Vec(item) => match **item {
                Ty::String => Some("strings"),
                Ty::I64 | Ty::U64 => Some("integers"),
                Ty::F64 => Some("numbers"),
                Ty::Vec(_) => Some("arrays"),
                _ => None,
            },
            _ => None,
        })
        .collect();
    match items.as_deref() {
        Some([first @ .., last]) if !first.is_empty() => format!(" of {} or {last}", first.join(", ")),
        _ => String::new(),
    }
}

fn constructors(context: &Context<'_>, tagged: &Tagged, variants: &[UnionVariant]) -> Vec<Constructor> {
    let mut scope = Scope::with(&["unknown"]);
    let pairs = tagged.variants.iter().filter_map(|(source, tags)| {
        let variant = variants.iter().find(|variant| !tags.is_empty() && variant.tags == *tags)?;
        Some((source, variant))
    });
    pairs
        .filter_map(|(source, variant)| {
            let (id, object) = object(context.api, source.ty.id)?;
            let (payload, boxed) = match &variant.ty {
                Ty::Named(name) => (name.clone(), false),
                Ty::Boxed(name) => (name.clone(), true),
                _ => return None,
            };
            let object = objects::lower(context, id, object);
            let params: Vec<StructField> = builders::required(&object.fields).cloned().collect();
            let made_by_new = object.builder && !params.is_empty();
            let callable = made_by_new || (params.is_empty() && object.default.is_some());
            let boxed_param = params.iter().any(|param| param.pass == Pass::IntoBoxed);
            (callable && !boxed_param).then(|| Constructor {
                name: scope.claim(names::setter(&names::snake(&variant.name))),
                variant: variant.name.clone(),
                docs: variant.docs.clone(),
                payload,
                boxed,
                params,
            })
        })
        .collect()
}
