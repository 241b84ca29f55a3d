//! Namespaces: a file of functions and a class over them for each.
//!
//! Start at [`lower`].

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Api, Location, Operation, Words};
use crate::lower::shared::tree::{Node, tree};

use super::docs;
use super::imports;
use super::model::{Child, Resource};
use super::names::{self, Scope};
use super::operations::{self, File, Named};
use super::runtime;
use super::spell::Spelling;
use super::types::Places;

/// All namespaces, and those of the client itself. `scope`: every name that the package exports.
pub fn lower(
    api: &Api,
    spelling: &Spelling<'_>,
    places: &Places,
    scope: &mut Scope,
    diagnostics: &mut Diagnostics,
) -> (Vec<Resource>, Vec<Child>) {
    let tree = tree(api);
    let mut files = Scope::with(&["index"]);
    let names: Vec<Child> = tree.nodes.iter().map(|node| child(node, scope, &mut files)).collect();
    let mut roots: Vec<Child> = tree.roots.iter().map(|&at| names[at].clone()).collect();
    settle(&mut roots, &mut Scope::with(runtime::CLIENT_MEMBERS));
    let dotted = dotted(&tree.nodes);
    let functions = function_names(api, scope);
    let mut resources = Vec::new();
    for (at, node) in tree.nodes.iter().enumerate() {
        let mut file =
            File { api, spelling, scope: Scope::with(runtime::NAMES), plans: Vec::new(), params: Vec::new() };
        functions.values().for_each(|name| drop(file.scope.claim(name)));
        let mut methods = Scope::with(runtime::RESOURCE_MEMBERS);
        let mut all = Vec::new();
        for operation in &node.operations {
            let method = methods.claim(&names::member(&operation.method_name));
            let function = functions.get(operation.origin.pointer.as_str()).cloned().unwrap_or_default();
            let call = format!("client.{}.{method}", dotted[at]);
            let named = Named { function: &function, method: &method, dotted: &call };
            let params = params_name(operation, scope);
            let mut claim = |function: &str, method: &str| (scope.claim(function), methods.claim(method));
            all.extend(operations::functions(&mut file, operation, &named, params, &mut claim, diagnostics));
        }
        let mut children: Vec<Child> = node.children.iter().map(|&at| names[at].clone()).collect();
        settle(&mut children, &mut methods);
        let File { plans, params, .. } = file;
        let own = names[at].clone();
        resources.push(Resource {
            dotted: dotted[at].clone(),
            function_imports: imports::of_functions(&all, &params, &plans, places),
            class_imports: imports::of_class(&all, &params, &children, &own.file, places),
            class: own.class,
            file: own.file,
            docs: own.docs,
            children,
            functions: all,
            plans,
            params,
        });
    }
    (resources, roots)
}

/// The type of an operation's parameters beside path and body; claimed only where there are some.
fn params_name(operation: &Operation, scope: &mut Scope) -> String {
    let name = names::type_name(&format!("{} params", operation.id));
    let declared = operation.params.iter().any(|param| param.location != Location::Path);
    if declared { scope.claim(&name) } else { name }
}

fn child(node: &Node<'_>, scope: &mut Scope, files: &mut Scope) -> Child {
    let joined: Vec<String> = node.path.iter().flat_map(|words| words.0.clone()).collect();
    let class = names::type_name(&Words(joined.clone()).pascal());
    let class = if scope.has(&class) { format!("{class}Resource") } else { class };
    Child {
        member: names::member(&node.name()),
        class: scope.claim(&class),
        file: files.claim(&names::file(&joined.join(" "))),
        docs: docs::prose(node.description),
    }
}

/// Names of namespaces that are free beside methods and each other.
fn settle(children: &mut [Child], scope: &mut Scope) {
    for child in children {
        child.member = scope.claim(&child.member);
    }
}

/// `chat.completions` for each node.
fn dotted(nodes: &[Node<'_>]) -> Vec<String> {
    let of = |node: &Node<'_>| node.path.iter().map(names::member).collect::<Vec<_>>().join(".");
    nodes.iter().map(of).collect()
}

/// The function of each operation, by its place in the document.
fn function_names<'a>(api: &'a Api, scope: &mut Scope) -> BTreeMap<&'a str, String> {
    let name = |id: &str| {
        let is_name = id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.chars().all(|c| c.is_ascii_alphanumeric())
            && names::identifier(&Words(vec![id.to_owned()])) == id;
        if is_name { id.to_owned() } else { names::identifier(&Words::split(id)) }
    };
    api.operations
        .iter()
        .map(|operation| (operation.origin.pointer.as_str(), scope.claim(&name(&operation.id))))
        .collect()
}
