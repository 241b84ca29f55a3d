//! `text/event-stream`: what one event's data is, how the stream ends, and what asks for it.
//!
//! The schema under it describes one *event*, by our convention (`data` is a string whose `contentSchema` describes the
//! JSON in it) or by Speakeasy's (`data` is that JSON); in most published documents it is the JSON of `data` itself.

use super::{
    builder::Builder,
    conjunction::{Atom, node},
    kinds::Kinds,
    model::{Body, Media, Operation, Shape, StreamShape, TypeDef, TypeId},
    operations::is_json,
    schemas::own_nodes,
    source::{At, Read},
};

/// Fields of an event in the SSE standard.
const EVENT_FIELDS: [&str; 5] = ["data", "event", "id", "retry", "comment"];

impl Media {
    /// JSON documents, one a line.
    pub fn is_lines(&self) -> bool {
        LINES.contains(&self.media_type.as_str())
    }
}

/// What newline-delimited JSON is called.
const LINES: [&str; 6] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/stream+json",
    "text/x-ndjson",
];

impl<'d> Builder<'d, '_> {
    pub fn stream(&mut self, media: At<'d>, operation: At<'d>, hint: &str) -> StreamShape {
        let hint = format!("{}Event", hint.strip_suffix("Response").unwrap_or(hint));
        let event = match media.get("schema").or_else(|| media.get("itemSchema")) {
            Some(schema) => {
                let described = self.data_of_event(schema).unwrap_or_else(|| vec![node(schema)]);
                self.type_ref(&described, &hint)
            }
            None => {
                self.warning(media, "the stream's events are not described", "add `schema`");
                self.any()
            }
        };
        let extension = media.get("x-stream").or_else(|| operation.get("x-stream"));
        let mut error = None;
        if let Some(extension) = extension {
            for (key, value) in extension.entries() {
                if !matches!(key, "terminal" | "error" | "selector") {
                    self.error(
                        value,
                        format!("`x-stream` has no key `{key}`"),
                        "use terminal, error or selector",
                    );
                } else if key != "error" && value.as_str().is_none() {
                    self.error(value, format!("`{key}` of `x-stream` is not a string"), "write a string");
                }
            }
            error = extension.get("error").map(|schema| self.schema(schema, &format!("{hint}Error")));
        }
        let sentinel = media.text("x-speakeasy-sse-sentinel");
        StreamShape {
            event,
            terminal: extension.and_then(|at| at.text("terminal")).or(sentinel).map(str::to_owned),
            error,
            selector: extension.and_then(|at| at.text("selector")).map(str::to_owned),
        }
    }

    /// What an event's `data` holds, where the schema describes an event and not the data itself.
    fn data_of_event(&mut self, schema: At<'d>) -> Option<Vec<Atom<'d>>> {
        let atoms = self.expand(&[node(schema)]);
        let nodes: Vec<At<'d>> = own_nodes(&atoms).map(|(at, _)| at).collect();
        let fields: Vec<_> = nodes.iter().flat_map(|at| at.map("properties")).collect();
        if fields.iter().any(|(key, _)| !EVENT_FIELDS.contains(key)) {
            return None;
        }
        let data: Vec<_> = fields.iter().filter(|(key, _)| *key == "data").map(|(_, at)| node(*at)).collect();
        if data.is_empty() {
            return None;
        }
        let inner = self.expand(&data);
        let encoded: Vec<_> =
            own_nodes(&inner).filter_map(|(at, _)| at.get("contentSchema")).map(node).collect();
        if !encoded.is_empty() {
            return Some(encoded);
        }
        let is_event = nodes.iter().any(|at| at.texts("required").contains(&"data")) || fields.len() > 1;
        (is_event || self.kinds(&data) == Kinds::STRING).then_some(data)
    }
}

/// The boolean field of the request that asks for a stream, where the operation has both answers.
pub(super) fn find_selector(types: &[TypeDef], operation: &mut Operation) {
    let both = operation.success.json.is_some() || !operation.success.other.is_empty();
    let Some(stream) = operation.success.stream.as_mut().filter(|stream| stream.selector.is_none() && both)
    else {
        return;
    };
    let asks = operation.body.as_ref().is_some_and(|body| has_flag(types, body, "stream"));
    stream.selector = asks.then(|| "stream".to_owned());
}

fn has_flag(types: &[TypeDef], body: &Body, name: &str) -> bool {
    let json = body.media.iter().filter(|media| is_json(&media.media_type)).chain(&body.media);
    json.filter_map(|media| media.ty).any(|ty| {
        let Shape::Object(object) = resolve(types, ty.id) else { return false };
        let field = object.fields.iter().find(|field| field.name == name);
        field.is_some_and(|field| match resolve(types, field.ty.id) {
            Shape::Bool => true,
            Shape::Enum { values } => values.iter().all(|value| value.value.is_boolean()),
            _ => false,
        })
    })
}

/// The shape behind aliases. There are no cycles of them by now.
pub(super) fn resolve(types: &[TypeDef], id: TypeId) -> &Shape {
    let mut shape = &types[id.0 as usize].shape;
    while let Shape::Alias(target) = shape {
        shape = &types[target.id.0 as usize].shape;
    }
    shape
}
