//! The constants that tell the runtime what an operation is.

use crate::ir::model::{Api, Operation, Pages, Shape, TypeRef};
use crate::lower::shared::answers::{Answers, Events, Framing, Whole};
use crate::lower::shared::arguments::Request;
use crate::lower::shared::text_path::Step;
use crate::lower::shared::{accumulate, object, resolved};

use super::folds::Folds;
use super::model::{Argument, Call, Imports, OperationConstant, StreamTypes};
use super::names;
use super::parameters::separators;
use super::types::{Site, Types, optional};
use super::unions::{Wrap, written_argument};

/// An operation's route: method, path, and how its request is written.
fn route(operation: &Operation) -> Vec<Argument> {
    let method = operation.method.as_str().to_ascii_uppercase();
    vec![Argument::Text(names::quoted(&method)), Argument::Text(names::quoted(&operation.path))]
}

fn request_arguments(api: &Api, request: &Request<'_>) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let media_type = request.body.as_ref().map(|body| body.media_type);
    if let Some(media_type) = media_type.filter(|media_type| *media_type != "application/json") {
        arguments.push(Argument::Named("body_type".to_owned(), names::quoted(media_type)));
    }
    let separators = separators(api, request);
    if !separators.is_empty() {
        let text = written_argument(&Argument::Dict(separators));
        arguments.push(Argument::Named("joined".to_owned(), text));
    }
    arguments
}

/// The annotation of what one reply is.
pub fn whole_annotation(types: &Types<'_>, answers: &Answers, imports: &mut Imports) -> Option<String> {
    let text = match answers.whole.as_ref()? {
        Whole::Json(ty) => types.view(*ty, Site::Resource, imports),
        Whole::Text => "str".to_owned(),
        Whole::Bytes(_) => "bytes".to_owned(),
        Whole::Nothing => "None".to_owned(),
    };
    Some(if answers.may_be_empty { optional(&text, imports) } else { text })
}

/// `_RETRIEVE = Operation("GET", "/models/{model}", Model)`
pub fn whole(
    types: &Types<'_>,
    name: String,
    operation: &Operation,
    request: &Request<'_>,
    answers: &Answers,
    annotation: &str,
    imports: &mut Imports,
) -> OperationConstant {
    imports.add("...operation", "Operation");
    let mut arguments = route(operation);
    let mut is_class = false;
    let reply = match &answers.whole {
        Some(Whole::Json(ty)) => {
            let decode = match types.wrap(*ty, None, imports) {
                Wrap::Kind(kind) => {
                    is_class = object(types.api, ty.id).is_some();
                    Some(if is_class { kind } else { one(&kind, imports) })
                }
                Wrap::Value(value) => Some(value),
                Wrap::Raw => None,
            };
            arguments.extend(decode.map(Argument::Text));
            None
        }
        Some(Whole::Text) => Some("text"),
        Some(Whole::Bytes(_)) => Some("bytes"),
        Some(Whole::Nothing) | None => Some("none"),
    };
    arguments.extend(reply.map(|reply| Argument::Named("reply".to_owned(), names::quoted(reply))));
    if answers.may_be_empty {
        arguments.push(Argument::Named("nothing".to_owned(), "True".to_owned()));
    }
    arguments.extend(request_arguments(types.api, request));
    // A model's class says what the result is; else the annotation has to.
    let plain = is_class && !annotation.starts_with("Optional[");
    OperationConstant {
        name: if plain { name } else { format!("{name}: Operation[{annotation}]") },
        value: Call { function: "Operation".to_owned(), arguments },
    }
}

fn one(kind: &str, imports: &mut Imports) -> String {
    imports.add("...fields", "one");
    format!("one({kind})")
}

pub fn stream_annotations(types: &Types<'_>, events: &Events, imports: &mut Imports) -> StreamTypes {
    StreamTypes {
        event: types.view(events.event, Site::Resource, imports),
        whole: match &events.folding {
            Some(folding) => types.view(accumulate::result(types.api, folding), Site::Resource, imports),
            None => "None".to_owned(),
        },
    }
}

/// `_CREATE_STREAM = StreamOperation("POST", "/chat/completions", ChatCompletionChunk, ChatCompletion, …)`
pub fn stream(
    types: &Types<'_>,
    name: String,
    operation: &Operation,
    request: &Request<'_>,
    events: &Events,
    annotations: &StreamTypes,
    (folds, imports): (&Folds, &mut Imports),
) -> OperationConstant {
    imports.add("...operation", "StreamOperation");
    let mut arguments = route(operation);
    let event = callable(types, events.event, imports);
    let result = events.folding.as_ref().map(|folding| accumulate::result(types.api, folding));
    let result = result.map(|result| callable(types, result, imports));
    let inferred = matches!((&event, &result), (Some(_), Some(Some(_)))) && is_object(types, events.event);
    arguments.push(Argument::Text(event.unwrap_or_else(|| "None".to_owned())));
    arguments.extend(result.flatten().map(Argument::Text));
    let named = |name: &str, text: String| Argument::Named(name.to_owned(), text);
    arguments.extend(events.terminal.as_ref().map(|text| named("terminal", names::quoted(text))));
    if let Some(constant) = folds.constant(&operation.id) {
        imports.add("..folds", constant);
        arguments.push(named("plan", constant.to_owned()));
    }
    arguments.extend(events.text.as_ref().map(|path| named("text", text_path(path))));
    if events.framing == Framing::Lines {
        arguments.push(named("lines", "True".to_owned()));
    }
    arguments.extend(request_arguments(types.api, request));
    let StreamTypes { event, whole } = annotations;
    OperationConstant {
        name: if inferred { name } else { format!("{name}: StreamOperation[{event}, {whole}]") },
        value: Call { function: "StreamOperation".to_owned(), arguments },
    }
}

fn is_object(types: &Types<'_>, ty: TypeRef) -> bool {
    object(types.api, ty.id).is_some()
}

/// What makes a value of its JSON; a class where it is one.
fn callable(types: &Types<'_>, ty: TypeRef, imports: &mut Imports) -> Option<String> {
    match types.wrap(ty, None, imports) {
        Wrap::Kind(kind) if is_object(types, ty) => Some(kind),
        wrap => wrap.callable(imports),
    }
}

/// `("choices", 0, "delta", "content")`
fn text_path(path: &[Step]) -> String {
    let parts: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::Field(name) => names::quoted(name),
            Step::Items => "0".to_owned(),
        })
        .collect();
    let comma = if parts.len() == 1 { "," } else { "" };
    format!("({}{comma})", parts.join(", "))
}

/// The type of a page's items.
pub fn item_type(api: &Api, answers: &Answers, pages: &Pages) -> Option<TypeRef> {
    let Some(Whole::Json(page)) = &answers.whole else { return None };
    let (_, page) = object(api, page.id)?;
    let field = page.fields.iter().find(|field| field.name == pages.items)?;
    match resolved(api, field.ty.id).1 {
        Shape::Array { items, .. } => Some(*items),
        _ => None,
    }
}

/// `_LIST = PageOperation("GET", "/batches", Batch, next_cursor="last_id")`
pub fn pages(
    types: &Types<'_>,
    name: String,
    operation: &Operation,
    request: &Request<'_>,
    (pages, item): (&Pages, TypeRef),
    imports: &mut Imports,
) -> OperationConstant {
    imports.add("...operation", "PageOperation");
    let annotation = types.view(item, Site::Resource, imports);
    let mut arguments = route(operation);
    let callable = callable(types, item, imports);
    let plain = callable.is_some() && is_object(types, item);
    arguments.push(Argument::Text(callable.unwrap_or_else(|| {
        imports.add("...fields", "as_is");
        "as_is".to_owned()
    })));
    let named = |name: &str, text: String| Argument::Named(name.to_owned(), text);
    // What the runtime takes for granted is not said again.
    if pages.items != "data" {
        arguments.push(named("items", names::quoted(&pages.items)));
    }
    if pages.cursor_param != "after" {
        arguments.push(named("cursor_param", names::quoted(&pages.cursor_param)));
    }
    arguments.extend(pages.next_cursor.as_ref().map(|field| named("next_cursor", names::quoted(field))));
    match pages.has_more.as_deref() {
        Some("has_more") => {}
        Some(field) => arguments.push(named("has_more", names::quoted(field))),
        None => arguments.push(named("has_more", "None".to_owned())),
    }
    let separators = request_arguments(types.api, request);
    arguments.extend(separators);
    OperationConstant {
        name: if plain { name } else { format!("{name}: PageOperation[{annotation}]") },
        value: Call { function: "PageOperation".to_owned(), arguments },
    }
}
