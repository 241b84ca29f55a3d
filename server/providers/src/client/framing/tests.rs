use proptest::prelude::*;

use super::*;

/// What one body was read as: its bytes, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    body: Vec<u8>,
    /// What arrived behind the body, or why it could not be read.
    end: Result<Vec<u8>, BodyFlaw>,
}

/// Reads `bytes` as they arrive in parts that end at `cuts`; then the upstream closes.
fn read(mut framing: Framing, bytes: &[u8], cuts: &[usize]) -> Read {
    let (mut arrived, mut body, mut from) = (BytesMut::new(), Vec::new(), 0);
    for to in cuts.iter().copied().chain([bytes.len()]) {
        arrived.extend_from_slice(&bytes[from..to]);
        from = to;
        loop {
            match framing.take(&mut arrived) {
                Ok(Taken::Data(data)) => {
                    assert!(!data.is_empty());
                    body.extend_from_slice(&data);
                }
                Ok(Taken::Nothing) => break,
                Ok(Taken::End) => {
                    arrived.extend_from_slice(&bytes[to..]);
                    return Read { body, end: Ok(arrived.to_vec()) };
                }
                Err(flaw) => return Read { body, end: Err(flaw) },
            }
        }
    }
    Read { body, end: framing.close().map(|()| Vec::new()) }
}

/// Whole, at every split in two, and byte by byte.
#[track_caller]
fn check(framing: Framing, bytes: &str, body: &str, end: Result<&str, BodyFlaw>) {
    let bytes = bytes.as_bytes();
    let expected = Read { body: body.into(), end: end.map(Into::into) };
    for split in 0..=bytes.len() {
        assert_eq!(
            read(framing, bytes, &[split]),
            expected,
            "{:?} cut at {split}",
            bytes.escape_ascii().to_string()
        );
    }
    let every: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(read(framing, bytes, &every), expected, "{:?} byte by byte", bytes.escape_ascii().to_string());
}

#[test]
fn lengths_and_closes() {
    check(Framing::length(0), "", "", Ok(""));
    check(Framing::length(0), "next", "", Ok("next"));
    check(Framing::length(5), "12345", "12345", Ok(""));
    check(Framing::length(5), "12345next", "12345", Ok("next"));
    check(Framing::length(5), "1234", "1234", Err(BodyFlaw::Truncated));
    check(Framing::length(u64::MAX), "1", "1", Err(BodyFlaw::Truncated));
    check(Framing::until_close(), "", "", Ok(""));
    check(Framing::until_close(), "0\r\n\r\n", "0\r\n\r\n", Ok(""));
}

#[test]
fn chunks() {
    use BodyFlaw::{DataEnd, Size, Trailers, Truncated};
    for (bytes, body, end) in [
        ("0\r\n\r\n", "", Ok("")),
        ("0\r\n\r\nnext", "", Ok("next")),
        ("5\r\n12345\r\n0\r\n\r\nnext", "12345", Ok("next")),
        ("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef", Ok("")),
        ("00a\r\n0123456789\r\n000\r\n\r\n", "0123456789", Ok("")),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", Ok("")),
        ("2;name=value;other=\"x\"\r\nab\r\n0;last\r\n\r\n", "ab", Ok("")),
        ("2  \r\nab\r\n0 ;x\r\n\r\n", "ab", Ok("")),
        ("0\r\nname: value\r\nother:\r\n\r\nnext", "", Ok("next")),
        // Data that looks like framing.
        ("7\r\n0\r\n\r\nab\r\n0\r\n\r\n", "0\r\n\r\nab", Ok("")),
        // Cut off.
        ("", "", Err(Truncated)),
        ("5", "", Err(Truncated)),
        ("5\r\n123", "123", Err(Truncated)),
        ("5\r\n12345", "12345", Err(Truncated)),
        ("5\r\n12345\r\n", "12345", Err(Truncated)),
        ("0\r\n", "", Err(Truncated)),
        ("0\r\nname: value\r\n", "", Err(Truncated)),
        // Sizes that two readers would read differently.
        ("zz\r\n", "", Err(Size)),
        ("\r\n", "", Err(Size)),
        (" 5\r\n12345\r\n", "", Err(Size)),
        ("-5\r\n", "", Err(Size)),
        ("+5\r\n", "", Err(Size)),
        ("0x5\r\n12345\r\n", "", Err(Size)),
        ("5 5\r\n12345\r\n", "", Err(Size)),
        ("5_0\r\n", "", Err(Size)),
        ("5\n12345\r\n", "", Err(Size)),
        ("5;x\n12345\r\n", "", Err(Size)),
        ("5\r12345\r\n", "", Err(Size)),
        ("5;x\ry\r\n12345\r\n", "", Err(Size)),
        ("00000000000000005\r\n", "", Err(Size)),
        ("10000000000000000\r\n", "", Err(Size)),
        ("ffffffffffffffff\r\n1", "1", Err(Truncated)),
        // Data that is longer than its size: good data before it is not lost.
        ("2\r\nabc\r\n0\r\n\r\n", "ab", Err(DataEnd)),
        ("2\r\nab\n0\r\n\r\n", "ab", Err(DataEnd)),
        ("2\r\nab\r0\r\n\r\n", "ab", Err(DataEnd)),
        ("2\r\nab\r\nx", "ab", Err(Size)),
        // Trailers.
        ("0\r\nname\r\n\r\n", "", Err(Trailers)),
        ("0\r\n: value\r\n\r\n", "", Err(Trailers)),
        ("0\r\nname: value\n\r\n", "", Err(Trailers)),
        ("0\r\n\n", "", Err(Trailers)),
        ("0\r\na: b\rc: d\r\n\r\n", "", Err(Trailers)),
    ] {
        check(Framing::chunked(), bytes, body, end);
    }
}

#[test]
fn lines_are_bounded() {
    let extension = |bytes: usize| format!("5;{}\r\n12345\r\n0\r\n\r\n", "x".repeat(bytes));
    let trailers = |bytes: usize| format!("0\r\nx: {}\r\n\r\n", "x".repeat(bytes));
    for (bytes, expected) in [
        (extension(900), Ok(Vec::new())),
        (extension(2000), Err(BodyFlaw::Size)),
        (trailers(16_000), Ok(Vec::new())),
        (trailers(17_000), Err(BodyFlaw::Trailers)),
        ("0\r\n".to_owned() + &"a: b\r\n".repeat(5000), Err(BodyFlaw::Trailers)),
    ] {
        for cuts in [vec![], (0..bytes.len()).collect()] {
            assert_eq!(read(Framing::chunked(), bytes.as_bytes(), &cuts).end, expected);
        }
    }
}

#[test]
fn one_burst_is_one_piece_and_one_chunk_is_not_moved() {
    let mut arrived = BytesMut::from("1\r\na\r\n2\r\nbc\r\n3\r\nd");
    let mut framing = Framing::chunked();
    assert_eq!(framing.take(&mut arrived), Ok(Taken::Data("abcd".into())));
    assert_eq!(framing.take(&mut arrived), Ok(Taken::Nothing));
    arrived.extend_from_slice(b"ef\r\n0\r\n\r\n");
    let place = arrived.as_ptr();
    let Ok(Taken::Data(piece)) = framing.take(&mut arrived) else { panic!("no data") };
    assert_eq!((piece.as_ptr(), &*piece), (place, b"ef".as_slice()));
    assert_eq!(framing.take(&mut arrived), Ok(Taken::End));
}

/// Bytes out of what chunked bodies are made of, so that most of them get somewhere.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => proptest::sample::select(vec!["0\r\n", "1\r\n", "5\r\n", "\r\n", "\r", "\n", "a", ";x", " ", ":", "0", "f", "\0", "\r\n\r\n"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

fn framing_of(kind: u8, length: u64) -> Framing {
    match kind {
        0 => Framing::length(length),
        1 => Framing::until_close(),
        _ => Framing::chunked(),
    }
}

/// Ascending places in `bytes`.
fn cuts_in(bytes: &[u8], cuts: &[usize]) -> Vec<usize> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    /// Whatever comes, and however it is cut: no panic, one reading, and never more body than bytes.
    #[test]
    fn hostile_bytes_have_one_reading(
        bytes in hostile(),
        kind in 0..4u8,
        length in 0..40u64,
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        let framing = framing_of(kind, length);
        let whole = read(framing, &bytes, &[]);
        prop_assert!(whole.body.len() <= bytes.len());
        prop_assert_eq!(&read(framing, &bytes, &cuts_in(&bytes, &cuts)), &whole);
        prop_assert_eq!(&read(framing, &bytes, &(0..bytes.len()).collect::<Vec<_>>()), &whole);
    }

    /// A body in chunks of any sizes is the body, and what follows it is not touched.
    #[test]
    fn chunked_bodies_survive(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
        extension in "(;[a-z]{0,5})?",
        trailer in "([a-z]{1,4}: [a-z]{0,4}\r\n){0,2}",
        next in proptest::collection::vec(any::<u8>(), 0..20),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for chunk in &chunks {
            bytes.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("0\r\n{trailer}\r\n").as_bytes());
        bytes.extend_from_slice(&next);
        let expected = Read { body: chunks.concat(), end: Ok(next) };
        prop_assert_eq!(read(Framing::chunked(), &bytes, &cuts_in(&bytes, &cuts)), expected);
    }
}
