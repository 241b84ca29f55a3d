//! Calls as they stand in the docs, made of the document's own examples.
//!
//! Start at [`whole`] and [`stream`].

use serde_json::Value;

use crate::ir::model::{Api, Operation};
use crate::lower::shared::{arguments, resolved};

use super::names;

/// Longest example that belongs in a comment.
const LINES_MAX: usize = 24;
/// A literal longer than this is broken, as prettier would at its place in a comment.
const WIDTH: usize = 88;

/// A call whose answer comes in one piece.
pub fn whole(api: &Api, operation: &Operation, call: &str, selector: Option<&str>) -> Vec<String> {
    let Some(arguments) = arguments(api, operation, selector.map(|name| (name, false))) else {
        return Vec::new();
    };
    fenced(format!("const answer = await {call}({arguments});"))
}

/// A call whose answer is a stream.
pub fn stream(api: &Api, operation: &Operation, call: &str, selector: Option<&str>) -> Vec<String> {
    let Some(arguments) = arguments(api, operation, selector.map(|name| (name, true))) else {
        return Vec::new();
    };
    fenced(format!(
        "const stream = await {call}({arguments});\nfor await (const event of stream) {{\n  console.log(event);\n}}"
    ))
}

fn fenced(code: String) -> Vec<String> {
    let lines: Vec<String> = code.lines().map(|line| line.replace("*/", "*\\/")).collect();
    if lines.len() > LINES_MAX {
        return Vec::new();
    }
    let fence = |text: &str| vec![text.to_owned()];
    [fence("@example"), fence("```ts"), lines, fence("```")].concat()
}

/// `None` where the document has no example of something that is required.
fn arguments(api: &Api, operation: &Operation, selected: Option<(&str, bool)>) -> Option<String> {
    let request = arguments::request(api, operation);
    let mut parts = Vec::new();
    for argument in request.arguments.iter().filter(|argument| argument.place == arguments::Place::Path) {
        let own = argument.docs.examples.first().or(argument.default);
        let of_type = || api.ty(resolved(api, argument.ty.id).0).docs.examples.first();
        let value = own.or_else(of_type)?;
        parts.push(literal(value, 0));
    }
    if let Some(body) = request.body.as_ref() {
        let media =
            operation.body.as_ref()?.media.iter().find(|media| media.media_type == body.media_type)?;
        let of_type =
            || media.ty.map(|ty| api.ty(resolved(api, ty.id).0).docs.examples.clone()).unwrap_or_default();
        let examples = if media.examples.is_empty() { of_type() } else { media.examples.clone() };
        let asks = |example: &&Value| match selected {
            Some((selector, wanted)) => {
                example.get(selector).and_then(Value::as_bool).unwrap_or(false) == wanted
            }
            None => true,
        };
        match examples.iter().find(asks) {
            Some(example) => parts.push(literal(example, 0)),
            None if body.required => return None,
            None => {}
        }
    }
    let required_elsewhere = request.arguments.iter().any(|argument| {
        argument.required
            && matches!(
                argument.place,
                arguments::Place::Query | arguments::Place::Header | arguments::Place::Cookie
            )
    });
    (!required_elsewhere).then(|| parts.join(", "))
}

/// An example as TypeScript, broken where it is long.
fn literal(value: &Value, indent: usize) -> String {
    let one = one_line(value);
    if indent + one.chars().count() <= WIDTH
        && !matches!(value, Value::Object(fields) if indent == 0 && fields.len() > 1)
    {
        return one;
    }
    let (pad, end) = (" ".repeat(indent + 2), " ".repeat(indent));
    match value {
        Value::Array(items) => {
            let items: Vec<String> =
                items.iter().map(|item| format!("{pad}{},\n", literal(item, indent + 2))).collect();
            format!("[\n{}{end}]", items.concat())
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                format!("{pad}{}: {},\n", names::literal_key(name), literal(value, indent + 2))
            };
            format!("{{\n{}{end}}}", fields.iter().map(field).collect::<String>())
        }
        _ => one,
    }
}

fn one_line(value: &Value) -> String {
    match value {
        Value::String(text) => names::literal(text),
        Value::Array(items) => format!("[{}]", items.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                format!("{}: {}", names::literal_key(name), one_line(value))
            };
            format!("{{ {} }}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}
