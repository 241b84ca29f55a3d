//! The dropshot trait, the structs of its parameters, and the schemas that it describes bodies with.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lower::dropshot::{Interface, Method, Params, Reply};
use crate::lower::rust::patterns;

use super::header;
use super::rust::check;
use super::writer::Writer;

const EMITTER: &str = "dropshot";

/// Path and contents of every file.
pub fn emit(interface: &Interface) -> Vec<(String, String)> {
    let mut files = vec![
        ("mod.rs".to_owned(), root(interface)),
        ("gateway.rs".to_owned(), gateway(interface)),
        ("wire.rs".to_owned(), wire(interface)),
        ("schemas.json".to_owned(), schemas(interface)),
    ];
    if !interface.params.is_empty() {
        files.push(("params.rs".to_owned(), params(interface)));
    }
    files.sort();
    files
}

fn begin(docs: &[&str]) -> Writer {
    let mut w = Writer::default();
    w.line(header::slashes(EMITTER).trim_end());
    w.line("");
    w.module_docs(docs);
    w.line("");
    w
}

fn root(interface: &Interface) -> String {
    let mut w = begin(&["The HTTP interface of the gateway as the spec has it."]);
    let params = !interface.params.is_empty();
    w.line("mod gateway;");
    if params {
        w.line("mod params;");
    }
    w.line("mod wire;");
    w.line("");
    w.line("pub use gateway::*;");
    if params {
        w.line("pub use params::*;");
    }
    w.line("");
    w.docs(&["`info.title` of the spec."]);
    w.line(format!("pub const TITLE: &str = {:?};", interface.title));
    w.line("");
    w.docs(&["`info.version` of the spec."]);
    w.line(format!("pub const VERSION: &str = {:?};", interface.version));
    w.line("");
    w.docs(&["Properties that tell union variants apart."]);
    let tags: Vec<String> = interface.union_tags.iter().map(|tag| format!("{tag:?}")).collect();
    w.line(format!("pub const UNION_TAGS: &[&str] = &[{}];", tags.join(", ")));
    w.line("");
    roles(&mut w, interface);
    w.finish()
}

fn roles(w: &mut Writer, interface: &Interface) {
    w.docs(&[
        "Whom each operation asks for: `None` needs no caller, an empty list any; else a caller needs all roles of one of the",
        "lists.",
    ]);
    w.open("pub const ROLES: &[(&str, Option<&[&[&str]]>)] = &[");
    for (operation, alternatives) in &interface.roles {
        let lists = |roles: &Vec<String>| {
            let names: Vec<String> = roles.iter().map(|role| format!("{role:?}")).collect();
            format!("&[{}]", names.join(", "))
        };
        let roles = alternatives.as_ref().map_or_else(
            || "None".to_owned(),
            |roles| format!("Some(&[{}])", roles.iter().map(lists).collect::<Vec<_>>().join(", ")),
        );
        w.line(format!("({operation:?}, {roles}),"));
    }
    w.close("];");
}

fn gateway(interface: &Interface) -> String {
    let mut w = begin(&["One method per operation, with the spec's own words."]);
    w.line("// The words go into dropshot's document as they are: made safe for rustdoc, they would differ from the spec.");
    w.line("#![allow(rustdoc::broken_intra_doc_links, rustdoc::invalid_html_tags, rustdoc::bare_urls)]");
    w.line("");
    let has = |wanted: fn(&Method) -> bool| interface.methods.iter().any(wanted);
    let imports = [
        (has(|method| method.path_params.is_some()), "PathParams"),
        (has(|method| method.query_params.is_some()), "QueryParams"),
    ];
    let replies = [
        (has(|method| matches!(method.reply, Reply::Created(_))), "Created"),
        (has(|method| method.reply == Reply::NoContent), "NoContent"),
        (has(|method| matches!(method.reply, Reply::Found(_))), "Reply"),
    ];
    w.line("use dropshot::RequestContext;");
    let types: BTreeSet<&String> =
        interface.methods.iter().flat_map(|method| method.body.iter().chain(method.reply.body())).collect();
    w.import("novai_types", &types.into_iter().cloned().collect::<Vec<_>>());
    w.line("");
    let local: Vec<String> = interface.params.iter().map(|params| params.name.clone()).collect();
    w.import("super::params", &local);
    if has(|method| method.body.is_some()) {
        w.line("use crate::body::JsonBody;");
    }
    w.line("use crate::error::ApiError;");
    w.import("crate::params", &picked(&imports));
    w.import("crate::reply", &picked(&replies));
    w.line("");
    w.open("#[dropshot::api_description {");
    w.open("tag_config = {");
    w.open("tags = {");
    for (name, description) in &interface.tags {
        w.line(format!("{name:?} = {{ description = {description:?} }},"));
    }
    w.close("},");
    w.close("},");
    w.close("}]");
    w.open("pub trait Gateway {");
    w.line("type Context;");
    for method in &interface.methods {
        w.gap();
        self::method(&mut w, method);
    }
    w.close("}");
    w.finish()
}

fn picked(names: &[(bool, &str)]) -> Vec<String> {
    names.iter().filter(|(wanted, _)| *wanted).map(|(_, name)| (*name).to_owned()).collect()
}

fn method(w: &mut Writer, method: &Method) {
    w.docs(&method.docs);
    w.open("#[endpoint {");
    w.line(format!("method = {},", method.verb));
    w.line(format!("path = {:?},", method.path));
    w.line(format!("operation_id = {:?},", method.operation_id));
    let tags: Vec<String> = method.tags.iter().map(|tag| format!("{tag:?}")).collect();
    w.line(format!("tags = [{}],", tags.join(", ")));
    if method.deprecated {
        w.line("deprecated = true,");
    }
    w.close("}]");
    let mut parts = vec!["context: RequestContext<Self::Context>".to_owned()];
    parts.extend(method.path_params.iter().map(|params| format!("path: PathParams<{params}>")));
    parts.extend(method.query_params.iter().map(|params| format!("query: QueryParams<{params}>")));
    parts.extend(method.body.iter().map(|body| format!("body: JsonBody<{body}>")));
    let reply = match &method.reply {
        Reply::Found(body) => format!("Reply<{body}>"),
        Reply::Created(body) => format!("Created<{body}>"),
        Reply::NoContent => "NoContent".to_owned(),
        Reply::Other => "http::Response<dropshot::Body>".to_owned(),
    };
    w.list(&format!("async fn {}", method.name), &parts, &format!(" -> Result<{reply}, ApiError>;"));
}

fn params(interface: &Interface) -> String {
    let mut w = begin(&["Parameters of each operation, by the place that they come in."]);
    let mut names: Vec<String> = interface.param_types.iter().cloned().collect();
    names.extend(["Check", "Path", "Violation"].map(str::to_owned));
    if interface.params.iter().any(|params| !patterns(&params.rules).is_empty()) {
        names.push("Pattern".to_owned());
    }
    w.import("novai_types", &names);
    w.line("use schemars::JsonSchema;");
    w.line("use schemars::r#gen::SchemaGenerator;");
    w.line("use serde::Deserialize;");
    let mut fields = interface.params.iter().flat_map(|params| &params.fields);
    if fields.any(|field| field.ty.contains("Value")) {
        w.line("use serde_json::Value;");
    }
    w.line("");
    w.line("use crate::schema::{Schema, WireSchema};");
    for params in &interface.params {
        w.gap();
        param_struct(&mut w, params);
    }
    w.finish()
}

fn param_struct(w: &mut Writer, params: &Params) {
    let name = &params.name;
    w.docs(&[&params.docs]);
    w.line("#[derive(Debug, Clone, Deserialize)]");
    w.open(format!("pub struct {name} {{"));
    for field in &params.fields {
        w.docs(&field.docs);
        if let Some(wire) = &field.rename {
            w.line(format!("#[serde(rename = {wire:?})]"));
        }
        w.line(format!("pub {}: {},", field.ident, field.ty));
    }
    w.close("}");
    w.gap();
    check::write_struct(w, name, &params.rules);
    w.gap();
    wire_schema(w, name, name, &[]);
    w.gap();
    w.open(format!("impl JsonSchema for {name} {{"));
    w.open("fn schema_name() -> String {");
    w.line("Schema::<Self>::schema_name()");
    w.close("}");
    w.gap();
    w.open("fn json_schema(generator: &mut SchemaGenerator) -> schemars::schema::Schema {");
    w.line("Schema::<Self>::json_schema(generator)");
    w.close("}");
    w.close("}");
}

fn wire(interface: &Interface) -> String {
    let mut w = begin(&["The component schema of each body."]);
    w.import("novai_types", &interface.wire.keys().cloned().collect::<Vec<_>>());
    w.line("");
    w.line("use crate::schema::WireSchema;");
    for (name, wire) in &interface.wire {
        w.gap();
        let also: Vec<String> = wire.also.iter().map(|name| format!("{name:?}")).collect();
        wire_schema(&mut w, name, &wire.component, &also);
    }
    w.finish()
}

fn wire_schema(w: &mut Writer, name: &str, component: &str, also: &[String]) {
    w.open(format!("impl WireSchema for {name} {{"));
    w.line(format!("const NAME: &'static str = {component:?};"));
    if !also.is_empty() {
        w.line(format!("const ALSO: &'static [&'static str] = &[{}];", also.join(", ")));
    }
    w.close("}");
}

/// In schemars' dialect, which has numeric exclusive bounds and a list of examples.
fn schemas(interface: &Interface) -> String {
    let mut all = Value::Object(interface.schemas.clone());
    schemars_dialect(&mut all);
    // A map of values always has a text.
    format!("{}\n", serde_json::to_string_pretty(&all).unwrap_or_default())
}

fn schemars_dialect(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
                if fields.get(flag) == Some(&Value::Bool(true))
                    && let Some(number) = fields.remove(bound)
                {
                    fields.insert(flag.to_owned(), number);
                }
            }
            if let Some(example) = fields.remove("example") {
                fields.insert("examples".to_owned(), Value::Array(vec![example]));
            }
            fields.values_mut().for_each(schemars_dialect);
        }
        Value::Array(items) => items.iter_mut().for_each(schemars_dialect),
        _ => {}
    }
}
