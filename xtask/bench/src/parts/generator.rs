//! Time to generate: our document for every target, and a large published one up to the IR and to the dynamic languages.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use sdk_gen::{Target, diagnostic::Diagnostics};

use super::{
    Options, bounds_note,
    laws::{GENERATE_MS, LARGE_SPEC_MS},
};
use crate::{
    report::{Cell, Table},
    statistics::median,
};

const ROUNDS: usize = 5;

pub fn measure(options: &Options) -> Result<Table> {
    let rounds = if options.quick { 1 } else { ROUNDS };
    let mut table = Table::new("Generator", ["what", "ms"]);
    let spec = read(&options.spec)?;
    let mut all_ms = 0.0;
    for target in Target::ALL {
        let ms = timed(rounds, || match sdk_gen::generate(&spec, *target) {
            Ok(_) => Ok(()),
            Err(diagnostics) => bail!("{} errors", diagnostics.items().len()),
        })?;
        all_ms += ms;
        table.row([Cell::text(format!("our spec, target {}", target.as_str())), Cell::number(ms, 0)]);
    }
    table.row([Cell::text("our spec, every target"), Cell::judged(all_ms, 0, "", GENERATE_MS)]);
    match &options.large_spec {
        Some(path) => {
            let large = read(path)?;
            let ms = timed(rounds, || {
                sdk_gen::read(&large, &mut Diagnostics::default()).context("not a document")?;
                Ok(())
            })?;
            table.row([Cell::text("openai.yaml, parse and IR"), Cell::judged(ms, 0, "", LARGE_SPEC_MS)]);
            // The other targets refuse parts of it: a server of that API is nobody's wish.
            for target in [Target::Python, Target::TypeScript] {
                let ms = timed(rounds, || match sdk_gen::generate(&large, target) {
                    Ok(_) => Ok(()),
                    Err(diagnostics) => bail!("{} errors", diagnostics.errors().count()),
                })?;
                let what = format!("openai.yaml, target {}", target.as_str());
                table.row([Cell::text(what), Cell::judged(ms, 0, "", LARGE_SPEC_MS)]);
            }
        }
        None => table.notes.push("openai.yaml: skipped: ../shared is absent".into()),
    }
    table.notes.push(format!("Medians of {rounds} rounds, one thread."));
    table.notes.push(bounds_note(&[GENERATE_MS, LARGE_SPEC_MS]));
    Ok(table)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn timed(rounds: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut all_ms = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        work()?;
        all_ms.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(all_ms))
}
