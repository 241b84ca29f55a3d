//! What the README shows runs, word for word, against a gateway with its simulator.

use anyhow::{Context, Result, ensure};

use super::{FOLDER, Outcome, Venv, absent};
use crate::{
    process,
    repo::Repo,
    server::{API_KEY, Server},
};

const README: &str = "sdk-python/README.md";

pub fn readme(repo: &Repo) -> Result<Outcome> {
    let Some(venv) = Venv::find(repo)? else { return Ok(absent()) };
    process::run(process::cargo(repo).args(["build", "-q", "-p", "novai-server"]))?;
    let text = repo.read(README)?;
    let blocks = blocks(&text);
    ensure!(!blocks.is_empty(), "{README} shows no Python");
    let server = Server::start(&repo.binary("debug", "novai"), &repo.scratch("readme")?)?;
    for (line, code) in &blocks {
        println!("{README}:{line}");
        let mut run = venv.command(repo, "python");
        run.args(["-c", code]).env("PYTHONPATH", repo.path(FOLDER).join("src"));
        run.env("NOVAI_BASE_URL", &server.base_url).env("NOVAI_API_KEY", API_KEY);
        process::run(&mut run).with_context(|| format!("the example at {README}:{line}"))?;
    }
    Ok(Outcome::Passed(format!("{} examples ran against novai-sim", blocks.len())))
}

/// Line and text of each block that is marked as Python.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        match (open, line) {
            (false, "```python") => {
                open = true;
                blocks.push((at + 2, String::new()));
            }
            (true, "```") => open = false,
            (true, line) => {
                if let Some((_, code)) = blocks.last_mut() {
                    code.push_str(line);
                    code.push('\n');
                }
            }
            _ => {}
        }
    }
    blocks
}
