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

/// On CPU per chunk.
#[derive(Clone, Copy)]
pub struct ChunkBounds {
    pub us: Bound,
    /// The client that it is compared with, by its name.
    pub other: &'static str,
    /// In proportion to that one's.
    pub ratio: Bound,
}

pub struct Client {
    pub name: &'static str,
    pub kind: Kind,
    pub chunk: Option<ChunkBounds>,
    pub ours: bool,
}

const fn client(name: &'static str, kind: Kind, chunk: Option<ChunkBounds>, ours: bool) -> Client {
    Client { name, kind, chunk, ours }
}

const OPENAI_PYTHON: &str = "openai for Python";
const OPENAI_NODE: &str = "openai for Node";
const PYTHON_CHUNK: ChunkBounds =
    ChunkBounds { us: laws::PYTHON_CHUNK_US, other: OPENAI_PYTHON, ratio: laws::PYTHON_CHUNK_RATIO };
const TYPESCRIPT_CHUNK: ChunkBounds =
    ChunkBounds { us: laws::TYPESCRIPT_CHUNK_US, other: OPENAI_NODE, ratio: laws::TYPESCRIPT_CHUNK_RATIO };

pub const CLIENTS: [Client; 7] = [
    client("hyper, bytes only", Kind::Floor, None, false),
    client("Rust", Kind::Rust, None, true),
    client("Python", Kind::Python("novai"), Some(PYTHON_CHUNK), true),
    client("Python, async", Kind::Python("novai-async"), None, true),
    client(OPENAI_PYTHON, Kind::Python("openai"), None, false),
    client("TypeScript", Kind::Node("novai"), Some(TYPESCRIPT_CHUNK), true),
    client(OPENAI_NODE, Kind::Node("openai"), None, false),
];

/// How many calls a client makes, one after the other.
#[derive(Clone, Copy)]
pub struct Calls {
    /// Before its CPU time is read: compilers that work while a program runs want some ten thousand chunks.
    pub warm_up: usize,
    /// In each lap, around which its CPU time is read.
    pub lap: usize,
    pub laps: usize,
}

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
        calls: Calls,
    ) -> Result<Option<Role>> {
        let base_url = format!("http://{address}/v1");
        let mut command = match self.kind {
            Kind::Floor => {
                let arguments = [
                    "read".to_owned(),
                    format!("--address={address}"),
                    format!("--key={API_KEY}"),
                    format!("--script={script}"),
                    format!("--warm-up={}", calls.warm_up),
                    format!("--streams={}", calls.lap),
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
        command.args([base_url, API_KEY.to_owned(), script.to_string()]);
        command.args([calls.warm_up.to_string(), calls.lap.to_string()]);
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
