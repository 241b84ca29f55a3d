//! `params/`: dicts of what requests hold. Type checkers read them; a running program never has to.

use crate::lower::python::model::{DictType, Package, ParamItem, ParamsModule};
use crate::lower::python::names::quoted;

use super::text::Text;
use super::types::{after_classes, alias};

pub fn emit(package: &Package) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = package
        .params
        .iter()
        .map(|module| (format!("params/{}.py", module.file), self::module(module)))
        .collect();
    if !files.is_empty() {
        let text = Text::module(&["What requests hold, as plain dicts; also found in `types`."]);
        files.push(("params/__init__.py".to_owned(), text.finish()));
    }
    files
}

fn module(module: &ParamsModule) -> String {
    let docs: Vec<&str> = module.docs.iter().map(String::as_str).collect();
    let mut w = Text::module(&docs);
    w.blank(1);
    w.line("from __future__ import annotations");
    w.blank(1);
    w.imports(&module.imports);
    for item in &module.items {
        match item {
            ParamItem::Dict(dict) if dict.class_form => {
                w.gap();
                class(&mut w, dict);
            }
            ParamItem::Dict(dict) => {
                w.blank(1);
                call(&mut w, dict);
            }
            ParamItem::Alias(item) => {
                w.blank(1);
                alias(&mut w, item);
            }
        }
    }
    after_classes(&w.finish())
}

fn class(w: &mut Text, dict: &DictType) {
    w.open(format!("class {}(TypedDict, total=False):", dict.name));
    w.docstring(&dict.docs);
    if !dict.docs.is_empty() && !dict.keys.is_empty() {
        w.blank(1);
    }
    if dict.docs.is_empty() && dict.keys.is_empty() {
        w.line("pass");
    }
    for key in &dict.keys {
        w.line(format!("{}: {}", key.wire, key.annotation));
        w.docstring(&key.docs);
    }
    w.dedent();
}

/// Some key is no identifier.
fn call(w: &mut Text, dict: &DictType) {
    w.open(format!("{} = TypedDict(", dict.name));
    w.line(format!("{},", quoted(&dict.name)));
    w.open("{");
    for key in &dict.keys {
        w.line(format!("{}: {},", quoted(&key.wire), quoted(&key.annotation)));
    }
    w.dedent();
    w.line("},");
    w.line("total=False,");
    w.dedent();
    w.line(")");
    w.docstring(&dict.docs);
}
