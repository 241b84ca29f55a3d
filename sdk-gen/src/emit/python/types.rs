//! `types/`: models of what comes, loaded when one of them is first asked for.

use crate::lower::python::model::{Alias, Class, Package, TypesModule, ViewField, ViewItem};

use super::text::{Text, name_key, written};

pub fn emit(package: &Package) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = package
        .types
        .iter()
        .map(|module| (format!("types/{}.py", module.file), self::module(module)))
        .collect();
    files.push(("types/__init__.py".to_owned(), index(package)));
    files
}

fn module(module: &TypesModule) -> String {
    let docs: Vec<&str> = module.docs.iter().map(String::as_str).collect();
    let mut w = Text::module(&docs);
    w.blank(1);
    w.line("from __future__ import annotations");
    w.blank(1);
    w.imports(&module.imports);
    for item in &module.items {
        match item {
            ViewItem::Class(class) => {
                w.gap();
                self::class(&mut w, class);
            }
            ViewItem::Alias(alias) => {
                w.blank(1);
                self::alias(&mut w, alias);
            }
            ViewItem::Converter(assignment) => {
                w.blank(1);
                w.call(&format!("{}: {} = ", assignment.name, assignment.annotation), &assignment.value, "");
            }
        }
    }
    after_classes(&w.finish())
}

/// Two blank lines follow a class, whatever comes next.
pub fn after_classes(text: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        let top = !line.is_empty() && !line.starts_with([' ', ')', ']', '}', '"', '#']);
        if top && in_block && !line.starts_with("class ") {
            while out.last().is_some_and(|last| last.is_empty()) {
                out.pop();
            }
            out.extend(["", ""]);
        }
        if top {
            in_block = line.starts_with("class ");
        }
        out.push(line);
    }
    format!("{}\n", out.join("\n"))
}

fn class(w: &mut Text, class: &Class) {
    w.open(format!("class {}({}):", class.name, class.base));
    w.docstring(&class.docs);
    if !class.docs.is_empty() {
        w.blank(1);
    }
    w.line("__slots__ = ()");
    if !class.fields.is_empty() {
        w.blank(1);
    }
    class.fields.iter().for_each(|field| self::field(w, field));
    w.dedent();
}

fn field(w: &mut Text, field: &ViewField) {
    let head = format!("{}: {} = ", field.name, field.annotation);
    if w.fits(&format!("{head}{}", written(&field.value)))
        || !w.fits(&format!("{head}{}(", field.value.function))
    {
        w.line(format!("{head}{}", written(&field.value)));
    } else {
        broken_field(w, &head, field);
    }
    w.docstring(&field.docs);
}

/// The arguments on a line of their own.
fn broken_field(w: &mut Text, head: &str, field: &ViewField) {
    let one = written(&field.value);
    let inside =
        one.strip_prefix(&format!("{}(", field.value.function)).and_then(|rest| rest.strip_suffix(')'));
    w.open(format!("{head}{}(", field.value.function));
    w.line(inside.unwrap_or_default());
    w.dedent();
    w.line(")");
}

pub fn alias(w: &mut Text, alias: &Alias) {
    let head = format!("{} = ", alias.name);
    match alias.members.as_slice() {
        [] => w.line(format!("{head}Any")),
        [only] => member(w, &head, only, ""),
        several => {
            let one = format!("{head}Union[{}]", several.join(", "));
            if w.fits(&one) {
                w.line(one);
            } else {
                w.open(format!("{head}Union["));
                several.iter().for_each(|part| member(w, "", part, ","));
                w.dedent();
                w.line("]");
            }
        }
    }
    w.docstring(&alias.docs);
}

/// A member that is a long `Literal[…]` gets one value a line.
fn member(w: &mut Text, head: &str, text: &str, tail: &str) {
    let one = format!("{head}{text}{tail}");
    let inside = text.strip_prefix("Literal[").and_then(|rest| rest.strip_suffix(']'));
    match inside {
        Some(inside) if !w.fits(&one) => {
            w.open(format!("{head}Literal["));
            split(inside).into_iter().for_each(|part| w.line(format!("{part},")));
            w.dedent();
            w.line(format!("]{tail}"));
        }
        _ => w.line(one),
    }
}

/// Splits at commas outside of strings.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    let mut escaped = false;
    for c in text.chars() {
        match (quote, c) {
            (None, ',') => {
                parts.push(String::new());
                continue;
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open && !escaped => quote = None,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

/// A name that is meant to be imported from here.
fn export(w: &mut Text, module: &str, name: &str) {
    let one = format!("from {module} import {name} as {name}");
    if w.fits(&one) {
        w.line(one);
        return;
    }
    w.open(format!("from {module} import ("));
    w.line(format!("{name} as {name},"));
    w.dedent();
    w.line(")");
}

/// Names and the module of each, resolved on first use.
fn index(package: &Package) -> String {
    let mut modules: Vec<(String, Vec<&str>)> = Vec::new();
    for module in &package.types {
        let types = module.items.iter().filter(|item| !matches!(item, ViewItem::Converter(_)));
        let public = types.map(ViewItem::name);
        modules.push((format!(".{}", module.file), public.collect()));
    }
    for module in &package.params {
        let names = module.items.iter().map(|item| item.name());
        modules.push((format!("..params.{}", module.file), names.collect()));
    }
    let mut w = Text::module(&[
        "Types of the API: models of what it answers, and dicts of what requests hold (`…Param`).",
        "",
        "Each is loaded when it is first asked for.",
    ]);
    w.blank(1);
    w.line("from __future__ import annotations");
    w.blank(1);
    w.line("from typing import TYPE_CHECKING");
    w.blank(1);
    let mut all: Vec<&str> = Vec::new();
    if !modules.is_empty() {
        w.open("if TYPE_CHECKING:");
        let mut sorted: Vec<&(String, Vec<&str>)> = modules.iter().collect();
        sorted.sort_by_key(|(module, _)| {
            let dots = module.chars().take_while(|c| *c == '.').count();
            (std::cmp::Reverse(dots), module.clone())
        });
        for (module, names) in sorted {
            let mut names = names.clone();
            names.sort_by_key(|name| name_key(name));
            names.iter().for_each(|name| export(&mut w, module, name));
            all.extend(names);
        }
        w.dedent();
        w.blank(1);
    }
    w.open("_MODULES = {");
    for (module, names) in &modules {
        let mut names: Vec<&&str> = names.iter().collect();
        names.sort_unstable();
        match names.as_slice() {
            [only] if w.fits(&format!("\"{module}\": (\"{only}\",),")) => {
                w.line(format!("\"{module}\": (\"{only}\",),"));
            }
            names => {
                w.open(format!("\"{module}\": ("));
                names.iter().for_each(|name| w.line(format!("\"{name}\",")));
                w.dedent();
                w.line("),");
            }
        }
    }
    w.dedent();
    w.line("}");
    w.line("_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}");
    w.blank(1);
    // Type checkers have the imports above, and cannot read a list that is made at run time.
    w.open("if not TYPE_CHECKING:");
    w.line("__all__ = list(_MODULE_OF)");
    w.dedent();
    w.gap();
    w.open("def __getattr__(name: str) -> object:");
    w.line("from importlib import import_module");
    w.blank(1);
    w.open("if name not in _MODULE_OF:");
    w.line("raise AttributeError(f\"module {__name__!r} has no attribute {name!r}\")");
    w.dedent();
    w.line("value: object = getattr(import_module(_MODULE_OF[name], __name__), name)");
    w.line("globals()[name] = value");
    w.line("return value");
    w.dedent();
    w.gap();
    w.open("def __dir__() -> list[str]:");
    w.line("return sorted(_MODULE_OF)");
    w.dedent();
    w.finish()
}
