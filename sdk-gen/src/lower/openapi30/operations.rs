//! Paths and operations as 3.0.

use serde_json::{Map, Value, json};

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Api, Docs, Field, Header, Location, Media, Method, Operation, Param, TypeRef};

use super::{Names, schema};

/// Marks the path of the streaming twin of an operation. A fragment is never sent, so both have the same URL.
pub const SSE_SUFFIX: &str = "#sse";

pub fn location(location: Location) -> &'static str {
    match location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
        Location::Cookie => "cookie",
    }
}

pub fn document_paths(api: &Api, names: Names<'_>, diagnostics: &mut Diagnostics) -> Value {
    let mut paths = Map::new();
    for operation in &api.operations {
        let mut body = common(api, operation, names, diagnostics);
        if let Some(request) = &operation.body {
            let content = media(api, &request.media, names, diagnostics);
            body["requestBody"] = json!({ "required": request.required, "content": content });
        }
        body["responses"] = Value::Object(responses(api, operation, names, diagnostics));
        insert(&mut paths, &operation.path, operation.method, body);
    }
    Value::Object(paths)
}

fn insert(paths: &mut Map<String, Value>, path: &str, verb: Method, body: Value) {
    let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
    item[verb.as_str()] = body;
}

fn common(api: &Api, operation: &Operation, names: Names<'_>, diagnostics: &mut Diagnostics) -> Value {
    let mut body = json!({
        "operationId": operation.id,
        "tags": operation.tags,
        "summary": operation.summary,
        "description": operation.description,
    });
    if operation.deprecated {
        body["deprecated"] = json!(true);
    }
    if !operation.authenticated {
        body["security"] = json!([]);
    }
    if !operation.params.is_empty() {
        let params = operation.params.iter().map(|param| {
            let mut body = json!({
                "name": param.name,
                "in": location(param.location),
                "required": param.required,
                "description": param.docs.description,
                "schema": schema::used(api, param.ty, names, diagnostics),
            });
            let form = matches!(param.location, Location::Query | Location::Cookie);
            let usual = (if form { "form" } else { "simple" }, form);
            if (param.style.as_str(), param.explode) != usual {
                body["style"] = json!(param.style);
                body["explode"] = json!(param.explode);
            }
            body
        });
        body["parameters"] = params.collect();
    }
    body
}

fn media(api: &Api, media: &[Media], names: Names<'_>, diagnostics: &mut Diagnostics) -> Value {
    let mut content = Map::new();
    for media in media {
        let schema = media.ty.map_or_else(|| json!({}), |ty| schema::used(api, ty, names, diagnostics));
        content.insert(media.media_type.clone(), json!({ "schema": schema }));
    }
    Value::Object(content)
}

fn responses(
    api: &Api,
    operation: &Operation,
    names: Names<'_>,
    diagnostics: &mut Diagnostics,
) -> Map<String, Value> {
    let mut responses = Map::new();
    let success = &operation.success;
    for status in &success.statuses {
        let mut content = Map::new();
        if let Some(ty) = success.json {
            content.insert(
                "application/json".into(),
                json!({ "schema": schema::used(api, ty, names, diagnostics) }),
            );
        }
        if let Some(stream) = &success.stream {
            let event = schema::used(api, stream.event, names, diagnostics);
            content.insert("text/event-stream".into(), json!({ "schema": event }));
        }
        if let Value::Object(other) = media(api, &success.other, names, diagnostics) {
            content.extend(other);
        }
        let body = response(api, &success.description, content, &success.headers, names, diagnostics);
        responses.insert(status.to_string(), body);
    }
    for error in &operation.errors {
        let content = error.ty.map(|ty| json!({ "schema": schema::used(api, ty, names, diagnostics) }));
        let content = content.map(|schema| ("application/json".to_owned(), schema)).into_iter().collect();
        let status = error.status.map_or_else(|| error.range.clone(), |status| status.to_string());
        let body = response(api, &error.description, content, &error.headers, names, diagnostics);
        responses.insert(status, body);
    }
    responses
}

fn response(
    api: &Api,
    description: &str,
    content: Map<String, Value>,
    headers: &[Header],
    names: Names<'_>,
    diagnostics: &mut Diagnostics,
) -> Value {
    let mut response = json!({ "description": description });
    if !content.is_empty() {
        response["content"] = Value::Object(content);
    }
    if !headers.is_empty() {
        let entries = headers.iter().map(|header| {
            let schema = schema::used(api, header.ty, names, diagnostics);
            let body =
                json!({ "description": header.docs.description, "required": header.required, "schema": schema });
            (header.name.clone(), body)
        });
        response["headers"] = Value::Object(entries.collect());
    }
    response
}

/// An object with one property per parameter.
pub fn parameters_object(
    api: &Api,
    params: &[&Param],
    names: Names<'_>,
    diagnostics: &mut Diagnostics,
) -> Value {
    let mut properties = Map::new();
    for param in params {
        let field = Field {
            name: param.name.clone(),
            docs: Docs { description: param.docs.description.clone(), ..Docs::default() },
            ty: param.ty,
            required: param.required,
            default: param.default.clone(),
            read_only: false,
            write_only: false,
            merge: None,
            merge_into: None,
        };
        properties.insert(param.name.clone(), schema::used_as(api, &field, names, diagnostics));
    }
    let required: Vec<&str> =
        params.iter().filter(|param| param.required).map(|param| param.name.as_str()).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

pub fn client_paths(
    api: &Api,
    names: Names<'_>,
    ids: &[(String, String)],
    diagnostics: &mut Diagnostics,
) -> Value {
    let mut paths = Map::new();
    for (operation, (id, stream_id)) in api.operations.iter().zip(ids) {
        let Some(mut shared) = client_common(api, operation, names, diagnostics) else { continue };
        shared["operationId"] = json!(id);
        let success = &operation.success;
        if let Some(ty) = success.json {
            let schema = schema::used(api, ty, names, diagnostics);
            let body = answering(&shared, operation, json!({ "application/json": { "schema": schema } }));
            insert(&mut paths, &operation.path, operation.method, body);
        } else if success.stream.is_none() {
            let content = match success.other.first() {
                Some(_) => {
                    json!({ "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } })
                }
                None => Value::Null,
            };
            insert(&mut paths, &operation.path, operation.method, answering(&shared, operation, content));
        }
        if success.stream.is_some() {
            let mut body = answering(
                &shared,
                operation,
                json!({ "text/event-stream": { "schema": { "type": "string" } } }),
            );
            body["operationId"] = json!(stream_id);
            let path = format!("{}{SSE_SUFFIX}", operation.path);
            insert(&mut paths, &path, operation.method, body);
        }
    }
    Value::Object(paths)
}

/// Everything but the answer; `None` where progenitor could not send the request.
fn client_common(
    api: &Api,
    operation: &Operation,
    names: Names<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let mut refuse = |what: String, help: &str| {
        let origin = &operation.origin;
        diagnostics.error(origin.pointer.clone(), origin.place, what, help);
        None
    };
    if operation.params.iter().any(|param| param.location == Location::Cookie) {
        return refuse(
            "a cookie parameter cannot be generated yet".to_owned(),
            "use a header or a query parameter",
        );
    }
    let json_body = operation.body.as_ref().map(|body| {
        let media = body.media.iter().find(|media| is_json(&media.media_type));
        media.and_then(|media| media.ty).ok_or(&body.media)
    });
    let request = match json_body {
        None => None,
        Some(Ok(ty)) => Some(ty),
        Some(Err(media)) => {
            let given: Vec<&str> = media.iter().map(|media| media.media_type.as_str()).collect();
            return refuse(
                format!("a request body of {} cannot be generated yet", given.join(", ")),
                "give the operation an application/json body with a schema",
            );
        }
    };
    let mut body = common(api, operation, names, diagnostics);
    if let Some(ty) = request {
        let content = json!({ "application/json": { "schema": schema::used(api, ty, names, diagnostics) } });
        let required = operation.body.as_ref().is_none_or(|body| body.required);
        body["requestBody"] = json!({ "required": required, "content": content });
    }
    body["x-error"] = operation.error_type.map_or(Value::Null, |ty| error(api, ty, names, diagnostics));
    Some(body)
}

fn error(api: &Api, ty: TypeRef, names: Names<'_>, diagnostics: &mut Diagnostics) -> Value {
    schema::used(api, ty, names, diagnostics)
}

/// The operation with one success and, where all errors share a type, one error response.
fn answering(shared: &Value, operation: &Operation, content: Value) -> Value {
    let mut body = shared.clone();
    let error = body.as_object_mut().and_then(|fields| fields.remove("x-error")).unwrap_or_default();
    let status = operation.success.statuses.first().copied().unwrap_or(200).to_string();
    let mut success = json!({ "description": operation.success.description });
    if !content.is_null() {
        success["content"] = content;
    }
    let mut responses = Map::new();
    responses.insert(status, success);
    if !error.is_null() {
        let body = json!({ "description": "Error.", "content": { "application/json": { "schema": error } } });
        responses.insert("4XX".to_owned(), body.clone());
        responses.insert("5XX".to_owned(), body);
    }
    body["responses"] = Value::Object(responses);
    body
}

fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}
