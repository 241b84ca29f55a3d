use super::*;

fn headers(list: &[(&str, &str)]) -> Headers {
    list.iter().copied().collect()
}

#[test]
fn durations() {
    let ms = |ms| Some(Duration::from_millis(ms));
    for (text, expected) in [
        ("12ms", ms(12)),
        ("0s", ms(0)),
        ("1s", ms(1000)),
        ("8.64s", ms(8640)),
        ("6m0s", ms(360_000)),
        ("1m30s", ms(90_000)),
        ("1m6.779s", ms(66_779)),
        ("1h2m3s", ms(3_723_000)),
        ("1d", ms(86_400_000)),
        ("250us", Some(Duration::from_micros(250))),
        ("500", ms(500)),
        ("", None),
        ("-1s", None),
        ("s", None),
        ("1x", None),
        ("1..2s", None),
        ("1e9s", None),
        ("999999999999999999999999999999d", None),
        ("2026-08-19T14:34:11Z", None),
    ] {
        assert_eq!(duration(text), expected, "{text}");
    }
}

#[test]
fn shared_reset_formats_are_read() {
    let Some(formats) = crate::shared::json("cases/ratelimit_headers.json") else { return };
    for text in formats["reset_formats"]["openai"].as_array().unwrap() {
        assert!(duration(text.as_str().unwrap()).is_some(), "{text}");
    }
}

#[test]
fn limits_of_vendors() {
    let window = |limit, remaining, reset_ms: Option<u64>| WindowSnapshot {
        limit,
        remaining,
        reset: reset_ms.map(Duration::from_millis),
    };
    for (list, expected) in [
        (&[][..], None),
        (&[("x-ratelimit-limit", "5")], None),
        (
            &[
                ("x-ratelimit-limit-requests", "10000"),
                ("x-ratelimit-remaining-requests", "9998"),
                ("x-ratelimit-reset-requests", "16.601s"),
                ("x-ratelimit-limit-tokens", "200000"),
                ("x-ratelimit-remaining-tokens", "199978"),
                ("x-ratelimit-reset-tokens", "6ms"),
            ],
            Some((
                window(Some(10_000), Some(9998), Some(16_601)),
                window(Some(200_000), Some(199_978), Some(6)),
            )),
        ),
        (
            &[("x-ratelimit-remaining-requests", "-1"), ("x-ratelimit-remaining-tokens", "0")],
            Some((window(None, None, None), window(None, Some(0), None))),
        ),
        (
            &[
                ("ratelimitbysize-limit", "500000"),
                ("ratelimitbysize-remaining", "499968"),
                ("ratelimitbysize-reset", "25"),
            ],
            Some((window(None, None, None), window(Some(500_000), Some(499_968), Some(25_000)))),
        ),
        (&[("x-ratelimit-limit-requests", "many"), ("x-ratelimit-reset-tokens", "soon")], None),
    ] {
        let expected = expected.map(|(requests, tokens)| RateLimitSnapshot { requests, tokens });
        assert_eq!(limits(&headers(list)), expected, "{list:?}");
    }
}

#[test]
fn retry_after_in_every_form() {
    const NOW: Duration = Duration::from_secs(784_111_777 + 100);
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let later = "Sun, 06 Nov 1994 08:51:37 GMT";
    for (list, expected_ms) in [
        (&[][..], None),
        (&[("retry-after", "2")], Some(2000)),
        (&[("retry-after", " 0.5 ")], Some(500)),
        (&[("retry-after", "2"), ("retry-after-ms", "374")], Some(374)),
        // Azure's answer: the finer header rounds down to "at once", which is not what the other one says.
        (&[("retry-after", "1"), ("retry-after-ms", "0")], Some(1000)),
        (&[("retry-after-ms", "0")], Some(0)),
        (&[("retry-after", later), ("date", date)], Some(120_000)),
        (&[("retry-after", later)], Some(20_000)),
        (&[("retry-after", date)], Some(0)),
        (&[("retry-after", "99999999999999999999")], Some(86_400_000)),
        (&[("retry-after", "1e308")], Some(86_400_000)),
        (&[("retry-after", "-1")], None),
        (&[("retry-after", "NaN")], None),
        (&[("retry-after", "tomorrow")], None),
    ] {
        let actual = retry_after(&headers(list), NOW);
        assert_eq!(actual, expected_ms.map(Duration::from_millis), "{list:?}");
    }
}

#[test]
fn media_types() {
    for (text, json, events) in [
        ("application/json", true, false),
        ("Application/JSON; charset=utf-8", true, false),
        ("application/problem+json", true, false),
        ("text/event-stream", false, true),
        ("text/event-stream;charset=windows-1252", false, true),
        ("text/html", false, false),
        ("json", false, false),
        ("", false, false),
        ("é+json", true, false),
    ] {
        let map = headers(&[("content-type", text)]);
        // Not ASCII: unreadable, and so no media type at all.
        let json = json && text.is_ascii();
        assert_eq!((is_json(&map), is_event_stream(&map)), (json, events), "{text}");
    }
    assert!(!is_json(&Headers::default()));
}

#[test]
fn only_a_uuid_is_an_upstreams_request_id() {
    for (id, expected) in [
        ("0b0e7b0c-8e5f-4c8e-9f2e-1c2d3e4f5a6b", "x-request-id"),
        ("0B0E7B0C-8E5F-4C8E-9F2E-1C2D3E4F5A6B", "x-request-id"),
        ("0b0e7b0c-8e5f-4c8e-9f2e-1c2d3e4f5a6g", "x-client-request-id"),
        ("0b0e7b0c08e5f04c8e09f2e01c2d3e4f5a6b", "x-client-request-id"),
        ("mine", "x-client-request-id"),
        ("", "x-client-request-id"),
    ] {
        assert_eq!(name_of_request_id(id), expected, "{id:?}");
    }
}
