//! One file per namespace.

use std::collections::BTreeSet;

use crate::emit::header;
use crate::emit::writer::Writer;
use crate::lower::rust::model::Ty;
use crate::lower::rust::sdk::{
    Child, Method, MethodParam, PageField, PagesMethod, ParamsStruct, Resource, Sdk, StreamMethod,
};

use super::EMITTER;

pub fn emit(sdk: &Sdk) -> Vec<(String, String)> {
    let mut files = vec![("mod.rs".to_owned(), index(sdk))];
    files.extend(
        sdk.resources
            .iter()
            .map(|resource| (format!("{}.rs", resource.file.trim_start_matches("r#")), file(resource))),
    );
    files
}

fn begin(docs: &str) -> Writer {
    let mut w = Writer::default();
    w.line(header::slashes(EMITTER).trim_end());
    w.line("");
    w.module_docs(&[docs]);
    w.line("");
    w
}

fn index(sdk: &Sdk) -> String {
    let mut w = begin("The API's operations, in namespaces below [`Client`].");
    sdk.resources.iter().for_each(|resource| w.line(format!("mod {};", resource.file)));
    w.line("");
    sdk.resources.iter().for_each(|resource| w.line(format!("pub use {}::*;", resource.file)));
    w.line("");
    w.line("use crate::client::Client;");
    w.line("");
    w.open("impl Client {");
    for child in &sdk.roots {
        w.gap();
        accessor(&mut w, child, "self.clone()");
    }
    w.close("}");
    w.finish()
}

fn accessor(w: &mut Writer, child: &Child, client: &str) {
    w.docs(&[format!("`{}`", child.dotted)]);
    w.open(format!("pub fn {}(&self) -> {} {{", child.accessor, child.name));
    w.line(format!("{}::new({client})", child.name));
    w.close("}");
}

fn file(resource: &Resource) -> String {
    let mut w = begin(&format!("`{}`", resource.dotted));
    imports(&mut w, resource);
    w.line("");
    w.docs(&[format!("The namespace `{}`.", resource.dotted)]);
    w.line("#[derive(Debug, Clone)]");
    w.open(format!("pub struct {} {{", resource.name));
    w.line("client: Client,");
    w.close("}");
    w.gap();
    w.open(format!("impl {} {{", resource.name));
    w.open("pub(crate) fn new(client: Client) -> Self {");
    w.line("Self { client }");
    w.close("}");
    for child in &resource.children {
        w.gap();
        accessor(&mut w, child, "self.client.clone()");
    }
    for method in &resource.methods {
        w.gap();
        self::method(&mut w, method);
        if let Some(stream) = &method.stream {
            w.gap();
            streaming(&mut w, method, stream);
        }
        if let Some(pages) = &method.pages {
            w.gap();
            all_pages(&mut w, method, pages);
        }
    }
    w.close("}");
    for optional in resource.methods.iter().filter_map(|method| method.optional.as_ref()) {
        w.gap();
        params_struct(&mut w, optional);
    }
    w.finish()
}

fn imports(w: &mut Writer, resource: &Resource) {
    let methods = &resource.methods;
    let params = || methods.iter().flat_map(|method| &method.params);
    let optional = || methods.iter().filter_map(|method| method.optional.as_ref()).flat_map(|o| &o.fields);
    let all: Vec<&Ty> = params()
        .filter(|param| !param.text)
        .chain(optional())
        .map(|param| &param.ty)
        .chain(methods.iter().filter_map(|method| method.answer.as_ref()))
        .chain(methods.iter().filter_map(|method| method.pages.as_ref()).map(|pages| &pages.item))
        .collect();
    let spelled: String = all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if spelled.contains("BTreeMap<") {
        w.line("use std::collections::BTreeMap;");
        w.line("");
    }
    match (spelled.contains("Map<String, Value>"), spelled.contains("Value")) {
        (true, _) => w.line("use serde_json::{Map, Value};"),
        (false, true) => w.line("use serde_json::Value;"),
        _ => {}
    }
    w.line("use crate::client::Client;");
    if !methods.is_empty() {
        w.line("use crate::errors::Error;");
    }
    let accumulators: BTreeSet<String> = methods
        .iter()
        .filter_map(|method| method.stream.as_ref())
        .map(|stream| stream.accumulator.clone())
        .collect();
    w.import("crate::generated::accumulate", &accumulators.iter().cloned().collect::<Vec<_>>());
    let children: Vec<String> = resource.children.iter().map(|child| child.name.clone()).collect();
    w.import("crate::generated::resources", &children);
    let mut types: BTreeSet<String> = methods.iter().filter_map(|method| method.body.clone()).collect();
    for ty in all {
        ty.named(&mut |name| {
            types.insert(name.to_owned());
        });
    }
    w.import("crate::generated::types", &types.into_iter().collect::<Vec<_>>());
    if methods.iter().any(|method| method.pages.is_some()) {
        w.line("use crate::pages::{Items, Page};");
    }
    if !methods.is_empty() {
        w.line("use crate::response::Response;");
    }
    if !accumulators.is_empty() {
        w.line("use crate::stream::Stream;");
    }
}

fn method(w: &mut Writer, method: &Method) {
    let answer = method.answer.as_ref().map_or("()".to_owned(), ToString::to_string);
    w.docs(&method.docs);
    begin_method(
        w,
        &method.name,
        method,
        method.selector.is_some(),
        &format!("Result<Response<{answer}>, Error>"),
    );
    if let Some(selector) = &method.selector {
        w.line(format!("request.{selector} = None;"));
    }
    send(w, method, "call", &method.raw);
    w.close("}");
}

fn streaming(w: &mut Writer, method: &Method, stream: &StreamMethod) {
    w.docs(&stream.docs);
    let result = format!("Result<Stream<{}>, Error>", stream.accumulator);
    begin_method(w, &stream.name, method, method.selector.is_some(), &result);
    if let Some(selector) = &method.selector {
        w.line(format!("request.{selector} = Some(true);"));
    }
    send(w, method, "stream", &stream.raw);
    w.close("}");
}

/// A method that calls the one for a page, again and again.
fn all_pages(w: &mut Writer, method: &Method, pages: &PagesMethod) {
    w.docs(&pages.docs);
    let mut parts = vec!["&self".to_owned()];
    let mut owned = vec![("this", "self.clone()".to_owned())];
    let mut arguments = Vec::new();
    for param in &method.params {
        let (ty, made, passed) = match param.text {
            true => ("&str".to_owned(), format!("{}.to_owned()", param.ident), format!("&{}", param.ident)),
            false => (param.ty.to_string(), param.ident.clone(), param.ident.clone()),
        };
        parts.push(format!("{}: {ty}", param.ident));
        owned.push((&param.ident, made));
        arguments.push(passed);
    }
    if let Some(body) = &method.body {
        parts.push(format!("request: {body}"));
        owned.push(("request", "request".to_owned()));
        arguments.push("request".to_owned());
    }
    parts.push(format!("params: {}", pages.params));
    arguments.push("params".to_owned());
    w.list(&format!("pub fn {}", pages.name), &parts, &format!(" -> Items<{}> {{", pages.item));
    w.indent();
    for (name, made) in owned.iter().filter(|(name, made)| name != made) {
        w.line(format!("let {name} = {made};"));
    }
    w.open("Items::new(move |cursor| {");
    let clones: Vec<&str> = owned.iter().map(|(name, _)| *name).collect();
    clones.iter().for_each(|name| w.line(format!("let {name} = {name}.clone();")));
    w.line("let mut params = params.clone();");
    w.line(format!("params.{0} = cursor.or(params.{0});", pages.cursor));
    w.open("async move {");
    w.line(format!("let page = this.{}({}).await?.into_inner();", method.name, arguments.join(", ")));
    let items = &pages.items.ident;
    let some = |field: &PageField, owner: &str| match field.optional {
        true => format!("{owner}.{}", field.ident),
        false => format!("Some({owner}.{})", field.ident),
    };
    if pages.items.optional {
        w.line(format!("let items = page.{items}.unwrap_or_default();"));
    } else {
        w.line(format!("let items = page.{items};"));
    }
    let next = match (pages.next_is_id, pages.next_cursor.optional) {
        (false, _) => some(&pages.next_cursor, "page"),
        (true, false) => format!("items.last().map(|item| item.{}.clone())", pages.next_cursor.ident),
        (true, true) => format!("items.last().and_then(|item| item.{}.clone())", pages.next_cursor.ident),
    };
    w.line(format!("let next_cursor = {next};"));
    let has_more = pages.has_more.as_ref().map_or_else(|| "None".to_owned(), |field| some(field, "page"));
    w.line(format!("Ok(Page {{ items, next_cursor, has_more: {has_more} }})"));
    w.close("}");
    w.close("})");
    w.close("}");
}

fn begin_method(w: &mut Writer, name: &str, method: &Method, mutable: bool, result: &str) {
    let mut parts = vec!["&self".to_owned()];
    parts.extend(method.params.iter().map(|param| {
        let ty = if param.text { "&str".to_owned() } else { param.ty.to_string() };
        format!("{}: {ty}", param.ident)
    }));
    let request = if mutable { "mut request" } else { "request" };
    parts.extend(method.body.iter().map(|body| format!("{request}: {body}")));
    parts.extend(method.optional.iter().map(|optional| format!("params: {}", optional.name)));
    w.list(&format!("pub async fn {name}"), &parts, &format!(" -> {result} {{"));
    w.indent();
    for param in method.params.iter().filter(|param| param.text) {
        w.line(format!("let {0} = {0}.to_owned();", param.ident));
    }
}

fn send(w: &mut Writer, method: &Method, how: &str, raw: &str) {
    let mut chain = format!("raw.{raw}()");
    for param in &method.params {
        chain.push_str(&format!(".{0}({0})", param.ident));
    }
    if method.body.is_some() {
        chain.push_str(".body(request)");
    }
    let Some(optional) = &method.optional else {
        let one = format!("self.client.{how}(|raw| async move {{ {chain}.send().await }}).await");
        if w.fits(&one) {
            w.line(one);
        } else {
            w.open("self.client");
            w.line(format!(".{how}(|raw| async move {{ {chain}.send().await }})"));
            w.line(".await");
            w.dedent();
        }
        return;
    };
    w.open("self.client");
    w.open(format!(".{how}(|raw| async move {{"));
    w.line(format!("let mut call = {chain};"));
    for field in &optional.fields {
        w.open(format!("if let Some({0}) = params.{0} {{", field.ident));
        w.line(format!("call = call.{0}({0});", field.ident));
        w.close("}");
    }
    w.line("call.send().await");
    w.close("})");
    w.line(".await");
    w.dedent();
}

fn params_struct(w: &mut Writer, optional: &ParamsStruct) {
    w.docs(&["Optional parameters; unset ones are not sent."]);
    w.line("#[derive(Debug, Clone, Default)]");
    w.line("#[non_exhaustive]");
    w.open(format!("pub struct {} {{", optional.name));
    for MethodParam { ident, docs, ty, .. } in &optional.fields {
        w.docs(docs);
        w.line(format!("pub {ident}: Option<{}>,", ty));
    }
    w.close("}");
    w.gap();
    w.open(format!("impl {} {{", optional.name));
    for MethodParam { ident, docs, ty, .. } in &optional.fields {
        w.gap();
        w.docs(docs.first().filter(|line| !line.is_empty()).into_iter().collect::<Vec<_>>().as_slice());
        w.line("#[must_use]");
        let value = if *ty == Ty::String { "impl Into<String>".to_owned() } else { ty.to_string() };
        let made = if *ty == Ty::String { format!("{ident}.into()") } else { ident.clone() };
        w.open(format!("pub fn {ident}(mut self, {ident}: {value}) -> Self {{"));
        w.line(format!("self.{ident} = Some({made});"));
        w.line("self");
        w.close("}");
    }
    w.close("}");
}
