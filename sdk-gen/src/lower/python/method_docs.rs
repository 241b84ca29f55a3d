//! A method's docstring: what it does, takes, returns and raises.

use std::collections::BTreeSet;

use crate::ir::model::Operation;
use crate::lower::shared::answers::{Answers, Whole};
use crate::lower::shared::arguments::Place;
use crate::lower::shared::docs::{first_sentence, wrapped};

use super::docs::{self, entry, section};
use super::model::Returns;
use super::parameters::Named;
use super::types::Types;

/// Columns of a method's docstring at a class member's depth.
pub const WIDTH: usize = 106;

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

pub fn of(
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
