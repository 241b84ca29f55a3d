//! What a bundler keeps of an SDK for one streaming call.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::client::node_script;
use crate::{
    parts::{Options, bounds_note, laws},
    report::{Bound, Cell, Table},
};

/// By the script's names.
const NAMES: [(&str, &str, Option<Bound>); 3] = [
    ("novai-function", "TypeScript, one function", Some(laws::TYPESCRIPT_GZIP_KIB)),
    ("novai-client", "TypeScript, the whole client", None),
    ("openai", "openai for Node", None),
];

/// `None`: there is no Node.
pub fn measure(options: &Options) -> Result<Option<Table>> {
    if !options.node {
        return Ok(None);
    }
    let mut command = Command::new("node");
    command.arg(node_script(&options.root, "bundle.mjs")).stderr(Stdio::inherit());
    let output = command.output().context("cannot start node")?;
    anyhow::ensure!(output.status.success(), "the bundler ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let mut table = Table::new("SDKs, one streaming call in a bundle", ["", "minified KiB", "gzip KiB"]);
    for (key, name, bound) in NAMES {
        let sizes = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        let (minified, gzip) =
            sizes.and_then(|sizes| sizes.split_once(' ')).context("a bundle is missing")?;
        let kib = |bytes: &str| bytes.parse::<f64>().map(|bytes| bytes / 1024.0);
        let gzip = kib(gzip)?;
        table.row([
            Cell::text(name),
            Cell::number(kib(minified)?, 1),
            bound.map_or_else(|| Cell::number(gzip, 1), |bound| Cell::judged(gzip, 1, "", bound)),
        ]);
    }
    table.notes.push("esbuild, minified, for browsers; gzip -9.".to_owned());
    table.notes.push(bounds_note(&[laws::TYPESCRIPT_GZIP_KIB]));
    Ok(Some(table))
}
