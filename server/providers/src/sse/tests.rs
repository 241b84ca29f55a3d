//! Cases as data, one driver: every case at every split into one, two and single-byte chunks.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Decoder, TooLarge};
use crate::shared;

/// Name, data and last id of each event, then the bound's violation if there was one.
type Outcome = (Vec<(String, String, String)>, Option<TooLarge>);

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, bytes_max: usize) -> (Outcome, Option<u64>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut decoder = Decoder::new(bytes_max);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.feed(Bytes::copy_from_slice(chunk));
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => events.push((text(&event.name), text(&event.data), text(&event.id))),
                Ok(None) => break,
                Err(too_large) => return ((events, Some(too_large)), None),
            }
        }
    }
    let retry_ms = decoder.retry().and_then(|retry| u64::try_from(retry.as_millis()).ok());
    ((events, None), retry_ms)
}

/// The only place that compares: whole, byte by byte, and cut at every position.
#[track_caller]
fn check(bytes: &[u8], expected: &Outcome, retry_ms: Option<u64>, bytes_max: usize) {
    let expected = (expected.clone(), retry_ms);
    assert_eq!(decode([bytes], bytes_max), expected, "whole: {:?}", bytes.escape_ascii().to_string());
    assert_eq!(
        decode(bytes.chunks(1), bytes_max),
        expected,
        "by one: {:?}",
        bytes.escape_ascii().to_string()
    );
    for cut in (0..=bytes.len()).filter(|cut| is_worth_a_cut(*cut, bytes.len())) {
        let (head, tail) = bytes.split_at(cut);
        let actual = decode([head, b"", tail], bytes_max);
        assert_eq!(actual, expected, "cut at {cut}: {:?}", bytes.escape_ascii().to_string());
    }
}

/// Every position, but for inputs of many kilobytes (one case: the same line 2,000 times, which would take quadratic
/// time) every one near the ends and each 61st between them.
fn is_worth_a_cut(cut: usize, length: usize) -> bool {
    length < 4096 || cut < 256 || length - cut < 256 || cut.is_multiple_of(61)
}

/// Name, data and last id.
type Expected = (&'static str, &'static str, &'static str);

const CASES: &[(&str, &[Expected])] = &[
    ("", &[]),
    ("\n\n\r\r\n", &[]),
    ("data: a\n\n", &[("", "a", "")]),
    ("data:a\n\n", &[("", "a", "")]),
    ("data:  a \n\n", &[("", " a ", "")]),
    ("data: a\r\n\r\ndata: b\r\n\r\n", &[("", "a", ""), ("", "b", "")]),
    ("data: a\r\rdata: b\n\r", &[("", "a", ""), ("", "b", "")]),
    ("data: a\r\n\rdata: b\r\r\n", &[("", "a", ""), ("", "b", "")]),
    ("data: a\ndata: b\ndata\ndata: c\n\n", &[("", "a\nb\n\nc", "")]),
    ("data\n\n", &[("", "", "")]),
    ("data: a\n\ndata: b", &[("", "a", "")]),
    ("data: a\n\ndata: b\n", &[("", "a", "")]),
    (": comment\n\n:\n\ndata: a\n: in between\ndata: b\n\n", &[("", "a\nb", "")]),
    ("event: error\ndata: x\n\ndata: y\n\n", &[("error", "x", ""), ("", "y", "")]),
    ("event: lost\n\ndata: y\n\n", &[("", "y", "")]),
    ("id: 1\ndata: x\n\ndata: y\n\nid\ndata: z\n\n", &[("", "x", "1"), ("", "y", "1"), ("", "z", "")]),
    ("id: a\0b\ndata: x\n\n", &[("", "x", "")]),
    ("\u{feff}data: a\n\n", &[("", "a", "")]),
    ("\u{feff}\u{feff}data: a\n\ndata: b\n\n", &[("", "b", "")]),
    ("data: a\n\n\u{feff}data: b\n\ndata: c\n\n", &[("", "a", ""), ("", "c", "")]),
    ("Data: a\ndata : b\n data: c\ndatab: d\n\n", &[]),
    ("data: {\"a\":\"한국어 🙂\"}\n\n", &[("", "{\"a\":\"한국어 🙂\"}", "")]),
    ("data: a:b: c\n\n", &[("", "a:b: c", "")]),
];

fn owned(events: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    events.iter().map(|(name, data, id)| ((*name).into(), (*data).into(), (*id).into())).collect()
}

#[test]
fn own_cases_at_every_split() {
    for (input, events) in CASES {
        check(input.as_bytes(), &(owned(events), None), None, 1 << 20);
    }
}

#[test]
fn retry_takes_digits_only() {
    for (input, retry_ms) in [
        ("retry: 250\n", Some(250)),
        ("retry: 250\nretry: 1e3\n", Some(250)),
        ("retry: -1\n", None),
        ("retry:\n", None),
        ("retry: 99999999999999999999999\n", None),
    ] {
        check(input.as_bytes(), &(vec![], None), retry_ms, 1 << 20);
    }
}

#[test]
fn too_large_at_every_split_after_the_events_before_it() {
    let bound = Some(TooLarge { bytes_max: 12 });
    let before = owned(&[("", "a", "")]);
    for (input, events, too_large) in [
        ("data: a\n\ndata: 123456\n\n", owned(&[("", "a", ""), ("", "123456", "")]), None),
        ("data: a\n\ndata: 1234567\n\n", before.clone(), bound),
        ("data: a\n\ndata: 1234567", before.clone(), bound),
        ("data: a\n\n: a comment without an end", before.clone(), bound),
        (
            "data: a\n\ndata: 123\ndata: 456\ndata: 7890\n\n",
            owned(&[("", "a", ""), ("", "123\n456\n7890", "")]),
            None,
        ),
        ("data: a\n\ndata: 123\ndata: 456\ndata: 78901\n\n", before, bound),
    ] {
        check(input.as_bytes(), &(events, too_large), None, 12);
    }
}

#[test]
fn whole_events_are_slices_of_their_chunk() {
    let chunk = Bytes::from_static(b"data: one\n\ndata: two\n\n");
    let range = chunk.as_ptr_range();
    let mut decoder = Decoder::new(100);
    decoder.feed(chunk.clone());
    for _ in 0..2 {
        let event = decoder.next_event().unwrap().unwrap();
        assert!(range.contains(&event.data.as_ptr()), "copied: {:?}", event.data);
    }
}

#[test]
fn shared_framing_cases_at_every_split() {
    let Some(cases) = shared::json("cases/sse_cases.json") else { return };
    let cases = cases.as_array().expect("a list of cases");
    for case in cases {
        let id = case["id"].as_str().expect("an id");
        let chunks: Vec<Vec<u8>> = case["chunks_b64"]
            .as_array()
            .expect("chunks")
            .iter()
            .map(|chunk| shared::base64(chunk.as_str().expect("base64 text")))
            .collect();
        let events = case["expect"]
            .as_array()
            .expect("events")
            .iter()
            .map(|event| {
                let field = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                let name = field("event");
                (if name == "message" { String::new() } else { name }, field("data"), field("id"))
            })
            .collect();
        let expected: Outcome = (events, None);
        println!("{id}");
        let (as_recorded, retry_ms) = decode(chunks.iter().map(Vec::as_slice), 1 << 20);
        assert_eq!(as_recorded, expected, "{id} in its own chunks");
        if case.get("retry").is_some() {
            assert_eq!(retry_ms, case["retry"].as_u64(), "{id}");
        }
        check(&chunks.concat(), &expected, retry_ms, 1 << 20);
    }
    assert!(cases.len() >= 79, "only {} cases", cases.len());
}

proptest! {
    /// Any bytes, cut anywhere: no panic, and the cuts do not matter.
    #[test]
    fn splits_do_not_matter(
        bytes in "(\u{feff}|data|event|id|retry|:| |\r|\n|\r\n|\n\n|x|7|\\x00|é){0,60}",
        cuts in prop::collection::vec(0usize..200, 0..6),
        bytes_max in 1usize..40,
    ) {
        let bytes = bytes.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut start = 0;
        for cut in cuts {
            chunks.push(&bytes[start..cut]);
            start = cut;
        }
        chunks.push(&bytes[start..]);
        prop_assert_eq!(decode(chunks, bytes_max), decode([bytes], bytes_max));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(decode(bytes.chunks(1), 50), decode([&bytes[..]], 50));
    }
}
