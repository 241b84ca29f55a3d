//! One operation → one method: its signature, its docs, and the constants it passes to the runtime.
//!
//! Start at [`method`].

use crate::diagnostic::Diagnostics;
use crate::ir::model::Operation;
use crate::lower::shared::answers::{Answers, Events, answers};
use crate::lower::shared::arguments::{Place, Request, request};
use crate::lower::shared::target;

use super::folds::Folds;
use super::jobs;
use super::method_docs;
use super::model::{Imports, Method, OperationConstant, Returns, Selectors, Sends, SentBody};
use super::operations;
use super::parameters::{self, Named};
use super::types::{Site, Types, optional};

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
        let mut imports = Imports::default();
        let annotation = parameters::annotation(types, argument, format, &mut imports);
        if argument.place == Place::Field && Some(argument.wire) == selector {
            continue;
        }
        let parameter = parameters::parameter(name, &annotation, argument.required, &mut imports);
        module.type_imports.add_used(&imports, &parameter.annotation);
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
        docs: method_docs::of(types, operation, &named, &answers, &returns),
        operation_id: operation.id.clone(),
        route: format!("{} {}", operation.method.as_str().to_ascii_uppercase(), operation.path),
        positional,
        named: required.into_iter().chain(optional).collect(),
        wait: operation.job.as_ref().and_then(|job| jobs::wait(job, &name, &returns, module)),
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
    let mut parameter = |text: &str, nullable, required| {
        let mut own = Imports::default();
        own.add("typing", "Literal");
        let text = if nullable { optional(text, &mut own) } else { text.to_owned() };
        let parameter = parameters::parameter(&named.name, &text, required, &mut own);
        imports.add_used(&own, &parameter.annotation);
        parameter
    };
    Selectors {
        name: named.name.clone(),
        whole: parameter("Literal[False]", nullable, required),
        stream: parameter("Literal[True]", false, true),
        either: parameter("bool", nullable, true),
        implementation: parameter("bool", nullable, required),
    }
}
