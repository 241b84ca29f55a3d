//! From one OpenAPI 3.1 document to a server interface and SDKs: parse → ir → lower → emit.
//!
//! Text in, files out. **Invariant:** no clock, no network, no environment, and file access only in `main.rs`: the same
//! document gives the same bytes on any machine (laws B2, B5).
//!
//! Start at [`generate`]; [`read`] is its first half, text to [`ir::model::Api`].

pub mod diagnostic;
pub mod emit;
pub mod ir;
pub mod lower;
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
    /// The generated part of the Python SDK.
    Python,
    /// The generated part of the TypeScript SDK.
    TypeScript,
}

impl Target {
    pub const ALL: &[Target] =
        &[Target::ServerTypes, Target::ServerApi, Target::Rust, Target::Python, Target::TypeScript];

    pub fn as_str(self) -> &'static str {
        match self {
            Target::ServerTypes => "server-types",
            Target::ServerApi => "server-api",
            Target::Rust => "rust",
            Target::Python => "python",
            Target::TypeScript => "typescript",
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

/// Parses the document and builds everything one target consists of, sorted by path. Any error stops it: a target with a
/// hole in it is not generated.
pub fn generate(spec_text: &str, target: Target) -> Result<Vec<OutputFile>, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let files = read(spec_text, &mut diagnostics)
        .map(|api| files(&api, target, &mut diagnostics))
        .unwrap_or_default();
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(files) }
}

/// The files of one target.
pub fn files(api: &Api, target: Target, diagnostics: &mut Diagnostics) -> Vec<OutputFile> {
    let context = || lower::rust::Context::of(api);
    let files = match target {
        Target::ServerTypes => {
            let types = lower::rust::types(&context(), lower::rust::Options { checks: true }, diagnostics);
            emit::rust::types::emit(&types, emit::rust::types::Layout::SERVER)
        }
        Target::ServerApi => emit::dropshot::emit(&lower::dropshot::interface(&context(), diagnostics)),
        Target::Rust => emit::rust::sdk::emit(&lower::rust::sdk::lower(&context(), diagnostics), diagnostics),
        Target::Python => {
            let options = lower::python::Options::default();
            emit::python::emit(&lower::python::lower(api, &options, diagnostics))
        }
        Target::TypeScript => emit::typescript::emit(&lower::typescript::sdk(api, diagnostics)),
    };
    files.into_iter().map(|(path, contents)| OutputFile { path, contents }).collect()
}

/// The document as OpenAPI 3.0.3, for tools that read no newer version.
pub fn lowered_openapi(spec_text: &str) -> Result<serde_json::Value, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let document =
        read(spec_text, &mut diagnostics).map(|api| lower::openapi30::document(&api, &mut diagnostics));
    match document {
        Some(document) if !diagnostics.has_errors() => Ok(document),
        _ => Err(diagnostics),
    }
}
