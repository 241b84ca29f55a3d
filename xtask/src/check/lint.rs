//! The spec is the documentation: what the generator has to say about it, and what a reader would miss.

use anyhow::Result;
use sdk_gen::ir::model::{Api, Operation, Origin, Shape, TypeDef};

use super::{Problem, Report, Spec};
use crate::{generate::SPEC, repo::Repo};

pub fn check(_: &Repo, spec: &Spec) -> Result<Report> {
    let mut problems: Vec<Problem> = spec
        .diagnostics
        .items()
        .iter()
        .map(|item| {
            Problem::new(
                format!("{SPEC}:{}:{}: {}", item.place.line, item.place.column, item.message),
                &item.help,
            )
        })
        .collect();
    let Some(api) = &spec.api else {
        return Ok(Report::new("cannot be read", problems));
    };
    problems.extend(api.operations.iter().flat_map(lint_operation));
    problems.extend(api.types.iter().flat_map(|ty| lint_type(api, ty)));
    let summary = format!("{} operations, {} types", api.operations.len(), api.types.len());
    Ok(Report::new(summary, problems))
}

fn lint_operation(operation: &Operation) -> Vec<Problem> {
    let has_body_example =
        operation.body.iter().flat_map(|body| &body.media).any(|media| !media.examples.is_empty());
    let rules = [
        (
            operation.summary.trim().is_empty(),
            "no summary",
            "add `summary`: one line, as a button would say it",
        ),
        (
            operation.description.trim().is_empty(),
            "no description",
            "add `description`: what it does, and when it fails",
        ),
        (
            operation.errors.is_empty(),
            "no error responses",
            "list every status it can answer with, each with the error schema",
        ),
        (operation.tags.is_empty(), "no tag", "add the tag whose page it belongs to"),
        (
            operation.body.is_some() && !has_body_example,
            "no example of the request",
            "add `examples` to the request body",
        ),
        (
            operation.success.json.is_some() && operation.success.examples.is_empty(),
            "no example of the response",
            "add `examples` to the success response",
        ),
    ];
    let broken = rules.into_iter().filter(|(is_broken, ..)| *is_broken);
    broken.map(|(_, what, fix)| problem(&operation.origin, &operation.id, what, fix)).collect()
}

fn lint_type(api: &Api, ty: &TypeDef) -> Vec<Problem> {
    let mut problems = Vec::new();
    if ty.named && ty.docs.description.trim().is_empty() {
        problems.push(problem(&ty.origin, &ty.name, "no description", "add `description` to the schema"));
    }
    if let Shape::Object(object) = &ty.shape {
        for field in &object.fields {
            // A field without words of its own may lean on the type that it refers to.
            let described = [&field.docs, &api.ty(field.ty.id).docs]
                .iter()
                .any(|docs| !docs.description.trim().is_empty());
            if !described {
                let name = format!("{}.{}", ty.name, field.name);
                problems.push(problem(
                    &ty.origin,
                    &name,
                    "no description",
                    "add `description` to the property",
                ));
            }
        }
    }
    problems
}

fn problem(origin: &Origin, name: &str, what: &str, fix: &str) -> Problem {
    Problem::new(format!("{SPEC}:{}:{}: {name} has {what}", origin.place.line, origin.place.column), fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::spec::read;

    /// The complaints about a document, without places.
    fn complaints(yaml: &str) -> Vec<String> {
        let (api, diagnostics) = read(yaml);
        let spec = Spec {
            text: yaml.into(),
            api,
            diagnostics,
            tree: super::super::tree::Node::parse(yaml).unwrap(),
        };
        let repo = Repo::find().unwrap();
        let report = check(&repo, &spec).unwrap();
        report
            .problems
            .iter()
            .filter_map(|problem| problem.what.split(": ").last().map(str::to_owned))
            .collect()
    }

    #[test]
    fn names_what_a_reader_would_miss() {
        let yaml = "
openapi: 3.1.0
info: {title: T, version: 1.0.0}
tags: [{name: a, description: A.}]
paths:
  /a:
    get:
      operationId: getA
      tags: [a]
      responses:
        '200':
          description: Fine.
          content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}
components:
  schemas:
    A: {type: object, properties: {b: {type: string}}}
";
        let complaints = complaints(yaml);
        for expected in [
            "getA has no summary",
            "getA has no description",
            "getA has no error responses",
            "getA has no example of the response",
            "A has no description",
            "A.b has no description",
        ] {
            assert!(
                complaints.iter().any(|complaint| complaint == expected),
                "{expected} in {complaints:#?}"
            );
        }
    }
}
