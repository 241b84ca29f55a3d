//! YAML → [`Tree`], from the parser's events, so that every node has its place.
//!
//! The nesting is kept on a stack of our own: deep documents end in a diagnostic, not in a stack overflow.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{
    scalar,
    tree::{DEPTH_MAX, Data, NodeId, Tree},
};
use crate::diagnostic::{Diagnostics, Place};

pub(super) fn read(text: &str, diagnostics: &mut Diagnostics) -> Option<Tree> {
    let mut reader = Reader { tree: Tree::default(), open: Vec::new(), anchors: HashMap::new(), diagnostics };
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let marker = error.marker();
                let place = place_of(marker.line(), marker.col());
                let help = "check the indentation, quotes and brackets before this place";
                reader.diagnostics.error("", place, format!("not valid YAML: {}", error.info()), help);
                return None;
            }
        };
        let place = place(span);
        match reader.event(event, place) {
            Ok(Flow::More) => {}
            Ok(Flow::Done) => break,
            Err(Stop { message, help }) => {
                reader.diagnostics.error("", place, message, help);
                return None;
            }
        }
    }
    if reader.tree.is_empty() {
        let help = "start with `openapi: 3.1.0`";
        reader.diagnostics.error("", Place { line: 1, column: 1 }, "the document is empty", help);
        return None;
    }
    Some(reader.tree)
}

struct Reader<'g> {
    tree: Tree,
    /// Containers that have begun, the innermost last.
    open: Vec<Open>,
    /// What each finished anchor names.
    anchors: HashMap<usize, NodeId>,
    diagnostics: &'g mut Diagnostics,
}

struct Open {
    id: NodeId,
    anchor: usize,
    /// Of an object: the key whose value comes next.
    key: Option<(String, Place)>,
    /// Of an object: what `<<` brings in, added at the end where no key of its own says otherwise.
    merges: Vec<NodeId>,
    object: bool,
}

enum Flow {
    More,
    Done,
}

struct Stop {
    message: String,
    help: &'static str,
}

fn stop<T>(message: impl Into<String>, help: &'static str) -> Result<T, Stop> {
    Err(Stop { message: message.into(), help })
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, place: Place) -> Result<Flow, Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if self.takes_key() {
                    self.set_key(text.into_owned(), place);
                    return Ok(Flow::More);
                }
                let data = match tag.as_deref() {
                    Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => {
                        Data::String(text.into_owned())
                    }
                    _ if style == ScalarStyle::Plain => scalar::plain(&text),
                    _ => Data::String(text.into_owned()),
                };
                let id = self.add(place, data)?;
                self.finish(id, anchor);
            }
            Event::SequenceStart(anchor, _) => self.begin(place, anchor, false)?,
            Event::MappingStart(anchor, _) => self.begin(place, anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => self.alias(anchor)?,
            Event::DocumentEnd => return Ok(Flow::Done),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
        }
        Ok(Flow::More)
    }

    fn takes_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.object && open.key.is_none())
    }

    fn set_key(&mut self, key: String, place: Place) {
        if let Some(open) = self.open.last_mut() {
            open.key = Some((key, place));
        }
    }

    fn add(&mut self, place: Place, data: Data) -> Result<NodeId, Stop> {
        let parent = self.open.last().map(|open| open.id);
        match self.tree.add(parent, place, data) {
            Some(id) => Ok(id),
            None => too_large(),
        }
    }

    fn begin(&mut self, place: Place, anchor: usize, object: bool) -> Result<(), Stop> {
        if self.takes_key() {
            return stop("a key is a list or a map", "use a plain or quoted string as key");
        }
        if self.open.len() >= DEPTH_MAX {
            return too_deep();
        }
        let id = self.add(place, if object { Data::Object(Vec::new()) } else { Data::Array(Vec::new()) })?;
        self.open.push(Open { id, anchor, key: None, merges: Vec::new(), object });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        self.tree.drop_duplicate_keys(open.id, self.diagnostics);
        for source in open.merges {
            if self.tree.merge_missing(source, open.id).is_none() {
                return too_large();
            }
        }
        self.finish(open.id, open.anchor);
        Ok(())
    }

    fn alias(&mut self, anchor: usize) -> Result<(), Stop> {
        if self.takes_key() {
            return stop("a key is an alias", "write the key out");
        }
        let Some(&source) = self.anchors.get(&anchor) else {
            return stop("an alias refers to a node that contains it", "use `$ref` for recursive schemas");
        };
        if self.open.len() + self.tree.height(source) >= DEPTH_MAX {
            return too_deep();
        }
        let parent = self.open.last().map(|open| open.id);
        let Some(id) = self.tree.copy(source, parent) else { return too_large() };
        self.finish(id, 0);
        Ok(())
    }

    /// Hands a finished node to its parent.
    fn finish(&mut self, id: NodeId, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        let Some(open) = self.open.last_mut() else { return };
        match open.key.take() {
            Some((key, _)) if key == "<<" => open.merges.push(id),
            Some((key, place)) => self.tree.push_entry(open.id, key, place, id),
            None => self.tree.push_item(open.id, id),
        }
    }
}

fn too_deep<T>() -> Result<T, Stop> {
    stop(
        format!("nested deeper than {DEPTH_MAX} levels"),
        "name inner schemas in components and refer to them",
    )
}

fn too_large<T>() -> Result<T, Stop> {
    stop("the document is too large, aliases written out", "use `$ref` in place of YAML aliases")
}

fn place(span: Span) -> Place {
    place_of(span.start.line(), span.start.col())
}

/// The parser counts columns from 0.
fn place_of(line: usize, column: usize) -> Place {
    Place { line: line as u32, column: column as u32 + 1 }
}
