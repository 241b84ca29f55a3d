//! The SDK's surface: namespaces as users expect them, over progenitor's client.
//!
//! Start at [`lower`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Location, Operation, Param, Shape, TypeId, Words};

use super::accumulate::{self, Accumulators};
use super::model::{Ty, Types};
use super::repr::resolved;
use super::{Context, Options, docs, examples, names, objects, pages};
use crate::lower::openapi30;

#[derive(Debug)]
pub struct Sdk {
    pub types: Types,
    pub accumulators: Accumulators,
    /// By path, so that a namespace comes before those inside it.
    pub resources: Vec<Resource>,
    /// Namespaces that the client itself has.
    pub roots: Vec<Child>,
    /// What progenitor reads.
    pub client: Value,
    /// Types that replace progenitor's.
    pub replaced: Vec<String>,
    /// What an error event's `code` or `type` stands for.
    pub error_statuses: Vec<(String, u16)>,
}

#[derive(Debug)]
pub struct Resource {
    pub name: String,
    /// `chat.completions`
    pub dotted: String,
    /// File, without its extension.
    pub file: String,
    pub children: Vec<Child>,
    pub methods: Vec<Method>,
}

#[derive(Debug, Clone)]
pub struct Child {
    pub accessor: String,
    pub name: String,
    pub file: String,
    pub dotted: String,
}

#[derive(Debug)]
pub struct Method {
    pub name: String,
    pub docs: Vec<String>,
    /// progenitor's method.
    pub raw: String,
    /// Required parameters, in the order of the document.
    pub params: Vec<MethodParam>,
    /// Optional ones, as a struct of their own.
    pub optional: Option<ParamsStruct>,
    pub body: Option<String>,
    /// Wire type of the answer; `None` where there is none.
    pub answer: Option<Ty>,
    /// Field of the body that asks for a stream.
    pub selector: Option<String>,
    pub stream: Option<StreamMethod>,
    pub pages: Option<PagesMethod>,
}

/// The method beside one that lists: the items of all pages.
#[derive(Debug)]
pub struct PagesMethod {
    pub name: String,
    pub docs: Vec<String>,
    pub item: Ty,
    /// The struct of optional parameters, and its field that takes the cursor.
    pub params: String,
    pub cursor: String,
    /// Fields of the page.
    pub items: PageField,
    pub has_more: Option<PageField>,
    /// Of the page; `next_is_id`: of its last item.
    pub next_cursor: PageField,
    pub next_is_id: bool,
}

#[derive(Debug)]
pub struct PageField {
    pub ident: String,
    /// It is an `Option`.
    pub optional: bool,
}

#[derive(Debug)]
pub struct StreamMethod {
    pub name: String,
    pub docs: Vec<String>,
    pub raw: String,
    pub accumulator: String,
}

#[derive(Debug, Clone)]
pub struct MethodParam {
    pub ident: String,
    pub docs: Vec<String>,
    pub ty: Ty,
    /// Taken as `&str`.
    pub text: bool,
}

#[derive(Debug)]
pub struct ParamsStruct {
    pub name: String,
    pub fields: Vec<MethodParam>,
}

pub fn lower(context: &Context<'_>, diagnostics: &mut Diagnostics) -> Sdk {
    let api = context.api;
    let ids = raw_ids(&api.operations);
    let accumulators = accumulate::lower(context, diagnostics);
    let client =
        openapi30::client(api, &|id| context.reprs.item_name(id).map(str::to_owned), &ids, diagnostics);
    let types = super::types(context, Options { checks: false }, diagnostics);
    let mut tree = Tree::default();
    for (operation, ids) in api.operations.iter().zip(&ids) {
        if let Some(method) = method(context, operation, ids, &accumulators, diagnostics) {
            tree.add(operation, method);
        }
    }
    let items = (0..api.types.len()).filter_map(|at| context.reprs.item_name(TypeId(at as u32)));
    let replaced: Vec<String> = items.map(str::to_owned).collect();
    let (resources, roots) = tree.finish(&replaced);
    let error_statuses = api.error_statuses.iter();
    let error_statuses = error_statuses.map(|known| (known.name.clone(), known.status)).collect();
    Sdk { types, accumulators, resources, roots, client, replaced, error_statuses }
}

/// progenitor's method names: of the operation, and of its streaming twin.
fn raw_ids(operations: &[Operation]) -> Vec<(String, String)> {
    let mut scope = names::Scope::default();
    let ids: Vec<String> =
        operations.iter().map(|operation| scope.claim(names::snake(&operation.id))).collect();
    ids.into_iter().map(|id| (id.clone(), scope.claim(format!("{id}_stream")))).collect()
}

#[derive(Default)]
struct Tree {
    /// By the words of the path.
    nodes: BTreeMap<Vec<String>, Vec<Method>>,
}

impl Tree {
    fn add(&mut self, operation: &Operation, mut method: Method) {
        let mut path: Vec<String> = operation.resource.iter().map(|Words(words)| words.join("_")).collect();
        if path.is_empty() {
            path.push("api".to_owned());
        }
        for end in 1..=path.len() {
            self.nodes.entry(path[..end].to_vec()).or_default();
        }
        let methods = self.nodes.entry(path).or_default();
        let mut scope = names::Scope::with(&["new"]);
        for other in methods.iter() {
            scope.claim(other.name.clone());
            other.stream.iter().for_each(|stream| drop(scope.claim(stream.name.clone())));
            other.pages.iter().for_each(|pages| drop(scope.claim(pages.name.clone())));
        }
        method.name = scope.claim(method.name);
        if let Some(stream) = &mut method.stream {
            stream.name = scope.claim(std::mem::take(&mut stream.name));
        }
        if let Some(pages) = &mut method.pages {
            pages.name = scope.claim(std::mem::take(&mut pages.name));
        }
        methods.push(method);
    }

    fn finish(self, items: &[String]) -> (Vec<Resource>, Vec<Child>) {
        let mut type_names = names::Scope::with(&["Client", "Error", "Items", "Page", "Response", "Stream"]);
        let mut files = names::Scope::default();
        let mut named: BTreeMap<Vec<String>, Child> = BTreeMap::new();
        for path in self.nodes.keys() {
            let joined = path.join("_");
            let name = names::type_name(&joined);
            // A schema and a namespace may have one name; the schema keeps it.
            let name = if items.contains(&name) { format!("{name}Resource") } else { name };
            named.insert(
                path.clone(),
                Child {
                    accessor: names::identifier(&names::snake(path.last().map_or("", String::as_str))),
                    name: type_names.claim(name),
                    file: names::identifier(&files.claim(names::snake(&joined))),
                    dotted: path.join("."),
                },
            );
        }
        let children = |parent: &[String]| -> Vec<Child> {
            let inside = |path: &Vec<String>| path.len() == parent.len() + 1 && path.starts_with(parent);
            named.iter().filter(|(path, _)| inside(path)).map(|(_, child)| child.clone()).collect()
        };
        let roots = children(&[]);
        let resources = self.nodes.into_iter().filter_map(|(path, methods)| {
            let own = named.get(&path)?;
            let mut children = children(&path);
            let mut scope = names::Scope::with(&["new"]);
            methods.iter().for_each(|method| drop(scope.claim(method.name.clone())));
            for child in &mut children {
                child.accessor = scope.claim(std::mem::take(&mut child.accessor));
            }
            Some(Resource {
                name: own.name.clone(),
                dotted: own.dotted.clone(),
                file: own.file.clone(),
                children,
                methods,
            })
        });
        (resources.collect(), roots)
    }
}

fn method(
    context: &Context<'_>,
    operation: &Operation,
    (raw, raw_stream): &(String, String),
    accumulators: &Accumulators,
    diagnostics: &mut Diagnostics,
) -> Option<Method> {
    let mut refuse = |message: &str, help: &str| {
        let origin = &operation.origin;
        diagnostics.error(origin.pointer.clone(), origin.place, message, help);
        None
    };
    let body = match &operation.body {
        None => None,
        Some(body) => {
            let json = body.media.iter().find(|media| media.media_type == "application/json");
            let named = json.and_then(|media| media.ty).and_then(|ty| context.reprs.item_name(ty.id));
            // Where there is none, the client document has said so.
            Some(named.map(str::to_owned)?)
        }
    };
    if operation.success.json.is_none()
        && operation.success.stream.is_none()
        && !operation.success.other.is_empty()
    {
        return refuse(
            "an answer that is not JSON cannot be generated yet",
            "answer with application/json, or describe the operation in a document of its own",
        );
    }
    let own = operation.success.stream.as_ref();
    let accumulator = accumulators.streams.iter().find(|stream| stream.operation_id == operation.id);
    let base = method_name(&operation.method_name);
    let selector = own.and_then(|stream| stream.selector.as_deref());
    let selector = selector.and_then(|selector| body_field(context, operation, selector));
    let stream = accumulator.map(|accumulator| StreamMethod {
        name: if base == "create" { "stream".to_owned() } else { format!("{base}_stream") },
        docs: stream_docs(context, operation),
        raw: raw_stream.clone(),
        accumulator: accumulator.name.clone(),
    });
    let required = operation.params.iter().filter(|param| param.required);
    let optional: Vec<MethodParam> = operation
        .params
        .iter()
        .filter(|param| !param.required)
        .map(|param| self::param(context, param))
        .collect();
    let optional = (!optional.is_empty()).then(|| ParamsStruct {
        name: format!("{}Params", names::type_name(&operation.id)),
        fields: optional,
    });
    Some(Method {
        docs: method_docs(context, operation),
        params: required.map(|param| self::param(context, param)).collect(),
        pages: pages::lower(context, operation, &base, optional.as_ref(), diagnostics),
        optional,
        answer: operation.success.json.map(|ty| context.reprs.element(ty)),
        raw: raw.clone(),
        name: base,
        selector,
        stream,
        body,
    })
}

fn method_name(words: &Words) -> String {
    names::identifier(&names::snake(&words.0.join("_")))
}

/// The Rust name of a field of the request body.
fn body_field(context: &Context<'_>, operation: &Operation, wire: &str) -> Option<String> {
    let ty = operation.body.as_ref()?.media.iter().find_map(|media| media.ty)?;
    let (id, Shape::Object(object)) = resolved(context.api, ty.id) else { return None };
    let lowered = objects::lower(context, id, object);
    lowered.fields.iter().find(|field| field.wire == wire).map(|field| field.ident.clone())
}

fn param(context: &Context<'_>, param: &Param) -> MethodParam {
    let (_, shape) = resolved(context.api, param.ty.id);
    let in_path = param.location == Location::Path;
    MethodParam {
        ident: names::identifier(&names::snake(&param.name)),
        docs: docs::lines(&param.docs),
        ty: context.reprs.ty(param.ty.id),
        text: param.required && (matches!(shape, Shape::String(_)) || (in_path && shape == &Shape::Any)),
    }
}

fn method_docs(context: &Context<'_>, operation: &Operation) -> Vec<String> {
    let mut lines = docs::markdown(&operation.summary);
    section(&mut lines, docs::markdown(&operation.description));
    if operation.deprecated {
        section(&mut lines, vec!["Deprecated.".to_owned()]);
    }
    section(&mut lines, error_docs(operation));
    section(&mut lines, examples::call(context, operation));
    lines
}

fn stream_docs(context: &Context<'_>, operation: &Operation) -> Vec<String> {
    let mut lines = docs::markdown(&operation.summary);
    let what = "As a stream: each event as it comes, and all of them put together by \
                [`Stream::final_completion`](crate::Stream::final_completion).";
    section(&mut lines, docs::unescaped(what));
    section(&mut lines, examples::stream(context, operation));
    lines
}

fn error_docs(operation: &Operation) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut lines: Vec<String> = Vec::new();
    for error in operation.errors.iter().filter(|error| !error.description.is_empty()) {
        let status = error.status.map_or_else(|| error.range.clone(), |status| status.to_string());
        if seen.insert(status.clone()) {
            let first = error.description.split_inclusive(". ").next().unwrap_or_default().trim();
            lines.extend(docs::markdown(&format!("- {status}: {first}")));
        }
    }
    if !lines.is_empty() {
        lines.splice(0..0, ["# Errors".to_owned(), String::new()]);
    }
    lines
}

fn section(lines: &mut Vec<String>, more: Vec<String>) {
    if !lines.is_empty() && !more.is_empty() {
        lines.push(String::new());
    }
    lines.extend(more);
}
