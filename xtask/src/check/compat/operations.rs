//! Operations: found again by method and path.

use sdk_gen::ir::model::{Api, Body, ErrorResponse, Header, Operation, StreamShape, Success};

use super::{
    rules::Rule,
    types::compare_use,
    walk::{Comparison, Direction, resolve},
};

pub fn compare(comparison: &mut Comparison) {
    let (old, new) = (comparison.old, comparison.new);
    for operation in &old.operations {
        let at = format!("{} {}", format!("{:?}", operation.method).to_uppercase(), operation.path);
        let found = new
            .operations
            .iter()
            .find(|candidate| candidate.method == operation.method && candidate.path == operation.path);
        match found {
            None => comparison.broken(Rule::OperationRemoved, &at),
            Some(found) => compare_one(comparison, &at, operation, found),
        }
    }
}

fn compare_one(comparison: &mut Comparison, at: &str, old: &Operation, new: &Operation) {
    let name = |operation: &Operation| {
        (operation.id.clone(), operation.resource.clone(), operation.method_name.clone())
    };
    let renamed = name(old) != name(new);
    comparison.broken_if(renamed, Rule::OperationRenamed, at);
    comparison.broken_if(new.authenticated && !old.authenticated, Rule::AuthenticationAdded, at);
    compare_params(comparison, at, old, new);
    compare_body(comparison, at, old.body.as_ref(), new.body.as_ref());
    compare_success(comparison, at, &old.success, &new.success);
    compare_new_errors(comparison, at, old, new);
    for error in &old.errors {
        let kept = new
            .errors
            .iter()
            .find(|candidate| candidate.range == error.range && candidate.status == error.status);
        let at = format!("{at} {}", status_text(error));
        match kept {
            None => comparison.broken(Rule::StatusRemoved, &at),
            Some(kept) => {
                compare_headers(comparison, &at, &error.headers, &kept.headers);
                if let (Some(old), Some(new)) = (error.ty, kept.ty) {
                    compare_use(comparison, &at, old, new, Direction::Response);
                }
            }
        }
    }
}

/// A status that is new to a client is read with the one error type that it knows.
fn compare_new_errors(comparison: &mut Comparison, at: &str, old: &Operation, new: &Operation) {
    let Some(known) = old.error_type else { return };
    for error in &new.errors {
        let is_new = !old.errors.iter().any(|kept| kept.status == error.status && kept.range == error.range);
        let name = |api: &Api, used| resolve(api, used).1.name.clone();
        let differs = error.ty.is_some_and(|ty| name(comparison.new, ty) != name(comparison.old, known));
        let at = format!("{at} {}", status_text(error));
        comparison.broken_if(is_new && differs, Rule::NewErrorOfOtherShape, &at);
    }
}

fn status_text(error: &ErrorResponse) -> String {
    error.status.map_or_else(|| error.range.clone(), |status| status.to_string())
}

fn compare_params(comparison: &mut Comparison, at: &str, old: &Operation, new: &Operation) {
    for param in &old.params {
        let at = format!("{at} {}", param.name);
        let found =
            new.params.iter().find(|found| found.name == param.name && found.location == param.location);
        match found {
            None => comparison.broken(Rule::ParameterRemoved, &at),
            Some(found) => {
                comparison.broken_if(found.required && !param.required, Rule::ParameterRequired, &at);
                comparison.broken_if(found.default != param.default, Rule::DefaultChanged, &at);
                compare_use(comparison, &at, param.ty, found.ty, Direction::Request);
            }
        }
    }
    for param in new.params.iter().filter(|param| param.required) {
        let is_new =
            !old.params.iter().any(|known| known.name == param.name && known.location == param.location);
        comparison.broken_if(is_new, Rule::ParameterRequired, &format!("{at} {}", param.name));
    }
}

fn compare_body(comparison: &mut Comparison, at: &str, old: Option<&Body>, new: Option<&Body>) {
    let required = |body: Option<&Body>| body.is_some_and(|body| body.required);
    comparison.broken_if(required(new) && !required(old), Rule::BodyRequired, at);
    for media in old.into_iter().flat_map(|body| &body.media) {
        let found =
            new.into_iter().flat_map(|body| &body.media).find(|found| found.media_type == media.media_type);
        match found {
            None => comparison.broken(Rule::MediaTypeRemoved, &format!("{at} {}", media.media_type)),
            Some(found) => {
                if let (Some(old), Some(new)) = (media.ty, found.ty) {
                    compare_use(comparison, &format!("{at} request"), old, new, Direction::Request);
                }
            }
        }
    }
}

fn compare_success(comparison: &mut Comparison, at: &str, old: &Success, new: &Success) {
    for status in old.statuses.iter().filter(|status| !new.statuses.contains(status)) {
        comparison.broken(Rule::StatusRemoved, &format!("{at} {status}"));
    }
    let at = format!("{at} response");
    compare_headers(comparison, &at, &old.headers, &new.headers);
    match (old.json, new.json) {
        (Some(old), Some(new)) => compare_use(comparison, &at, old, new, Direction::Response),
        (Some(_), None) => comparison.broken(Rule::MediaTypeRemoved, &format!("{at} application/json")),
        (None, _) => {}
    }
    for media in &old.other {
        let kept = new.other.iter().any(|candidate| candidate.media_type == media.media_type);
        comparison.broken_if(!kept, Rule::MediaTypeRemoved, &format!("{at} {}", media.media_type));
    }
    match (&old.stream, &new.stream) {
        (Some(old), Some(new)) => compare_stream(comparison, &format!("{at} event"), old, new),
        (Some(_), None) => comparison.broken(Rule::StreamRemoved, &at),
        (None, _) => {}
    }
}

fn compare_stream(comparison: &mut Comparison, at: &str, old: &StreamShape, new: &StreamShape) {
    comparison.broken_if(old.terminal != new.terminal, Rule::StreamEndChanged, at);
    comparison.broken_if(old.selector != new.selector, Rule::StreamSelectorChanged, at);
    compare_use(comparison, at, old.event, new.event, Direction::Response);
    match (old.error, new.error) {
        (Some(old), Some(new)) => {
            compare_use(comparison, &format!("{at} error"), old, new, Direction::Response)
        }
        (Some(_), None) => comparison.broken(Rule::StreamErrorRemoved, at),
        (None, _) => {}
    }
}

fn compare_headers(comparison: &mut Comparison, at: &str, old: &[Header], new: &[Header]) {
    for header in old {
        let found = new.iter().find(|found| found.name.eq_ignore_ascii_case(&header.name));
        let at = format!("{at} {}", header.name);
        match found {
            None => comparison.broken(Rule::ResponseHeaderRemoved, &at),
            Some(found) => compare_use(comparison, &at, header.ty, found.ty, Direction::Response),
        }
    }
}
