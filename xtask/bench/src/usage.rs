//! CPU time and memory of another process, from /proc.

use std::{collections::HashMap, fs, time::Duration};

use anyhow::{Context, Result};

/// CPU time that each thread of a process has used.
///
/// Per thread in nanoseconds: the process-wide figure of /proc/PID/stat counts clock ticks of 10 ms, as much as several
/// hundred requests.
pub struct CpuReading(HashMap<String, u64>);

impl CpuReading {
    pub fn of(pid: u32) -> Result<Self> {
        let folder = format!("/proc/{pid}/task");
        let mut threads = HashMap::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {folder}"))? {
            let entry = entry?;
            // A thread may end between the listing and the reading.
            if let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) {
                let running_ns = text.split_whitespace().next().and_then(|word| word.parse().ok());
                let running_ns = running_ns.context("schedstat has an unknown form: is this Linux?")?;
                threads.insert(entry.file_name().to_string_lossy().into_owned(), running_ns);
            }
        }
        Ok(Self(threads))
    }

    /// What was used since an earlier reading of the same process.
    pub fn since(&self, earlier: &Self) -> Duration {
        let used =
            self.0.iter().map(|(thread, ns)| ns - earlier.0.get(thread).copied().unwrap_or(0).min(*ns));
        Duration::from_nanos(used.sum())
    }
}

/// Resident memory now.
pub fn rss_kib(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.with_context(|| format!("{path} has no VmRSS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_up_and_memory_is_not_zero() {
        let pid = std::process::id();
        let before = CpuReading::of(pid).unwrap();
        // Until the kernel has accounted for it, however slow the machine: work is the condition, not time.
        let mut sum = 0_u64;
        while CpuReading::of(pid).unwrap().since(&before).is_zero() {
            sum = (0..100_000).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
        assert!(rss_kib(pid).unwrap() > 0);
    }
}
