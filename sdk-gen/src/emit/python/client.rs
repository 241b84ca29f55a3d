//! `client.py`: the clients with their namespaces.

use crate::lower::python::model::{Client, Imports};

use super::resources::{Flavour, child};
use super::text::Text;

pub fn emit(client: &Client) -> String {
    let docs: Vec<&str> = client.docs.iter().map(String::as_str).collect();
    let mut w = Text::module(&docs);
    let mut imports = Imports::default();
    imports.add("functools", "cached_property");
    imports.add("typing", "TYPE_CHECKING");
    imports.add("..client", "AsyncClient");
    imports.add("..client", "SyncClient");
    let mut type_imports = Imports::default();
    for child in &client.children {
        let module = format!(".resources.{}", child.file);
        type_imports.add(&module, &child.class);
        type_imports.add(&module, &format!("Async{}", child.class));
    }
    w.blank(1);
    w.line("from __future__ import annotations");
    w.blank(1);
    w.imports(&imports);
    if !client.children.is_empty() {
        w.blank(1);
        w.open("if TYPE_CHECKING:");
        w.imports(&type_imports);
        w.dedent();
    }
    for flavour in [Flavour::Plain, Flavour::Async] {
        w.gap();
        class(&mut w, client, flavour);
    }
    w.finish()
}

fn class(w: &mut Text, client: &Client, flavour: Flavour) {
    let (name, base) = match flavour {
        Flavour::Plain => (&client.sync, "SyncClient"),
        Flavour::Async => (&client.asynchronous, "AsyncClient"),
    };
    w.open(format!("class {name}({base}):"));
    w.line(format!("__doc__ = {base}.__doc__"));
    for known in &client.children {
        w.gap();
        let inside =
            crate::lower::python::model::Child { file: format!("resources.{}", known.file), ..known.clone() };
        child(w, &inside, flavour);
    }
    w.dedent();
}
