//! What a method takes, and where in the request each argument goes.

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Api, Operation, Shape};
use crate::lower::shared::arguments::{Argument, BodyFormat, Place, Request};
use crate::lower::shared::resolved;

use super::model::{Imports, Parameter, Sends, SentBody};
use super::names::{self, Scope};
use super::types::{Site, Types};

/// An argument with its Python name.
pub struct Named<'r, 'a> {
    pub name: String,
    pub argument: &'r Argument<'a>,
}

/// Python names of all arguments; `also` are taken besides.
pub fn named<'r, 'a>(request: &'r Request<'a>, also: &[&str]) -> Vec<Named<'r, 'a>> {
    let mut scope = Scope::with(names::TAKEN_ARGUMENTS);
    also.iter().for_each(|name| drop(scope.claim((*name).to_owned())));
    let name =
        |argument: &'r Argument<'a>| Named { name: scope.claim(names::snake(&argument.name)), argument };
    request.arguments.iter().map(name).collect()
}

/// The annotation of an argument, without what says that it may be left out.
pub fn annotation(
    types: &Types<'_>,
    argument: &Argument<'_>,
    format: Option<BodyFormat>,
    imports: &mut Imports,
) -> String {
    match (argument.place, format) {
        (Place::Body, Some(BodyFormat::Bytes)) => {
            imports.add("...multipart", "FileContent");
            "FileContent".to_owned()
        }
        (Place::Body, Some(BodyFormat::Text)) => "str".to_owned(),
        _ => types.param(argument.ty, Site::Resource, imports),
    }
}

/// Required ones have no default; others are left out unless they are given.
pub fn parameter(name: &str, annotation: &str, required: bool, imports: &mut Imports) -> Parameter {
    if required {
        return Parameter { name: name.to_owned(), annotation: annotation.to_owned(), default: None };
    }
    Parameter {
        name: name.to_owned(),
        annotation: or_omitted(annotation, imports),
        default: Some("omit".to_owned()),
    }
}

pub fn or_omitted(annotation: &str, imports: &mut Imports) -> String {
    imports.add("...options", "Omit");
    imports.add("typing", "Union");
    let inner = |prefix: &str| annotation.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(']'));
    match (inner("Union["), inner("Optional[")) {
        (Some(members), _) if balanced(members) => format!("Union[{members}, Omit]"),
        (_, Some(member)) if balanced(member) => {
            let member = match member.strip_prefix("Union[").and_then(|rest| rest.strip_suffix(']')) {
                Some(members) if balanced(members) => members,
                _ => member,
            };
            format!("Union[{member}, Omit, None]")
        }
        _ => format!("Union[{annotation}, Omit]"),
    }
}

/// Whether the brackets in a text close as they open.
fn balanced(text: &str) -> bool {
    let mut depth = 0_i32;
    text.chars().all(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        depth >= 0
    }) && depth == 0
}

/// Where each argument goes.
pub fn sends(
    api: &Api,
    operation: &Operation,
    request: &Request<'_>,
    named: &[Named<'_, '_>],
    imports: &mut Imports,
    diagnostics: &mut Diagnostics,
) -> Sends {
    let mut sends = Sends::default();
    let mut fields = Vec::new();
    let mut cookies = Vec::new();
    for Named { name, argument } in named {
        let key = names::quoted(argument.wire);
        match argument.place {
            Place::Path => {
                let value = path_value(api, operation, argument, name, imports, diagnostics);
                sends.path.push((key, value));
            }
            Place::Query => sends.query.push(query_value(api, argument, name, imports)),
            Place::Header => {
                let value = flat(api, argument, name, imports);
                sends.headers.push((key, value));
            }
            Place::Cookie => cookies.push(format!("{key}: {name}")),
            Place::Field => fields.push((key, name.clone())),
            Place::Body => sends.body = Some(SentBody::Whole(name.clone())),
        }
    }
    if !cookies.is_empty() {
        imports.add("...parameters", "cookies");
        sends.headers.push((names::quoted("cookie"), format!("cookies({{{}}})", cookies.join(", "))));
    }
    if request.body.as_ref().is_some_and(|body| body.flattened) {
        sends.body = Some(SentBody::Fields(fields));
    }
    sends
}

fn path_value(
    api: &Api,
    operation: &Operation,
    argument: &Argument<'_>,
    name: &str,
    imports: &mut Imports,
    diagnostics: &mut Diagnostics,
) -> String {
    if matches!(argument.style, "label" | "matrix") {
        let origin = &operation.origin;
        let message =
            format!("`{}`: paths with the style `{}` cannot be written", argument.wire, argument.style);
        diagnostics.error(origin.pointer.clone(), origin.place, message, "use the style `simple`");
    }
    flat(api, argument, name, imports)
}

/// A value that is one text: lists joined by commas, documents as JSON.
fn flat(api: &Api, argument: &Argument<'_>, name: &str, imports: &mut Imports) -> String {
    let function = if argument.style.contains('/') {
        "json_text"
    } else if is_compound(resolved(api, argument.ty.id).1) {
        "joined"
    } else {
        return name.to_owned();
    };
    imports.add("...parameters", function);
    format!("{function}({name})")
}

/// The key, or `**` for a value that makes several parameters, and the expression.
fn query_value(api: &Api, argument: &Argument<'_>, name: &str, imports: &mut Imports) -> (String, String) {
    let key = names::quoted(argument.wire);
    let shape = resolved(api, argument.ty.id).1;
    let is_map = matches!(shape, Shape::Object(_) | Shape::Map { .. } | Shape::Any | Shape::Union(_));
    let spread = |function: &str, imports: &mut Imports| {
        imports.add("...parameters", function);
        ("**".to_owned(), format!("{function}({key}, {name})"))
    };
    match (argument.style, argument.explode) {
        (style, _) if style.contains('/') => (key.clone(), flat(api, argument, name, imports)),
        ("form", true) if is_map && matches!(shape, Shape::Object(_) | Shape::Map { .. }) => {
            spread("exploded", imports)
        }
        ("form", false) if is_map && !matches!(shape, Shape::Any) => {
            imports.add("...parameters", "joined");
            (key, format!("joined({name})"))
        }
        // An object that is left is written as `name[key]=value`, which is `deepObject`.
        _ => (key, name.to_owned()),
    }
}

fn is_compound(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Array { .. } | Shape::Tuple { .. } | Shape::Object(_) | Shape::Map { .. } | Shape::Union(_)
    )
}

/// Separators of query parameters whose lists are one value.
pub fn separators(api: &Api, request: &Request<'_>) -> Vec<(String, String)> {
    let separator = |argument: &&Argument<'_>| match (argument.style, argument.explode) {
        ("form", false) => Some(","),
        ("pipeDelimited", false) => Some("|"),
        ("spaceDelimited", false) => Some(" "),
        _ => None,
    };
    let is_list = |argument: &&Argument<'_>| {
        matches!(resolved(api, argument.ty.id).1, Shape::Array { .. } | Shape::Tuple { .. })
    };
    let query = request.arguments.iter().filter(|argument| argument.place == Place::Query).filter(is_list);
    query
        .filter_map(|argument| Some((names::quoted(argument.wire), names::quoted(separator(&argument)?))))
        .collect()
}
