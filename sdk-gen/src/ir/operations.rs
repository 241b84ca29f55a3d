//! Paths and their operations: parameters, bodies, tags, security. Responses are in `responses`.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{
    builder::Builder,
    model::{Body, Location, Media, Method, Operation, Param, Words},
    names::pascal,
    source::{At, Read},
};

/// References from one parameter, response … to the next.
const HOPS_MAX: usize = 16;

/// Headers that OpenAPI tells us to ignore as parameters: the rest of the document describes them.
const IGNORED_HEADERS: [&str; 3] = ["accept", "content-type", "authorization"];

impl<'d> Builder<'d, '_> {
    /// The operations, and the node of each.
    pub fn operations(&mut self) -> (Vec<Operation>, Vec<At<'d>>) {
        let mut operations = Vec::new();
        let mut nodes = Vec::new();
        // The next number for each id that is taken.
        let mut ids = HashMap::new();
        for (path, item) in self.document.root().map("paths") {
            if path.starts_with("x-") {
                continue;
            }
            self.operation_complete = true;
            let Some((item, _)) = self.follow(item, "path item") else { continue };
            self.note_servers(item);
            for (key, at) in item.entries() {
                let Some(method) = method(key) else { continue };
                let operation = self.operation(path, item, method, at, &mut ids);
                operations.push(operation);
                nodes.push(at);
            }
        }
        (operations, nodes)
    }

    fn operation(
        &mut self,
        path: &str,
        item: At<'d>,
        method: Method,
        at: At<'d>,
        ids: &mut HashMap<String, u32>,
    ) -> Operation {
        self.operation_complete = !self.has_parse_error(&at.pointer());
        self.note_servers(at);
        let id = self.operation_id(path, method, at, ids);
        let hint = pascal(&id);
        let params = self.params(path, item, at, &hint);
        self.check_extensions(at, &params);
        let body = at.get("requestBody").and_then(|body| self.body(body, &hint));
        let (success, errors) = self.responses(at, &hint);
        for key in ["callbacks"] {
            if let Some(value) = at.get(key) {
                self.warning(
                    value,
                    format!("`{key}` are not generated"),
                    "describe them in a document of their own",
                );
            }
        }
        let error_type = shared_type(&errors);
        Operation {
            id,
            origin: at.origin(),
            method,
            path: path.to_owned(),
            tags: at.texts("tags").into_iter().map(str::to_owned).collect(),
            summary: at.words("summary"),
            description: at.words("description"),
            deprecated: at.flag("deprecated"),
            resource: Vec::new(),
            method_name: Words(Vec::new()),
            params,
            body,
            success,
            errors,
            error_type,
            authenticated: self.authenticated(at),
            roles: self.roles(at),
            pages: None,
            job: None,
            complete: self.operation_complete,
        }
    }

    /// The document's id, or one of method and path: `get /models/{id}` → `get_models_by_id`.
    fn operation_id(
        &mut self,
        path: &str,
        method: Method,
        at: At<'d>,
        ids: &mut HashMap<String, u32>,
    ) -> String {
        let id = match at.text("operationId") {
            Some(id) if !Words::split(id).is_empty() => id.to_owned(),
            _ => {
                let mut words = vec![method.as_str().to_owned()];
                for part in path.split('/').filter(|part| !part.is_empty()) {
                    words.extend(part.starts_with('{').then(|| "by".to_owned()));
                    words.extend(Words::split(part).0);
                }
                words.join("_")
            }
        };
        let mut unique = id.clone();
        while ids.contains_key(&unique) {
            let number = ids.entry(id.clone()).or_insert(2);
            unique = format!("{id}_{number}");
            *number += 1;
        }
        ids.insert(unique.clone(), 2);
        if unique != id {
            let message = format!("the operation id `{id}` is taken; `{unique}` is used");
            self.warning(at, message, "give each operation an `operationId` of its own");
        }
        unique
    }

    /// Steps over `$ref`s; with the name of the last component that they named.
    pub fn follow(&mut self, at: At<'d>, what: &str) -> Option<(At<'d>, Option<&'d str>)> {
        let mut at = at;
        let mut name = None;
        for _ in 0..HOPS_MAX {
            if !at.is_object() {
                return None;
            }
            let Some(reference) = at.text("$ref") else {
                if name.is_some() && self.has_parse_error(&at.pointer()) {
                    self.operation_complete = false;
                }
                return Some((at, name));
            };
            match self.target(at) {
                Ok(target) => {
                    name = reference.rsplit('/').next();
                    at = target;
                }
                Err(error) => {
                    self.bad_reference(at, &error);
                    return None;
                }
            }
        }
        self.error(
            at,
            format!("the reference to the {what} leads back to itself"),
            "describe it where it is named",
        );
        None
    }

    fn params(&mut self, path: &str, item: At<'d>, at: At<'d>, hint: &str) -> Vec<Param> {
        let mut params: IndexMap<(String, String), Param> = IndexMap::new();
        for (at, shared) in [(item, true), (at, false)] {
            if shared && at.get("parameters").is_some_and(|list| self.has_parse_error(&list.pointer())) {
                self.operation_complete = false;
            }
            for param in at.list("parameters") {
                let Some((at, component)) = self.follow(param, "parameter") else { continue };
                if let Some(param) = self.param(at, component, hint) {
                    params.insert((param.name.clone(), format!("{:?}", param.location)), param);
                }
            }
        }
        let mut params = params.into_values().collect();
        self.compare_with_path(path, at, &mut params);
        params
    }

    fn param(&mut self, at: At<'d>, component: Option<&str>, hint: &str) -> Option<Param> {
        let location = match at.text("in") {
            Some("path") => Location::Path,
            Some("query") => Location::Query,
            Some("header") => Location::Header,
            Some("cookie") => Location::Cookie,
            _ => {
                self.error(
                    at,
                    "the parameter does not say where it is",
                    "write `in: query`, path, header or cookie",
                );
                return None;
            }
        };
        let Some(name) = at.text("name").filter(|name| !name.is_empty()) else {
            self.error(at, "the parameter has no name", "add `name`");
            return None;
        };
        if location == Location::Header && IGNORED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            let message = format!("the header `{name}` is described elsewhere and is no parameter");
            self.warning(at, message, "remove it; use `security`, `requestBody` and `responses`");
            return None;
        }
        if self.is_call_option(at, location) {
            return None;
        }
        let required = at.flag("required") || location == Location::Path;
        if location == Location::Path && !at.flag("required") {
            self.warning(at, "a parameter in the path is always required", "add `required: true`");
        }
        if at.flag("allowReserved") {
            self.warning(at, "`allowReserved` is ignored: the value is percent-encoded", "remove it");
        }
        let hint = component.map_or_else(|| format!("{hint}{}", pascal(name)), pascal);
        let mut content = at.map("content");
        content.truncate(1);
        let (schema, style) = match (content.first(), at.get("schema")) {
            (Some((media_type, media)), _) => (media.get("schema"), (*media_type).to_owned()),
            (None, schema) => {
                let style = at.text("style").unwrap_or(match location {
                    Location::Path | Location::Header => "simple",
                    Location::Query | Location::Cookie => "form",
                });
                (schema, style.to_owned())
            }
        };
        let ty = match schema {
            Some(schema) => self.schema(schema, &hint),
            None => {
                self.warning(
                    at,
                    format!("the parameter `{name}` has no schema; it is a string"),
                    "add `schema`",
                );
                self.string()
            }
        };
        let mut docs = at.docs();
        if let Some(schema) = schema {
            let inner = schema.docs();
            if docs.description.is_empty() {
                docs.description = inner.description;
            }
            if docs.examples.is_empty() {
                docs.examples = inner.examples;
            }
        }
        Some(Param {
            name: name.to_owned(),
            location,
            docs,
            required,
            ty,
            default: schema
                .and_then(|schema| schema.get("default"))
                .map(At::to_json)
                .filter(|value| !value.is_null()),
            explode: at.get("explode").and_then(At::as_bool).unwrap_or(style == "form"),
            style,
        })
    }

    /// Every `{name}` of the path needs a parameter, and every path parameter a `{name}`.
    fn compare_with_path(&mut self, path: &str, at: At<'d>, params: &mut Vec<Param>) {
        let parts = path.split('{').skip(1);
        let in_path: Vec<&str> =
            parts.filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect();
        params.retain(|param| {
            let kept = param.location != Location::Path || in_path.contains(&param.name.as_str());
            if !kept {
                let message =
                    format!("the parameter `{}` does not occur in the path and is left out", param.name);
                self.warning(at, message, "correct its name, or remove it");
            }
            kept
        });
        for name in in_path {
            if !params.iter().any(|param| param.location == Location::Path && param.name == name) {
                let message = format!("no parameter describes `{{{name}}}` of the path; it is a string");
                self.warning(at, message, format!("add a parameter `{name}` with `in: path`"));
                params.push(Param {
                    name: name.to_owned(),
                    location: Location::Path,
                    docs: Default::default(),
                    required: true,
                    ty: self.string(),
                    default: None,
                    style: "simple".to_owned(),
                    explode: false,
                });
            }
        }
    }

    fn body(&mut self, at: At<'d>, hint: &str) -> Option<Body> {
        let (at, component) = self.follow(at, "request body")?;
        let hint = component.map_or_else(|| format!("{hint}Request"), pascal);
        let media =
            at.map("content").into_iter().map(|(media_type, at)| self.media(media_type, at, &hint)).collect();
        Some(Body { required: at.flag("required"), description: at.words("description"), media })
    }

    pub fn media(&mut self, media_type: &str, at: At<'d>, hint: &str) -> Media {
        let essence = essence(media_type);
        let short =
            if is_json(&essence) { String::new() } else { pascal(essence.rsplit('/').next().unwrap_or("")) };
        let ty = at.get("schema").map(|schema| self.schema(schema, &format!("{hint}{short}")));
        Media { media_type: essence, ty, examples: self.examples(at) }
    }

    /// Examples of a media type; those that are references are followed.
    pub fn examples(&mut self, at: At<'d>) -> Vec<serde_json::Value> {
        let mut examples: Vec<_> = at.get("example").map(At::to_json).into_iter().collect();
        for (_, example) in at.map("examples") {
            let target = if example.has("$ref") { self.target(example) } else { Ok(example) };
            match target {
                Ok(target) => examples.extend(target.get("value").map(At::to_json)),
                Err(error) => self.warning(example, format!("the example {error}"), error.help()),
            }
        }
        examples
    }

    fn authenticated(&mut self, at: At<'d>) -> bool {
        match at.get("security").or_else(|| self.document.root().get("security")) {
            Some(requirements) => requirements.items().next().is_some(),
            None => false,
        }
    }

    fn note_servers(&mut self, at: At<'d>) {
        if let Some(servers) = at.get("servers") {
            let message = "servers of a single path are not generated; the document's apply";
            self.warning(servers, message, "move them to the top of the document");
        }
    }
}

/// `Application/JSON; charset=utf-8` → `application/json`.
pub(super) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(super) fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

fn shared_type(errors: &[super::model::ErrorResponse]) -> Option<super::model::TypeRef> {
    // A redirect is outside of 2xx, too, but it is no error and its body says nothing about one.
    let mut types = errors
        .iter()
        .filter(|error| error.status.is_none_or(|status| status >= 400))
        .filter_map(|error| error.ty);
    let first = types.next()?;
    types.all(|ty| ty == first).then_some(first)
}

fn method(key: &str) -> Option<Method> {
    Method::ALL.into_iter().find(|method| method.as_str() == key)
}

impl Method {
    pub const ALL: [Method; 8] = [
        Method::Get,
        Method::Put,
        Method::Post,
        Method::Delete,
        Method::Options,
        Method::Head,
        Method::Patch,
        Method::Trace,
    ];

    /// Lower case, as in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "get",
            Method::Put => "put",
            Method::Post => "post",
            Method::Delete => "delete",
            Method::Options => "options",
            Method::Head => "head",
            Method::Patch => "patch",
            Method::Trace => "trace",
        }
    }
}
