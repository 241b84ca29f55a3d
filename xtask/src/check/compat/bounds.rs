//! Whether a type accepts fewer values than it did: ranges, lengths, patterns, counts.

use sdk_gen::ir::model::{Range, Shape, StringShape};
use serde_json::Number;

pub fn narrowed(old: &Shape, new: &Shape) -> bool {
    match (old, new) {
        (
            Shape::Integer { range: old, .. } | Shape::Number { range: old, .. },
            Shape::Integer { range: new, .. } | Shape::Number { range: new, .. },
        ) => narrowed_range(old, new),
        (Shape::String(old), Shape::String(new)) => narrowed_string(old, new),
        (
            Shape::Array { min_items: old_min, max_items: old_max, unique: old_unique, .. },
            Shape::Array { min_items: new_min, max_items: new_max, unique: new_unique, .. },
        ) => raised(*old_min, *new_min) || lowered(*old_max, *new_max) || (*new_unique && !*old_unique),
        (
            Shape::Map { min_properties: old_min, max_properties: old_max, key_max_length: old_key, .. },
            Shape::Map { min_properties: new_min, max_properties: new_max, key_max_length: new_key, .. },
        ) => raised(*old_min, *new_min) || lowered(*old_max, *new_max) || lowered(*old_key, *new_key),
        _ => false,
    }
}

fn narrowed_range(old: &Range, new: &Range) -> bool {
    let float = |bound: &Option<Number>| bound.as_ref().and_then(Number::as_f64);
    // The tighter of the plain and the exclusive bound; which of the two it is matters only where both are equal.
    let least = |range: &Range| {
        [float(&range.minimum), float(&range.exclusive_minimum)].into_iter().flatten().reduce(f64::max)
    };
    let most = |range: &Range| {
        [float(&range.maximum), float(&range.exclusive_maximum)].into_iter().flatten().reduce(f64::min)
    };
    let edge_closed =
        (new.exclusive_minimum.is_some() && old.exclusive_minimum.is_none() && least(old) == least(new))
            || (new.exclusive_maximum.is_some() && old.exclusive_maximum.is_none() && most(old) == most(new));
    raised(least(old), least(new))
        || lowered(most(old), most(new))
        || edge_closed
        || (new.multiple_of.is_some() && new.multiple_of != old.multiple_of)
}

fn narrowed_string(old: &StringShape, new: &StringShape) -> bool {
    raised(old.min_length, new.min_length)
        || lowered(old.max_length, new.max_length)
        || (new.pattern.is_some() && new.pattern != old.pattern)
}

fn raised<T: PartialOrd>(old: Option<T>, new: Option<T>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new > old,
        (None, new) => new.is_some(),
        (Some(_), None) => false,
    }
}

fn lowered<T: PartialOrd>(old: Option<T>, new: Option<T>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new < old,
        (None, new) => new.is_some(),
        (Some(_), None) => false,
    }
}
