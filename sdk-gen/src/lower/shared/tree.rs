//! The namespaces of an SDK: which there are, what is inside each, and which operations each has.
//!
//! Start at [`tree`].

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::model::{Api, Operation, Words};

#[derive(Debug)]
pub struct Tree<'a> {
    /// A namespace comes before those inside it; otherwise in the document's order.
    pub nodes: Vec<Node<'a>>,
    /// Namespaces that the client itself has: indexes of `nodes`.
    pub roots: Vec<usize>,
}

/// One namespace, such as `chat.completions`.
#[derive(Debug)]
pub struct Node<'a> {
    /// From the client on; never empty.
    pub path: Vec<Words>,
    /// What its operations are about: the description of the one tag that all of them have; else empty.
    pub description: &'a str,
    /// No two have the same `method_name`.
    pub operations: Vec<&'a Operation>,
    /// Indexes of `nodes`.
    pub children: Vec<usize>,
}

impl Node<'_> {
    /// The last part of the path: what the parent calls it.
    pub fn name(&self) -> Words {
        self.path.last().cloned().unwrap_or(Words(Vec::new()))
    }
}

/// Every operation of the document has its place in the tree.
pub fn tree(api: &Api) -> Tree<'_> {
    let mut nodes: Vec<Node<'_>> = Vec::new();
    let mut at: BTreeMap<&[Words], usize> = BTreeMap::new();
    let mut roots = Vec::new();
    for operation in &api.operations {
        let mut parent: Option<usize> = None;
        for end in 1..=operation.resource.len() {
            let path = &operation.resource[..end];
            let index = *at.entry(path).or_insert_with(|| {
                let path = path.to_vec();
                nodes.push(Node { path, description: "", operations: Vec::new(), children: Vec::new() });
                nodes.len() - 1
            });
            let siblings = match parent {
                None => &mut roots,
                Some(parent) => &mut nodes[parent].children,
            };
            if !siblings.contains(&index) {
                siblings.push(index);
            }
            parent = Some(index);
        }
        if let Some(parent) = parent {
            nodes[parent].operations.push(operation);
        }
    }
    for node in &mut nodes {
        node.description = description(api, node);
    }
    Tree { nodes, roots }
}

fn description<'a>(api: &'a Api, node: &Node<'a>) -> &'a str {
    let tags: BTreeSet<&str> =
        node.operations.iter().filter_map(|operation| operation.tags.first().map(String::as_str)).collect();
    let only = if tags.len() == 1 { tags.first() } else { None };
    only.and_then(|only| api.tags.iter().find(|tag| tag.name == *only)).map_or("", |tag| &tag.description)
}
