//! The API's types and operations as Rust: names, ownership, derives, checks.
//!
//! Start at [`types`]; read [`repr::Reprs`] next: it decides what is an item and what is spelled in place.

pub mod accumulate;
mod builders;
mod convert;
pub mod docs;
mod examples;
mod graph;
pub mod model;
pub mod names;
mod objects;
mod pages;
mod patterns;
mod place;
mod repr;
pub mod rules;
pub mod sdk;
mod unions;

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Api, Shape, TypeDef, TypeId};

pub use rules::patterns;

use model::{Item, ItemKind, Module, OpenEnum, OpenEnumValue, Types};
use names::Scope;
use repr::{Reprs, UnionKind};

/// What a target wants beside the types themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Write what the schema asks of values, for types that callers send.
    pub checks: bool,
}

/// Everything that the parts of the lowering share.
pub struct Context<'a> {
    pub api: &'a Api,
    pub reprs: Reprs<'a>,
    pub tags: unions::Tags,
    pub defaults: builders::Defaults,
}

impl<'a> Context<'a> {
    pub fn of(api: &'a Api) -> Self {
        let reprs = Reprs::of(api);
        let tags = unions::Tags::of(api, &reprs);
        let defaults = builders::Defaults::of(api, &reprs, &tags);
        Self { api, reprs, tags, defaults }
    }
}

pub fn types(context: &Context<'_>, options: Options, diagnostics: &mut Diagnostics) -> Types {
    let Context { api, reprs, .. } = context;
    if options.checks {
        rules::refuse_bad_patterns(api, diagnostics);
    }
    let directories = place::directories(api);
    let owners = place::owners(api);
    let checked = if options.checks { rules::checked(context) } else { BTreeMap::new() };
    let mut files: BTreeMap<Vec<String>, Module> = BTreeMap::new();
    let mut scopes: BTreeMap<String, Scope> = BTreeMap::new();
    let mut paths: BTreeMap<TypeId, Vec<String>> = BTreeMap::new();
    for (at, &owner) in owners.iter().enumerate() {
        let id = TypeId(at as u32);
        let Some(name) = reprs.item_name(id) else { continue };
        let owner = if reprs.item_name(owner).is_some() { owner } else { id };
        let path = paths.entry(owner).or_insert_with(|| {
            let directory = directories[owner.0 as usize].clone();
            let scope = scopes.entry(directory.clone()).or_default();
            let file = scope.claim(names::snake(reprs.item_name(owner).unwrap_or(name)));
            vec![directory, names::identifier(&file)]
        });
        let module = files.entry(path.clone()).or_insert_with(|| Module {
            path: path.clone(),
            docs: module_docs(api.ty(owner)),
            items: Vec::new(),
        });
        module.items.push(item(context, id, name, checked.get(&id).cloned()));
    }
    for module in files.values_mut() {
        // The schema itself first, then the types that it holds.
        let owner =
            module.items.iter().position(|item| Some(&names::snake(&item.name)) == module.path.last());
        if let Some(at) = owner {
            module.items[..=at].rotate_right(1);
        }
    }
    Types { modules: files.into_values().collect() }
}

fn module_docs(owner: &TypeDef) -> String {
    format!("`{}` and what it holds.", owner.name)
}

fn item(context: &Context<'_>, id: TypeId, name: &str, check: Option<Vec<model::Rule>>) -> Item {
    let ty = context.api.ty(id);
    let kind = match &ty.shape {
        Shape::Object(object) => ItemKind::Struct(objects::lower(context, id, object)),
        Shape::Enum { .. } => ItemKind::OpenEnum(open_enum(context.api, id)),
        Shape::Union(union) => match repr::union_kind(context.api, union) {
            UnionKind::Strings { .. } if !repr::string_values(context.api, id).is_empty() => {
                ItemKind::OpenEnum(open_enum(context.api, id))
            }
            UnionKind::Union => ItemKind::Union(unions::lower(context, id, name)),
            _ => ItemKind::Alias(context.reprs.aliased(id)),
        },
        _ => ItemKind::Alias(context.reprs.aliased(id)),
    };
    let uses = uses(&kind).into_iter().filter(|other| other != name).collect();
    Item { name: name.to_owned(), docs: docs::lines(&ty.docs), uses, kind, check }
}

fn open_enum(api: &Api, id: TypeId) -> OpenEnum {
    let mut scope = Scope::with(&["Unknown"]);
    let mut seen = std::collections::BTreeSet::new();
    let values = repr::string_values(api, id).into_iter().filter(|(wire, _)| seen.insert(wire.clone()));
    let value = |(wire, description): (String, String)| OpenEnumValue {
        variant: scope.claim(names::variant_name(&wire)),
        docs: docs::markdown(&description),
        wire,
    };
    OpenEnum { values: values.map(value).collect() }
}

/// Names of other items that a declaration spells.
fn uses(kind: &ItemKind) -> Vec<String> {
    let mut names = std::collections::BTreeSet::new();
    let mut add = |ty: &model::Ty| {
        ty.named(&mut |name| {
            names.insert(name.to_owned());
        });
    };
    match kind {
        ItemKind::Struct(object) => {
            object.fields.iter().for_each(|field| add(&field.ty));
            add(&object.extra.1);
        }
        ItemKind::Union(union) => {
            union.variants.iter().for_each(|variant| add(&variant.ty));
            let params = union.constructors.iter().flat_map(|constructor| &constructor.params);
            params.for_each(|param| add(&param.ty));
        }
        ItemKind::Alias(ty) => add(ty),
        ItemKind::OpenEnum(_) => {}
    }
    names.into_iter().collect()
}
