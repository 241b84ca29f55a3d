//! Proof of what `lower` relies on: every `TypeId` resolves, names are unique, aliases end.

use std::collections::HashSet;

use super::{
    model::{Api, Shape, TypeId},
    reach::{children, request_roots, response_roots},
};

/// What is wrong; empty for every `Api` that `build` returns.
pub fn check(api: &Api) -> Vec<String> {
    let mut wrong = Vec::new();
    let exists = |id: TypeId| (id.0 as usize) < api.types.len();
    let mut names = HashSet::new();
    for def in &api.types {
        if !names.insert(&def.name) {
            wrong.push(format!("two types are named `{}`", def.name));
        }
        wrong.extend(
            children(&def.shape)
                .into_iter()
                .filter(|ty| !exists(ty.id))
                .map(|ty| format!("`{}` refers to type {}, which does not exist", def.name, ty.id.0)),
        );
        if let Shape::Union(union) = &def.shape {
            let tagged = union.variants.iter().filter(|variant| !variant.tags.is_empty()).count();
            let expected = if union.discriminator.is_some() { union.variants.len() } else { 0 };
            if tagged != expected {
                wrong.push(format!(
                    "`{}` has tags for {tagged} of {} variants",
                    def.name,
                    union.variants.len()
                ));
            }
        }
    }
    wrong.extend(endless_aliases(api));
    let mut ids = HashSet::new();
    let mut places = HashSet::new();
    for operation in &api.operations {
        if !ids.insert(&operation.id) {
            wrong.push(format!("two operations are named `{}`", operation.id));
        }
        if !places.insert((&operation.resource, &operation.method_name)) {
            wrong.push(format!("`{}` has the place of another operation", operation.id));
        }
        if operation.resource.is_empty() || operation.method_name.is_empty() {
            wrong.push(format!("`{}` has no resource or no method name", operation.id));
        }
        let roots = request_roots(operation).into_iter().chain(response_roots(operation));
        wrong.extend(
            roots
                .filter(|ty| !exists(ty.id))
                .map(|ty| format!("`{}` refers to type {}, which does not exist", operation.id, ty.id.0)),
        );
    }
    wrong
}

fn endless_aliases(api: &Api) -> Vec<String> {
    let mut ends: HashSet<TypeId> = HashSet::new();
    let mut wrong = Vec::new();
    for def in &api.types {
        let mut chain = HashSet::new();
        let mut shape = &def.shape;
        while let Shape::Alias(target) = shape {
            if ends.contains(&target.id) {
                break;
            }
            if !chain.insert(target.id) {
                wrong.push(format!("the alias `{}` does not end", def.name));
                break;
            }
            let Some(next) = api.types.get(target.id.0 as usize) else { break };
            shape = &next.shape;
        }
        ends.extend(chain);
    }
    wrong
}
