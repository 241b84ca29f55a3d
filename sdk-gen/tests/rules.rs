//! Every rule of normalisation, as data: `rules/<rule>.yaml` holds schemas (or a whole document), and the snapshot of
//! that name what we make of them.

#![allow(clippy::expect_used)]

use std::fs;

use sdk_gen::{diagnostic::Diagnostics, ir, read};

/// A file without `openapi` is the inside of `components/schemas`.
fn document(text: &str) -> String {
    if text.starts_with("openapi:") {
        return text.to_owned();
    }
    let schemas: String = text.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "openapi: 3.1.0\ninfo: {{ title: Rule, version: '1' }}\npaths: {{}}\ncomponents:\n  schemas:\n{schemas}"
    )
}

fn check(name: &str, text: &str) {
    let mut diagnostics = Diagnostics::default();
    let api = read(&document(text), &mut diagnostics).expect("a rule is a readable document");
    assert_eq!(ir::check(&api), Vec::<String>::new(), "{name}");
    let said: Vec<_> = diagnostics.items().iter().map(ToString::to_string).collect();
    let snapshot = format!("{}\n---\n{}", ir::print(&api).trim(), said.join("\n"));
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "rules", omit_expression => true }, {
        insta::assert_snapshot!(name, snapshot);
    });
}

#[test]
fn rules_give_the_ir_in_their_snapshot() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules");
    let entries = fs::read_dir(directory).expect("the rules lie beside this file");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    assert!(!paths.is_empty(), "no rules in {directory}");
    for path in paths {
        let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
        check(&name, &fs::read_to_string(&path).expect("readable"));
    }
}

#[test]
fn same_document_gives_the_same_ir() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules");
    for name in ["operations", "pages", "streams"] {
        let text = fs::read_to_string(format!("{directory}/{name}.yaml")).expect("readable");
        let print = || {
            let mut diagnostics = Diagnostics::default();
            let api = read(&text, &mut diagnostics).expect("readable");
            format!("{api:?} {diagnostics:?}", diagnostics = diagnostics.items())
        };
        assert_eq!(print(), print(), "{name}");
    }
}
