//! Published documents: each ends in an `Api` or in diagnostics, never in a panic, and the number of operations that can
//! be generated does not go down.
//!
//! The documents lie beside the repository, not in it; without them the test says so and passes.

#![allow(clippy::expect_used)]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use sdk_gen::{diagnostic::Diagnostics, ir, read};

fn corpus() -> Option<PathBuf> {
    let shared = env::var_os("NOVAI_SHARED_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let corpus = shared.join("corpus");
    corpus.is_dir().then_some(corpus)
}

#[test]
fn published_documents_are_covered() {
    let Some(corpus) = corpus() else {
        println!("skipped: ../shared is absent");
        return;
    };
    let entries = fs::read_dir(corpus).expect("readable");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "json"));
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("readable");
        let mut diagnostics = Diagnostics::default();
        match read(&text, &mut diagnostics) {
            Some(api) => {
                assert_eq!(ir::check(&api), Vec::<String>::new(), "{name}");
                let incomplete = api.types.iter().any(|def| !def.complete)
                    || api.operations.iter().any(|operation| !operation.complete);
                assert_eq!(
                    incomplete,
                    diagnostics.has_errors(),
                    "{name}: errors and incomplete parts go together"
                );
                lines.push(format!("{name}: {}", ir::coverage(&api, &diagnostics)));
            }
            None => {
                assert!(diagnostics.has_errors(), "{name} was refused without a reason");
                lines.push(format!("{name}: refused"));
            }
        }
    }
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("coverage", lines.join("\n"));
    });
}
