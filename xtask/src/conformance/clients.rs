//! The columns of the matrix beside the server: one adapter each, built or installed here, with the command that starts it.

use anyhow::Result;

use crate::{node, process, python, repo::Repo};

pub struct Client {
    pub column: &'static str,
    /// Somebody else's SDK, measured for comparison.
    pub compared: bool,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Package and binary of this name.
    Rust(&'static str),
    /// Script below the Python adapters, with our SDK.
    Python(&'static str),
    /// Likewise, with OpenAI's.
    OpenaiPython(&'static str),
    /// Script below the Node adapters, whose lock file names ours and the others.
    Node(&'static str),
}

const fn ours(column: &'static str, kind: Kind) -> Client {
    Client { column, compared: false, kind }
}

const fn theirs(column: &'static str, kind: Kind) -> Client {
    Client { column, compared: true, kind }
}

pub const CLIENTS: [Client; 6] = [
    ours("rust", Kind::Rust("conformance-adapter-rust")),
    ours("python-sync", Kind::Python("novai_sync.py")),
    ours("python-async", Kind::Python("novai_async.py")),
    ours("typescript", Kind::Node("novai.mjs")),
    theirs("openai-python", Kind::OpenaiPython("openai_sync.py")),
    theirs("openai-node", Kind::Node("openai.mjs")),
];

impl Client {
    /// The cargo package that the adapter is, if it is one.
    pub fn package(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Rust(package) => Some(package),
            _ => None,
        }
    }

    /// Installs what the adapter needs and returns `COLUMN=COMMAND`. Cargo has built what is in Rust.
    pub fn prepare(&self, repo: &Repo) -> Result<String> {
        let words = match self.kind {
            Kind::Rust(package) => vec![repo.binary("debug", package)],
            Kind::Python(script) => vec![python::novai(repo)?, repo.path(python::ADAPTERS).join(script)],
            Kind::OpenaiPython(script) => {
                vec![python::openai(repo)?, repo.path(python::ADAPTERS).join(script)]
            }
            Kind::Node(script) => {
                node::install(repo, node::ADAPTERS)?;
                if !self.compared {
                    node::build_sdk(repo)?;
                }
                vec!["node".into(), repo.path(node::ADAPTERS).join(script)]
            }
        };
        let command: Vec<String> =
            words.iter().map(|word| process::quoted(&word.display().to_string())).collect();
        Ok(format!("{}={}", self.column, command.join(" ")))
    }
}
