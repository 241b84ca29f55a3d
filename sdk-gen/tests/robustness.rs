//! No document makes the generator panic, hang or grow without end: broken copies of real documents, and hostile ones.

#![allow(clippy::expect_used)]

use std::{env, fs, path::Path};

use proptest::prelude::*;
use sdk_gen::{diagnostic::Diagnostics, ir, read};

/// Reads whatever it is; the result must be consistent.
fn check(text: &str) {
    let mut diagnostics = Diagnostics::default();
    match read(text, &mut diagnostics) {
        Some(api) => assert_eq!(ir::check(&api), Vec::<String>::new()),
        None => assert!(diagnostics.has_errors(), "refused without a reason"),
    }
}

/// Small documents that use most of the notation.
fn documents() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = env::var_os("NOVAI_SHARED_DIR").map_or_else(|| root.join("../../shared"), Into::into);
    let mut paths = vec![
        root.join("../spec/openapi.yaml"),
        root.join("tests/rules/operations.yaml"),
        root.join("tests/rules/streams.yaml"),
        root.join("tests/rules/legacy.yaml"),
    ];
    for name in ["museum.yaml", "agent-protocol.json", "opc-3.1-specific.yaml"] {
        let path = shared.join("corpus").join(name);
        if path.exists() {
            paths.push(path);
        } else {
            println!("skipped: ../shared is absent");
        }
    }
    paths.iter().map(|path| fs::read(path).expect("readable")).collect()
}

/// A piece of notation that replaces bytes of a document.
const PIECES: &[&str] = &[
    "",
    "\n",
    " ",
    "\t",
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "|",
    ">",
    "!!str ",
    "? ",
    "null",
    "true",
    "-1",
    "1e999",
    "99999999999999999999",
    "\\u0000",
    "\u{0}",
    "\u{85}",
    "\u{1f980}",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "allOf",
    "oneOf",
    "$ref",
    "'#/components/schemas'",
    "'#'",
    "'#/paths'",
    "type",
];

#[derive(Debug, Clone)]
enum Change {
    Truncate(usize),
    Flip { at: usize, byte: u8 },
    Insert { at: usize, piece: usize },
    Move { from: usize, length: usize, to: usize },
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<usize>().prop_map(Change::Truncate),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Flip { at, byte }),
        (any::<usize>(), any::<usize>()).prop_map(|(at, piece)| Change::Insert { at, piece }),
        (any::<usize>(), 0..200usize, any::<usize>()).prop_map(|(from, length, to)| Change::Move {
            from,
            length,
            to
        }),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let size = bytes.len().max(1);
    match *change {
        Change::Truncate(at) => bytes.truncate(at % size),
        Change::Flip { at, byte } => {
            if let Some(old) = bytes.get_mut(at % size) {
                *old = byte;
            }
        }
        Change::Insert { at, piece } => {
            let at = (at % size).min(bytes.len());
            bytes.splice(at..at, PIECES[piece % PIECES.len()].bytes());
        }
        Change::Move { from, length, to } => {
            let from = (from % size).min(bytes.len());
            let part: Vec<u8> = bytes.drain(from..(from + length).min(bytes.len())).collect();
            let to = (to % size).min(bytes.len());
            bytes.splice(to..to, part);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn broken_documents_do_not_panic(which in any::<usize>(), changes in prop::collection::vec(change(), 1..6)) {
        let documents = documents();
        let mut bytes = documents[which % documents.len()].clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text_does_not_panic(pieces in prop::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = pieces.iter().map(|&piece| PIECES[piece]).collect();
        check(&text);
        check(&format!("openapi: 3.1.0\ninfo: {{}}\npaths: {{}}\ncomponents:\n  schemas:\n    A: {text}"));
    }
}

const HEAD: &str = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {}\ncomponents:\n  schemas:\n";

#[test]
fn unions_of_unions_are_bounded() {
    let pair = |n: usize| {
        format!(
            "{{oneOf: [{{properties: {{a{n}: {{type: string}}}}}}, {{properties: {{b{n}: {{type: string}}}}}}]}}"
        )
    };
    let lists: Vec<_> = (0..24).map(pair).collect();
    check(&format!("{HEAD}    A: {{allOf: [{}]}}\n", lists.join(", ")));
}

#[test]
fn long_chains_are_bounded() {
    let chain: String =
        (0..5_000).map(|n| format!("    A{n}: {{$ref: '#/components/schemas/A{}'}}\n", n + 1)).collect();
    check(&format!("{HEAD}{chain}    A5000: {{type: string}}\n"));
    let chain: String = (0..5_000)
        .map(|n| {
            format!("    A{n}: {{allOf: [{{$ref: '#/components/schemas/A{}'}}, {{minLength: 1}}]}}\n", n + 1)
        })
        .collect();
    check(&format!("{HEAD}{chain}    A5000: {{type: string}}\n"));
}

#[test]
fn layers_of_unions_are_bounded() {
    // Each schema of a layer lists each of the next: 30^6 ways through.
    let layer = |depth: usize, n: usize| {
        let next: Vec<_> =
            (0..30).map(|to| format!("{{$ref: '#/components/schemas/L{}N{to}'}}", depth + 1)).collect();
        format!("    L{depth}N{n}: {{oneOf: [{}], discriminator: {{propertyName: type}}}}\n", next.join(", "))
    };
    let mut text = HEAD.to_owned();
    for depth in 0..6 {
        text.extend((0..30).map(|n| layer(depth, n)));
    }
    text.extend(
        (0..30).map(|n| format!("    L6N{n}: {{required: [type], properties: {{type: {{const: t{n}}}}}}}\n")),
    );
    check(&text);
}

#[test]
fn recursion_through_all_of_ends() {
    check(&format!(
        "{HEAD}    A: {{properties: {{x: {{allOf: [{{$ref: '#/components/schemas/A'}}, \
         {{properties: {{x: {{properties: {{y: {{$ref: '#/components/schemas/A'}}}}}}}}}}]}}}}}}\n"
    ));
}

#[test]
fn wide_lists_are_bounded() {
    let members = vec!["{minLength: 1}"; 20_000].join(", ");
    check(&format!("{HEAD}    A: {{type: string, allOf: [{members}]}}\n"));
    let values: Vec<_> = (0..20_000).map(|n| format!("v{n}")).collect();
    check(&format!("{HEAD}    A: {{enum: [{}]}}\n", values.join(", ")));
}
