//! What both dynamic SDKs decide alike, on small documents: arguments, answers, foldings, the text of a stream.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic")]

use sdk_gen::diagnostic::Diagnostics;
use sdk_gen::ir::model::Api;
use sdk_gen::lower::shared::accumulate::{Folding, Settle, Step};
use sdk_gen::lower::shared::answers::{Framing, Whole, answers};
use sdk_gen::lower::shared::arguments::{BodyFormat, request};
use sdk_gen::lower::shared::text_path;
use sdk_gen::lower::shared::tree::tree;

fn api(text: &str) -> Api {
    let mut diagnostics = Diagnostics::default();
    let api = sdk_gen::read(text, &mut diagnostics).unwrap();
    assert!(!diagnostics.has_errors(), "{:#?}", diagnostics.items());
    api
}

fn ours() -> Api {
    api(&std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/openapi.yaml")).unwrap())
}

#[test]
fn namespaces_nest_and_name_what_they_are_about() {
    let api = ours();
    let tree = tree(&api);
    let dotted = |index: &usize| {
        let parts: Vec<String> = tree.nodes[*index].path.iter().map(|words| words.0.join("_")).collect();
        parts.join(".")
    };
    let chat = &tree.nodes[tree.roots[0]];
    assert_eq!(dotted(&tree.roots[0]), "chat");
    assert_eq!(chat.children.iter().map(dotted).collect::<Vec<_>>(), ["chat.completions"]);
    assert!(chat.operations.is_empty());
    let completions = &tree.nodes[chat.children[0]];
    assert_eq!(completions.operations[0].id, "createChatCompletion");
    assert!(
        completions.description.starts_with("Answers of a language model"),
        "{}",
        completions.description
    );
}

#[test]
fn our_stream_is_folded_into_our_answer() {
    let api = ours();
    let operation = api.operations.iter().find(|operation| operation.id == "createChatCompletion").unwrap();
    let answers = answers(&api, operation);
    let events = answers.events.unwrap();
    let name = |ty: text_path::Step| match ty {
        text_path::Step::Field(name) => name,
        text_path::Step::Items => "[]".to_owned(),
    };
    let text: Vec<String> = events.text.unwrap().into_iter().map(name).collect();
    assert_eq!(text, ["choices", "[]", "delta", "content"]);
    assert_eq!(
        events.selector.map(|selector| (selector.field, selector.default)),
        Some(("stream".into(), false))
    );
    let Some(Folding::Pieces(plan)) = events.folding else { panic!("not folded") };
    let fold = |name: &str| plan.folds.iter().find(|fold| api.ty(fold.piece).name == name).unwrap();
    let step = |name: &str, field: &str| {
        fold(name)
            .fields
            .iter()
            .find(|known| known.from == field)
            .map(|known| (known.into.clone(), known.step))
    };
    assert_eq!(api.ty(plan.result()).name, "ChatCompletion");
    assert_eq!(fold("ChatCompletionChunk").left_out, ["obfuscation"]);
    assert!(matches!(step("ChatCompletionChunk", "choices"), Some((_, Step::ByIndex(_)))));
    assert!(matches!(step("ChunkChoice", "delta"), Some((into, Step::Object(_))) if into == "message"));
    assert_eq!(step("ChatCompletionDelta", "content"), Some(("content".into(), Step::AppendText)));
    assert_eq!(step("ChatCompletionDelta", "annotations"), Some(("annotations".into(), Step::AppendList)));
    assert_eq!(step("ToolCallDelta", "id"), Some(("id".into(), Step::First)));
    assert!(fold("ToolCallDelta").drop_index && !fold("ChunkChoice").drop_index);
    let Settle::Union { tag, default, variants } = &fold("ToolCallDelta").settle else { panic!("a union") };
    assert_eq!((tag.as_str(), default.as_deref(), variants.len()), ("type", Some("function"), 2));
}

/// A document of one operation.
fn document(operation: &str) -> String {
    let operation: String = operation.lines().map(|line| format!("      {line}\n")).collect();
    format!(
        "openapi: 3.1.0\ninfo: {{ title: T, version: '1' }}\npaths:\n  /things/{{id}}:\n    post:\n{operation}"
    )
}

#[test]
fn arguments_of_all_places_have_names_of_their_own() {
    let api = api(&document(
        "operationId: updateThing
parameters:
  - { name: id, in: path, required: true, schema: { type: string } }
  - { name: id, in: query, schema: { type: string } }
  - { name: session, in: cookie, schema: { type: string } }
requestBody:
  content:
    multipart/form-data:
      schema:
        type: object
        required: [file]
        properties:
          id: { type: string }
          made: { type: string, readOnly: true }
          file: { type: string, format: binary }
responses: { '204': { description: Done. } }",
    ));
    let request = request(&api, &api.operations[0]);
    let names: Vec<&str> = request.arguments.iter().map(|argument| argument.name.as_str()).collect();
    assert_eq!(names, ["id", "id_query", "session", "id_body", "file"]);
    assert!(!request.arguments[4].required, "the body itself may be left out");
    let body = request.body.unwrap();
    assert_eq!((body.format, body.flattened), (BodyFormat::Multipart, true));
    assert_eq!(answers(&api, &api.operations[0]).whole, Some(Whole::Nothing));
}

#[test]
fn lines_are_a_stream_whose_default_is_kept() {
    let api = api(&document(
        "operationId: chat
requestBody:
  content:
    application/json:
      schema: { type: object, properties: { stream: { type: boolean, default: true } } }
responses:
  '200':
    description: The answer.
    content:
      application/json: { schema: { type: object, properties: { text: { type: string } } } }
      application/x-ndjson: { schema: { type: object, properties: { text: { type: string, x-merge: append } } } }",
    ));
    let answers = answers(&api, &api.operations[0]);
    let events = answers.events.unwrap();
    assert_eq!(events.framing, Framing::Lines);
    assert!(events.selector.unwrap().default);
    assert!(matches!(answers.whole, Some(Whole::Json(_))));
    assert!(events.folding.is_some());
}
