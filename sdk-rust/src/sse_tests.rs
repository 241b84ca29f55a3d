use bytes::Bytes;
use serde_json::Value;

use super::*;

type Triple = (String, String, String);

/// The only place that touches the decoder's API.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Triple> {
    let mut decoder = SseDecoder::new(1 << 20);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.feed(Bytes::copy_from_slice(piece));
        while decoder.advance().unwrap() {
            let event = decoder.event();
            events.push((event.event.into_owned(), event.data.into_owned(), event.id.into_owned()));
        }
    }
    events
}

/// As it comes, byte by byte, and split in two at every position: a read can end anywhere.
#[track_caller]
fn check(name: &str, pieces: &[Vec<u8>], expected: &[Triple]) {
    let bytes = pieces.concat();
    assert_eq!(decode(pieces.iter().map(Vec::as_slice)), expected, "{name}");
    assert_eq!(decode(bytes.chunks(1)), expected, "{name}, byte by byte");
    // The long case repeats one line; its first splits show all that the others would.
    let splits = if bytes.len() < 2_000 { bytes.len() } else { 200 };
    for split in 0..=splits {
        assert_eq!(decode([&bytes[..split], &bytes[split..]]), expected, "{name}, split at {split}");
    }
}

#[test]
fn shared_cases() {
    let shared = std::env::var_os("NOVAI_SHARED_DIR").map_or_else(
        || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").into(),
        std::path::PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(shared.join("cases/sse_cases.json")) else {
        println!("skipped: ../shared is absent");
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 70);
    for case in cases {
        let pieces: Vec<Vec<u8>> = case["chunks_b64"]
            .as_array()
            .unwrap()
            .iter()
            .map(|piece| base64(piece.as_str().unwrap()))
            .collect();
        let field = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
        let expected: Vec<Triple> = case["expect"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| (field(event, "event"), field(event, "data"), field(event, "id")))
            .collect();
        check(case["id"].as_str().unwrap(), &pieces, &expected);
    }
}

#[test]
fn own_cases() {
    let message = |data: &str| ("message".to_owned(), data.to_owned(), String::new());
    for (input, expected) in [
        (&b"data: a\ndata: b\n\n"[..], vec![message("a\nb")]),
        (b"data: a\n\ndata: b", vec![message("a")]),
        (b"data: \xff\xe2\x82\n\n", vec![message("\u{fffd}\u{fffd}")]),
        (b"event: x\n\ndata: a\n\n", vec![message("a")]),
        (b": comment\r\n\r\ndata: a\r\n\r\n", vec![message("a")]),
        (b"\n\n\r\r\r\n", vec![]),
        (b"", vec![]),
        (b"\xef\xbb", vec![]),
    ] {
        check(&String::from_utf8_lossy(input), &[input.to_vec()], &expected);
    }
}

#[test]
fn size_is_bounded_however_it_comes() {
    let max = 64;
    for input in [
        "data: ".to_owned() + &"x".repeat(100),
        "data: xxxxxxxxxx\n".repeat(10),
        "x".repeat(100),
        format!("data: {}\n\n", "x".repeat(100)),
    ] {
        for size in [1, 7, input.len()] {
            let mut decoder = SseDecoder::new(max);
            let refused = input.as_bytes().chunks(size).any(|piece| {
                decoder.feed(Bytes::copy_from_slice(piece));
                decoder.advance().is_err()
            });
            assert!(refused, "{input:?} in pieces of {size}");
            assert!(decoder.line.len() <= max && decoder.data.len() <= max);
        }
    }
    // Many events below the limit never add up to it.
    let mut decoder = SseDecoder::new(max);
    for _ in 0..100 {
        decoder.feed(Bytes::from_static(b": a comment\nid: 1\nevent: e\ndata: twenty bytes of data\n\n"));
        while decoder.advance().unwrap() {}
    }
}

#[test]
fn noise_never_panics_and_splits_never_matter() {
    let alphabet = [
        &b"data"[..],
        b":",
        b" ",
        b"\n",
        b"\r",
        b"event",
        b"id",
        b"\xef\xbb\xbf",
        b"\0",
        b"\xe2\x82\xac",
        b"x",
        b"\n\n",
        b"\xff",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..2_000 {
        let bytes: Vec<u8> =
            (0..random(40)).flat_map(|_| alphabet[random(alphabet.len())].to_vec()).collect();
        let whole = decode([&bytes[..]]);
        let size = 1 + random(7);
        assert_eq!(decode(bytes.chunks(size)), whole, "round {round}: {bytes:?} in pieces of {size}");
    }
}

#[test]
fn buffers_stop_growing() {
    let mut decoder = SseDecoder::new(1 << 20);
    let event = format!("event: chunk\ndata: {}\n\n", "x".repeat(300));
    let mut sizes = Vec::new();
    for round in 0..1_000 {
        // Cut at a place that moves, so that half lines are kept as well.
        let (first, second) = event.split_at(round % event.len());
        for piece in [first, second] {
            decoder.feed(Bytes::copy_from_slice(piece.as_bytes()));
            while decoder.advance().unwrap() {}
        }
        sizes.push((decoder.line.capacity(), decoder.data.capacity(), decoder.event.capacity()));
    }
    assert!(sizes[400..].iter().all(|size| *size == sizes[400]));
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        bits = bits << 6 | u32::from(digit(byte));
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
