//! Wheel and sdist are built, and each installs into an environment that has nothing else.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};

use super::{Outcome, Venv, absent, program};
use crate::{process, repo::Repo};

/// What must work after `pip install`, types included.
const SMOKE: &str = "
import pathlib, novai
from novai.types import ChatCompletion
client = novai.NovAI(api_key='sk-novai-x')
assert callable(client.chat.completions.create)
folder = pathlib.Path(novai.__file__).parent
assert (folder / 'py.typed').is_file(), 'py.typed is not installed'
assert 'site-packages' in str(folder), folder
print(novai.__version__)
";

pub fn package(repo: &Repo) -> Result<Outcome> {
    let Some(venv) = Venv::find(repo)? else { return Ok(absent()) };
    let folder = repo.scratch("python")?.join("package");
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    let mut build = venv.command(repo, "python");
    // The pinned hatchling of the environment, so that nothing is downloaded here.
    build.args(["-m", "build", "--no-isolation", "--outdir"]).arg(&folder);
    process::run(&mut build)?;
    let mut archives: Vec<_> =
        fs::read_dir(&folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    archives.sort();
    ensure!(archives.len() == 2, "a wheel and an sdist were to be built, not {archives:?}");
    let mut sizes = Vec::new();
    for archive in &archives {
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let clean =
            folder.join(format!("venv-{}", archive.extension().unwrap_or_default().to_string_lossy()));
        process::run(Command::new(venv.path("python")).args(["-m", "venv"]).arg(&clean))?;
        let python = program(&clean, "python");
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "-q", "--disable-pip-version-check"]).arg(archive);
        process::run(&mut install)?;
        let mut smoke = Command::new(&python);
        smoke.current_dir(&folder).args(["-c", SMOKE]);
        process::run(&mut smoke).with_context(|| format!("{name}, installed"))?;
        sizes.push(format!("{name} ({} KB)", fs::metadata(archive)?.len() / 1024));
    }
    Ok(Outcome::Passed(format!("{}, each installed and used", sizes.join(" and "))))
}
