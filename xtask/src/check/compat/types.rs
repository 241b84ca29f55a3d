//! Types, by what they accept (requests) and what they may hold (responses).

use sdk_gen::ir::model::{Additional, Field, ObjectShape, Shape, TypeRef, UnionShape};

use serde_json::Value;

use super::{
    bounds,
    rules::Rule,
    walk::{Comparison, Direction, resolve},
};

/// A named schema is a type that SDK users import by name.
pub fn compare_names(comparison: &mut Comparison) {
    let (old, new) = (comparison.old, comparison.new);
    for ty in old.types.iter().filter(|ty| ty.named) {
        let kept = new.types.iter().any(|candidate| candidate.named && candidate.name == ty.name);
        comparison.broken_if(!kept, Rule::SchemaRemoved, &ty.name);
    }
}

pub fn compare_use(comparison: &mut Comparison, at: &str, old: TypeRef, new: TypeRef, direction: Direction) {
    let (old_id, old_type, old_null) = resolve(comparison.old, old);
    let (new_id, new_type, new_null) = resolve(comparison.new, new);
    match direction {
        Direction::Request => comparison.broken_if(old_null && !new_null, Rule::RequestNullRefused, at),
        Direction::Response => comparison.broken_if(new_null && !old_null, Rule::ResponseNullAdded, at),
    }
    if comparison.enter(old_id, new_id, direction) {
        compare_shape(comparison, at, &old_type.shape, &new_type.shape, direction);
    }
}

fn compare_shape(comparison: &mut Comparison, at: &str, old: &Shape, new: &Shape, direction: Direction) {
    let is_request = direction == Direction::Request;
    comparison.broken_if(is_request && bounds::narrowed(old, new), Rule::RequestNarrowed, at);
    if let (Some(old), Some(new)) = (listed(old), listed(new)) {
        for value in old.iter().filter(|value| !new.contains(value)) {
            comparison.broken(Rule::EnumValueRemoved, &format!("{at} {value}"));
        }
        return;
    }
    match (old, new) {
        (Shape::Object(old), Shape::Object(new)) => compare_object(comparison, at, old, new, direction),
        (Shape::Union(old), Shape::Union(new)) => compare_union(comparison, at, old, new, direction),
        (Shape::Array { items: old, .. }, Shape::Array { items: new, .. }) => {
            compare_use(comparison, &format!("{at}[]"), *old, *new, direction);
        }
        (Shape::Map { values: old, .. }, Shape::Map { values: new, .. }) => {
            compare_use(comparison, &format!("{at}{{}}"), *old, *new, direction);
        }
        (Shape::Tuple { items: old, .. }, Shape::Tuple { items: new, .. }) => {
            comparison.broken_if(old.len() != new.len(), Rule::TypeChanged, at);
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare_use(comparison, &format!("{at}[{index}]"), *old, *new, direction);
            }
        }
        (old, new) => {
            let widened = is_request && is_widened(comparison, old, new);
            comparison.broken_if(!same_kind(old, new) && !widened, Rule::TypeChanged, at);
        }
    }
}

/// The values of a type that lists them; a constant is a list of one.
fn listed(shape: &Shape) -> Option<Vec<&Value>> {
    match shape {
        Shape::Enum { values } => Some(values.iter().map(|listed| &listed.value).collect()),
        Shape::Const(value) => Some(vec![value]),
        _ => None,
    }
}

fn same_kind(old: &Shape, new: &Shape) -> bool {
    std::mem::discriminant(old) == std::mem::discriminant(new)
}

/// Whether everything that the old type accepts is still accepted, though the kind changed.
fn is_widened(comparison: &Comparison, old: &Shape, new: &Shape) -> bool {
    match (old, new) {
        (_, Shape::Any) | (Shape::Integer { .. }, Shape::Number { .. }) => true,
        (old, Shape::String(_)) => {
            listed(old).is_some_and(|values| values.iter().all(|value| value.is_string()))
        }
        (old, Shape::Union(new)) => {
            new.variants.iter().any(|variant| same_kind(old, &resolve(comparison.new, variant.ty).1.shape))
        }
        _ => false,
    }
}

fn compare_object(
    comparison: &mut Comparison,
    at: &str,
    old: &ObjectShape,
    new: &ObjectShape,
    direction: Direction,
) {
    let is_request = direction == Direction::Request;
    let closed = new.additional == Additional::Closed && old.additional != Additional::Closed;
    comparison.broken_if(is_request && closed, Rule::RequestFieldsClosed, at);
    for field in &old.fields {
        let at = format!("{at}.{}", field.name);
        match new.fields.iter().find(|candidate| candidate.name == field.name) {
            None => comparison.broken(Rule::FieldRemoved, &at),
            Some(found) => compare_field(comparison, &at, field, found, direction),
        }
    }
    let is_new = |field: &&Field| !old.fields.iter().any(|known| known.name == field.name);
    for field in new.fields.iter().filter(is_new) {
        let at = format!("{at}.{}", field.name);
        comparison.broken_if(is_request && field.required, Rule::RequestFieldRequired, &at);
    }
}

fn compare_field(comparison: &mut Comparison, at: &str, old: &Field, new: &Field, direction: Direction) {
    match direction {
        Direction::Request => {
            comparison.broken_if(new.required && !old.required, Rule::RequestFieldRequired, at);
            comparison.broken_if(new.default != old.default, Rule::DefaultChanged, at);
        }
        Direction::Response => {
            comparison.broken_if(old.required && !new.required, Rule::ResponseFieldOptional, at);
        }
    }
    compare_use(comparison, at, old.ty, new.ty, direction);
}

/// Variants are found again by tag, by name, or else by kind.
fn compare_union(
    comparison: &mut Comparison,
    at: &str,
    old: &UnionShape,
    new: &UnionShape,
    direction: Direction,
) {
    for variant in &old.variants {
        let (_, old_type, _) = resolve(comparison.old, variant.ty);
        let found = new.variants.iter().find(|candidate| {
            let (_, new_type, _) = resolve(comparison.new, candidate.ty);
            match (variant.tags.is_empty(), old_type.named) {
                (false, _) => variant.tags.iter().any(|tag| candidate.tags.contains(tag)),
                (true, true) => new_type.name == old_type.name,
                (true, false) => same_kind(&old_type.shape, &new_type.shape),
            }
        });
        let label = variant.tags.first().map_or(old_type.name.as_str(), String::as_str);
        let at = format!("{at}<{label}>");
        match found {
            None => comparison.broken(Rule::VariantRemoved, &at),
            Some(found) => compare_use(comparison, &at, variant.ty, found.ty, direction),
        }
    }
}
