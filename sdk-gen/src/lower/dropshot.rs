//! The API as a dropshot trait: one method per operation, its parameters as structs, its bodies as wire types.
//!
//! Start at [`interface`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Location, Method as Verb, Operation, Param, TypeId, TypeRef};

use super::openapi30;
use super::rust::model::Rule;
use super::rust::{Context, docs, names, rules};

#[derive(Debug)]
pub struct Interface {
    pub title: String,
    pub version: String,
    pub tags: Vec<(String, String)>,
    pub methods: Vec<Method>,
    pub params: Vec<Params>,
    /// Wire types that dropshot needs a schema of, by Rust name.
    pub wire: BTreeMap<String, Wire>,
    /// Properties that tell union variants apart.
    pub union_tags: BTreeSet<String>,
    /// Wire types that the parameters' fields name.
    pub param_types: BTreeSet<String>,
    /// Components, and one entry per parameter struct.
    pub schemas: Map<String, Value>,
    /// Each operation's id, and the roles that its callers must have: all those of one of the lists. `None` needs no caller.
    pub roles: Vec<(String, Option<Vec<Vec<String>>>)>,
}

#[derive(Debug, Default)]
pub struct Wire {
    /// Name in `components/schemas`.
    pub component: String,
    /// Components that no JSON body refers to: what the stream beside this answer is made of.
    pub also: BTreeSet<String>,
}

#[derive(Debug)]
pub struct Method {
    pub name: String,
    pub docs: Vec<String>,
    pub verb: &'static str,
    pub path: String,
    pub operation_id: String,
    pub tags: Vec<String>,
    pub deprecated: bool,
    pub path_params: Option<String>,
    pub query_params: Option<String>,
    /// Wire type of the body.
    pub body: Option<String>,
    pub reply: Reply,
}

/// What an operation answers with, as dropshot's document describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// 200 with a wire type.
    Found(String),
    /// 201 with a wire type.
    Created(String),
    /// 204.
    NoContent,
    /// Nothing that could be described.
    Other,
}

impl Reply {
    /// The wire type.
    pub fn body(&self) -> Option<&String> {
        match self {
            Reply::Found(body) | Reply::Created(body) => Some(body),
            Reply::NoContent | Reply::Other => None,
        }
    }
}

/// The parameters of one operation in one location.
#[derive(Debug)]
pub struct Params {
    pub name: String,
    pub docs: String,
    pub fields: Vec<ParamField>,
    pub rules: Vec<Rule>,
}

#[derive(Debug)]
pub struct ParamField {
    pub ident: String,
    /// Set where the wire name is another one.
    pub rename: Option<String>,
    pub docs: Vec<String>,
    /// As Rust source.
    pub ty: String,
}

pub fn interface(context: &Context<'_>, diagnostics: &mut Diagnostics) -> Interface {
    let api = context.api;
    let mut lowering = Lowering {
        context,
        scope: names::Scope::default(),
        out: Interface {
            title: api.title.clone(),
            version: api.version.clone(),
            tags: api.tags.iter().map(|tag| (tag.name.clone(), one_line(&tag.description))).collect(),
            methods: Vec::new(),
            params: Vec::new(),
            wire: BTreeMap::new(),
            union_tags: context.tags.properties(),
            param_types: BTreeSet::new(),
            schemas: openapi30::named_schemas(api, diagnostics),
            roles: Vec::new(),
        },
        checked: rules::checked(context).into_keys().collect(),
    };
    for operation in &api.operations {
        if let Some(method) = lowering.method(operation, diagnostics) {
            let roles = operation.authenticated.then(|| operation.roles.clone());
            lowering.out.roles.push((operation.id.clone(), roles));
            lowering.out.methods.push(method);
        }
    }
    lowering.out
}

struct Lowering<'a> {
    context: &'a Context<'a>,
    scope: names::Scope,
    out: Interface,
    /// Types that have checks of their own.
    checked: BTreeSet<TypeId>,
}

impl Lowering<'_> {
    fn method(&mut self, operation: &Operation, diagnostics: &mut Diagnostics) -> Option<Method> {
        let Some(verb) = verb(operation.method) else {
            let what = "dropshot has no TRACE".to_owned();
            return refuse(operation, what, "use another method", diagnostics);
        };
        if operation.params.iter().any(|param| param.location == Location::Cookie) {
            let what = "a cookie parameter cannot be generated".to_owned();
            return refuse(operation, what, "use a header or a query parameter", diagnostics);
        }
        let body = match &operation.body {
            None => None,
            Some(body) => {
                let json = body.media.iter().find(|media| media.media_type == "application/json");
                let Some(ty) = json.and_then(|media| media.ty) else {
                    let what = "only an application/json request body can be generated".to_owned();
                    return refuse(operation, what, "add one, with a schema", diagnostics);
                };
                Some(self.wire(operation, ty, "request body", diagnostics)?)
            }
        };
        let reply = self.reply(operation, diagnostics)?;
        let event = operation.success.stream.as_ref().map(|stream| self.context.api.ty(stream.event.id));
        if let Some(event) = event.filter(|event| event.named)
            && let Some(wire) = reply.body().and_then(|reply| self.out.wire.get_mut(reply))
        {
            wire.also.insert(event.name.clone());
        }
        if let Some(ty) = operation.error_type {
            self.wire(operation, ty, "error", diagnostics)?;
        }
        let path_params = self.params(operation, Location::Path, "Path", diagnostics);
        let query_params = self.params(operation, Location::Query, "Query", diagnostics);
        Some(Method {
            name: names::identifier(&self.scope.claim(names::snake(&operation.id))),
            docs: method_docs(operation),
            verb,
            path: operation.path.clone(),
            operation_id: operation.id.clone(),
            tags: operation.tags.clone(),
            deprecated: operation.deprecated,
            path_params,
            query_params,
            body,
            reply,
        })
    }

    fn reply(&mut self, operation: &Operation, diagnostics: &mut Diagnostics) -> Option<Reply> {
        let success = &operation.success;
        let body = match success.json {
            None => None,
            Some(ty) => Some(self.wire(operation, ty, "response", diagnostics)?),
        };
        match (success.statuses.as_slice(), body) {
            ([200] | [], Some(body)) => Some(Reply::Found(body)),
            ([201], Some(body)) => Some(Reply::Created(body)),
            ([204], None) => Some(Reply::NoContent),
            (_, None) => Some(Reply::Other),
            (statuses, Some(_)) => refuse(
                operation,
                format!("a success of {statuses:?} cannot be generated"),
                "answer JSON with 200 or 201, and nothing with 204",
                diagnostics,
            ),
        }
    }

    /// A body's Rust type. dropshot describes it by reference, so one without a name in the document gets its Rust name.
    fn wire(
        &mut self,
        operation: &Operation,
        ty: TypeRef,
        what: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<String> {
        let source = self.context.api.ty(ty.id);
        match self.context.reprs.item_name(ty.id) {
            Some(name) => {
                let component = if source.named { source.name.clone() } else { name.to_owned() };
                if !source.named {
                    let schema = openapi30::schema_of(self.context.api, ty.id, diagnostics);
                    self.out.schemas.insert(component.clone(), schema);
                }
                self.out.wire.entry(name.to_owned()).or_default().component = component;
                Some(name.to_owned())
            }
            None => refuse(
                operation,
                format!("the {what} is no type of its own"),
                "name its schema: move it to components/schemas and use a $ref",
                diagnostics,
            ),
        }
    }

    fn params(
        &mut self,
        operation: &Operation,
        location: Location,
        suffix: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<String> {
        let params: Vec<&Param> =
            operation.params.iter().filter(|param| param.location == location).collect();
        if params.is_empty() {
            return None;
        }
        let name = format!("{}{suffix}", names::type_name(&operation.id));
        let mut scope = names::Scope::default();
        let mut rules = Vec::new();
        let fields = params.iter().map(|param| {
            let snake = scope.claim(names::snake(&param.name));
            let ty = self.context.reprs.ty(param.ty.id);
            ty.named(&mut |name| {
                self.out.param_types.insert(name.to_owned());
            });
            let own = rules::parameter(self.context, param, &format!("{name}_{snake}"), &self.checked);
            if !own.is_empty() {
                rules.push(Rule::Field {
                    ident: names::identifier(&snake),
                    wire: param.name.clone(),
                    optional: !param.required,
                    rules: own,
                });
            }
            ParamField {
                rename: (snake != param.name).then(|| param.name.clone()),
                ident: names::identifier(&snake),
                docs: docs::lines(&param.docs),
                ty: if param.required { ty.to_string() } else { format!("Option<{ty}>") },
            }
        });
        let fields: Vec<ParamField> = fields.collect();
        let schema = openapi30::parameters(self.context.api, &params, diagnostics);
        self.out.schemas.insert(name.clone(), schema);
        let docs = format!("{suffix} parameters of `{}`.", operation.id);
        self.out.params.push(Params { name: name.clone(), docs, fields, rules });
        Some(name)
    }
}

fn refuse<T>(operation: &Operation, message: String, help: &str, diagnostics: &mut Diagnostics) -> Option<T> {
    let origin = &operation.origin;
    diagnostics.error(origin.pointer.clone(), origin.place, message, help);
    None
}

fn verb(method: Verb) -> Option<&'static str> {
    Some(match method {
        Verb::Get => "GET",
        Verb::Put => "PUT",
        Verb::Post => "POST",
        Verb::Delete => "DELETE",
        Verb::Options => "OPTIONS",
        Verb::Head => "HEAD",
        Verb::Patch => "PATCH",
        Verb::Trace => return None,
    })
}

/// The first line is dropshot's summary, the rest its description: written as in the document, not made safe for
/// rustdoc, because dropshot puts them into *its* document.
fn method_docs(operation: &Operation) -> Vec<String> {
    let mut lines = vec![one_line(&operation.summary)];
    let description = docs::unescaped(&operation.description);
    if !description.is_empty() {
        lines.push(String::new());
        lines.extend(description);
    }
    lines
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
