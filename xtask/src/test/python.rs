//! The Python SDK: style, types, tests, README, other documents, and the package as users install it.
//!
//! Tools live in a virtual environment below `target/`, made of `sdk-python/requirements-dev.txt`.

mod corpus;
mod oldest;
mod package;
mod readme;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::Outcome;
use crate::{process, repo::Repo};

pub use corpus::corpus;
pub use package::package;
pub use readme::readme;

const FOLDER: &str = "sdk-python";
const REQUIREMENTS: &str = "sdk-python/requirements-dev.txt";
const GENERATED: &str = "src/novai/_generated";

/// A Python with what the tests need.
pub struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// Makes it, or takes the one of the last run. `None`: there is no Python, or no network to install from.
    pub fn find(repo: &Repo) -> Result<Option<Venv>> {
        let wanted = repo.read(REQUIREMENTS)?;
        let folder = repo.scratch("python")?.join("venv");
        let stamp = folder.join("installed.txt");
        if fs::read_to_string(&stamp).ok().as_deref() != Some(&wanted) {
            let Some(interpreter) = interpreter() else { return Ok(None) };
            if process::run(Command::new(interpreter).args(["-m", "venv"]).arg(&folder)).is_err() {
                return Ok(None);
            }
            let requirements = repo.path(REQUIREMENTS);
            let mut install = Command::new(program(&folder, "python"));
            install
                .args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"])
                .arg(requirements);
            if process::run(&mut install).is_err() {
                return Ok(None);
            }
            fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
        }
        Ok(Some(Venv { folder }))
    }

    /// A program of the environment, started in the SDK's folder.
    pub fn command(&self, repo: &Repo, name: &str) -> Command {
        let mut command = Command::new(self.path(name));
        command.current_dir(repo.path(FOLDER)).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    pub fn path(&self, name: &str) -> PathBuf {
        program(&self.folder, name)
    }
}

fn program(folder: &std::path::Path, name: &str) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts").join(name) } else { folder.join("bin").join(name) }
}

fn interpreter() -> Option<&'static str> {
    ["python3", "python"].into_iter().find(|name| process::version(name, &["--version"]).is_some())
}

pub fn absent() -> Outcome {
    Outcome::Skipped("needs Python 3.9 or newer, and once a network to install tools from".into())
}

/// ruff, mypy and pyright, the generated files included.
pub fn style(repo: &Repo) -> Result<Outcome> {
    let Some(venv) = Venv::find(repo)? else { return Ok(absent()) };
    process::run(venv.command(repo, "ruff").args(["format", "--check", "-q", "."]))?;
    process::run(venv.command(repo, "ruff").args(["check", "-q", "."]))?;
    process::run(&mut venv.command(repo, "mypy"))?;
    let python = venv.path("python");
    process::run(venv.command(repo, "pyright").arg("--pythonpath").arg(python))?;
    Ok(Outcome::Passed("ruff, mypy --strict, pyright strict".into()))
}

pub fn tests(repo: &Repo) -> Result<Outcome> {
    let Some(venv) = Venv::find(repo)? else { return Ok(absent()) };
    process::run(venv.command(repo, "python").args(["-m", "pytest", "-p", "no:cacheprovider"]))?;
    Ok(Outcome::Passed(format!("pytest; {}", oldest::tests(repo)?)))
}
