//! Which file a type lives in: the directory of the one tag that reaches it, or `common`.

use std::collections::BTreeSet;

use crate::ir::model::{Api, Operation, TypeDef, TypeId};

use super::graph::named_by;
use super::names;

/// What an operation does with a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Request,
    Response,
    Event,
    Error,
}

/// Every type that an operation names itself.
pub fn roots(operation: &Operation) -> Vec<(TypeId, Role)> {
    let params = operation.params.iter().map(|param| (param.ty.id, Role::Request));
    let body = operation.body.iter().flat_map(|body| &body.media);
    let body = body.filter_map(|media| media.ty).map(|ty| (ty.id, Role::Request));
    let success = &operation.success;
    let responses = success.json.iter().copied().chain(success.other.iter().filter_map(|media| media.ty));
    let responses = responses.chain(success.headers.iter().map(|header| header.ty));
    let stream = success.stream.iter();
    let events = stream.clone().map(|stream| (stream.event.id, Role::Event));
    let event_errors = stream.filter_map(|stream| stream.error).map(|ty| (ty.id, Role::Error));
    let errors = operation.errors.iter();
    let errors =
        errors.flat_map(|error| error.ty.into_iter().chain(error.headers.iter().map(|header| header.ty)));
    params
        .chain(body)
        .chain(responses.map(|ty| (ty.id, Role::Response)))
        .chain(events)
        .chain(event_errors)
        .chain(errors.map(|ty| (ty.id, Role::Error)))
        .collect()
}

/// Directory of each type, by [`TypeId`].
pub fn directories(api: &Api) -> Vec<String> {
    let mut tags: Vec<BTreeSet<String>> = vec![BTreeSet::new(); api.types.len()];
    for operation in &api.operations {
        let tag = operation.tags.first().map(String::as_str).unwrap_or("common");
        let mut seen = BTreeSet::new();
        let mut open: Vec<TypeId> = roots(operation).into_iter().map(|(id, _)| id).collect();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                tags[id.0 as usize].insert(tag.to_owned());
                open.extend(named_by(&api.ty(id).shape));
            }
        }
    }
    let directory = |tags: &BTreeSet<String>| match tags.first() {
        Some(tag) if tags.len() == 1 && tag != "common" => names::module(tag),
        _ => "common".to_owned(),
    };
    tags.iter().map(directory).collect()
}

/// The named schema that an inline type belongs to, found by the document's own nesting; itself if it is named.
pub fn owners(api: &Api) -> Vec<TypeId> {
    let named: Vec<(&str, TypeId)> =
        ids(api).filter(|(_, ty)| ty.named).map(|(id, ty)| (ty.origin.pointer.as_str(), id)).collect();
    ids(api)
        .map(|(id, ty)| {
            let inside = |pointer: &str| {
                ty.origin.pointer.strip_prefix(pointer).is_some_and(|rest| rest.starts_with('/'))
            };
            let owner = named.iter().find(|(pointer, _)| !ty.named && inside(pointer));
            owner.map_or(id, |&(_, owner)| owner)
        })
        .collect()
}

fn ids(api: &Api) -> impl Iterator<Item = (TypeId, &TypeDef)> {
    api.types.iter().enumerate().map(|(at, ty)| (TypeId(at as u32), ty))
}
