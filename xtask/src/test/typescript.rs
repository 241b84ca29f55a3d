//! The TypeScript SDK where node and npm are there: its own tests, its package in clean folders and other runtimes, its
//! examples, and what the generator makes of other people's documents under the strictest compiler flags.
//!
//! Start at [`package`]. What is tested is written in TypeScript, in `sdk-typescript`; here is only the order.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use sdk_gen::{Target, diagnostic::Diagnostics};

use super::Outcome;
use crate::{
    debian, process,
    repo::{Repo, SHARED_ABSENT},
    server::{API_KEY, Server},
};

const FOLDER: &str = "sdk-typescript";
const NO_NPM: &str = "npm is not installed";

/// Documents that must be taken whole. What one of them needs and the generator lacks is an error there.
const CORPUS: [&str; 6] = [
    "museum.yaml",
    "ollama.yaml",
    "agent-protocol.json",
    "opc-baseline-3.1.yaml",
    "mistral.yaml",
    "openai.yaml",
];
/// Documents of our own that hold what published ones do not.
const CASES: [&str; 2] = ["hostile_names.yaml", "operations.yaml"];

/// Types, format, tests, tarball, examples.
pub fn package(repo: &Repo) -> Result<Outcome> {
    if !has_npm() {
        return Ok(Outcome::Skipped(NO_NPM.into()));
    }
    install(repo, FOLDER)?;
    for script in ["check", "format", "test", "package"] {
        npm(repo, &["run", "--silent", script])?;
    }
    let server = server(repo, "typescript-examples")?;
    let mut examples = node(repo, &["scripts/examples.mjs"]);
    process::run(with_gateway(&mut examples, &server))?;
    Ok(Outcome::Passed(
        "types, format, tests, tarball by import and require, examples against novai-sim".into(),
    ))
}

/// Deno, Bun and a headless Chromium.
pub fn platforms(repo: &Repo) -> Result<Outcome> {
    if !has_npm() {
        return Ok(Outcome::Skipped(NO_NPM.into()));
    }
    install(repo, FOLDER)?;
    if let Err(error) = install(repo, &format!("{FOLDER}/platforms")) {
        return Ok(Outcome::Skipped(format!("{error:#}")));
    }
    install_chromium();
    npm(repo, &["run", "--silent", "build"])?;
    let printed = process::capture(&mut node(repo, &["scripts/package.mjs"]))?;
    let folder = printed.lines().last().context("scripts/package.mjs printed no folder")?;
    let server = server(repo, "typescript-platforms")?;
    let mut run = node(repo, &["platforms/run.mjs", folder]);
    let status = with_gateway(&mut run, &server).status().context("cannot start node")?;
    fs::remove_dir_all(folder).with_context(|| format!("cannot remove {folder}"))?;
    match status.code() {
        Some(0) => {
            Ok(Outcome::Passed("Deno and Bun: types, call, stream; Chromium: guard, stream, abort".into()))
        }
        Some(2) => Ok(Outcome::Skipped("not every platform is installed; see above".into())),
        _ => bail!("platforms/run.mjs ended with {status}"),
    }
}

/// Where there is no browser of its kind. It needs root and Debian's packages; without them, `platforms/run.mjs` skips it.
fn install_chromium() {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let is_there = |name| process::version(name, &["--version"]).is_some();
    if std::env::var_os("CHROMIUM").is_some() || names.into_iter().any(is_there) {
        return;
    }
    if let Err(error) = debian::install("chromium") {
        eprintln!("{error:#}");
    }
}

/// Other people's documents: every operation is there, the compiler has nothing to say, and the formatter neither.
pub fn corpus(repo: &Repo) -> Result<Outcome> {
    if !has_npm() {
        return Ok(Outcome::Skipped(NO_NPM.into()));
    }
    let Some(shared) = repo.shared() else { return Ok(Outcome::Skipped(SHARED_ABSENT.into())) };
    install(repo, FOLDER)?;
    let published = CORPUS.map(|name| shared.join("corpus").join(name));
    let cases = CASES.map(|name| repo.path("sdk-gen/tests/typescript").join(name));
    let (mut operations, mut documents) = (0, 0);
    for path in published.iter().chain(&cases) {
        operations += document(repo, path).with_context(|| format!("{}", path.display()))?;
        documents += 1;
    }
    Ok(Outcome::Passed(format!(
        "{operations} operations of {documents} documents, tsc --strict and prettier content"
    )))
}

/// Generates one document beside a copy of the runtime, compiles and imports it. Returns how many operations it has.
fn document(repo: &Repo, path: &Path) -> Result<usize> {
    let text = fs::read_to_string(path)?;
    let mut diagnostics = Diagnostics::default();
    let api = sdk_gen::read(&text, &mut diagnostics).context("this is no OpenAPI document")?;
    let files = sdk_gen::generate(&text, Target::TypeScript).map_err(|all| {
        let errors: Vec<String> = all.items().iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", errors.join("\n"))
    })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // Inside the SDK's folder, so that its tools are found; `build` is no part of the package.
    let folder = repo.path(FOLDER).join("build/corpus").join(name.replace('.', "-"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for file in &files {
        write(&folder.join("src/generated").join(&file.path), &file.contents)?;
    }
    for file in repo.files(&format!("{FOLDER}/src/runtime"))? {
        let to = file.trim_start_matches(FOLDER).trim_start_matches('/');
        write(&folder.join(to), &repo.read(&file)?)?;
    }
    let config = r#"{
  "extends": "../../../tsconfig.json",
  "compilerOptions": { "noEmit": false, "rootDir": "src", "outDir": "out" },
  "include": ["src"]
}
"#;
    write(&folder.join("tsconfig.json"), config)?;
    let reference = files.iter().find(|file| file.path == "api.md").context("there is no api.md")?;
    let missing: Vec<String> = api
        .operations
        .iter()
        .map(|operation| format!("`{} {}`", operation.method.as_str().to_uppercase(), operation.path))
        .filter(|route| !reference.contents.contains(route.as_str()))
        .collect();
    ensure!(missing.is_empty(), "not generated: {}", missing.join(", "));
    let folder = folder.display();
    process::run(tool(repo, "tsc").args(["-p", &format!("{folder}/tsconfig.json")]))?;
    let sources = format!("{folder}/src/generated/**/*.ts");
    // As `.prettierrc` has it for generated files.
    let style = ["--no-config", "--single-quote", "--print-width", "100"];
    let quiet = ["--log-level", "warn", "--ignore-path", "/dev/null", "--check"];
    process::run(tool(repo, "prettier").args(style).args(quiet).arg(&sources))?;
    let import = format!(
        "const all = await import('{folder}/out/generated/index.js'); console.log(Object.keys(all).length, 'exports')"
    );
    process::run(&mut node(repo, &["--input-type=module", "--eval", &import]))?;
    let lines: usize = files.iter().map(|file| file.contents.lines().count()).sum();
    println!("{name}: {} operations, {} files, {lines} lines", api.operations.len(), files.len());
    Ok(api.operations.len())
}

fn write(path: &Path, contents: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, contents).with_context(|| format!("cannot write {}", path.display()))
}

fn server(repo: &Repo, scratch: &str) -> Result<Server> {
    process::run(process::cargo(repo).args(["build", "-q", "-p", "novai-server"]))?;
    Server::start(&repo.binary("debug", "novai"), &repo.scratch(scratch)?)
}

fn with_gateway<'c>(command: &'c mut Command, server: &Server) -> &'c mut Command {
    command
        .env("NOVAI_BASE_URL", &server.base_url)
        .env("NOVAI_API_KEY", API_KEY)
        .env("NOVAI_MODEL", "novai-sim")
}

fn has_npm() -> bool {
    process::version("npm", &["--version"]).is_some() && process::version("node", &["--version"]).is_some()
}

/// What the lock file or the manifest says, unless that is there already.
fn install(repo: &Repo, folder: &str) -> Result<()> {
    let folder = repo.path(folder);
    let modified = |path: PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let installed = modified(folder.join("node_modules/.package-lock.json"));
    let locked = folder.join("package-lock.json");
    // A lock lists binaries of every machine, and a mirror may have none but ours: the platforms have exact versions instead.
    let how: &[&str] = if locked.exists() { &["ci"] } else { &["install", "--no-package-lock"] };
    let wanted = modified(if locked.exists() { locked } else { folder.join("package.json") });
    if installed.is_some() && installed >= wanted {
        return Ok(());
    }
    let mut install = Command::new("npm");
    process::run(install.args(how).args(["--no-audit", "--no-fund"]).current_dir(folder))
}

fn npm(repo: &Repo, arguments: &[&str]) -> Result<()> {
    process::run(Command::new("npm").args(arguments).current_dir(repo.path(FOLDER)))
}

fn node(repo: &Repo, arguments: &[&str]) -> Command {
    let mut command = Command::new("node");
    command.args(arguments).current_dir(repo.path(FOLDER));
    command
}

fn tool(repo: &Repo, name: &str) -> Command {
    let mut command = Command::new(repo.path(FOLDER).join("node_modules/.bin").join(name));
    command.current_dir(repo.path(FOLDER));
    command
}
