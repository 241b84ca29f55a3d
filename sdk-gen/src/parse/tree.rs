//! The document as a tree of positioned nodes in one arena, and [`At`], a cursor on it.
//!
//! **Invariant:** every node knows its parent, so its JSON pointer is computed only when somebody asks for it, and an
//! [`At`] is two words that can be copied, compared and hashed.

use std::hash::{Hash, Hasher};

use serde_json::{Number, Value};

use crate::diagnostic::{Diagnostics, Place};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

#[derive(Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    parent: NodeId,
    /// Index among the parent's children.
    slot: u32,
    place: Place,
    data: Data,
}

#[derive(Debug, Clone)]
pub enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<NodeId>),
    Object(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub place: Place,
    pub value: NodeId,
}

/// Most nodes in a tree, those that aliases copy included. OpenAI's document has a tenth of that.
const NODES_MAX: usize = 2_000_000;
/// Deepest nesting. Published documents reach 30; the readers and walkers below may recurse this deep.
pub(super) const DEPTH_MAX: usize = 128;

impl Tree {
    /// Adds a node under the last open one; the first is the root and its own parent. `None`: the tree is full.
    pub(super) fn add(&mut self, parent: Option<NodeId>, place: Place, data: Data) -> Option<NodeId> {
        if self.nodes.len() >= NODES_MAX {
            return None;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { parent: parent.unwrap_or(id), slot: 0, place, data });
        Some(id)
    }

    pub(super) fn push_item(&mut self, array: NodeId, item: NodeId) {
        if let Data::Array(items) = &mut self.nodes[array.0 as usize].data {
            let slot = items.len() as u32;
            items.push(item);
            self.nodes[item.0 as usize].slot = slot;
        }
    }

    pub(super) fn push_entry(&mut self, object: NodeId, key: String, place: Place, value: NodeId) {
        if let Data::Object(entries) = &mut self.nodes[object.0 as usize].data {
            let slot = entries.len() as u32;
            entries.push(Entry { key, place, value });
            self.nodes[value.0 as usize].slot = slot;
        }
    }

    /// Keeps the first of several entries with one key and reports the others.
    pub(super) fn drop_duplicate_keys(&mut self, object: NodeId, diagnostics: &mut Diagnostics) {
        let Data::Object(entries) = &self.nodes[object.0 as usize].data else { return };
        let mut order: Vec<u32> = (0..entries.len() as u32).collect();
        order.sort_by(|&a, &b| entries[a as usize].key.cmp(&entries[b as usize].key).then(a.cmp(&b)));
        let mut dropped: Vec<u32> = order
            .windows(2)
            .filter(|pair| entries[pair[0] as usize].key == entries[pair[1] as usize].key)
            .map(|pair| pair[1])
            .collect();
        if dropped.is_empty() {
            return;
        }
        dropped.sort_unstable();
        for &index in &dropped {
            let Entry { key, place, .. } = &entries[index as usize];
            let pointer = format!("{}/{}", self.at(object).pointer(), escape(key));
            diagnostics.error(pointer, *place, format!("the key `{key}` occurs twice"), "remove one of them");
        }
        let mut index = 0;
        if let Data::Object(entries) = &mut self.nodes[object.0 as usize].data {
            entries.retain(|_| {
                index += 1;
                dropped.binary_search(&(index - 1)).is_err()
            });
            let values: Vec<NodeId> = entries.iter().map(|entry| entry.value).collect();
            for (slot, value) in values.into_iter().enumerate() {
                self.nodes[value.0 as usize].slot = slot as u32;
            }
        }
    }

    /// Copies what an alias stands for. `None`: the tree is full.
    pub(super) fn copy(&mut self, from: NodeId, parent: Option<NodeId>) -> Option<NodeId> {
        let Node { place, data, .. } = &self.nodes[from.0 as usize];
        let (place, data) = (*place, data.clone());
        match data {
            Data::Array(items) => {
                let id = self.add(parent, place, Data::Array(Vec::with_capacity(items.len())))?;
                for item in items {
                    let item = self.copy(item, Some(id))?;
                    self.push_item(id, item);
                }
                Some(id)
            }
            Data::Object(entries) => {
                let id = self.add(parent, place, Data::Object(Vec::with_capacity(entries.len())))?;
                for Entry { key, place, value } in entries {
                    let value = self.copy(value, Some(id))?;
                    self.push_entry(id, key, place, value);
                }
                Some(id)
            }
            scalar => self.add(parent, place, scalar),
        }
    }

    /// YAML's `<<`: copies the entries that `into` lacks from an object, or from each object of an array.
    pub(super) fn merge_missing(&mut self, source: NodeId, into: NodeId) -> Option<()> {
        match self.nodes[source.0 as usize].data.clone() {
            Data::Array(items) => items.into_iter().try_for_each(|item| self.merge_missing(item, into)),
            Data::Object(entries) => entries.into_iter().try_for_each(|Entry { key, place, value }| {
                if !self.at(into).has(&key) {
                    let value = self.copy(value, Some(into))?;
                    self.push_entry(into, key, place, value);
                }
                Some(())
            }),
            _ => Some(()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many levels of children lie below a node.
    pub(super) fn height(&self, id: NodeId) -> usize {
        match &self.nodes[id.0 as usize].data {
            Data::Array(items) => 1 + items.iter().map(|&item| self.height(item)).max().unwrap_or(0),
            Data::Object(entries) => {
                1 + entries.iter().map(|entry| self.height(entry.value)).max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    pub(super) fn at(&self, id: NodeId) -> At<'_> {
        At { tree: self, id }
    }

    pub(super) fn root(&self) -> At<'_> {
        self.at(NodeId(0))
    }
}

/// A place in the document: reads the node there and moves to its children.
#[derive(Clone, Copy)]
pub struct At<'d> {
    tree: &'d Tree,
    id: NodeId,
}

impl<'d> At<'d> {
    pub fn id(self) -> NodeId {
        self.id
    }

    pub fn place(self) -> Place {
        self.node().place
    }

    pub fn data(self) -> &'d Data {
        &self.node().data
    }

    /// RFC 6901; empty for the root.
    pub fn pointer(self) -> String {
        let mut parts = Vec::new();
        let mut id = self.id;
        while self.tree.nodes[id.0 as usize].parent != id {
            let node = &self.tree.nodes[id.0 as usize];
            parts.push(match &self.tree.nodes[node.parent.0 as usize].data {
                Data::Object(entries) => entries.get(node.slot as usize).map(|entry| escape(&entry.key)),
                _ => Some(node.slot.to_string()),
            });
            id = node.parent;
        }
        parts.into_iter().rev().flatten().fold(String::new(), |pointer, part| pointer + "/" + &part)
    }

    pub fn get(self, key: &str) -> Option<At<'d>> {
        let Data::Object(entries) = self.data() else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| self.tree.at(entry.value))
    }

    pub fn has(self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Entries of an object; nothing for anything else.
    pub fn entries(self) -> impl Iterator<Item = (&'d str, At<'d>)> {
        let entries = if let Data::Object(entries) = self.data() { entries.as_slice() } else { &[] };
        entries.iter().map(move |entry| (entry.key.as_str(), self.tree.at(entry.value)))
    }

    /// Items of an array; nothing for anything else.
    pub fn items(self) -> impl DoubleEndedIterator<Item = At<'d>> {
        let items = if let Data::Array(items) = self.data() { items.as_slice() } else { &[] };
        items.iter().map(move |&id| self.tree.at(id))
    }

    /// One step of a JSON pointer, unescaped.
    pub(super) fn step(self, part: &str) -> Option<At<'d>> {
        match self.data() {
            Data::Object(_) => self.get(part),
            Data::Array(items) => items.get(part.parse::<usize>().ok()?).map(|&id| self.tree.at(id)),
            _ => None,
        }
    }

    pub fn as_str(self) -> Option<&'d str> {
        if let Data::String(text) = self.data() { Some(text) } else { None }
    }

    pub fn as_bool(self) -> Option<bool> {
        if let Data::Bool(flag) = self.data() { Some(*flag) } else { None }
    }

    pub fn as_number(self) -> Option<&'d Number> {
        if let Data::Number(number) = self.data() { Some(number) } else { None }
    }

    pub fn is_object(self) -> bool {
        matches!(self.data(), Data::Object(_))
    }

    pub fn is_array(self) -> bool {
        matches!(self.data(), Data::Array(_))
    }

    /// What the node is, for messages.
    pub fn kind(self) -> &'static str {
        match self.data() {
            Data::Null => "null",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::String(_) => "a string",
            Data::Array(_) => "an array",
            Data::Object(_) => "an object",
        }
    }

    pub fn to_json(self) -> Value {
        match self.data() {
            Data::Null => Value::Null,
            Data::Bool(flag) => Value::Bool(*flag),
            Data::Number(number) => Value::Number(number.clone()),
            Data::String(text) => Value::String(text.clone()),
            Data::Array(_) => self.items().map(At::to_json).collect(),
            Data::Object(_) => {
                Value::Object(self.entries().map(|(key, value)| (key.to_owned(), value.to_json())).collect())
            }
        }
    }

    fn node(self) -> &'d Node {
        &self.tree.nodes[self.id.0 as usize]
    }
}

impl PartialEq for At<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for At<'_> {}

impl Hash for At<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl std::fmt::Debug for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "At({})", self.pointer())
    }
}

/// Escapes one part of a JSON pointer.
pub(super) fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}
