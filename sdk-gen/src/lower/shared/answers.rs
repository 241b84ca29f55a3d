//! What a method gives back: a document, a stream of events, either, or nothing.
//!
//! Start at [`answers`].

use serde_json::Value;

use crate::ir::model::{Api, Operation, Shape, TypeRef};

use super::accumulate::{self, Folding};
use super::arguments::is_json;
use super::resolved;
use super::text_path::{self, Step};

#[derive(Debug)]
pub struct Answers {
    /// What comes in one piece; `None` where the operation only streams.
    pub whole: Option<Whole>,
    /// A success may also have no body, beside the one that `whole` describes.
    pub may_be_empty: bool,
    /// What comes bit by bit.
    pub events: Option<Events>,
    /// Media types of a success that the method does not decode, because it prefers another.
    pub others: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Whole {
    Json(TypeRef),
    Text,
    /// With its media type, such as `audio/mpeg`.
    Bytes(String),
    Nothing,
}

#[derive(Debug)]
pub struct Events {
    pub framing: Framing,
    pub event: TypeRef,
    /// `data` of the event that ends a complete stream; `None`: the end of the body.
    pub terminal: Option<String>,
    /// Type of an event that reports a failure.
    pub error: Option<TypeRef>,
    /// Boolean field of the body that asks for the stream; `None` where nothing has to be asked for.
    pub selector: Option<Selector>,
    /// How the events become one answer; `None` where the document does not say.
    pub folding: Option<Folding>,
    /// Where an event holds the text that grows, if it does.
    pub text: Option<Vec<Step>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// Wire name of the field.
    pub field: String,
    /// What the server does where the field is absent.
    pub default: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON document a line.
    Lines,
}

pub fn answers(api: &Api, operation: &Operation) -> Answers {
    let success = &operation.success;
    let (lines, other): (Vec<_>, Vec<_>) = success.other.iter().partition(|media| media.is_lines());
    let lines = lines.into_iter().find(|media| media.ty.is_some());
    let mut events = match (&success.stream, lines) {
        (Some(stream), _) => Some(Events {
            framing: Framing::Sse,
            event: stream.event,
            terminal: stream.terminal.clone(),
            error: stream.error,
            selector: stream.selector.as_ref().map(|field| selector(api, operation, field)),
            folding: None,
            text: None,
        }),
        (None, Some(media)) => media.ty.map(|event| Events {
            framing: Framing::Lines,
            event,
            terminal: None,
            error: None,
            selector: None,
            folding: None,
            text: None,
        }),
        (None, None) => None,
    };
    let whole = match (success.json, other.first()) {
        (Some(ty), _) => Some(Whole::Json(ty)),
        (None, Some(media)) if media.media_type.starts_with("text/") => Some(Whole::Text),
        (None, Some(media)) => Some(Whole::Bytes(media.media_type.clone())),
        (None, None) if events.is_some() => None,
        (None, None) => Some(Whole::Nothing),
    };
    if let Some(events) = &mut events {
        if events.framing == Framing::Lines && whole.is_some() && asks_for_stream(api, operation) {
            events.selector = Some(selector(api, operation, "stream"));
        }
        let result = match whole {
            Some(Whole::Json(ty)) => Some(ty),
            _ => None,
        };
        events.folding = accumulate::folding(api, events.event, result);
        events.text = text_path::text_path(api, events.event);
    }
    let decoded = if success.json.is_some() { 0 } else { 1 };
    Answers {
        may_be_empty: success.empty && !matches!(whole, Some(Whole::Nothing) | None),
        others: other.iter().skip(decoded).map(|media| media.media_type.clone()).collect(),
        whole,
        events,
    }
}

/// The field of the body, and what its absence means.
fn selector(api: &Api, operation: &Operation, field: &str) -> Selector {
    let default = body_field(api, operation, field, |default| default == Some(&Value::Bool(true)));
    Selector { field: field.to_owned(), default: default.unwrap_or(false) }
}

fn asks_for_stream(api: &Api, operation: &Operation) -> bool {
    body_field(api, operation, "stream", |_| true).unwrap_or(false)
}

/// What `read` makes of the default of a field of the JSON body; `None` where there is no such field.
fn body_field<T>(
    api: &Api,
    operation: &Operation,
    name: &str,
    read: impl Fn(Option<&Value>) -> T,
) -> Option<T> {
    let media = &operation.body.as_ref()?.media;
    let json = media.iter().find(|media| is_json(&media.media_type)).or(media.first())?;
    let (_, Shape::Object(object)) = resolved(api, json.ty?.id) else { return None };
    let field = object.fields.iter().find(|field| field.name == name)?;
    Some(read(field.default.as_ref()))
}
