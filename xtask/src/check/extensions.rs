//! Every `x-*` key of the spec is explained in spec/extensions.md, and every key explained there is used.
//!
//! A key under a name of the author's choosing (a property, a header, an example's content) is no extension.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{
    Problem, Report, Spec,
    tree::{Node, Value},
};
use crate::{generate::SPEC, repo::Repo};

const EXPLAINED_IN: &str = "spec/extensions.md";

/// Keys whose children are named by the author, so `x-request-id` below them is a name and not an extension.
const NAMED_BELOW: [&str; 8] = [
    "properties",
    "headers",
    "schemas",
    "parameters",
    "responses",
    "examples",
    "patternProperties",
    "mapping",
];
/// Keys whose value is data of the described API, not part of the description.
const DATA: [&str; 5] = ["example", "default", "const", "enum", "value"];

pub fn check(repo: &Repo, spec: &Spec) -> Result<Report> {
    let explained = explained(&repo.read(EXPLAINED_IN)?);
    let mut used = BTreeMap::new();
    collect(&spec.tree, &mut used);
    let mut problems: Vec<Problem> = used
        .iter()
        .filter(|(key, _)| !explained.contains(key))
        .map(|(key, line)| {
            Problem::new(
                format!("{SPEC}:{line}: `{key}` is not explained"),
                format!("add a heading or table row for `{key}` to {EXPLAINED_IN}, or correct its spelling"),
            )
        })
        .collect();
    problems.extend(explained.iter().filter(|key| !used.contains_key(*key)).map(|key| {
        Problem::new(
            format!("{EXPLAINED_IN} explains `{key}`, which the spec does not use"),
            format!("remove `{key}` from {EXPLAINED_IN}"),
        )
    }));
    Ok(Report::new(format!("{} keys in use", used.len()), problems))
}

/// Keys in a heading or in the first cell of a table row, between back-ticks.
fn explained(markdown: &str) -> Vec<String> {
    let mut keys: Vec<String> = markdown
        .lines()
        .filter_map(|line| match line.strip_prefix('|') {
            Some(row) => row.split('|').next(),
            None => line.strip_prefix('#'),
        })
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .filter(|key| key.starts_with("x-"))
        .map(str::to_owned)
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

fn collect(node: &Node, used: &mut BTreeMap<String, usize>) {
    match &node.value {
        Value::Scalar(_) => {}
        Value::List(items) => items.iter().for_each(|item| collect(item, used)),
        Value::Map(entries) => {
            for (key, child) in entries {
                if key.starts_with("x-") {
                    used.entry(key.clone()).or_insert(child.line);
                } else if NAMED_BELOW.contains(&key.as_str()) && !child.entries().is_empty() {
                    child.entries().iter().for_each(|(_, named)| collect(named, used));
                } else if !DATA.contains(&key.as_str()) {
                    collect(child, used);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_extensions_and_no_names() {
        let yaml = "
paths:
  /a:
    get:
      x-pages: {}
      responses:
        '200':
          headers: {x-request-id: {x-inner: 1}}
          content: {application/json: {example: {x-data: 1}}}
components:
  schemas:
    x-named:
      properties:
        x-field: {x-merge: append}
";
        let mut used = BTreeMap::new();
        collect(&Node::parse(yaml).unwrap(), &mut used);
        assert_eq!(used.keys().collect::<Vec<_>>(), ["x-inner", "x-merge", "x-pages"]);
    }

    #[test]
    fn reads_headings_and_first_cells() {
        let markdown = "## `x-merge`\ntext `x-text`\n| `x-pages` | `x-second` |\n";
        assert_eq!(explained(markdown), ["x-merge", "x-pages"]);
    }
}
