//! Where an SDK puts an operation: `POST /chat/completions` is `chat.completions.create`.
//!
//! The path gives the resource, the operation id and the HTTP method give the method's name; `x-resource` and
//! `x-method` overrule both.

use std::collections::HashMap;

use super::{
    model::{Method, Operation, Shape, TypeDef, Words},
    names::singular,
    source::{At, Read},
    streams::resolve,
};

/// Verbs of operation ids, and what the method is called.
const VERBS: &[(&str, &str)] = &[
    ("list", "list"),
    ("create", "create"),
    ("add", "create"),
    ("new", "create"),
    ("get", "retrieve"),
    ("retrieve", "retrieve"),
    ("fetch", "retrieve"),
    ("read", "retrieve"),
    ("show", "retrieve"),
    ("view", "retrieve"),
    ("update", "update"),
    ("modify", "update"),
    ("edit", "update"),
    ("patch", "update"),
    ("put", "update"),
    ("delete", "delete"),
    ("remove", "delete"),
    ("destroy", "delete"),
];

/// Verbs that are a method's name themselves, as the last part of a path or the first word of an id.
const ACTIONS: &[&str] = &[
    "abort",
    "accept",
    "activate",
    "append",
    "approve",
    "archive",
    "buy",
    "cancel",
    "check",
    "clone",
    "close",
    "compact",
    "complete",
    "confirm",
    "connect",
    "count",
    "deactivate",
    "disable",
    "download",
    "enable",
    "execute",
    "export",
    "import",
    "login",
    "logout",
    "merge",
    "move",
    "pause",
    "ping",
    "poll",
    "preview",
    "publish",
    "refresh",
    "reject",
    "rename",
    "reset",
    "restart",
    "restore",
    "resume",
    "retry",
    "revoke",
    "run",
    "search",
    "send",
    "start",
    "stop",
    "submit",
    "sync",
    "test",
    "undo",
    "unarchive",
    "upload",
    "validate",
    "verify",
    "wait",
];

pub(super) fn name_resources(types: &[TypeDef], operations: &mut [Operation], nodes: &[At<'_>]) {
    for (operation, &at) in operations.iter_mut().zip(nodes) {
        let (resource, method) = infer(types, operation);
        operation.resource = declared_resource(at).unwrap_or(resource);
        let declared = at.text("x-method").map(Words::split).filter(|words| !words.is_empty());
        operation.method_name = declared.unwrap_or(method);
    }
    settle_collisions(operations);
}

/// `chat.completions`, or a list of names.
fn declared_resource(at: At<'_>) -> Option<Vec<Words>> {
    let names = at.texts("x-resource").into_iter();
    let words: Vec<_> =
        names.flat_map(|name| name.split('.')).map(Words::split).filter(|words| !words.is_empty()).collect();
    (!words.is_empty()).then_some(words)
}

fn infer(types: &[TypeDef], operation: &Operation) -> (Vec<Words>, Words) {
    let path = operation.path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_literal = |part: &str| !part.contains('{');
    let mut literals: Vec<Words> = parts
        .iter()
        .filter(|part| is_literal(part))
        .map(|part| Words::split(part))
        .filter(|w| !w.is_empty())
        .collect();
    while literals.len() > 1 && is_prefix(&literals[0]) {
        literals.remove(0);
    }
    if literals.len() == 1 && is_prefix(&literals[0]) {
        literals.clear();
    }
    if literals.is_empty() {
        let tag = operation.tags.first().map(|tag| Words::split(tag)).filter(|words| !words.is_empty());
        literals.push(tag.unwrap_or_else(|| Words(vec!["root".to_owned()])));
    }
    let id = short_id(operation);
    let first = id.0.first().map_or("", String::as_str);
    let ends_literal = parts.last().is_some_and(|part| is_literal(part));
    if ends_literal && literals.len() > 1 {
        let last = literals[literals.len() - 1].clone();
        // `submitOutputs` on `…/submit_outputs` is an action; `tool.list` on `…/tool` lists a resource.
        let names_action = last.0[0] == first && !id.0.iter().any(|word| known(word).is_some());
        if names_action || ACTIONS.contains(&last.0[0].as_str()) {
            literals.pop();
            return (literals, last);
        }
    }
    let method = method_name(types, operation, verb(&id), ends_literal);
    (literals, Words(vec![method]))
}

/// The words of the id, without the path and method that some frameworks append to every id.
fn short_id(operation: &Operation) -> Words {
    let words = Words::split(&operation.id);
    let mut suffix = Words::split(&operation.path).0;
    suffix.push(operation.method.as_str().to_owned());
    match words.0.strip_suffix(suffix.as_slice()) {
        Some(rest) if !rest.is_empty() => Words(rest.to_vec()),
        _ => words,
    }
}

/// What the method is called for a verb of [`VERBS`].
fn known(verb: &str) -> Option<&'static str> {
    VERBS.iter().find(|(name, _)| *name == verb).map(|(_, method)| *method)
}

/// The id's verb: its first word, or where that is none its last, as in `config.get`.
fn verb(id: &Words) -> &str {
    let words = [id.0.first(), id.0.last()].into_iter().flatten().map(String::as_str);
    words.into_iter().find(|word| known(word).is_some() || ACTIONS.contains(word)).unwrap_or_default()
}

/// Versions and the word `api`, which name no resource.
fn is_prefix(words: &Words) -> bool {
    let [word] = words.0.as_slice() else { return false };
    let version = word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    version || word == "api"
}

fn method_name(types: &[TypeDef], operation: &Operation, verb: &str, ends_literal: bool) -> String {
    let known = known(verb);
    let may_list = ends_literal && matches!(verb, "" | "get");
    let name = match (operation.method, known) {
        (Method::Get, Some("list")) => "list",
        (Method::Get, Some("retrieve") | None) if ACTIONS.contains(&verb) => verb,
        (Method::Get, Some("retrieve") | None) if may_list && answers_with_list(types, operation) => "list",
        (Method::Get, Some("retrieve") | None) => "retrieve",
        (_, Some(known)) => known,
        (_, None) if ACTIONS.contains(&verb) => verb,
        (Method::Post, None) if ends_literal => "create",
        (Method::Post | Method::Put | Method::Patch, None) => "update",
        (Method::Delete, None) => "delete",
        (Method::Head, None) => "head",
        (Method::Options, None) => "options",
        (Method::Trace, None) => "trace",
    };
    name.to_owned()
}

fn answers_with_list(types: &[TypeDef], operation: &Operation) -> bool {
    let Some(json) = operation.success.json else { return false };
    match resolve(types, json.id) {
        Shape::Array { .. } => true,
        Shape::Object(object) => object.fields.iter().any(|field| {
            matches!(field.name.as_str(), "data" | "items" | "results")
                && matches!(resolve(types, field.ty.id), Shape::Array { .. })
        }),
        _ => false,
    }
}

/// Two operations of one name: the one whose id says nothing but the resource keeps it, else the one of the shortest
/// id. The others are told apart by what their ids have beyond a common beginning, else take their whole id.
fn settle_collisions(operations: &mut [Operation]) {
    let mut by_name: HashMap<(Vec<Words>, Words), Vec<usize>> = HashMap::new();
    for (index, operation) in operations.iter().enumerate() {
        by_name.entry((operation.resource.clone(), operation.method_name.clone())).or_default().push(index);
    }
    for indexes in by_name.into_values().filter(|indexes| indexes.len() > 1) {
        let plain = indexes.iter().copied().find(|&index| is_plain(&operations[index]));
        let shortest = indexes.iter().copied().min_by_key(|&index| short_id(&operations[index]).0.len());
        let keeper = plain.or(shortest);
        let kept = keeper.map(|index| short_id(&operations[index])).unwrap_or_else(|| Words(Vec::new()));
        for index in indexes.into_iter().filter(|&index| Some(index) != keeper) {
            let id = short_id(&operations[index]);
            if let Some(rest) = id.0.strip_prefix(kept.0.as_slice()).filter(|rest| !rest.is_empty()) {
                operations[index].method_name.0.extend_from_slice(rest);
            } else if !id.is_empty() {
                operations[index].method_name = id;
            }
        }
    }
    // Ids that differ in notation only, such as `get_p` and `getP`.
    let mut taken: HashMap<(Vec<Words>, Words), usize> = HashMap::new();
    for operation in operations {
        let name = (operation.resource.clone(), operation.method_name.clone());
        let mut number = taken.get(&name).copied().unwrap_or(1);
        while taken.contains_key(&(name.0.clone(), operation.method_name.clone())) {
            number += 1;
            operation.method_name = name.1.clone();
            operation.method_name.0.push(number.to_string());
        }
        taken.insert(name.clone(), number);
        taken.insert((name.0, operation.method_name.clone()), 1);
    }
}

/// The id is a verb and the last part of the resource: `createRun` for `threads.runs`.
fn is_plain(operation: &Operation) -> bool {
    let id = short_id(operation);
    let Some(last) = operation.resource.last() else { return false };
    let same = |a: &[String], b: &[String]| a.iter().map(|w| singular(w)).eq(b.iter().map(|w| singular(w)));
    id.0.get(1..).is_some_and(|rest| same(rest, &last.0))
}
