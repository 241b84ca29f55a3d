//! Debian's packages, for programs that tests need and that no other registry has, or not whole.

use std::process::Command;

use anyhow::Result;

use crate::process;

/// Needs root. What went wrong is on the terminal.
pub fn install(package: &str) -> Result<()> {
    println!("installing {package} with apt-get");
    let mut install = Command::new("apt-get");
    process::run(install.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-y", "-q", package]))
}
