//! `cargo xtask gen`: spec/ → every generated folder, or with `--check` a comparison byte by byte.
//!
//! What is generated is sdk-gen's affair, and [`proto`]'s; which folder it lands in, and that nothing stale stays there,
//! is decided here.

mod proto;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use sdk_gen::{OutputFile, Target, diagnostic::Diagnostics};

use crate::{repo::Repo, table::Table};

pub const SPEC: &str = "spec/openapi.yaml";

/// Each target with the folder that belongs to it alone: a file there that the generator does not write is stale.
pub const TARGETS: [(Target, &str); 5] = [
    (Target::ServerTypes, "server/types/src/generated"),
    (Target::ServerApi, "server/api/src/generated"),
    (Target::Rust, "sdk-rust/src/generated"),
    (Target::Python, "sdk-python/src/novai/_generated"),
    (Target::TypeScript, "sdk-typescript/src/generated"),
];

/// Generated files that people look for at the top of an SDK: target's folder, name, where it goes.
const MOVED: [(&str, &str, &str); 2] = [
    ("sdk-python/src/novai/_generated", "api.md", "sdk-python/api.md"),
    ("sdk-typescript/src/generated", "api.md", "sdk-typescript/api.md"),
];

/// Where a generated file goes, from the repository's root.
fn place(folder: &str, file: &str) -> String {
    let moved = MOVED.iter().find(|(from, name, _)| *from == folder && *name == file);
    moved.map_or_else(|| format!("{folder}/{}", Path::new(file).display()), |(_, _, to)| (*to).to_owned())
}

#[derive(clap::Args)]
pub struct Options {
    /// Writes nothing; fails where a committed file is not what the spec gives.
    #[arg(long)]
    pub check: bool,
}

pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    let started = Instant::now();
    let all = generate_all(repo)?;
    let mut table = Table::new(["folder", "files", "lines", "ms", ""]);
    let mut stale = Vec::new();
    for (folder, generated) in &all {
        let drift = drift(repo, folder, &generated.files)?;
        if !options.check {
            apply(repo, folder, &generated.files, &drift)?;
        }
        let lines: usize = generated.files.iter().map(|file| file.contents.lines().count()).sum();
        table.row([
            (*folder).to_owned(),
            generated.files.len().to_string(),
            lines.to_string(),
            generated.took.as_millis().to_string(),
            drift.summary(options.check),
        ]);
        stale.extend(drift.all());
    }
    print!("{table}");
    println!("{} ms in all", started.elapsed().as_millis());
    if options.check && !stale.is_empty() {
        bail!("{}", stale.iter().map(|path| stale_message(path)).collect::<Vec<_>>().join("\n"));
    }
    Ok(())
}

/// The message is the fix.
pub fn stale_message(path: &str) -> String {
    format!("{path} is stale: run \"cargo xtask gen\" and commit the result")
}

/// Paths of every generated file that is not what the spec gives.
pub fn stale_files(repo: &Repo) -> Result<Vec<String>> {
    let mut stale = Vec::new();
    for (folder, generated) in generate_all(repo)? {
        stale.extend(drift(repo, folder, &generated.files)?.all());
    }
    Ok(stale)
}

struct Generated {
    files: Vec<OutputFile>,
    took: Duration,
}

/// How many folders hold nothing but generated files.
pub const FOLDERS: usize = TARGETS.len() + 1;

/// One thread per target: they share nothing but the spec's text.
fn generate_all(repo: &Repo) -> Result<Vec<(&'static str, Generated)>> {
    let spec = repo.read(SPEC)?;
    let spec = spec.as_str();
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = TARGETS
            .map(|(target, folder)| (folder, scope.spawn(move || generate_one(spec, target))))
            .into_iter()
            .collect();
        running.into_iter().map(|(folder, thread)| (folder, thread.join())).collect()
    });
    let mut all = Vec::new();
    for (folder, result) in results {
        let Ok(result) = result else { bail!("the generator panicked while it made {folder}") };
        match result {
            Ok(generated) => all.push((folder, generated)),
            Err(diagnostics) => bail!("{}", describe(&diagnostics)),
        }
    }
    let started = Instant::now();
    all.push((proto::FOLDER, Generated { files: proto::generate(repo)?, took: started.elapsed() }));
    Ok(all)
}

fn generate_one(spec: &str, target: Target) -> Result<Generated, Diagnostics> {
    let started = Instant::now();
    let files = sdk_gen::generate(spec, target)?;
    Ok(Generated { files, took: started.elapsed() })
}

/// Every diagnostic with the file in front, so that a terminal makes it a link.
pub fn describe(diagnostics: &Diagnostics) -> String {
    let all: Vec<String> = diagnostics.items().iter().map(|item| format!("{SPEC}:{item}")).collect();
    all.join("\n")
}

#[derive(Default)]
struct Drift {
    /// Absent or different.
    changed: Vec<String>,
    /// On disk, but no longer generated.
    left_over: Vec<String>,
}

impl Drift {
    fn all(self) -> Vec<String> {
        self.changed.into_iter().chain(self.left_over).collect()
    }

    fn summary(&self, check: bool) -> String {
        match (self.changed.len(), self.left_over.len(), check) {
            (0, 0, _) => "fresh".into(),
            (changed, left_over, true) => format!("{changed} stale, {left_over} left over"),
            (changed, left_over, false) => format!("{changed} written, {left_over} removed"),
        }
    }
}

fn drift(repo: &Repo, folder: &str, files: &[OutputFile]) -> Result<Drift> {
    let wanted: BTreeMap<String, &str> =
        files.iter().map(|file| (place(folder, &file.path), file.contents.as_str())).collect();
    let on_disk = repo.files(folder)?;
    let mut drift = Drift::default();
    for (path, contents) in &wanted {
        let same = repo.path(path).is_file() && fs::read(repo.path(path))? == contents.as_bytes();
        if !same {
            drift.changed.push(path.clone());
        }
    }
    drift.left_over = on_disk.into_iter().filter(|path| !wanted.contains_key(path)).collect();
    Ok(drift)
}

fn apply(repo: &Repo, folder: &str, files: &[OutputFile], drift: &Drift) -> Result<()> {
    for path in &drift.left_over {
        // A person's file in a generated folder is a mistake, but not ours to delete.
        let is_ours = path.ends_with(".json") || repo.read(path)?.contains("@generated");
        ensure!(is_ours, "{path} is not generated: move it out of {folder}");
        fs::remove_file(repo.path(path)).with_context(|| format!("cannot remove {path}"))?;
    }
    for file in files {
        let path = place(folder, &file.path);
        if drift.changed.contains(&path) {
            let path = repo.path(&path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, &file.contents).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}
