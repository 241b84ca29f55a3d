//! spec/openapi.yaml, read once for all checks: as the generator sees it, and as a plain tree.

use anyhow::Result;
use sdk_gen::{diagnostic::Diagnostics, ir::model::Api};

use super::tree::Node;
use crate::{generate::SPEC, repo::Repo};

pub struct Spec {
    pub text: String,
    /// `None` where the document cannot be read at all; `diagnostics` then says why.
    pub api: Option<Api>,
    pub diagnostics: Diagnostics,
    /// The document without interpretation, for rules about keys that no stage of the generator reads.
    pub tree: Node,
}

impl Spec {
    pub fn load(repo: &Repo) -> Result<Self> {
        let text = repo.read(SPEC)?;
        let (api, diagnostics) = read(&text);
        let tree = Node::parse(&text)?;
        Ok(Self { text, api, diagnostics, tree })
    }
}

/// Parse and IR of any document.
pub fn read(text: &str) -> (Option<Api>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let api = sdk_gen::read(text, &mut diagnostics);
    (api, diagnostics)
}
