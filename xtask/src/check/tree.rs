//! YAML or JSON as a plain tree with lines: for rules about keys that the generator does not interpret.
//!
//! Not here: anchors, tags and merge keys. The spec uses none, and sdk-gen says so where a document does.

use anyhow::{Context, Result};
use saphyr_parser::{Event, Parser};

pub struct Node {
    pub line: usize,
    pub value: Value,
}

pub enum Value {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub fn parse(text: &str) -> Result<Self> {
        // Containers that are still open, innermost last; a map also holds the key that waits for its value.
        let mut open: Vec<(Node, Option<String>)> = Vec::new();
        let mut root = None;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.context("not YAML")?;
            let line = span.start.line();
            let finished = match event {
                Event::MappingStart(..) => {
                    open.push((Self { line, value: Value::Map(Vec::new()) }, None));
                    continue;
                }
                Event::SequenceStart(..) => {
                    open.push((Self { line, value: Value::List(Vec::new()) }, None));
                    continue;
                }
                Event::Scalar(text, ..) => Self { line, value: Value::Scalar(text.into_owned()) },
                Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                    Some((node, _)) => node,
                    None => continue,
                },
                _ => continue,
            };
            match open.last_mut() {
                None => root = Some(finished),
                Some((parent, key)) => parent.take(key, finished),
            }
        }
        root.context("the document is empty")
    }

    fn take(&mut self, key: &mut Option<String>, child: Node) {
        match (&mut self.value, key.take(), child.value) {
            (Value::List(items), _, value) => items.push(Node { line: child.line, value }),
            (Value::Map(entries), Some(key), value) => entries.push((key, Node { line: child.line, value })),
            (Value::Map(_), None, Value::Scalar(text)) => *key = Some(text),
            // A key that is no scalar has no name to look for.
            (Value::Map(_), None, _) => *key = Some(String::new()),
            (Value::Scalar(_), ..) => {}
        }
    }

    pub fn entries(&self) -> &[(String, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_lines_and_nesting() {
        let tree = Node::parse("a:\n  - x\n  - {b: 1}\nc: 2\n").unwrap();
        let keys: Vec<_> = tree.entries().iter().map(|(key, node)| (key.as_str(), node.line)).collect();
        assert_eq!(keys, [("a", 2), ("c", 4)]);
        let Value::List(items) = &tree.get("a").unwrap().value else { panic!("a list") };
        assert!(items[1].get("b").is_some());
    }
}
