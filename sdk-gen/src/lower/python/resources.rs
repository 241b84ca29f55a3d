//! The tree of namespaces → one module per namespace, and the client that holds the first of them.

use crate::diagnostic::Diagnostics;
use crate::ir::model::Api;
use crate::lower::shared::docs::{first_sentence, wrapped};
use crate::lower::shared::tree::{Node, tree};

use super::Options;
use super::docs;
use super::folds::Folds;
use super::methods::{self, Module};
use super::model::{Child, Client, ResourceModule, Returns};
use super::names::{self, Scope};
use super::types::Types;

pub struct Resources {
    pub modules: Vec<ResourceModule>,
    pub roots: Vec<Child>,
}

pub fn lower(api: &Api, types: &Types<'_>, folds: &Folds, diagnostics: &mut Diagnostics) -> Resources {
    let tree = tree(api);
    let mut type_names = types.scope.clone();
    let mut files = Scope::with(&[]);
    let named: Vec<Child> = tree
        .nodes
        .iter()
        .map(|node| {
            let parts: Vec<String> = node.path.iter().map(|words| words.0.join("_")).collect();
            let joined = parts.join("_");
            let mut class = names::class(&joined);
            // A schema and a namespace may have one name; the schema keeps it.
            if type_names.is_taken(&class) {
                class = format!("{class}Resource");
            }
            Child {
                accessor: names::of_words(&node.name()),
                class: type_names.claim(class),
                file: files.claim(names::snake(&joined)),
                docs: first_sentence(node.description),
            }
        })
        .collect();
    let mut client_scope = Scope::with(names::TAKEN_CLIENT);
    let roots: Vec<Child> = tree.roots.iter().map(|&root| claimed(&mut client_scope, &named[root])).collect();
    // What users write; a parent comes before its children.
    let mut dotted: Vec<String> = vec![String::new(); named.len()];
    for (&root, child) in tree.roots.iter().zip(&roots) {
        dotted[root] = format!("client.{}", child.accessor);
    }
    let mut modules = Vec::new();
    for (at, node) in tree.nodes.iter().enumerate() {
        let mut module = module(types, folds, node, &named, at, diagnostics);
        for (&child, known) in node.children.iter().zip(&module.children) {
            dotted[child] = format!("{}.{}", dotted[at], known.accessor);
        }
        module.dotted.clone_from(&dotted[at]);
        modules.push(module);
    }
    Resources { modules, roots }
}

fn claimed(scope: &mut Scope, child: &Child) -> Child {
    Child { accessor: scope.claim(child.accessor.clone()), ..child.clone() }
}

fn module(
    types: &Types<'_>,
    folds: &Folds,
    node: &Node<'_>,
    named: &[Child],
    at: usize,
    diagnostics: &mut Diagnostics,
) -> ResourceModule {
    let mut scope = Scope::with(names::TAKEN_METHODS);
    let mut module = Module::default();
    let mut lowered = Vec::new();
    for operation in &node.operations {
        let name = scope.claim(names::of_words(&operation.method_name));
        let mut method = methods::method(types, folds, operation, name, &mut module, diagnostics);
        if let Returns::Twin { stream_name, .. } = &mut method.returns {
            *stream_name = scope.claim(std::mem::take(stream_name));
        }
        if let Some(wait) = &mut method.wait {
            wait.name = scope.claim(std::mem::take(&mut wait.name));
        }
        lowered.push(method);
    }
    let children = node.children.iter().map(|&child| claimed(&mut scope, &named[child])).collect();
    let mut text = wrapped(node.description, docs::WIDTH);
    if text.is_empty() {
        let last = node.name().0.join(" ");
        let mut chars = last.chars();
        let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        text = vec![format!("{first}{}.", chars.as_str())];
    }
    ResourceModule {
        file: named[at].file.clone(),
        dotted: String::new(),
        docs: text,
        imports: module.imports,
        type_imports: module.type_imports,
        operations: module.operations,
        class: named[at].class.clone(),
        children,
        methods: lowered,
    }
}

pub fn client(api: &Api, options: &Options, resources: &Resources) -> Client {
    Client {
        sync: options.client.to_owned(),
        asynchronous: format!("Async{}", options.client),
        children: resources.roots.clone(),
        docs: vec![format!("Every namespace of the {} API, on a client.", api.title)],
    }
}
