//! The document as a whole: its version, and where references lead.

use std::{collections::HashMap, fmt};

use super::tree::{At, NodeId, Tree, escape};
use crate::diagnostic::Diagnostics;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V30,
    V31,
}

#[derive(Debug)]
pub struct Document {
    tree: Tree,
    version: Version,
    /// What most references lead to: `#/components/<kind>/<name>`.
    components: HashMap<String, NodeId>,
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefError {
    External,
    Anchor,
    Missing,
}

impl fmt::Display for RefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RefError::External => "refers to another document",
            RefError::Anchor => "refers to an anchor",
            RefError::Missing => "refers to nothing in this document",
        })
    }
}

impl RefError {
    pub fn help(&self) -> &'static str {
        match self {
            RefError::External => "bundle the documents into one, for instance with `redocly bundle`",
            RefError::Anchor => {
                "refer to the schema by its JSON pointer, such as `#/components/schemas/Name`"
            }
            RefError::Missing => "check the spelling; names with `/` or `~` need `~1` and `~0`",
        }
    }
}

impl Document {
    pub(super) fn new(tree: Tree, diagnostics: &mut Diagnostics) -> Option<Self> {
        let version = version(tree.root(), diagnostics)?;
        let kinds = tree.root().get("components").into_iter().flat_map(At::entries);
        let components = kinds
            .flat_map(|(kind, all)| {
                let pointer = move |name: &str| format!("#/components/{kind}/{}", escape(name));
                all.entries().map(move |(name, at)| (pointer(name), at.id()))
            })
            .collect();
        Some(Document { tree, version, components })
    }

    pub fn version(&self) -> Version {
        self.version
    }

    pub fn root(&self) -> At<'_> {
        self.tree.root()
    }

    /// Where `#/…` leads.
    pub fn resolve(&self, reference: &str) -> Result<At<'_>, RefError> {
        if let Some(&id) = self.components.get(reference) {
            return Ok(self.tree.at(id));
        }
        let Some(fragment) = reference.strip_prefix('#') else { return Err(RefError::External) };
        if fragment.is_empty() {
            return Ok(self.root());
        }
        let Some(pointer) = fragment.strip_prefix('/') else { return Err(RefError::Anchor) };
        let mut at = self.root();
        for part in pointer.split('/') {
            at = at.step(&unescape(part)).ok_or(RefError::Missing)?;
        }
        Ok(at)
    }
}

fn version(root: At<'_>, diagnostics: &mut Diagnostics) -> Option<Version> {
    let help = "write `openapi: 3.1.0`";
    let Some(at) = root.get("openapi") else {
        let message = if root.has("swagger") {
            "this is a Swagger 2.0 document; OpenAPI 3.0 and 3.1 are read"
        } else {
            "this is no OpenAPI document: the key `openapi` is missing"
        };
        let help = if root.has("swagger") { "convert it, for instance with `swagger2openapi`" } else { help };
        diagnostics.error("", root.place(), message, help);
        return None;
    };
    let text = at.as_str().map_or_else(|| at.to_json().to_string(), str::to_owned);
    match text.split('.').collect::<Vec<_>>().as_slice() {
        ["3", "0", ..] => Some(Version::V30),
        ["3", "1", ..] => Some(Version::V31),
        _ => {
            let message = format!("OpenAPI version `{text}` is not read; 3.0 and 3.1 are");
            diagnostics.error(at.pointer(), at.place(), message, help);
            None
        }
    }
}

/// Undoes a fragment's percent-encoding, then the pointer's own escapes.
fn unescape(part: &str) -> String {
    let bytes = part.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = part.get(index + 1..index + 3).filter(|_| bytes[index] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                index += 3;
            }
            None => {
                decoded.push(bytes[index]);
                index += 1;
            }
        }
    }
    let decoded = String::from_utf8(decoded).unwrap_or_else(|_| part.to_owned());
    decoded.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointer_parts_are_unescaped() {
        for (part, expected) in [
            ("a~1b", "a/b"),
            ("a~0b", "a~b"),
            ("%7Bid%7D", "{id}"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%e", "%e"),
        ] {
            assert_eq!(unescape(part), expected, "{part:?}");
        }
    }
}
