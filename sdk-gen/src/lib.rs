//! From one OpenAPI 3.1 document to a server interface and SDKs: parse → ir → lower → emit.
//!
//! Text in, files out. **Invariant:** no clock, no network, no environment, and file access only in `main.rs`: the same
//! document gives the same bytes on any machine (laws B2, B5).
//!
//! Start at [`read`]: text to [`ir::model::Api`].

pub mod diagnostic;
pub mod ir;
pub mod parse;

use diagnostic::Diagnostics;
use ir::model::Api;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Wire types of the server, with checks.
    ServerTypes,
    /// The server's API trait.
    ServerApi,
    /// The generated part of the Rust SDK.
    Rust,
}

impl Target {
    pub const ALL: &[Target] = &[Target::ServerTypes, Target::ServerApi, Target::Rust];

    pub fn as_str(self) -> &'static str {
        match self {
            Target::ServerTypes => "server-types",
            Target::ServerApi => "server-api",
            Target::Rust => "rust",
        }
    }
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Target::ALL.iter().copied().find(|target| target.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Target::ALL.iter().map(|target| target.as_str()).collect();
            format!("unknown target `{name}`; one of: {}", known.join(", "))
        })
    }
}

/// One generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Relative to the output directory, with `/`.
    pub path: String,
    pub contents: String,
}

/// Parses the document and builds its [`Api`]. `None`: the text is not an OpenAPI document that can be read at all.
pub fn read(spec_text: &str, diagnostics: &mut Diagnostics) -> Option<Api> {
    let document = parse::parse(spec_text, diagnostics)?;
    Some(ir::build(&document, diagnostics))
}
