//! The API as OpenAPI 3.0.3, which is what dropshot writes and what progenitor reads.
//!
//! Start at [`document`]; [`client`] is the same with what progenitor cannot digest taken apart.
//!
//! **Invariant:** nothing is dropped in silence: what 3.0 cannot say is a [`Diagnostics`] entry with its place.

mod operations;
mod schema;

use serde_json::{Map, Value, json};

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Api, SecurityKind, TypeId};

pub use operations::SSE_SUFFIX;

/// Name in `components/schemas` by type; `None` for types that are written in place.
pub type Names<'a> = &'a dyn Fn(TypeId) -> Option<String>;

/// The whole API, with the document's own schema names.
pub fn document(api: &Api, diagnostics: &mut Diagnostics) -> Value {
    let names = |id: TypeId| document_name(api, id);
    let schemas = schemas(api, &names, diagnostics);
    let paths = operations::document_paths(api, &names, diagnostics);
    assemble(api, schemas, paths)
}

/// What progenitor can read: one success and one error type per operation, JSON and SSE as two operations, and every
/// type that has a name in Rust as a reference to a stub, because our own types replace it. `ids` are the operations' ids,
/// in their order: of the one that answers JSON and of the one that streams.
pub fn client(api: &Api, names: Names<'_>, ids: &[(String, String)], diagnostics: &mut Diagnostics) -> Value {
    let mut stubs = Map::new();
    for at in 0..api.types.len() {
        if let Some(name) = names(TypeId(at as u32)) {
            stubs.insert(name, json!({ "type": "object" }));
        }
    }
    let paths = operations::client_paths(api, names, ids, diagnostics);
    assemble(api, stubs, paths)
}

/// `components/schemas` alone.
pub fn named_schemas(api: &Api, diagnostics: &mut Diagnostics) -> Map<String, Value> {
    schemas(api, &|id| document_name(api, id), diagnostics)
}

/// One type, spelled out.
pub fn schema_of(api: &Api, id: TypeId, diagnostics: &mut Diagnostics) -> Value {
    schema::body(api, id, &|id| document_name(api, id), diagnostics)
}

/// The schema of an operation's parameters in one location, as an object: what dropshot's `Path` and `Query` take.
pub fn parameters(api: &Api, params: &[&crate::ir::model::Param], diagnostics: &mut Diagnostics) -> Value {
    operations::parameters_object(api, params, &|id| document_name(api, id), diagnostics)
}

fn document_name(api: &Api, id: TypeId) -> Option<String> {
    let ty = api.ty(id);
    ty.named.then(|| ty.name.clone())
}

fn schemas(api: &Api, names: Names<'_>, diagnostics: &mut Diagnostics) -> Map<String, Value> {
    let mut schemas = Map::new();
    for at in 0..api.types.len() {
        let id = TypeId(at as u32);
        if let Some(name) = names(id) {
            let body = schema::body(api, id, names, diagnostics);
            schemas.insert(name, body);
        }
    }
    schemas
}

fn assemble(api: &Api, schemas: Map<String, Value>, paths: Value) -> Value {
    let tags: Vec<Value> =
        api.tags.iter().map(|tag| json!({ "name": tag.name, "description": tag.description })).collect();
    let servers: Vec<Value> = api.servers.iter().map(|url| json!({ "url": url })).collect();
    let mut document = json!({
        "openapi": "3.0.3",
        "info": { "title": api.title, "version": api.version, "description": api.description },
        "servers": servers,
        "tags": tags,
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": security(api) },
    });
    if let Some(fields) = document.as_object_mut() {
        if servers_are_absent(fields) {
            fields.remove("servers");
        }
        // Any one of the schemes is enough.
        let schemes: Vec<Value> = api.security.iter().map(|scheme| json!({ &scheme.name: [] })).collect();
        if !schemes.is_empty() {
            fields.insert("security".to_owned(), Value::Array(schemes));
        }
    }
    document
}

fn servers_are_absent(fields: &Map<String, Value>) -> bool {
    fields.get("servers").and_then(Value::as_array).is_none_or(Vec::is_empty)
}

fn security(api: &Api) -> Value {
    let scheme = |kind: &SecurityKind| match kind {
        SecurityKind::Bearer => Some(json!({ "type": "http", "scheme": "bearer" })),
        SecurityKind::Basic => Some(json!({ "type": "http", "scheme": "basic" })),
        SecurityKind::ApiKey { location, name } => {
            Some(json!({ "type": "apiKey", "in": operations::location(*location), "name": name }))
        }
        SecurityKind::Other(_) => None,
    };
    let entries = api.security.iter().filter_map(|entry| Some((entry.name.clone(), scheme(&entry.kind)?)));
    Value::Object(entries.collect())
}
