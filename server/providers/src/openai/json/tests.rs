//! Held against serde_json: the same texts are accepted, and the same values found.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// What serde_json says of `text`: its members `a` and `b`, if it is an object.
fn expected(text: &str) -> Option<[Option<Value>; 2]> {
    // Numbers beyond f64 are JSON, but no `Value`: the text is judged without decoding it.
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    if !text.trim_start_matches([' ', '\n', '\r', '\t']).starts_with('{') {
        return None;
    }
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    Some(["a", "b"].map(|name| value.get(name).cloned()))
}

fn members<'a, const N: usize>(text: &'a str, names: [&'static str; N]) -> Result<Found<'a, N>, Flaw> {
    Members::new(names).find(text.as_bytes())
}

#[track_caller]
fn check(text: &str) {
    let actual = members(text, ["a", "b"]).ok();
    let expected = expected(text);
    assert_eq!(actual.is_some(), expected.is_some(), "{text:?}: {:?}", members(text, ["a", "b"]));
    if let (Some(actual), Some(expected)) = (actual, expected) {
        for (actual, expected) in actual.into_iter().zip(expected) {
            let decoded = actual.map(|raw| serde_json::from_slice::<Value>(raw).unwrap_or_default());
            if expected.is_some() {
                assert_eq!(decoded, expected, "{text:?}");
            }
        }
    }
}

#[test]
fn texts() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "{}",
        " { } ",
        "{}{}",
        "{},",
        "[]",
        "7",
        "null",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"b\":[1,2,{\"a\":3}]}",
        "{\"a\":[],\"b\":{}}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}",
        "{\"a\":{\"x\":1]}",
        "{\"a\":[1}}",
        "{\"a\":{\"x\"}}",
        "{\"a\":{1:2}}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":-0}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1.5e+10}",
        "{\"a\":1e}",
        "{\"a\":1E-2}",
        "{\"a\":+1}",
        "{\"a\":1e999}",
        "{\"a\":0x1}",
        "{\"a\":tru}",
        "{\"a\":true}",
        "{\"a\":truex}",
        "{\"a\":nul",
        "{\"a\":false,\"b\":null}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12ag\"}",
        "{\"a\":\"\\u00e9\\n\\/\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\",
        "{\"a\":\"x",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\u{7f}é🙂\"}",
        "{\"\\u0061\":1}",
        "{\"\\u0061\":1,\"a\":2}",
        "{\"a\":1,\"a\":2}",
        "\u{feff}{}",
        "{\"a\":1}\u{a0}",
        "{\"a\":1}\n\t\r ",
        "{\"a\" : [ { } , [ ] ] }",
        "{\"\":1}",
    ] {
        check(text);
    }
}

#[test]
fn depth_is_bounded_exactly() {
    let nested = |levels: usize| format!("{{\"a\":{}7{}}}", "[".repeat(levels), "]".repeat(levels));
    let levels_max = DEPTH_MAX as usize - 1;
    assert!(members(&nested(levels_max), ["a"]).is_ok());
    assert_eq!(members(&nested(levels_max + 1), ["a"]), Err(Flaw::TooDeep));
    assert_eq!(members(&nested(100_000), ["a"]), Err(Flaw::TooDeep));
    let objects = format!("{}1{}", "{\"a\":".repeat(levels_max + 1), "}".repeat(levels_max + 1));
    assert!(members(&objects, ["a"]).is_ok());
}

#[test]
fn bytes_that_are_no_text() {
    for bytes in [&b"{\"a\":\"\xff\"}"[..], b"{\"a\":\"\xc3\"}", b"\xc3\xa9{}\x80"] {
        assert_eq!(Members::new(["a"]).find(bytes), Err(Flaw::NotUtf8), "{}", bytes.escape_ascii());
    }
}

/// One reader for all of `texts` says of each what a new one says.
#[track_caller]
fn check_in_a_row<T: AsRef<str>>(texts: &[T]) {
    let mut reader = Members::new(["a", "b"]);
    for text in texts {
        let text = text.as_ref();
        assert_eq!(reader.find(text.as_bytes()), members(text, ["a", "b"]), "{text:?}");
    }
}

#[test]
fn alike_beginnings_are_read_once() {
    let event = |text: &str| {
        format!(r#"{{"id":"x","b":1,"a":[{{"index":0,"delta":{{"content":"{text}"}}}}],"c":2}}"#)
    };
    let texts = [event("one"), event("two"), event("three"), event(""), event("\n"), event("four")];
    check_in_a_row(&texts);
    let mut reader = Members::new(["a"]);
    reader.find(texts[0].as_bytes()).unwrap();
    reader.find(texts[1].as_bytes()).unwrap();
    assert_eq!(reader.before, br#"{"id":"x","b":1,"a":[{"index":0,"delta":{"content":""#);

    // Where the second text ends the likeness, and what a third makes of it.
    check_in_a_row(&[
        r#"{"a":[1]}"#,
        r#"{"a":[1,2]}"#,
        r#"{"a":[]}"#,
        r#"{"a":[1,3]}"#,
        r#"{"a":[ 1]}"#,
        r#"{"a":[1"#,
    ]);
    check_in_a_row(&[r#"{"a":[{"#, r#"{"a":[{}]}"#, r#"{"a":[{"x":1}]}"#, r#"{"a":[{"y":1}]}"#]);
    check_in_a_row(&[r#"{"a":1,"b":2}"#, r#"{"a":1,"b":3}"#, r#"{"a":1,"b":2,"a":3}"#, r#"{"a":1,"b":22"#]);
    check_in_a_row(&["{}", "{}", "", "{", "{\"a\":1}", "{\"a\":1}", "[]", "{\"a\":1} x"]);
    let long = |text: &str| format!("{{\"b\":\"{}\",\"a\":\"{text}\"}}", "x".repeat(2 * BEFORE_BYTES_MAX));
    check_in_a_row(&[long("1"), long("2"), long("3")]);
}

proptest! {
    #[test]
    fn objects_in_a_row(
        texts in proptest::collection::vec(
            r#"\{"(a|b|c)":(1|12|\[\]|\[1,\{\}\]|\{"a":\[?2\]?\}|"x\\n?"|é)(,"(a|\\u0061|b)":(\[(1|"a"|\{\})?( ,3)?\]|7|null))?\}?"#,
            2..6,
        ),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 2..12),
    ) {
        let texts: Vec<&String> = order.iter().map(|index| index.get(&texts)).collect();
        check_in_a_row(&texts);
    }

    /// Where in a string, and how far from its ends, must not matter.
    #[test]
    fn strings_of_every_length(before in "[aé🙂]{0,20}", odd in r#"["\\\x00-\x1f\x7f]"#, after in "[aé🙂]{0,20}") {
        check(&format!("{{\"a\":\"{before}{odd}{after}\"}}"));
        check(&format!("{{\"a\":\"{before}{after}\"}}"));
        check(&format!("{{\"{before}\\n{after}\":1}}"));
    }

    /// Near-JSON from its own tokens finds every rule; plain text would stop at the first byte.
    #[test]
    fn token_soup(text in r#"(\{|\}|\[|\]|,|:|"a"|"b"|"\\u0061"|"x\\n"|1|-2.5e3|0|true|null| |\n){0,25}"#) {
        check(&text);
        check(&format!("{{\"a\":{text}}}"));
    }

    #[test]
    fn numbers_and_strings(text in r#"("?[-+0-9.eE"\\unté\x00-\x20]{0,12}"?)"#) {
        check(&format!("{{\"a\":{text}}}"));
        check(&format!("{{\"b\":\"{text}\"}}"));
    }
}
