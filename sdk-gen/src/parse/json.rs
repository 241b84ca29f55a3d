//! JSON → [`Tree`], with places.
//!
//! Our own reader, because no JSON crate reports the position of every value. It accepts JSON and nothing more.

use serde_json::Number;

use super::tree::{DEPTH_MAX, Data, NodeId, Tree};
use crate::diagnostic::{Diagnostics, Place};

pub(super) fn read(text: &str, diagnostics: &mut Diagnostics) -> Option<Tree> {
    let start = Place { line: 1, column: 1 };
    let mut reader =
        Reader { text, at: 0, counted_to: 0, counted: start, tree: Tree::default(), diagnostics };
    let outcome = reader.value(None, 0).and_then(|_| {
        reader.space();
        if reader.at < text.len() { Err("text after the end of the document".to_owned()) } else { Ok(()) }
    });
    if let Err(message) = outcome {
        let place = reader.place();
        let help = "check the quotes, commas and brackets before this place";
        reader.diagnostics.error("", place, format!("not valid JSON: {message}"), help);
        return None;
    }
    Some(reader.tree)
}

struct Reader<'t, 'g> {
    text: &'t str,
    at: usize,
    /// Lines and columns are counted up to here; each byte once, however long its line.
    counted_to: usize,
    counted: Place,
    tree: Tree,
    diagnostics: &'g mut Diagnostics,
}

type Outcome<T> = Result<T, String>;

impl Reader<'_, '_> {
    fn value(&mut self, parent: Option<NodeId>, depth: usize) -> Outcome<NodeId> {
        if depth >= DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX} levels"));
        }
        self.space();
        let place = self.place();
        match self.peek() {
            Some(b'{') => self.object(parent, place, depth),
            Some(b'[') => self.array(parent, place, depth),
            Some(b'"') => {
                let text = self.string()?;
                self.add(parent, place, Data::String(text))
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = self.number()?;
                self.add(parent, place, Data::Number(number))
            }
            Some(_) => {
                let rest = &self.text[self.at..];
                let (word, data) =
                    [("null", Data::Null), ("true", Data::Bool(true)), ("false", Data::Bool(false))]
                        .into_iter()
                        .find(|(word, _)| rest.starts_with(word))
                        .ok_or("expected a value")?;
                self.at += word.len();
                self.add(parent, place, data)
            }
            None => Err("the text ends where a value is expected".to_owned()),
        }
    }

    fn object(&mut self, parent: Option<NodeId>, place: Place, depth: usize) -> Outcome<NodeId> {
        let id = self.add(parent, place, Data::Object(Vec::new()))?;
        self.at += 1;
        if self.takes(b'}') {
            return Ok(id);
        }
        loop {
            self.space();
            let place = self.place();
            if self.peek() != Some(b'"') {
                return Err("expected a key in quotes".to_owned());
            }
            let key = self.string()?;
            if !self.takes(b':') {
                return Err("expected `:` after a key".to_owned());
            }
            let value = self.value(Some(id), depth + 1)?;
            self.tree.push_entry(id, key, place, value);
            if self.takes(b'}') {
                self.tree.drop_duplicate_keys(id, self.diagnostics);
                return Ok(id);
            }
            if !self.takes(b',') {
                return Err("expected `,` or `}`".to_owned());
            }
        }
    }

    fn array(&mut self, parent: Option<NodeId>, place: Place, depth: usize) -> Outcome<NodeId> {
        let id = self.add(parent, place, Data::Array(Vec::new()))?;
        self.at += 1;
        if self.takes(b']') {
            return Ok(id);
        }
        loop {
            let item = self.value(Some(id), depth + 1)?;
            self.tree.push_item(id, item);
            if self.takes(b']') {
                return Ok(id);
            }
            if !self.takes(b',') {
                return Err("expected `,` or `]`".to_owned());
            }
        }
    }

    /// Finds the closing quote; `serde_json` decodes the escapes.
    fn string(&mut self) -> Outcome<String> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(b'\n') | None => return Err("a string does not end on its line".to_owned()),
                Some(_) => end += 1,
            }
        }
        let text = serde_json::from_str(&self.text[start..=end]).map_err(|error| error.to_string())?;
        self.at = end + 1;
        Ok(text)
    }

    fn number(&mut self) -> Outcome<Number> {
        let rest = &self.text[self.at..];
        let length = rest
            .bytes()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
            .count();
        let number =
            serde_json::from_str(&rest[..length]).map_err(|_| format!("no number: {}", &rest[..length]))?;
        self.at += length;
        Ok(number)
    }

    fn add(&mut self, parent: Option<NodeId>, place: Place, data: Data) -> Outcome<NodeId> {
        self.tree.add(parent, place, data).ok_or_else(|| "the document is too large".to_owned())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over `byte` if it comes next, white space aside.
    fn takes(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn place(&mut self) -> Place {
        for c in self.text.get(self.counted_to..self.at).unwrap_or_default().chars() {
            if c == '\n' {
                self.counted = Place { line: self.counted.line + 1, column: 1 };
            } else {
                self.counted.column += 1;
            }
        }
        self.counted_to = self.at;
        self.counted
    }
}
