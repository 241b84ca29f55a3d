//! The generator on other people's documents: each becomes a package that imports, with a method for every operation,
//! and that mypy finds nothing in.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use sdk_gen::{Target, diagnostic::Diagnostics, ir::model::Api};

use super::{FOLDER, GENERATED, Outcome, Venv, absent};
use crate::{
    process,
    repo::{Repo, SHARED_ABSENT},
    table::Table,
};

const PUBLISHED: [&str; 6] = [
    "museum.yaml",
    "ollama.yaml",
    "agent-protocol.json",
    "opc-baseline-3.1.yaml",
    "mistral.yaml",
    "openai.yaml",
];
/// Our own, with what published ones lack.
const FIXTURES: &str = "sdk-gen/tests/python";

/// Imports every module, and counts the constants that say what each method calls.
const IMPORT_ALL: &str = "
import importlib, pkgutil
import novai._generated as root
from novai.operation import Route
modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(root.__path__, 'novai._generated.')]
routes = {(name, key) for name in modules for key, value in vars(name).items() if isinstance(value, Route)}
calls = {(value.method, value.path) for name in modules for value in vars(name).values() if isinstance(value, Route)}
print(len(modules), len(calls))
";

pub fn corpus(repo: &Repo) -> Result<Outcome> {
    let Some(venv) = Venv::find(repo)? else { return Ok(absent()) };
    let mut documents: Vec<_> = repo.files(FIXTURES)?.into_iter().map(|path| repo.path(path)).collect();
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    match repo.shared() {
        Some(shared) => documents.extend(PUBLISHED.map(|name| shared.join("corpus").join(name))),
        None => println!("{SHARED_ABSENT}"),
    }
    let mut table = Table::new(["document", "operations", "modules", "lines", "ms"]);
    let mut covered = 0;
    for path in &documents {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let row = check(repo, &venv, path).with_context(|| format!("{} in Python", path.display()))?;
        covered += row.operations;
        table.row([
            name,
            row.operations.to_string(),
            row.modules.to_string(),
            row.lines.to_string(),
            row.milliseconds.to_string(),
        ]);
    }
    print!("{table}");
    Ok(Outcome::Passed(format!("{covered} operations of {} documents, mypy --strict", documents.len())))
}

struct Row {
    operations: usize,
    modules: usize,
    lines: usize,
    milliseconds: u128,
}

fn check(repo: &Repo, venv: &Venv, document: &Path) -> Result<Row> {
    let text = fs::read_to_string(document)?;
    let started = std::time::Instant::now();
    let mut diagnostics = Diagnostics::default();
    let api = sdk_gen::read(&text, &mut diagnostics).context("not an OpenAPI document")?;
    let files = sdk_gen::files(&api, Target::Python, &mut diagnostics);
    let milliseconds = started.elapsed().as_millis();
    let errors: Vec<String> = diagnostics.errors().map(ToString::to_string).collect();
    ensure!(errors.is_empty(), "{}", errors.join("\n"));

    let folder = repo.scratch("python-corpus")?.join(document.file_stem().unwrap_or_default());
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    copy_runtime(repo, &folder)?;
    let mut lines = 0;
    for file in &files {
        let path = folder.join(GENERATED).join(&file.path);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(&path, &file.contents)?;
        lines += file.contents.lines().count();
    }
    let mut import = venv.command(repo, "python");
    import.args(["-c", IMPORT_ALL]).env("PYTHONPATH", folder.join("src"));
    let counted = process::capture(&mut import)?;
    let numbers: Vec<usize> = counted.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [modules, calls] = numbers.as_slice() else { anyhow::bail!("not two numbers: {counted}") };
    ensure!(
        *calls == places(&api),
        "{calls} of {} operations have a method: compare the document with resources/ in {}",
        places(&api),
        folder.display()
    );
    let mut mypy = venv.command(repo, "mypy");
    mypy.current_dir(&folder).args(["--strict", "--no-error-summary", "--config-file="]);
    process::run(mypy.args(["-p", "novai"]).env("MYPYPATH", "src"))?;
    Ok(Row { operations: api.operations.len(), modules: *modules, lines, milliseconds })
}

/// Methods and paths that differ.
fn places(api: &Api) -> usize {
    let mut places: Vec<_> =
        api.operations.iter().map(|known| (known.method.as_str(), &known.path)).collect();
    places.sort_unstable();
    places.dedup();
    places.len()
}

/// The hand-written half of the package.
fn copy_runtime(repo: &Repo, folder: &Path) -> Result<()> {
    let generated = format!("{FOLDER}/{GENERATED}/");
    for file in repo.files(&format!("{FOLDER}/src"))?.iter().filter(|file| !file.starts_with(&generated)) {
        let to = folder.join(file.trim_start_matches(FOLDER).trim_start_matches('/'));
        fs::create_dir_all(to.parent().context("a folder")?)?;
        fs::copy(repo.path(file), &to).with_context(|| format!("cannot copy {file}"))?;
    }
    Ok(())
}
