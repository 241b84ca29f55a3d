//! `sdk-gen --spec FILE --target T --out DIR`: reads a document, writes generated files. All else is in the library.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use sdk_gen::{OutputFile, Target, diagnostic::Diagnostics};

/// Generates a server interface or an SDK from an OpenAPI 3.0 or 3.1 document.
///
/// What is wrong with the document goes to stderr as `file:line:column: error: message`. Exits with 1 if anything is;
/// nothing is written then.
#[derive(Parser)]
#[command(name = "sdk-gen", version)]
struct Arguments {
    /// The document, YAML or JSON.
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
    /// server-types, server-api, rust, python, typescript; or `ir`, which prints what was understood.
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// Where the files go. Generated files there that are no longer generated are deleted.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// First line of every generated file, behind the comment sign of its language.
const GENERATED_MARK: &str = "@generated";
/// Deepest directory below `--out` that is searched for stale files.
const DEPTH_MAX: usize = 16;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the document had no errors.
fn run(arguments: &Arguments) -> Result<bool> {
    let path = &arguments.spec;
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let target = match arguments.target.as_str() {
        "ir" => None,
        name => Some(Target::from_str(name).map_err(anyhow::Error::msg)?),
    };
    let mut diagnostics = Diagnostics::default();
    let api = sdk_gen::read(&text, &mut diagnostics);
    let mut files = Vec::new();
    if let (Some(api), Some(target), false) = (&api, target, diagnostics.has_errors()) {
        files = sdk_gen::files(api, target, &mut diagnostics);
    }
    for item in diagnostics.items() {
        eprintln!("{}:{item}", path.display());
    }
    match (api, target, &arguments.out) {
        (Some(api), None, _) => {
            print!("{}", sdk_gen::ir::print(&api));
            eprintln!("{}", sdk_gen::ir::coverage(&api, &diagnostics));
        }
        (_, Some(_), None) => bail!("--out is missing: where shall the files go?"),
        (_, Some(_), Some(out)) if !diagnostics.has_errors() => write(out, &files)?,
        _ => {}
    }
    Ok(!diagnostics.has_errors())
}

/// Writes what differs, so that unchanged files keep their time stamp, and deletes what is stale.
fn write(out: &Path, files: &[OutputFile]) -> Result<()> {
    let mut current = BTreeSet::new();
    for file in files {
        let path = out.join(&file.path);
        if fs::read_to_string(&path).ok().as_deref() != Some(&file.contents) {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            }
            fs::write(&path, &file.contents).with_context(|| format!("cannot write {}", path.display()))?;
        }
        current.insert(path);
    }
    delete_stale(out, &current, 0)
}

fn delete_stale(directory: &Path, current: &BTreeSet<PathBuf>, depth: usize) -> Result<()> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() && depth < DEPTH_MAX {
            delete_stale(&path, current, depth + 1)?;
        } else if kind.is_file() && !current.contains(&path) && is_generated(&path) {
            fs::remove_file(&path).with_context(|| format!("cannot delete {}", path.display()))?;
        }
    }
    Ok(())
}

/// Only a file that says so itself; hand-written ones beside it stay.
fn is_generated(path: &Path) -> bool {
    let first_line = |text: String| text.lines().next().is_some_and(|line| line.contains(GENERATED_MARK));
    fs::read_to_string(path).is_ok_and(first_line)
}
