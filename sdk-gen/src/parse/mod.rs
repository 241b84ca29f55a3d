//! Text → OpenAPI document, with the line and column of every node.
//!
//! Start at [`parse`]. YAML and JSON are read by the same reader ([`yaml`]) into one [`tree::Tree`]; [`check`] then
//! compares it with the table in [`shape`], so that whoever reads the document later may treat a value of the wrong
//! type as absent: it has been reported.
//!
//! **Invariant:** nothing here knows what a keyword *means*; that is `ir`'s part. No file, network or other document is
//! ever opened: an external `$ref` does not resolve.

mod check;
mod document;
mod json;
mod scalar;
mod shape;
mod tree;
mod yaml;

pub use document::{Document, RefError, Version};
pub use tree::{At, Data, NodeId};

use crate::diagnostic::{Diagnostics, Place};

/// Largest document that is read. The largest published one we know is 3 MB; 64 MiB bounds memory, not use.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// `None` where the text is no OpenAPI 3.0 or 3.1 document at all; the reason is among the diagnostics.
pub fn parse(text: &str, diagnostics: &mut Diagnostics) -> Option<Document> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the document has {} bytes; at most {TEXT_BYTES_MAX} are read", text.len());
        diagnostics.error("", Place::default(), message, "split the document, or drop what is not an API");
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // JSON is YAML, but for surrogate pairs in escapes and tabs as indentation, which JSON documents in the wild have.
    let tree = if text.trim_start().starts_with('{') {
        json::read(text, diagnostics)
    } else {
        yaml::read(text, diagnostics)
    }?;
    let document = Document::new(tree, diagnostics)?;
    check::check(&document, diagnostics);
    Some(document)
}
