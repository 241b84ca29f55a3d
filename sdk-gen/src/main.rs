//! `sdk-gen --spec FILE --target T --out DIR`: reads a document, writes generated files. All else is in the library.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::Parser;
use sdk_gen::diagnostic::Diagnostics;

/// Generates a server interface or an SDK from an OpenAPI 3.0 or 3.1 document.
#[derive(Parser)]
#[command(name = "sdk-gen", version)]
struct Arguments {
    /// The document, YAML or JSON.
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
    /// `ir` prints what was understood, for people.
    #[arg(long, value_name = "TARGET", default_value = "ir")]
    target: String,
    /// Where the files go. Generated files there that are no longer generated are deleted.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

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
    let mut diagnostics = Diagnostics::default();
    let Some(api) = sdk_gen::read(&text, &mut diagnostics) else {
        print(path, &diagnostics);
        return Ok(false);
    };
    print(path, &diagnostics);
    println!("{api:#?}");
    eprintln!("{}", sdk_gen::ir::coverage(&api, &diagnostics));
    Ok(!diagnostics.has_errors())
}

/// `file:line:column: error: message`, which editors and CI turn into links.
fn print(path: &Path, diagnostics: &Diagnostics) {
    for item in diagnostics.items() {
        eprintln!("{}:{item}", path.display());
    }
}
