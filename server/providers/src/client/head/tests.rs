use proptest::prelude::*;

use super::*;

/// `parse` of a head, in few words.
fn summary(text: &str) -> String {
    assert_eq!(end(text.as_bytes(), 0), Some(text.len()), "{text:?} is one head");
    match check_beginning(text.as_bytes()).and_then(|()| parse(text.to_owned().into())) {
        Ok(None) => "interim".to_owned(),
        Ok(Some(head)) => {
            let body = match head.framing.remaining() {
                Some(length) => length.to_string(),
                None if head.framing == Framing::chunked() => "chunked".to_owned(),
                None => "until close".to_owned(),
            };
            format!("{} {body}{}", head.status.as_u16(), if head.keep_alive { ", keep" } else { "" })
        }
        Err(flaw) => flaw.to_string(),
    }
}

#[test]
fn framings() {
    let length_and_encoding = HeadFlaw::LengthAndEncoding.to_string();
    let length = HeadFlaw::Length.to_string();
    let encoding = HeadFlaw::Encoding.to_string();
    for (head, expected) in [
        ("HTTP/1.1 200 OK|content-length: 5", "200 5, keep"),
        ("HTTP/1.1 200 OK|Content-Length:5", "200 5, keep"),
        ("HTTP/1.1 200|content-length: 5", "200 5, keep"),
        ("HTTP/1.1 200 OK|transfer-encoding: chunked", "200 chunked, keep"),
        ("HTTP/1.1 200 OK|TRANSFER-ENCODING: Chunked", "200 chunked, keep"),
        ("HTTP/1.1 200 OK", "200 until close"),
        ("HTTP/1.1 204 No Content", "204 0, keep"),
        ("HTTP/1.1 304 Not Modified|content-length: 5", "304 0, keep"),
        ("HTTP/1.1 100 Continue", "interim"),
        ("HTTP/1.1 103 Early Hints|content-length: 5", "interim"),
        // Who keeps the connection.
        ("HTTP/1.1 200 OK|content-length: 5|connection: close", "200 5"),
        ("HTTP/1.1 200 OK|content-length: 5|connection: x, Close", "200 5"),
        ("HTTP/1.1 200 OK|content-length: 5|connection: x|connection: close", "200 5"),
        ("HTTP/1.1 200 OK|content-length: 5|connection: keep-alive", "200 5, keep"),
        ("HTTP/1.0 200 OK|content-length: 5", "200 5"),
        ("HTTP/1.0 200 OK", "200 until close"),
        // Said twice.
        ("HTTP/1.1 200 OK|content-length: 5|content-length: 5", "200 5, keep"),
        ("HTTP/1.1 200 OK|content-length: 5|content-length: 6", &length),
        ("HTTP/1.1 200 OK|content-length: 5|transfer-encoding: chunked", &length_and_encoding),
        ("HTTP/1.1 200 OK|transfer-encoding: chunked|content-length: 5", &length_and_encoding),
        ("HTTP/1.1 200 OK|transfer-encoding: chunked|transfer-encoding: chunked", &encoding),
        // Said in ways that two readers would read differently.
        ("HTTP/1.1 200 OK|content-length: 5, 5", &length),
        ("HTTP/1.1 200 OK|content-length: +5", &length),
        ("HTTP/1.1 200 OK|content-length: -5", &length),
        ("HTTP/1.1 200 OK|content-length: 0x5", &length),
        ("HTTP/1.1 200 OK|content-length:", &length),
        ("HTTP/1.1 200 OK|content-length: 18446744073709551616", &length),
        ("HTTP/1.1 204 No Content|content-length: x", &length),
        ("HTTP/1.1 200 OK|transfer-encoding: gzip, chunked", &encoding),
        ("HTTP/1.1 200 OK|transfer-encoding: chunked, gzip", &encoding),
        ("HTTP/1.1 200 OK|transfer-encoding: identity", &encoding),
        ("HTTP/1.1 200 OK|transfer-encoding: xchunked", &encoding),
        ("HTTP/1.1 200 OK|transfer-encoding:", &encoding),
        ("HTTP/1.0 200 OK|transfer-encoding: chunked", &encoding),
        ("HTTP/1.1 101 Switching Protocols", "it switches protocols, which nobody asked for"),
    ] {
        assert_eq!(summary(&(head.replace('|', "\r\n") + "\r\n\r\n")), expected, "{head}");
        assert_eq!(summary(&(head.replace('|', "\n") + "\n\n")), expected, "bare line feeds: {head}");
    }
}

#[test]
fn malformed_heads() {
    for head in [
        "HTTP/2.0 200 OK",
        "http/1.1 200 OK",
        "SSH-2.0-OpenSSH_9.9",
        "HTTP/1.2 200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 abc OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 200 OK|no colon",
        "HTTP/1.1 200 OK|: no name",
        "HTTP/1.1 200 OK|content-length : 5",
        "HTTP/1.1 200 OK| content-length: 5",
        "HTTP/1.1 200 OK|x: folded| line",
        "HTTP/1.1 200 OK|x: nul\0",
        "HTTP/1.1 200 OK|x: a\rcontent-length: 5",
        "HTTP/1.1 200 OK|na\u{e9}me: x",
    ] {
        let text = head.replace('|', "\r\n") + "\r\n\r\n";
        let parsed = check_beginning(text.as_bytes()).and_then(|()| parse(text.clone().into()));
        assert!(matches!(parsed, Err(HeadFlaw::NotHttp1 | HeadFlaw::Malformed(_))), "{head}: {parsed:?}");
    }
    let many = |fields: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(fields));
    assert!(parse(many(FIELDS_MAX).into()).is_ok());
    assert_eq!(
        parse(many(FIELDS_MAX + 1).into()).unwrap_err(),
        HeadFlaw::Malformed(httparse::Error::TooManyHeaders)
    );
}

#[test]
fn beginnings_are_refused_as_soon_as_they_are_wrong() {
    for (bytes, is_possible) in [
        (&b""[..], true),
        (b"H", true),
        (b"HTTP/1", true),
        (b"HTTP/1.1 2", true),
        (b"S", false),
        (b"HTTP/2", false),
        // What a server of HTTP/2 says first.
        (b"\0\0\x12\x04\0\0\0\0\0", false),
        // The rest of an answer before.
        (b"\r\nHTTP/1.1", false),
    ] {
        assert_eq!(check_beginning(bytes).is_ok(), is_possible, "{}", bytes.escape_ascii());
    }
}

#[test]
fn headers_are_found() {
    let head =
        parse("HTTP/1.1 200 OK\r\nX-Request-Id:  abc \r\nempty:\r\nlast: z\r\n\r\n".into()).unwrap().unwrap();
    let got = ["x-request-id", "empty", "last", "absent"].map(|name| head.headers.get(name));
    assert_eq!(got, [Some("abc"), Some(""), Some("z"), None]);
}

proptest! {
    /// An end is found wherever the bytes are cut, and never where the parser sees none.
    #[test]
    fn ends_are_found_at_every_split(lines in "(HTTP/1\\.1 200 OK)?(\r\n[a-z:\r\n ]{0,8}){0,5}(\r\n\r\n)?[a-z\r\n]{0,4}") {
        let bytes = lines.as_bytes();
        let whole = end(bytes, 0);
        for split in 0..=bytes.len() {
            let early = end(&bytes[..split], 0);
            prop_assert_eq!(early.or_else(|| end(bytes, split)), whole);
        }
        if let Some(end) = whole {
            // Whatever it is: no panic.
            let _ = parse(Bytes::copy_from_slice(&bytes[..end]));
        }
    }

    #[test]
    fn any_bytes_are_a_head_or_a_flaw(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse(Bytes::from([b"HTTP/1.1 200 OK\r\n".as_slice(), &bytes, b"\r\n\r\n"].concat()));
    }
}
