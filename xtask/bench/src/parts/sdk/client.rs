//! The clients that are compared, and how each is started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{
    child::Role,
    gateway::API_KEY,
    parts::{Options, laws},
    report::Bound,
    roles::script::Script,
};

#[derive(Clone, Copy)]
pub enum Kind {
    /// Reads the bytes and looks into nothing; streams alone.
    Floor,
    /// Streams alone.
    Rust,
    /// With the SDK's name for the script.
    Python(&'static str),
    Node(&'static str),
}

pub struct Client {
    pub name: &'static str,
    pub kind: Kind,
    /// Bound on CPU per chunk.
    pub chunk: Option<Bound>,
    pub ours: bool,
}

const fn client(name: &'static str, kind: Kind, chunk: Option<Bound>, ours: bool) -> Client {
    Client { name, kind, chunk, ours }
}

pub const CLIENTS: [Client; 7] = [
    client("hyper, bytes only", Kind::Floor, None, false),
    client("Rust", Kind::Rust, None, true),
    client("Python", Kind::Python("novai"), Some(laws::PYTHON_CHUNK_US), true),
    client("Python, async", Kind::Python("novai-async"), None, true),
    client("openai for Python", Kind::Python("openai"), None, false),
    client("TypeScript", Kind::Node("novai"), Some(laws::TYPESCRIPT_CHUNK_US), true),
    client("openai for Node", Kind::Node("openai"), None, false),
];

impl Client {
    pub fn answers_whole(&self) -> bool {
        matches!(self.kind, Kind::Python(_) | Kind::Node(_))
    }

    /// `None` where its language or its package is not installed.
    pub fn start(
        &self,
        options: &Options,
        address: &str,
        script: Script,
        calls: usize,
    ) -> Result<Option<Role>> {
        let base_url = format!("http://{address}/v1");
        let mut command = match self.kind {
            Kind::Floor => {
                let arguments = [
                    "read".to_owned(),
                    format!("--address={address}"),
                    format!("--key={API_KEY}"),
                    format!("--script={script}"),
                    format!("--streams={calls}"),
                ];
                return Role::own(arguments).map(Some);
            }
            Kind::Rust => Command::new(&options.sdk_client),
            Kind::Python(sdk) => {
                let Some(python) = interpreter(options, sdk) else { return Ok(None) };
                let mut command = Command::new(python);
                command.arg(python_script(&options.root, "client.py")).arg(sdk);
                command
            }
            Kind::Node(sdk) => {
                if !options.node {
                    return Ok(None);
                }
                let mut command = Command::new("node");
                command.arg(node_script(&options.root, "client.mjs")).arg(sdk);
                command
            }
        };
        command.args([base_url, API_KEY.to_owned(), script.to_string(), calls.to_string()]);
        Role::start(&mut command).map(Some)
    }
}

pub fn interpreter<'a>(options: &'a Options, sdk: &str) -> Option<&'a PathBuf> {
    if sdk == "openai" { options.python_openai.as_ref() } else { options.python.as_ref() }
}

pub fn python_script(root: &Path, name: &str) -> PathBuf {
    root.join("xtask/bench/clients/python").join(name)
}

pub fn node_script(root: &Path, name: &str) -> PathBuf {
    root.join("xtask/bench/clients/typescript").join(name)
}
