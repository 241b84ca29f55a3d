//! What a method's comment says: summary, description, errors by their classes, an example.
//!
//! Start at [`whole`].

use std::collections::BTreeSet;

use crate::ir::model::{Api, ErrorResponse, Operation};
use crate::lower::shared::answers::Selector;
use crate::lower::shared::docs::first_sentence;

use super::{docs, examples};

/// One sentence, or the id where the document has none.
pub fn summary(operation: &Operation) -> Vec<String> {
    let text = if operation.summary.trim().is_empty() {
        first_sentence(&operation.description)
    } else {
        sentence(&operation.summary)
    };
    let mut lines = docs::prose(&text);
    if operation.deprecated {
        docs::section(&mut lines, vec!["@deprecated".to_owned()]);
    }
    lines
}

/// A title becomes a sentence.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '?', '!', ':']) { text.to_owned() } else { format!("{text}.") }
}

/// For an answer in one piece.
pub fn whole(api: &Api, operation: &Operation, call: &str, selector: Option<&Selector>) -> Vec<String> {
    let mut lines = begin(operation);
    docs::section(&mut lines, errors(operation));
    docs::section(&mut lines, examples::whole(api, operation, call, selector.map(|s| s.field.as_str())));
    deprecated(operation, &mut lines);
    lines
}

/// For an answer bit by bit. Where it is an overload, the first one has said what the operation does.
pub fn stream(api: &Api, operation: &Operation, call: &str, selector: Option<&Selector>) -> Vec<String> {
    let mut lines = match selector {
        Some(_) => {
            let summary = sentence(&operation.summary);
            docs::prose(&format!(
                "{summary} As a stream: each event as it comes, and all of them put together by `final()`."
            ))
        }
        None => begin(operation),
    };
    if selector.is_none() {
        docs::section(&mut lines, errors(operation));
    }
    docs::section(&mut lines, examples::stream(api, operation, call, selector.map(|s| s.field.as_str())));
    deprecated(operation, &mut lines);
    lines
}

/// For calls that decide at run time.
pub fn either(operation: &Operation, selector: &Selector) -> Vec<String> {
    let summary = sentence(&operation.summary);
    let mut lines =
        docs::prose(&format!("{summary} Whole or as a stream, as `{}` says at run time.", selector.field));
    deprecated(operation, &mut lines);
    lines
}

fn begin(operation: &Operation) -> Vec<String> {
    let mut lines = docs::prose(&sentence(&operation.summary));
    if operation.summary.trim().is_empty() {
        lines.clear();
    }
    docs::section(&mut lines, docs::prose(&operation.description));
    lines
}

fn deprecated(operation: &Operation, lines: &mut Vec<String>) {
    if operation.deprecated {
        docs::section(lines, vec!["@deprecated".to_owned()]);
    }
}

/// `@throws` by the class that users catch.
fn errors(operation: &Operation) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for error in operation.errors.iter().filter(|error| !error.description.trim().is_empty()) {
        let status = error.status.map_or_else(|| error.range.clone(), |status| status.to_string());
        if seen.insert(status.clone()) {
            let text = format!("@throws {} {status}: {}", class(error), first_sentence(&error.description));
            lines.extend(docs::tag(&text));
        }
    }
    lines
}

fn class(error: &ErrorResponse) -> &'static str {
    match error.status {
        Some(400) => "BadRequestError",
        Some(401) => "AuthenticationError",
        Some(403) => "PermissionDeniedError",
        Some(404) => "NotFoundError",
        Some(409) => "ConflictError",
        Some(422) => "UnprocessableEntityError",
        Some(429) => "RateLimitError",
        Some(500..) => "InternalServerError",
        None if error.range.starts_with('5') => "InternalServerError",
        _ => "APIStatusError",
    }
}
