//! What must not be shown: strings of `format: password`, such as a new API key. The document's own standard has no other
//! use for that format than this.

use std::collections::BTreeSet;

use super::model::{Api, Shape, TypeRef};
use super::reach;

/// Whether a value of the type is a secret, or a list or map of nothing else.
pub fn is_secret(api: &Api, ty: TypeRef) -> bool {
    holds_only_secrets(api, ty, &mut BTreeSet::new())
}

/// Wire names of the fields that hold secrets, wherever in a value of the type they are.
pub fn secret_fields(api: &Api, root: TypeRef) -> Vec<String> {
    let reached = reach::closure(&api.types, [root]);
    let mut names = BTreeSet::new();
    for id in reached {
        if let Shape::Object(object) = &api.ty(id).shape {
            let secret = object.fields.iter().filter(|field| is_secret(api, field.ty));
            names.extend(secret.map(|field| field.name.clone()));
        }
    }
    names.into_iter().collect()
}

fn holds_only_secrets(api: &Api, ty: TypeRef, seen: &mut BTreeSet<u32>) -> bool {
    if !seen.insert(ty.id.0) {
        return false;
    }
    match &api.ty(ty.id).shape {
        Shape::String(string) => string.format.as_deref() == Some("password"),
        Shape::Alias(target) => holds_only_secrets(api, *target, seen),
        Shape::Array { items, .. } => holds_only_secrets(api, *items, seen),
        Shape::Map { values, .. } => holds_only_secrets(api, *values, seen),
        _ => false,
    }
}
