//! One operation → one method: its signature, its docs, and the constants it passes to the runtime.
//!
//! Start at [`method`].

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostics;
use crate::ir::model::Operation;
use crate::lower::shared::answers::{Answers, Events, Whole, answers};
use crate::lower::shared::arguments::{Place, Request, request};
use crate::lower::shared::docs::{first_sentence, wrapped};
use crate::lower::shared::target;

use super::docs::{self, entry, section};
use super::folds::Folds;
use super::model::{Imports, Method, OperationConstant, Returns, Selectors, Sends, SentBody};
use super::operations;
use super::parameters::{self, Named};
use super::types::{Site, Types, optional};

/// Columns of a method's docstring at a class member's depth.
const WIDTH: usize = 86;

/// Statuses that have an error class of their own in the runtime's `errors`.
const ERROR_CLASSES: &[(u16, &str)] = &[
    (400, "BadRequestError"),
    (401, "AuthenticationError"),
    (403, "PermissionDeniedError"),
    (404, "NotFoundError"),
    (409, "ConflictError"),
    (422, "UnprocessableEntityError"),
    (429, "RateLimitError"),
];

/// What a module collects while its methods are made.
#[derive(Default)]
pub struct Module {
    pub imports: Imports,
    pub type_imports: Imports,
    pub operations: Vec<OperationConstant>,
}

pub fn method(
    types: &Types<'_>,
    folds: &Folds,
    operation: &Operation,
    name: String,
    module: &mut Module,
    diagnostics: &mut Diagnostics,
) -> Method {
    let api = types.api;
    let request = request(api, operation);
    let answers = answers(api, operation);
    warn(operation, &request, &answers, diagnostics);
    let selector = answers
        .events
        .as_ref()
        .and_then(|events| events.selector.as_ref())
        .filter(|_| answers.whole.is_some())
        .map(|selector| selector.field.as_str());
    let named = parameters::named(&request, if selector.is_some() { &["body"] } else { &[] });
    let format = request.body.as_ref().map(|body| body.format);
    let mut sends = parameters::sends(api, operation, &request, &named, &mut module.imports, diagnostics);
    let mut positional = Vec::new();
    let (mut required, mut optional) = (Vec::new(), Vec::new());
    for Named { name, argument } in &named {
        let annotation = parameters::annotation(types, argument, format, &mut module.type_imports);
        if argument.place == Place::Field && Some(argument.wire) == selector {
            continue;
        }
        let parameter = parameters::parameter(name, &annotation, argument.required, &mut module.type_imports);
        match (argument.place, argument.required) {
            (Place::Path, _) => positional.push(parameter),
            (_, true) => required.push(parameter),
            (_, false) => optional.push(parameter),
        }
    }
    if named.iter().any(|named| !named.argument.required) {
        module.imports.add("...options", "omit");
    }
    let returns = returns(types, folds, operation, &name, &request, &answers, &named, module);
    if let (Returns::Either { selector: parameter, .. }, Some(events)) = (&returns, &answers.events) {
        send_selector(&mut sends, &parameter.name, events);
    }
    Method {
        docs: method_docs(types, operation, &named, &answers, &returns),
        operation_id: operation.id.clone(),
        route: format!("{} {}", operation.method.as_str().to_ascii_uppercase(), operation.path),
        positional,
        named: required.into_iter().chain(optional).collect(),
        returns,
        sends,
        name,
    }
}

/// Where the server streams unless it is told not to, the field is always sent.
fn send_selector(sends: &mut Sends, parameter: &str, events: &Events) {
    let Some(selector) = &events.selector else { return };
    if let (true, Some(SentBody::Fields(fields))) = (selector.default, &mut sends.body) {
        for (_, value) in fields.iter_mut().filter(|(_, value)| value == parameter) {
            *value = format!("bool({parameter})");
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "all that is known about the operation")]
fn returns(
    types: &Types<'_>,
    folds: &Folds,
    operation: &Operation,
    name: &str,
    request: &Request<'_>,
    answers: &Answers,
    named: &[Named<'_, '_>],
    module: &mut Module,
) -> Returns {
    let constant = format!("_{}", name.trim_end_matches('_').to_uppercase());
    let stream_constant = format!("{constant}_STREAM");
    if let (Some(pages), None) = (&operation.pages, &answers.events)
        && let Some(item) = operations::item_type(types.api, answers, pages)
    {
        let annotation = types.view(item, Site::Resource, &mut module.type_imports);
        let value = operations::pages(
            types,
            constant.clone(),
            operation,
            request,
            (pages, item),
            &mut module.imports,
        );
        module.operations.push(value);
        return Returns::Pages { item: annotation, operation: constant };
    }
    let whole = operations::whole_annotation(types, answers, &mut module.type_imports);
    if let Some(annotation) = &whole {
        let value = operations::whole(
            types,
            constant.clone(),
            operation,
            request,
            answers,
            annotation,
            &mut module.imports,
        );
        module.operations.push(value);
    }
    let Some(events) = &answers.events else {
        return Returns::Whole {
            annotation: whole.unwrap_or_else(|| "None".to_owned()),
            operation: constant,
        };
    };
    let annotations = operations::stream_annotations(types, events, &mut module.type_imports);
    let stream_operation = if whole.is_some() { stream_constant } else { constant.clone() };
    let value = operations::stream(
        types,
        stream_operation.clone(),
        operation,
        request,
        events,
        &annotations,
        (folds, &mut module.imports),
    );
    let selector = events.selector.as_ref().and_then(|selector| {
        let argument = |named: &&Named<'_, '_>| {
            named.argument.wire == selector.field && named.argument.place == Place::Field
        };
        named.iter().find(argument)
    });
    let selector = selector.map(|selector| Box::new(selectors(types, selector, &mut module.type_imports)));
    module.operations.push(value);
    match (whole, selector) {
        (Some(whole), Some(selector)) => {
            Returns::Either { whole, operation: constant, stream: annotations, stream_operation, selector }
        }
        (Some(whole), None) => Returns::Twin {
            whole,
            operation: constant,
            stream: annotations,
            stream_operation,
            stream_name: if name == "create" { "stream".to_owned() } else { format!("{name}_stream") },
        },
        (None, _) => Returns::Stream { annotation: annotations, operation: stream_operation },
    }
}

/// What the method leaves out, though the document offers it.
fn warn(operation: &Operation, request: &Request<'_>, answers: &Answers, diagnostics: &mut Diagnostics) {
    let origin = &operation.origin;
    let mut warn = |message: String, help: &str| {
        diagnostics.warning(origin.pointer.clone(), origin.place, message, help);
    };
    for other in request.body.iter().flat_map(|body| &body.others) {
        warn(format!("a body of `{other}` is not offered; another media type is"), "describe one media type");
    }
    for other in &answers.others {
        warn(
            format!("an answer of `{other}` is not decoded; another media type is"),
            "describe one media type",
        );
    }
}

/// The overloads' selectors: what asks for one reply, what for a stream, and what for either.
fn selectors(types: &Types<'_>, named: &Named<'_, '_>, imports: &mut Imports) -> Selectors {
    let nullable = target(types.api, named.argument.ty).nullable;
    let required = named.argument.required;
    let mut literal = |text: &str, nullable, required| {
        imports.add("typing", "Literal");
        let text = format!("Literal[{text}]");
        let text = if nullable { optional(&text, imports) } else { text };
        parameters::parameter(&named.name, &text, required, imports)
    };
    let (whole, stream) = (literal("False", nullable, required), literal("True", false, true));
    let bool = if nullable { optional("bool", imports) } else { "bool".to_owned() };
    Selectors {
        name: named.name.clone(),
        whole,
        stream,
        either: parameters::parameter(&named.name, &bool, true, imports),
        implementation: parameters::parameter(&named.name, &bool, required, imports),
    }
}

fn method_docs(
    types: &Types<'_>,
    operation: &Operation,
    named: &[Named<'_, '_>],
    answers: &Answers,
    returns: &Returns,
) -> Vec<String> {
    let mut summary = operation.summary.trim().to_owned();
    if summary.is_empty() {
        summary = first_sentence(&operation.description);
    }
    if summary.is_empty() {
        summary = format!("`{} {}`.", operation.method.as_str().to_ascii_uppercase(), operation.path);
    }
    if !summary.ends_with(['.', '?', '!']) {
        summary.push('.');
    }
    let mut lines = wrapped(&summary, WIDTH);
    let description = operation.description.trim();
    if !description.is_empty() && description != operation.summary.trim() && summary.trim() != description {
        section(&mut lines, wrapped(description, WIDTH));
    }
    if operation.deprecated {
        section(&mut lines, vec!["Deprecated.".to_owned()]);
    }
    section(&mut lines, arguments_docs(types, named));
    section(&mut lines, returns_docs(operation, answers, returns));
    section(&mut lines, raises_docs(operation));
    lines
}

fn arguments_docs(types: &Types<'_>, named: &[Named<'_, '_>]) -> Vec<String> {
    let mut lines = Vec::new();
    let required = named.iter().filter(|named| named.argument.place == Place::Path);
    let others = named.iter().filter(|named| named.argument.place != Place::Path && named.argument.required);
    let optional = named.iter().filter(|named| !named.argument.required);
    for Named { name, argument } in required.chain(others).chain(optional) {
        let mut text = docs::of_type(argument.docs, WIDTH).join("\n");
        if text.is_empty() {
            let own = &types.api.ty(argument.ty.id).docs;
            text = first_sentence(&own.description);
        }
        let facts = docs::of_value(types.api, argument.ty, argument.default);
        let stop = if text.is_empty() || text.ends_with(['.', '!', '?']) { "" } else { "." };
        let text = format!("{text}{stop} {facts}");
        if !text.trim().is_empty() {
            lines.extend(entry(name, &text, WIDTH));
        }
    }
    if !lines.is_empty() {
        lines.insert(0, "Args:".to_owned());
    }
    lines
}

fn returns_docs(operation: &Operation, answers: &Answers, returns: &Returns) -> Vec<String> {
    let description = operation.success.description.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match returns {
        Returns::Either { stream, selector, .. } => {
            let whole = match stream.whole.as_str() {
                "None" => String::new(),
                _ => "; `final()` puts them together".to_owned(),
            };
            format!("{description} With `{}=True`, a stream of `{}`{whole}.", selector.name, stream.event)
        }
        Returns::Stream { annotation, .. } => format!("{description} A stream of `{}`.", annotation.event),
        Returns::Pages { .. } => {
            format!("{description} Iterate over it: further pages are fetched on the way.")
        }
        _ if answers.whole == Some(Whole::Nothing) => String::new(),
        _ => description,
    };
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Returns:".to_owned()];
    lines.extend(wrapped(&text, WIDTH - 4).into_iter().map(|line| format!("    {}", line.trim())));
    lines
}

fn raises_docs(operation: &Operation) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut classes: Vec<(&str, String)> = Vec::new();
    for error in operation.errors.iter().filter(|error| error.status.is_none_or(|status| status >= 400)) {
        let class = match error.status {
            Some(status) if status >= 500 => "InternalServerError",
            Some(status) => ERROR_CLASSES
                .iter()
                .find(|(known, _)| *known == status)
                .map_or("APIStatusError", |(_, class)| class),
            None if error.range == "5XX" => "InternalServerError",
            None => "APIStatusError",
        };
        let status = error.status.map_or_else(|| error.range.clone(), |status| status.to_string());
        if !seen.insert(status.clone()) {
            continue;
        }
        let text = format!("{status}. {}", first_sentence(&error.description));
        match classes.iter_mut().find(|(known, _)| *known == class) {
            Some((_, texts)) => *texts = format!("{texts} {text}"),
            None => classes.push((class, text)),
        }
    }
    let mut lines: Vec<String> =
        classes.iter().flat_map(|(class, text)| entry(class, text.trim(), WIDTH)).collect();
    if !lines.is_empty() {
        lines.insert(0, "Raises:".to_owned());
    }
    lines
}
