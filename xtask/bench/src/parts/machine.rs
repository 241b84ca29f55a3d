//! What the figures were measured on.

use std::{fs, thread};

use anyhow::Result;

pub fn describe() -> Result<String> {
    let cores = thread::available_parallelism()?;
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Ok(format!(
        "{cores} cores ({}), Linux {}; every process of a run shares them.",
        processor.map_or("unknown", |(_, name)| name),
        kernel.trim()
    ))
}
