//! Every target on published documents: files, or diagnostics, never a panic; and the same bytes each time.
//!
//! The documents lie beside the repository, not in it; without them the test says so and passes.

// A helper of tests may panic as they do.
#![allow(clippy::unwrap_used)]

mod common;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use sdk_gen::{Target, generate};

fn corpus() -> Option<PathBuf> {
    let shared = env::var_os("NOVAI_SHARED_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let corpus = shared.join("corpus");
    corpus.is_dir().then_some(corpus)
}

fn documents(folder: &Path) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "json"));
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// Generates twice; what comes out is parsed, where Rust can: as Rust or JSON. Returns a line for people.
fn check(name: &str, text: &str, target: Target) -> String {
    let label = format!("{name} {}", target.as_str());
    let files = match generate(text, target) {
        Ok(files) => files,
        Err(diagnostics) => {
            let errors: Vec<String> = diagnostics.items().iter().map(ToString::to_string).collect();
            assert!(diagnostics.has_errors(), "{label}: refused without a reason");
            return format!(
                "{label}: {} diagnostics, first: {}",
                errors.len(),
                errors[0].lines().next().unwrap_or("")
            );
        }
    };
    assert!(generate(text, target).is_ok_and(|again| again == files), "{label}: not the same twice");
    for file in &files {
        if file.path.ends_with(".rs") {
            let error = syn::parse_file(&file.contents).err();
            assert!(error.is_none(), "{label}: {}: {error:?}\n{}", file.path, file.contents);
        } else if file.path.ends_with(".json") {
            serde_json::from_str::<serde_json::Value>(&file.contents).unwrap();
        }
    }
    format!(
        "{label}: {} files, {} lines",
        files.len(),
        files.iter().map(|file| file.contents.lines().count()).sum::<usize>()
    )
}

#[test]
fn published_documents_give_files_or_diagnostics() {
    let Some(corpus) = corpus() else {
        println!("skipped: ../shared is absent");
        return;
    };
    for (name, text) in documents(&corpus) {
        for &target in Target::ALL {
            println!("{}", check(&name, &text, target));
        }
    }
}

#[test]
fn our_document_and_the_rules_give_files_or_diagnostics() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = documents(&root.join("tests/emit"));
    all.iter_mut().for_each(|(_, text)| *text = common::document(text));
    all.extend(documents(&root.join("tests/rules")));
    all.push(("ours".to_owned(), fs::read_to_string(root.join("../spec/openapi.yaml")).unwrap()));
    for (name, text) in all {
        for &target in Target::ALL {
            println!("{}", check(&name, &text, target));
        }
    }
}
