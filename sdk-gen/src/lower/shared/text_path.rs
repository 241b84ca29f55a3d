//! Where an event of a stream holds the text that grows: `choices[].delta.content`.
//!
//! Start at [`text_path`].

use std::collections::BTreeSet;

use crate::ir::model::{Api, Merge, Shape, TypeId, TypeRef};

use super::resolved;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Wire name of a field.
    Field(String),
    /// Each item of the array.
    Items,
}

/// Names that a text meant for people has, before all others of its depth.
const TEXT_NAMES: [&str; 3] = ["content", "text", "delta"];

/// Deepest text that is looked for, in fields and arrays.
const DEPTH_MAX: usize = 8;

/// The nearest string that is appended to, chunk after chunk (`x-merge: append`).
pub fn text_path(api: &Api, event: TypeRef) -> Option<Vec<Step>> {
    let mut level: Vec<(TypeId, Vec<Step>)> = vec![(event.id, Vec::new())];
    let mut seen = BTreeSet::new();
    for _ in 0..DEPTH_MAX {
        let mut found: Vec<(&str, Vec<Step>)> = Vec::new();
        let mut next = Vec::new();
        for (id, path) in level {
            let (id, shape) = resolved(api, id);
            match shape {
                Shape::Array { items, .. } => next.push((items.id, joined(&path, Step::Items))),
                Shape::Object(object) if seen.insert(id) => {
                    for field in &object.fields {
                        let path = joined(&path, Step::Field(field.name.clone()));
                        match resolved(api, field.ty.id).1 {
                            Shape::String(_) if field.merge == Some(Merge::Append) => {
                                found.push((&field.name, path));
                            }
                            Shape::Object(_) | Shape::Array { .. } => next.push((field.ty.id, path)),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let best = TEXT_NAMES.iter().find_map(|name| found.iter().position(|(found, _)| found == name));
        if !found.is_empty() {
            return Some(found.swap_remove(best.unwrap_or(0)).1);
        }
        level = next;
    }
    None
}

fn joined(path: &[Step], step: Step) -> Vec<Step> {
    path.iter().cloned().chain([step]).collect()
}
