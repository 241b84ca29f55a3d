//! The Python SDK's tests on the oldest Python that it promises, with the oldest packages that it asks for: where there is
//! one. Type checkers see most of what is too new, but not what an annotation does when it is evaluated.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::Result;

use super::{FOLDER, program};
use crate::{process, repo::Repo};

const REQUIREMENTS: &str = "sdk-python/requirements-oldest.txt";
const VERSION: &str = "3.9";

/// What became of it, in words.
pub fn tests(repo: &Repo) -> Result<String> {
    let Some(interpreter) = interpreter() else {
        return Ok(format!("Python {VERSION} is not installed"));
    };
    let folder = repo.scratch("python")?.join("oldest");
    let stamp = folder.join("installed.txt");
    let wanted = repo.read(REQUIREMENTS)?;
    if fs::read_to_string(&stamp).ok().as_deref() != Some(&wanted) {
        process::run(Command::new(interpreter).args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut install = Command::new(program(&folder, "python"));
        install.args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]);
        if process::run(install.arg(repo.path(REQUIREMENTS))).is_err() {
            return Ok(format!("what the tests on Python {VERSION} need could not be installed"));
        }
        fs::write(&stamp, wanted)?;
    }
    let mut pytest = Command::new(program(&folder, "python"));
    pytest.current_dir(repo.path(FOLDER)).env("PYTHONDONTWRITEBYTECODE", "1");
    process::run(pytest.args(["-m", "pytest", "-p", "no:cacheprovider"]))?;
    Ok(format!("also on Python {VERSION} with the oldest packages"))
}

/// On the path, or where pyenv keeps it.
fn interpreter() -> Option<PathBuf> {
    let name = format!("python{VERSION}");
    let home = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")));
    let versions = home.and_then(|home| fs::read_dir(home.join("versions")).ok());
    let kept = versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin").join(&name));
    let mut found = [PathBuf::from(&name)].into_iter().chain(kept);
    found.find(|path| process::version(path, &["--version"]).is_some())
}
