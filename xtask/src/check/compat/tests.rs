//! One document, mutated one place at a time. Each row: what is replaced, by what, and the breaks that follow.

use sdk_gen::diagnostic::Diagnostics;

use super::{compare, may_break, numbers, rules::Rule, rules::Rule::*};

const BASE: &str = "
openapi: 3.1.0
info: {title: T, version: 1.0.0}
security: [{key: []}]
paths:
  /chats:
    post:
      operationId: createChat
      tags: [chats]
      parameters:
        - {name: trace, in: query, schema: {type: string}}
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/Ask'}}
          text/plain: {schema: {type: string}}
      responses:
        '200':
          description: Fine.
          headers: {X-Id: {schema: {type: string}}}
          content:
            application/json: {schema: {$ref: '#/components/schemas/Answer'}}
            text/event-stream:
              x-stream: {terminal: '[DONE]'}
              schema:
                type: object
                properties:
                  data: {type: string, contentMediaType: application/json, contentSchema: {$ref: '#/components/schemas/Answer'}}
        '404': {description: Gone., content: {application/json: {schema: {$ref: '#/components/schemas/Problem'}}}}
  /health:
    get: {operationId: getHealth, security: [], responses: {'204': {description: Fine.}}}
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
  schemas:
    Ask:
      type: object
      required: [text]
      properties:
        text: {type: string, maxLength: 10}
        heat: {type: [number, 'null'], maximum: 2, default: 1}
        mode: {enum: [fast, slow]}
        seeds: {type: array, items: {type: integer}}
        part: {$ref: '#/components/schemas/Part'}
        stream: {type: boolean}
    Answer:
      type: object
      required: [id]
      properties: {id: {type: string}, next: {$ref: '#/components/schemas/Answer'}}
    Part:
      oneOf: [{$ref: '#/components/schemas/Word'}, {$ref: '#/components/schemas/Tone'}, {$ref: '#/components/schemas/Sound'}]
    Word: {type: object, required: [type], properties: {type: {const: word}}}
    Sound: {type: object, required: [type], properties: {type: {const: sound}}}
    Tone: {type: object, required: [type], properties: {type: {const: tone}}}
    Problem: {type: object, properties: {why: {type: string}}}
";

#[track_caller]
fn check(from: &str, to: &str, expected: &[(Rule, &str)]) {
    assert!(BASE.contains(from), "the base document has no {from:?}");
    let read = |text: &str| sdk_gen::read(text, &mut Diagnostics::default()).unwrap();
    let breaks = compare(&read(BASE), &read(&BASE.replace(from, to)));
    let actual: Vec<(Rule, &str)> = breaks.iter().map(|broken| (broken.rule, broken.at.as_str())).collect();
    assert_eq!(actual, expected, "{from:?} -> {to:?}");
}

/// What is replaced, by what, and what breaks.
type Row<'a> = (&'a str, &'a str, &'a [(Rule, &'a str)]);

#[test]
fn breaks() {
    let get = "    get: {operationId: getHealth, security: [], responses: {'204': {description: Fine.}}}";
    let rows: &[Row] = &[
        (get, "    {}", &[(OperationRemoved, "GET /health")]),
        ("operationId: getHealth", "operationId: readPulse", &[(OperationRenamed, "GET /health")]),
        ("getHealth, security: [],", "getHealth,", &[(AuthenticationAdded, "GET /health")]),
        ("{'204': {", "{'200': {", &[(StatusRemoved, "GET /health 204")]),
        ("name: trace,", "name: traces,", &[(ParameterRemoved, "POST /chats trace")]),
        ("name: trace,", "name: trace, required: true,", &[(ParameterRequired, "POST /chats trace")]),
        ("requestBody:\n", "requestBody:\n        required: true\n", &[(BodyRequired, "POST /chats")]),
        (
            "          text/plain: {schema: {type: string}}\n",
            "",
            &[(MediaTypeRemoved, "POST /chats text/plain")],
        ),
        ("headers: {X-Id:", "headers: {X-Other:", &[(ResponseHeaderRemoved, "POST /chats response X-Id")]),
        ("'404':", "'410':", &[(StatusRemoved, "POST /chats 404")]),
        (
            "        '404':",
            "        '409': {description: Busy., content: {application/json: {schema: {$ref: '#/components/schemas/Word'}}}}\n        '404':",
            &[(NewErrorOfOtherShape, "POST /chats 409")],
        ),
        ("{terminal: '[DONE]'}", "{terminal: 'END'}", &[(StreamEndChanged, "POST /chats response event")]),
        ("maxLength: 10", "maxLength: 9", &[(RequestNarrowed, "POST /chats request.text")]),
        ("maximum: 2", "maximum: 1.5", &[(RequestNarrowed, "POST /chats request.heat")]),
        ("[number, 'null']", "number", &[(RequestNullRefused, "POST /chats request.heat")]),
        ("default: 1", "default: 2", &[(DefaultChanged, "POST /chats request.heat")]),
        ("[fast, slow]", "[fast]", &[(EnumValueRemoved, "POST /chats request.mode \"slow\"")]),
        ("items: {type: integer}", "items: {type: string}", &[(TypeChanged, "POST /chats request.seeds[]")]),
        ("        mode: {enum: [fast, slow]}\n", "", &[(FieldRemoved, "POST /chats request.mode")]),
        ("required: [text]", "required: [text, mode]", &[(RequestFieldRequired, "POST /chats request.mode")]),
        (
            "      required: [text]\n",
            "      required: [text]\n      additionalProperties: false\n",
            &[(RequestFieldsClosed, "POST /chats request")],
        ),
        ("      required: [id]\n", "", &[(ResponseFieldOptional, "POST /chats response.id")]),
        (
            "{id: {type: string}",
            "{id: {type: [string, 'null']}",
            &[(ResponseNullAdded, "POST /chats response.id")],
        ),
        (
            ", {$ref: '#/components/schemas/Sound'}]",
            "]",
            &[(VariantRemoved, "POST /chats request.part<sound>")],
        ),
    ];
    for (from, to, expected) in rows {
        check(from, to, expected);
    }
}

#[test]
fn not_breaks() {
    for (from, to) in [
        ("maxLength: 10", "maxLength: 11"),
        ("[fast, slow]", "[fast, slow, wild]"),
        ("mode: {enum: [fast, slow]}", "mode: {type: string}"),
        ("items: {type: integer}", "items: {type: number}"),
        ("        stream: {type: boolean}", "        stream: {type: boolean}\n        extra: {type: string}"),
        ("required: [text]", "required: []"),
        ("{id: {type: string},", "{id: {type: string}, more: {type: string},"),
        ("'404':", "'409': {description: Busy.}\n        '404':"),
        (
            "text: {type: string, maxLength: 10}",
            "text: {oneOf: [{type: string, maxLength: 10}, {type: array, items: {type: string}}]}",
        ),
    ] {
        check(from, to, &[]);
    }
}

#[test]
fn names_and_streams_are_promises_too() {
    let base = BASE.to_owned();
    let renamed = base.replace("schemas/Problem", "schemas/Trouble").replace("    Problem:", "    Trouble:");
    let mute = base.replace("text/event-stream:", "application/x-other:");
    let read = |text: &str| sdk_gen::read(text, &mut Diagnostics::default()).unwrap();
    let rules = |text: &str| -> Vec<Rule> {
        compare(&read(BASE), &read(text)).iter().map(|broken| broken.rule).collect()
    };
    assert_eq!(rules(&renamed), [SchemaRemoved]);
    assert_eq!(rules(&mute), [StreamRemoved]);
}

#[test]
fn every_rule_has_a_sentence_of_its_own() {
    let sentences: std::collections::HashSet<_> = Rule::ALL.iter().map(|rule| rule.meaning()).collect();
    assert_eq!(sentences.len(), Rule::ALL.len());
}

#[test]
fn versions_order_by_number_and_breaks_need_a_raise() {
    assert!(numbers("spec/released/0.10.0.yaml") > numbers("spec/released/0.9.2.yaml"));
    for (old, new, expected) in [
        ("0.1.0", "0.1.1", false),
        ("0.1.0", "0.2.0", true),
        ("1.4.0", "1.5.0", false),
        ("1.4.0", "2.0.0", true),
    ] {
        assert_eq!(may_break(old, new), expected, "{old} -> {new}");
    }
}
