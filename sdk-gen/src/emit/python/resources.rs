//! `resources/`: one module per namespace, with its class for plain calls and its twin for asyncio.

use crate::lower::python::model::{Child, Imports, Package, ResourceModule, Returns};

use super::methods;
use super::text::Text;

/// Which of the two classes is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    Plain,
    Async,
}

impl Flavour {
    pub fn pick<'t>(self, plain: &'t str, asynchronous: &'t str) -> &'t str {
        match self {
            Flavour::Plain => plain,
            Flavour::Async => asynchronous,
        }
    }
}

pub fn emit(package: &Package) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = package
        .resources
        .iter()
        .map(|module| (format!("resources/{}.py", module.file), self::module(module)))
        .collect();
    let text = Text::module(&["The namespaces of the client, each loaded when it is first used."]);
    files.push(("resources/__init__.py".to_owned(), text.finish()));
    files
}

fn module(module: &ResourceModule) -> String {
    let first = module.docs.first().map(String::as_str).unwrap_or_default();
    let mut lines = vec![format!("`{}`: {first}", module.dotted)];
    lines.extend(module.docs.iter().skip(1).cloned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut w = Text::module(&lines);
    let mut imports = module.imports.clone();
    let mut type_imports = module.type_imports.clone();
    imports.add("...resource", "Resource");
    imports.add("...resource", "AsyncResource");
    imports.add("typing", "TYPE_CHECKING");
    if !module.methods.is_empty() {
        type_imports.add("...options", "RequestOptions");
        type_imports.add("typing_extensions", "Unpack");
        imports.add("...response", "to_raw");
        imports.add("...response", "to_raw_async");
        imports.add("functools", "cached_property");
    }
    for method in &module.methods {
        if method.wait.is_some() {
            imports.add("typing", "Optional");
        }
        match &method.returns {
            Returns::Either { .. } => {
                imports.add("typing", "overload");
                streams(&mut type_imports);
            }
            Returns::Stream { .. } | Returns::Twin { .. } => streams(&mut type_imports),
            Returns::Pages { .. } => {
                type_imports.add("...pages", "AsyncPages");
                type_imports.add("...pages", "Page");
            }
            Returns::Whole { .. } => {}
        }
    }
    if !module.children.is_empty() {
        imports.add("functools", "cached_property");
        for child in &module.children {
            type_imports.add(&format!(".{}", child.file), &child.class);
            type_imports.add(&format!(".{}", child.file), &format!("Async{}", child.class));
        }
    }
    // From the standard library, all at once; what is only for annotations costs no import at run time.
    for name in type_imports.modules.remove("typing").unwrap_or_default() {
        imports.add("typing", &name);
    }
    for (module, names) in &imports.modules {
        if let Some(known) = type_imports.modules.get_mut(module) {
            known.retain(|name| !names.contains(name));
        }
    }
    type_imports.modules.retain(|_, names| !names.is_empty());
    w.blank(1);
    w.line("from __future__ import annotations");
    w.blank(1);
    w.imports(&imports);
    if !type_imports.modules.is_empty() {
        w.blank(1);
        w.open("if TYPE_CHECKING:");
        w.imports(&type_imports);
        w.dedent();
    }
    if !module.operations.is_empty() {
        w.blank(1);
    }
    for operation in &module.operations {
        w.call(&format!("{} = ", operation.name), &operation.value, "");
    }
    for flavour in [Flavour::Plain, Flavour::Async] {
        w.gap();
        class(&mut w, module, flavour);
    }
    for flavour in [Flavour::Plain, Flavour::Async] {
        if !module.methods.is_empty() {
            w.gap();
            raw_class(&mut w, module, flavour);
        }
    }
    w.finish()
}

fn streams(imports: &mut Imports) {
    imports.add("...stream", "AsyncStream");
    imports.add("...stream", "Stream");
}

fn class(w: &mut Text, module: &ResourceModule, flavour: Flavour) {
    let name = format!("{}{}", flavour.pick("", "Async"), module.class);
    w.open(format!("class {name}({}):", flavour.pick("Resource", "AsyncResource")));
    w.docstring(&module.docs);
    for child in &module.children {
        w.gap();
        self::child(w, child, flavour);
    }
    if !module.methods.is_empty() {
        w.gap();
        w.line("@cached_property");
        w.open(format!("def with_raw_response(self) -> {name}WithRawResponse:"));
        w.line("\"\"\"The same methods; each returns its reply's status and headers, too.\"\"\"");
        w.line(format!("return {name}WithRawResponse(self)"));
        w.dedent();
    }
    for method in &module.methods {
        methods::emit(w, method, flavour);
    }
    w.dedent();
}

pub fn child(w: &mut Text, child: &Child, flavour: Flavour) {
    let class = format!("{}{}", flavour.pick("", "Async"), child.class);
    w.line("@cached_property");
    w.open(format!("def {}(self) -> {class}:", child.accessor));
    if !child.docs.is_empty() {
        w.docstring(std::slice::from_ref(&child.docs));
    }
    w.line(format!("from .{} import {class}", child.file));
    w.blank(1);
    w.line(format!("return {class}(self._core)"));
    w.dedent();
}

fn raw_class(w: &mut Text, module: &ResourceModule, flavour: Flavour) {
    let name = format!("{}{}", flavour.pick("", "Async"), module.class);
    w.open(format!("class {name}WithRawResponse:"));
    w.line(format!("\"\"\"`{}.with_raw_response`\"\"\"", module.dotted));
    w.blank(1);
    w.open(format!("def __init__(self, resource: {name}) -> None:"));
    let to_raw = flavour.pick("to_raw", "to_raw_async");
    for method in &module.methods {
        w.line(format!("self.{} = {to_raw}(resource.{})", method.name, method.name));
        if let Returns::Twin { stream_name, .. } = &method.returns {
            w.line(format!("self.{stream_name} = {to_raw}(resource.{stream_name})"));
        }
    }
    w.dedent();
    w.dedent();
}
