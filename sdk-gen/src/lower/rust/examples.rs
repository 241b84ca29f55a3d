//! Examples in doc comments: the document's own, as Rust.
//!
//! Only what reads well is written: a constructor, a few setters. A value that would need more gives no example.

use serde_json::Value;

use crate::ir::model::{Operation, Shape, TypeId, Words};

use super::model::{Constructor, Pass, Presence, StructField, Ty};
use super::repr::resolved;
use super::{Context, names, objects, unions};

/// Setters beyond this say nothing new.
const SETTERS_MAX: usize = 4;

/// A longer list has one item per line.
const ITEMS_WIDTH_MAX: usize = 50;

/// How the operation is called, as lines of a doc test that is compiled and not run.
pub fn call(context: &Context<'_>, operation: &Operation) -> Vec<String> {
    let path = path(operation);
    let method = names::identifier(&names::snake(&operation.method_name.0.join("_")));
    let Some((setup, arguments)) = arguments(context, operation) else { return Vec::new() };
    let mut lines = setup;
    let answer = if operation.success.json.is_some() { "let answer = " } else { "" };
    lines.push(format!("{answer}client.{path}.{method}({arguments}).await?;"));
    if let Some(ty) = operation.success.json {
        // A secret is what such an answer is wanted for, and `Debug` does not show it.
        lines.push(match secret(context, ty.id) {
            Some(field) => format!("println!(\"{{}}\", answer.{field});"),
            None => "println!(\"{answer:?}\");".to_owned(),
        });
    }
    doc_test(lines)
}

/// The text field of an answer that is not shown.
fn secret(context: &Context<'_>, id: TypeId) -> Option<String> {
    let (id, Shape::Object(object)) = resolved(context.api, id) else { return None };
    let fields = objects::lower(context, id, object).fields.into_iter();
    let mut secret =
        fields.filter(|field| field.secret && field.presence == Presence::Required && field.ty == Ty::String);
    secret.next().map(|field| field.ident)
}

pub fn stream(context: &Context<'_>, operation: &Operation) -> Vec<String> {
    let path = path(operation);
    let base = names::snake(&operation.method_name.0.join("_"));
    let method = if base == "create" { "stream".to_owned() } else { format!("{base}_stream") };
    let Some((setup, arguments)) = arguments(context, operation) else { return Vec::new() };
    let mut lines = setup;
    lines.push(format!("let mut stream = client.{path}.{method}({arguments}).await?;"));
    lines.push("while let Some(event) = stream.next().await {".to_owned());
    lines.push("    println!(\"{:?}\", event?);".to_owned());
    lines.push("}".to_owned());
    lines.push("let whole = stream.final_completion().await?;".to_owned());
    lines.push("# drop(whole);".to_owned());
    doc_test(lines)
}

fn doc_test(lines: Vec<String>) -> Vec<String> {
    let before = ["```no_run", "# async fn demo(client: novai::Client) -> Result<(), novai::Error> {"];
    let after = ["# Ok(())", "# }", "```"];
    before
        .iter()
        .map(|&line| line.to_owned())
        .chain(lines)
        .chain(after.iter().map(|&line| line.to_owned()))
        .collect()
}

fn path(operation: &Operation) -> String {
    let accessor = |Words(words): &Words| format!("{}()", names::identifier(&names::snake(&words.join("_"))));
    match operation.resource.as_slice() {
        [] => "api()".to_owned(),
        path => path.iter().map(accessor).collect::<Vec<_>>().join("."),
    }
}

/// Lines that prepare the arguments, and the arguments; `None` where the document gives no values for them.
fn arguments(context: &Context<'_>, operation: &Operation) -> Option<(Vec<String>, String)> {
    if operation.params.iter().any(|param| !param.required) {
        return None;
    }
    let mut arguments = Vec::new();
    for param in &operation.params {
        let target = &context.api.ty(param.ty.id).docs;
        let example = param.docs.examples.first().or(target.examples.first())?;
        arguments.push(format!("{:?}", example.as_str()?));
    }
    let mut lines = Vec::new();
    if let Some(body) = &operation.body {
        let ty = body.media.first()?.ty?;
        let examples = &context.api.ty(ty.id).docs.examples;
        let example = body.media.first()?.examples.first().or(examples.first())?;
        let mut used = Vec::new();
        let value = structure(context, ty.id, example, &mut used)?;
        used.sort();
        used.dedup();
        lines.push(match used.as_slice() {
            [only] => format!("use novai::types::{only};"),
            names => format!("use novai::types::{{{}}};", names.join(", ")),
        });
        lines.push(String::new());
        lines.extend(format!("let request = {value};").lines().map(str::to_owned));
        arguments.push("request".to_owned());
    }
    Some((lines, arguments.join(", ")))
}

/// `ChatCompletionRequest::new("gpt-4o-mini", vec![…]).max_tokens(100)`
fn structure(context: &Context<'_>, id: TypeId, example: &Value, used: &mut Vec<String>) -> Option<String> {
    let (id, Shape::Object(object)) = resolved(context.api, id) else { return None };
    let name = context.reprs.item_name(id)?;
    used.push(name.to_owned());
    let lowered = objects::lower(context, id, object);
    let given = example.as_object()?;
    let target = |wire: &str| object.fields.iter().find(|field| field.name == wire).map(|field| field.ty.id);
    let required: Vec<&StructField> = super::builders::required(&lowered.fields).collect();
    let mut text = if required.is_empty() {
        format!("{name}::default()")
    } else {
        let mut arguments = Vec::new();
        for field in required {
            arguments.push(value(context, target(&field.wire)?, field, given.get(&field.wire)?, used)?);
        }
        format!("{name}::new({})", arguments.join(", "))
    };
    let optional = lowered.fields.iter().filter(|field| field.presence != Presence::Required);
    for field in optional.filter(|field| given.contains_key(&field.wire)).take(SETTERS_MAX) {
        let argument = value(context, target(&field.wire)?, field, given.get(&field.wire)?, used)?;
        text = format!("{text}.{}({argument})", field.setter);
    }
    Some(text)
}

fn value(
    context: &Context<'_>,
    id: TypeId,
    field: &StructField,
    example: &Value,
    used: &mut Vec<String>,
) -> Option<String> {
    match (&field.ty, example) {
        (_, Value::String(text)) if field.pass == Pass::Into => Some(format!("{text:?}")),
        _ => plain(context, id, &field.ty, example, used),
    }
}

fn plain(
    context: &Context<'_>,
    id: TypeId,
    ty: &Ty,
    example: &Value,
    used: &mut Vec<String>,
) -> Option<String> {
    match (ty, example, resolved(context.api, id)) {
        (Ty::U64 | Ty::I64 | Ty::Bool, value, _) => Some(value.to_string()),
        (Ty::F64, Value::Number(number), _) => Some(format!("{:?}", number.as_f64()?)),
        (Ty::String, Value::String(text), _) => Some(format!("{text:?}.to_owned()")),
        (Ty::Vec(item), Value::Array(values), (_, Shape::Array { items, .. })) => {
            let items: Option<Vec<String>> =
                values.iter().map(|value| plain(context, items.id, item, value, used)).collect();
            let one = items?.join(", ");
            let long = one.len() > ITEMS_WIDTH_MAX;
            Some(if long {
                format!("vec![\n    {},\n]", one.replace("), ", "),\n    "))
            } else {
                format!("vec![{one}]")
            })
        }
        (Ty::Named(_), value, (id, Shape::Object(_))) => structure(context, id, value, used),
        (Ty::Named(name), value, (id, Shape::Union(_))) => variant(context, id, name, value, used),
        _ => None,
    }
}

/// `Message::user("Why is the sky blue?")`
fn variant(
    context: &Context<'_>,
    id: TypeId,
    name: &str,
    example: &Value,
    used: &mut Vec<String>,
) -> Option<String> {
    let lowered = unions::lower(context, id, name);
    let tag = example.get(lowered.tag.as_deref()?)?.as_str()?;
    let variant = lowered.variants.iter().find(|variant| variant.tags.iter().any(|other| other == tag))?;
    let made: &Constructor =
        lowered.constructors.iter().find(|constructor| constructor.variant == variant.name)?;
    let payload = context
        .tags
        .payloads(id)
        .into_iter()
        .find(|payload| context.reprs.item_name(payload.id) == Some(made.payload.as_str()))?;
    let (_, Shape::Object(object)) = resolved(context.api, payload.id) else { return None };
    let mut arguments = Vec::new();
    for param in &made.params {
        let target = object.fields.iter().find(|field| field.name == param.wire)?.ty.id;
        arguments.push(value(context, target, param, example.get(&param.wire)?, used)?);
    }
    used.push(name.to_owned());
    Some(format!("{name}::{}({})", made.name, arguments.join(", ")))
}
