//! Which file a type lives in: that of the one tag that reaches it, or one that all share.

use std::collections::BTreeSet;

use crate::ir::model::{Api, TypeId};
use crate::ir::reach::{closure, request_roots, response_roots};

/// The tag that alone reaches a type, by [`TypeId`]; `None` where several do, or an operation without a tag.
pub fn tags(api: &Api) -> Vec<Option<&str>> {
    let mut reached: Vec<BTreeSet<Option<&str>>> = vec![BTreeSet::new(); api.types.len()];
    for operation in &api.operations {
        let tag = operation.tags.first().map(String::as_str);
        let roots = request_roots(operation).into_iter().chain(response_roots(operation));
        for TypeId(id) in closure(&api.types, roots) {
            reached[id as usize].insert(tag);
        }
    }
    reached
        .into_iter()
        .map(|tags| if tags.len() == 1 { tags.first().copied().flatten() } else { None })
        .collect()
}
