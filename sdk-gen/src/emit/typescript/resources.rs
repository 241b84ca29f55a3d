//! One class per namespace, and the client with the first of them.

use crate::lower::typescript::Client;
use crate::lower::typescript::model::{Child, Function, Resource, Wait};

use super::begin;
use super::functions::{answer, argument, wait_parts};
use super::layout::{Layout, Part, Returned};
use super::spell::variants;
use super::types::imports;

pub fn file(resource: &Resource) -> String {
    let mut w = begin(&[format!("The namespace `{}`.", resource.dotted)]);
    imports(&mut w, &resource.class_imports);
    w.gap();
    let docs = if resource.docs.is_empty() {
        vec![format!("`client.{}`", resource.dotted)]
    } else {
        resource.docs.clone()
    };
    w.docs(&docs);
    w.open(format!("export class {} extends Resource {{", resource.class));
    for child in &resource.children {
        w.gap();
        self::child(&mut w, child, "this.client");
    }
    for function in &resource.functions {
        w.gap();
        method(&mut w, function);
        if let Some(wait) = &function.wait {
            w.gap();
            self::wait(&mut w, function, wait);
        }
    }
    w.close("}");
    w.finish()
}

fn child(w: &mut Layout, child: &Child, client: &str) {
    w.docs(&child.docs);
    let left = format!("readonly {}: {} =", child.member, child.class);
    let right = format!("new {}({client});", child.class);
    let one = format!("{left} {right}");
    // Prettier opens the call if what is before its argument fits, and breaks behind the sign if it does not.
    if w.fits(&one) {
        w.line(one);
    } else if w.fits(&format!("{left} new {}(", child.class)) {
        w.call(&format!("{left} new {}", child.class), &[client.to_owned()], ";");
    } else {
        w.open(left);
        w.line(right);
        w.dedent();
    }
}

fn method(w: &mut Layout, function: &Function) {
    let parts = |narrowed: Option<&str>| {
        let mut parts: Vec<Part> =
            function.arguments.iter().map(|argument| self::argument(argument, narrowed)).collect();
        parts.push(Part::of("options?", "RequestOptions"));
        parts
    };
    for signature in &function.signatures {
        w.docs(&signature.docs);
        if function.signatures.len() > 1 {
            let parts = parts(signature.narrowed.as_deref());
            w.signature(&function.method, &parts, &answer(&signature.answer), ";");
        }
    }
    let Some(last) = function.signatures.last() else { return };
    w.signature(&function.method, &parts(None), &answer(&last.answer), " {");
    w.indent();
    forward(w, &function.name, function);
    w.close("}");
}

fn wait(w: &mut Layout, function: &Function, wait: &Wait) {
    w.docs(&wait.docs);
    let returned = Returned { name: "Promise", variants: variants(&wait.ty) };
    w.signature(&wait.method, &wait_parts(function), &returned, " {");
    w.indent();
    forward(w, &wait.name, function);
    w.close("}");
}

/// Calls the function with the arguments of the method.
fn forward(w: &mut Layout, name: &str, function: &Function) {
    let mut arguments = vec!["this.client".to_owned()];
    arguments.extend(function.arguments.iter().map(|argument| argument.name.clone()));
    arguments.push("options".to_owned());
    w.call(&format!("return {name}"), &arguments, ";");
}

/// The class that users make.
pub fn client(client: &Client) -> String {
    let mut w = begin(&[format!("`{}`: the client with its namespaces.", client.name)]);
    w.line("import { Client } from '../runtime/client.js';");
    let mut roots: Vec<&Child> = client.roots.iter().collect();
    roots.sort_by(|a, b| a.file.cmp(&b.file));
    for root in roots {
        w.import("import", std::slice::from_ref(&root.class), &format!("./resources/{}.js", root.file));
    }
    w.gap();
    w.docs(&client.docs);
    w.open(format!("export class {} extends Client {{", client.name));
    for root in &client.roots {
        w.gap();
        child(&mut w, root, "this");
    }
    w.close("}");
    w.finish()
}
