//! `folds.py`: how events are put together, for the runtime's accumulator.

use crate::lower::python::model::{Imports, Package};

use super::text::{Text, written};

/// Names of the runtime's `accumulate` that a plan may use.
const NAMES: [&str; 10] = [
    "APPEND_LIST",
    "APPEND_TEXT",
    "Dues",
    "FIRST",
    "Fold",
    "Plan",
    "REPLACE",
    "Snapshots",
    "by_index",
    "merge",
];

pub fn emit(package: &Package) -> Vec<(String, String)> {
    if package.folds.is_empty() {
        return Vec::new();
    }
    let mut imports = Imports::default();
    for fold in &package.folds {
        let text = written(&fold.value);
        let used =
            |name: &&str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == *name);
        NAMES.iter().filter(|name| used(name)).for_each(|name| imports.add("..accumulate", name));
    }
    let mut w = Text::module(&["How the events of each stream are put together (`x-merge`)."]);
    w.blank(1);
    w.line("from __future__ import annotations");
    w.blank(1);
    w.imports(&imports);
    for fold in &package.folds {
        w.blank(1);
        w.call(&format!("{} = ", fold.name), &fold.value, "");
        w.docstring(std::slice::from_ref(&fold.docs));
    }
    vec![("folds.py".to_owned(), w.finish())]
}
