//! A release build of the server from nothing. Minutes; asked for by name only.

use std::{
    fs,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use super::{Options, bounds_note, laws::BUILD_MINUTES};
use crate::report::{Cell, Table};

pub fn measure(options: &Options) -> Result<Table> {
    let target = options.scratch.join("clean-build");
    if target.exists() {
        fs::remove_dir_all(&target).with_context(|| format!("cannot clear {}", target.display()))?;
    }
    let started = Instant::now();
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "-p", "novai-server", "--quiet"])
        .current_dir(&options.root)
        .env("CARGO_TARGET_DIR", &target)
        .stdin(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    fs::remove_dir_all(&target).with_context(|| format!("cannot clear {}", target.display()))?;
    ensure!(status.success(), "the build ended with {status}");
    let mut table = Table::new("Clean release build", ["what", "minutes"]);
    table.row([Cell::text("novai-server"), Cell::judged(minutes, 1, "", BUILD_MINUTES)]);
    table.notes.push(bounds_note(&[BUILD_MINUTES]));
    Ok(table)
}
