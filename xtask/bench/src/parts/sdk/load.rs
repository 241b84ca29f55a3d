//! What it costs to import an SDK and to make a client: CPU, memory, and modules.

use std::process::Command;

use anyhow::{Context, Result};

use super::client::{interpreter, node_script, python_script};
use crate::{
    parts::{Options, bounds_note, laws},
    report::{Bound, Cell, Table},
    statistics::median,
};

const ROUNDS: usize = 7;

struct Cost {
    cpu_ms: f64,
    rss_mib: f64,
    /// Python says.
    modules: Option<f64>,
}

/// `None`: there is neither Python nor Node.
pub fn measure(options: &Options) -> Result<Option<Table>> {
    let rounds = if options.quick { 1 } else { ROUNDS };
    let header = ["", "CPU ms", "resident MiB", "modules"];
    let mut table = Table::new("SDKs, import and a client", header);
    for (name, sdk, bound) in
        [("Python", "novai", Some(laws::PYTHON_LOAD_MS)), ("openai for Python", "openai", None)]
    {
        if let Some(python) = interpreter(options, sdk) {
            let mut command = Command::new(python);
            command.arg(python_script(&options.root, "load.py")).arg(sdk);
            row(&mut table, name, &costs(&mut command, rounds)?, bound);
        }
    }
    for (name, sdk) in [("TypeScript", "novai"), ("openai for Node", "openai")] {
        if options.node {
            let mut command = Command::new("node");
            command.arg(node_script(&options.root, "load.mjs")).arg(sdk);
            row(&mut table, name, &costs(&mut command, rounds)?, None);
        }
    }
    if table.is_empty() {
        return Ok(None);
    }
    table.notes.push(format!(
        "Medians of {rounds} processes, once warm: CPU of the import and the client alone, memory of the process."
    ));
    table.notes.push(bounds_note(&[laws::PYTHON_LOAD_MS]));
    Ok(Some(table))
}

fn row(table: &mut Table, name: &str, costs: &[Cost], bound: Option<Bound>) {
    let cpu_ms = median(costs.iter().map(|cost| cost.cpu_ms).collect());
    let modules: Vec<f64> = costs.iter().filter_map(|cost| cost.modules).collect();
    table.row([
        Cell::text(name),
        bound.map_or_else(|| Cell::number(cpu_ms, 0), |bound| Cell::judged(cpu_ms, 0, "", bound)),
        Cell::number(median(costs.iter().map(|cost| cost.rss_mib).collect()), 1),
        if modules.is_empty() { Cell::text("") } else { Cell::number(median(modules), 0) },
    ]);
}

fn costs(command: &mut Command, rounds: usize) -> Result<Vec<Cost>> {
    // The first finds neither bytecode nor files in memory.
    cost(command)?;
    (0..rounds).map(|_| cost(command)).collect()
}

fn cost(command: &mut Command) -> Result<Cost> {
    let output = command.stderr(std::process::Stdio::inherit()).output().context("cannot start a client")?;
    anyhow::ensure!(output.status.success(), "a client ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    match numbers[..] {
        [cpu_ms, rss_kib] => Ok(Cost { cpu_ms, rss_mib: rss_kib / 1024.0, modules: None }),
        [cpu_ms, rss_kib, modules] => Ok(Cost { cpu_ms, rss_mib: rss_kib / 1024.0, modules: Some(modules) }),
        _ => anyhow::bail!("a client said {text:?}"),
    }
}
