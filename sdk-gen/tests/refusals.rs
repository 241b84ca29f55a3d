//! What cannot be read at all is refused at its place, with what to do about it.

#![allow(clippy::expect_used)]

use sdk_gen::{diagnostic::Diagnostics, parse};

/// `line:column: message` of the first diagnostic.
#[track_caller]
fn check(text: &str, expected: &str) {
    let mut diagnostics = Diagnostics::default();
    let document = parse::parse(text, &mut diagnostics);
    let shown: String = text.chars().take(60).collect();
    let first = diagnostics.items().first().unwrap_or_else(|| panic!("nothing is wrong with {shown:?}"));
    let actual = format!("{}:{}: {}", first.place.line, first.place.column, first.message);
    assert!(actual.starts_with(expected), "{shown:?}\n  expected {expected}\n  got      {actual}");
    assert!(!first.help.is_empty(), "no help for {shown:?}");
    assert!(document.is_none() || diagnostics.has_errors() || first.message.contains("ignored"));
}

const HEAD: &str = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {}\n";

#[test]
fn unreadable_documents_are_refused() {
    for (text, expected) in [
        ("", "1:1: the document is empty"),
        ("# only a comment\n", "1:1: the document is empty"),
        ("just text", "1:1: this is no OpenAPI document"),
        ("[1, 2]", "1:1: this is no OpenAPI document"),
        ("a: [1, 2", "2:1: not valid YAML"),
        ("a: 1\n b: 2", "2:3: not valid YAML"),
        ("swagger: '2.0'", "1:1: this is a Swagger 2.0 document"),
        ("openapi: 3.2.0", "1:10: OpenAPI version `3.2.0` is not read"),
        ("openapi: 4", "1:10: OpenAPI version `4` is not read"),
        ("? [a]\n: b", "1:3: a key is a list or a map"),
        ("a: &x [*x]", "1:8: an alias refers to a node that contains it"),
        ("{\"a\": 1,}", "1:9: not valid JSON: expected a key"),
        ("{\"a\" 1}", "1:6: not valid JSON: expected `:`"),
        ("{\"a\": tru}", "1:7: not valid JSON: expected a value"),
        ("{\"a\": \"x", "1:7: not valid JSON: a string does not end"),
        ("{\"a\": [1 2]}", "1:10: not valid JSON: expected `,` or `]`"),
        ("{\"a\": 01}", "1:7: not valid JSON: no number"),
        ("{} x", "1:4: not valid JSON: text after the end"),
    ] {
        check(text, expected);
    }
}

#[test]
fn mistakes_are_reported_where_they_are() {
    for (rest, expected) in [
        ("paths: {}\n", "4:1: the key `paths` occurs twice"),
        ("components: []\n", "4:13: this is an array, where an object belongs"),
        (
            "components: {schemas: {A: {type: 3}}}\n",
            "4:34: this is a number, where a list of strings belongs",
        ),
        (
            "components:\n  schemas:\n    A:\n      maxLength: x\n",
            "7:18: this is a string, where a number belongs",
        ),
        ("tags: [{nam: x}]\n", "4:14: the key `nam` has no meaning here and is ignored"),
    ] {
        check(&format!("{HEAD}{rest}"), expected);
    }
    check("openapi: 3.1.0\n", "1:1: the key `info` is missing");
}

#[test]
fn nesting_is_bounded() {
    let deep = 100_000;
    check(&format!("a: {}", "[".repeat(deep)), "1:");
    check(&format!("{{\"a\": {}", "[".repeat(deep)), "1:134: not valid JSON: nested deeper than");
    let blocks: String = (0..300).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    check(&blocks, "129:129: nested deeper than");
}

#[test]
fn alias_bombs_are_bounded() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let refers = format!("*a{}, ", level - 1).repeat(10);
        text += &format!("a{level}: &a{level} [{}]\n", refers.trim_end_matches(", "));
    }
    check(&text, "7:");
}

#[test]
fn merge_keys_and_aliases_are_written_out() {
    let text = format!(
        "{HEAD}x-base: &base {{type: string, maxLength: 3}}\ncomponents:\n  schemas:\n    A: {{<<: *base, maxLength: 5}}\n    B: *base\n"
    );
    let mut diagnostics = Diagnostics::default();
    let api = sdk_gen::read(&text, &mut diagnostics).expect("readable");
    assert_eq!(diagnostics.items(), []);
    let shapes: Vec<_> =
        sdk_gen::ir::print(&api).lines().filter(|l| l.contains(" = ")).map(str::to_owned).collect();
    assert_eq!(shapes, ["A = string length ..5", "B = string length ..3"]);
}

#[test]
fn json_and_yaml_of_one_document_are_the_same() {
    let yaml = format!("{HEAD}components: {{schemas: {{A: {{type: string, enum: ['\u{1f980}', b]}}}}}}");
    let json = "\u{feff}{\t\"openapi\": \"3.1.0\", \"info\": {\"title\": \"T\", \"version\": \"1\"}, \"paths\": {},\n\
        \t\"components\": {\"schemas\": {\"A\": {\"type\": \"string\", \"enum\": [\"\\ud83e\\udd80\", \"b\"]}}}}";
    let print = |text: &str| {
        let mut diagnostics = Diagnostics::default();
        let api = sdk_gen::read(text, &mut diagnostics).expect("readable");
        assert_eq!(diagnostics.items(), []);
        sdk_gen::ir::print(&api)
    };
    assert_eq!(print(&yaml), print(json));
}
