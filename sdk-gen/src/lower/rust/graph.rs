//! Which types contain themselves, and which types are used only as variants of a tagged union.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::model::{Additional, Api, Shape, TypeId};

/// Types that a value of this shape holds *in place*: a struct's fields, not a list's items.
fn held(shape: &Shape) -> Vec<TypeId> {
    match shape {
        Shape::Object(object) => object.fields.iter().map(|field| field.ty.id).collect(),
        Shape::Union(union) => union.variants.iter().map(|variant| variant.ty.id).collect(),
        Shape::Tuple { items, .. } => items.iter().map(|item| item.id).collect(),
        Shape::Alias(target) => vec![target.id],
        _ => Vec::new(),
    }
}

/// Every type that a shape names.
pub fn named_by(shape: &Shape) -> Vec<TypeId> {
    let mut ids = held(shape);
    match shape {
        Shape::Array { items, .. } => ids.push(items.id),
        Shape::Map { values, .. } => ids.push(values.id),
        Shape::Tuple { rest: Some(rest), .. } => ids.push(rest.id),
        Shape::Object(object) => {
            if let Additional::Typed(values) = object.additional {
                ids.push(values.id);
            }
        }
        _ => {}
    }
    ids
}

/// Types that are only another spelling in Rust: aliases, lists, maps.
fn spelled(shape: &Shape) -> Vec<TypeId> {
    match shape {
        Shape::Alias(_) | Shape::Array { .. } | Shape::Map { .. } | Shape::Tuple { .. } => named_by(shape),
        Shape::Union(union) if union.variants.len() == 1 => named_by(shape),
        _ => Vec::new(),
    }
}

/// Group number per type: two types of one group hold each other in place.
pub struct Cycles {
    groups: Vec<Option<u32>>,
    endless: BTreeSet<TypeId>,
}

impl Cycles {
    pub fn of(api: &Api) -> Self {
        let groups = components(api, held);
        let endless = components(api, spelled)
            .into_iter()
            .enumerate()
            .filter_map(|(at, group)| group.map(|_| TypeId(at as u32)))
            .collect();
        Self { groups, endless }
    }

    /// `owner` holds `target` in place, and `target` holds `owner`: one of them must go on the heap.
    pub fn must_box(&self, owner: TypeId, target: TypeId) -> bool {
        let group = |id: TypeId| self.groups.get(id.0 as usize).copied().flatten();
        group(owner).is_some() && group(owner) == group(target)
    }

    /// A list of itself, or an alias of itself: Rust's `type` cannot say that.
    pub fn is_endless(&self, id: TypeId) -> bool {
        self.endless.contains(&id)
    }
}

/// Tarjan's strongly connected components without recursion; `None` for a type that is in no cycle.
fn components(api: &Api, edges: fn(&Shape) -> Vec<TypeId>) -> Vec<Option<u32>> {
    let count = api.types.len();
    let next: Vec<Vec<usize>> =
        api.types.iter().map(|ty| edges(&ty.shape).into_iter().map(|id| id.0 as usize).collect()).collect();
    let mut group = vec![None; count];
    let mut order = vec![usize::MAX; count];
    let mut low = vec![0; count];
    let mut on_stack = vec![false; count];
    let (mut stack, mut visited, mut groups) = (Vec::new(), 0, 0);
    for root in 0..count {
        if order[root] != usize::MAX {
            continue;
        }
        let mut work = vec![(root, 0)];
        while let Some((node, edge)) = work.pop() {
            if edge == 0 {
                order[node] = visited;
                low[node] = visited;
                visited += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(&target) = next[node].get(edge) {
                work.push((node, edge + 1));
                if order[target] == usize::MAX {
                    work.push((target, 0));
                } else if on_stack[target] {
                    low[node] = low[node].min(order[target]);
                }
                continue;
            }
            if low[node] == order[node] {
                let at = stack.iter().rposition(|&member| member == node).unwrap_or(0);
                let members = stack.split_off(at);
                let cyclic = members.len() > 1 || next[node].contains(&node);
                for member in members {
                    on_stack[member] = false;
                    group[member] = cyclic.then_some(groups);
                }
                groups += 1;
            }
            if let Some(&(parent, _)) = work.last() {
                low[parent] = low[parent].min(low[node]);
            }
        }
    }
    group
}

/// For each type, how often it is named at all: by types and by operations.
pub fn use_counts(api: &Api) -> BTreeMap<TypeId, usize> {
    let mut counts = BTreeMap::new();
    let by_types = api.types.iter().flat_map(|ty| named_by(&ty.shape));
    let by_operations = api.operations.iter().flat_map(super::place::roots).map(|(id, _)| id);
    for id in by_types.chain(by_operations) {
        *counts.entry(id).or_insert(0) += 1;
    }
    counts
}
