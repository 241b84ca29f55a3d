use std::time::Duration;

use novai_core::clock::FixedClock;

use super::*;

const KEY: &str = "sk-upstream-secret";

fn errors() -> Errors {
    Errors::new(
        "up".into(),
        Some(KEY.into()),
        |headers, _| headers::limits(headers),
        Arc::new(FixedClock(Duration::ZERO)),
    )
}

/// An error in one line: what a caller or an operator would see of it.
fn summary(error: &Error) -> String {
    match error {
        Error::ProviderRejected { rejection: r, .. } => {
            let or_none = |text: &Option<String>| text.clone().unwrap_or("-".into());
            format!("rejected {:?}: {} | {} | {}", r.reason, r.message, or_none(&r.param), or_none(&r.code))
        }
        Error::ProviderRateLimited { message, retry_after, limits, .. } => {
            format!("limited: {message} | {retry_after:?} | limits: {}", limits.is_some())
        }
        Error::ProviderAuth { .. } => "auth".into(),
        Error::ProviderUnavailable { retry_after, source, .. } => {
            format!("unavailable: {source} | {retry_after:?}")
        }
        Error::ProviderMalformed { reason, .. } => format!("malformed: {reason}"),
        Error::StreamBroken { events_sent, source, .. } => format!("broken after {events_sent}: {source}"),
        other => format!("{other:?}"),
    }
}

fn of_answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> String {
    let headers = headers.iter().copied().collect();
    summary(&errors().of_answer(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes()))
}

#[test]
fn answers_by_status_and_shape() {
    let html = &[("content-type", "text/html; charset=utf-8")][..];
    for (status, headers, body, expected) in [
        (
            400,
            &[][..],
            r#"{"error":{"message":"Too hot","type":"invalid_request_error","param":"temperature","code":"range"}}"#,
            "rejected Invalid: Too hot | temperature | range",
        ),
        (400, &[], r#"{"error":{"message":"m","param":null,"code":400}}"#, "rejected Invalid: m | - | 400"),
        (400, &[], r#"{"error":"text"}"#, "rejected Invalid: text | - | -"),
        (400, &[], r#"[{"error":{"message":"in a list"}}]"#, "rejected Invalid: in a list | - | -"),
        (400, &[], r#"{"object":"error","message":"flat","param":"p"}"#, "rejected Invalid: flat | p | -"),
        (400, &[], "plain text\nof two lines", "rejected Invalid: plain text of two lines | - | -"),
        (404, &[], r#"{"detail":"Not Found"}"#, "rejected NotFound: Not Found | - | -"),
        (
            422,
            &[],
            r#"{"detail":[{"loc":["body","messages",0,"role"],"msg":"field required","type":"missing"}]}"#,
            "rejected Unprocessable: field required | messages[0].role | -",
        ),
        (409, &[], "{}", "rejected Conflict: the provider answered HTTP 409 without an explanation | - | -"),
        (
            413,
            html,
            "<html>",
            "rejected TooLarge: the provider answered HTTP 413 without an explanation | - | -",
        ),
        (400, &[], "", "rejected Invalid: the provider answered HTTP 400 without an explanation | - | -"),
        (400, &[], "\u{0}\u{1}{", "rejected Invalid:   { | - | -"),
        (
            400,
            &[],
            r#"{"error":{"message":"bad sk-upstream-secret here","param":"sk-upstream-secret"}}"#,
            "rejected Invalid: bad … here | … | -",
        ),
        (400, &[], r#"{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}"#, "auth"),
        (400, &[], r#"{"error":{"code":"invalid_api_key"}}"#, "auth"),
        (401, &[], r#"{"error":{"message":"Incorrect API key provided: sk-up"}}"#, "auth"),
        (403, html, "<html>", "auth"),
        (402, &[], r#"{"error":{"message":"no credit"}}"#, "unavailable: no credit | None"),
        (408, &[], "", "unavailable: the provider answered HTTP 408 without an explanation | None"),
        (
            429,
            &[("retry-after", "7")],
            r#"{"error":{"message":"slow"}}"#,
            "limited: slow | Some(7s) | limits: false",
        ),
        (
            429,
            &[("x-ratelimit-limit-requests", "7")],
            r#"{"error":"slow"}"#,
            "limited: slow | None | limits: true",
        ),
        (500, &[], r#"{"error":{"message":"boom"}}"#, "unavailable: boom | None"),
        (503, &[("retry-after-ms", "20")], "busy", "unavailable: busy | Some(20ms)"),
        (529, html, "<h1>", "unavailable: the provider answered HTTP 529 without an explanation | None"),
        (302, &[("location", "http://evil.test/")], "", "malformed: it redirects (HTTP 302)"),
        (204, &[], "", "malformed: it answered HTTP 204"),
        (418, &[], "", "malformed: it answered HTTP 418"),
    ] {
        assert_eq!(of_answer(status, headers, body), expected, "{status} {body}");
    }
}

#[test]
fn messages_are_bounded() {
    let body = format!(r#"{{"error":{{"message":"{}"}}}}"#, "é".repeat(5000));
    let summary = of_answer(400, &[], &body);
    assert_eq!(summary.chars().filter(|c| *c == 'é').count(), MESSAGE_CHARS_MAX);
    let deep = "[".repeat(60_000);
    assert!(of_answer(400, &[], &deep).starts_with("rejected Invalid: [["));
}

#[test]
fn errors_without_a_status() {
    for (body, whole, event) in [
        (
            r#"{"error":{"message":"m","code":429}}"#,
            "limited: m | None | limits: false",
            "limited: m | None | limits: false",
        ),
        (
            r#"{"error":{"message":"m","status":400,"code":"content_filter","param":"prompt"}}"#,
            "rejected Invalid: m | prompt | content_filter",
            "rejected Invalid: m | prompt | content_filter",
        ),
        (
            r#"{"error":{"message":"m","type":"invalid_request_error"}}"#,
            "rejected Invalid: m | - | -",
            "rejected Invalid: m | - | -",
        ),
        (
            r#"{"error":{"message":"m","code":"insufficient_quota"}}"#,
            "limited: m | None | limits: false",
            "limited: m | None | limits: false",
        ),
        (r#"{"error":{"message":"m","code":"401"}}"#, "auth", "auth"),
        (r#"{"error":{"message":"m","code":502}}"#, "unavailable: m | None", "broken after 3: m"),
        (r#"{"error":{"message":"m","type":"server_error"}}"#, "unavailable: m | None", "broken after 3: m"),
        (r#"{"error":"sk-upstream-secret"}"#, "unavailable: … | None", "broken after 3: …"),
        (r#"{"error":{"message":"m","code":200}}"#, "unavailable: m | None", "broken after 3: m"),
    ] {
        assert_eq!(summary(&errors().of_payload(body.as_bytes())), whole, "{body}");
        assert_eq!(summary(&errors().of_event(body.as_bytes(), 3)), event, "{body}");
    }
}

/// Every recorded refusal: its class, and whether a message of the vendor's reaches the caller.
#[test]
fn recorded_refusals() {
    for (file, status, expected) in [
        ("openai/error_400_context_length", 400, "rejected Invalid: Your input exceeds the context window"),
        (
            "openai/error_400_param",
            400,
            "rejected Invalid: Invalid 'temperature': decimal below minimum value.",
        ),
        ("openai/error_401_invalid_key", 401, "auth"),
        (
            "openai/error_404_model",
            404,
            "rejected NotFound: The model `this-model-does-not-exist` does not exist",
        ),
        ("openai/error_500_probe", 500, "unavailable: The server had an error"),
        ("azure/error_401", 401, "auth"),
        ("azure/error_429_retry_after_ms", 429, "limited: Your requests to grok-4-1-fast-non-reasoning"),
        ("deepseek/error_401", 401, "auth"),
        ("mistral/error_401_detail_shape", 401, "auth"),
        ("openrouter/error_429", 429, "limited: Provider returned error"),
        ("gemini/error_400_bad_key", 400, "auth"),
        ("gemini/error_429_resource_exhausted", 429, "limited: You exceeded your current quota"),
    ] {
        let Some(body) = crate::shared::bytes(&format!("fixtures/{file}.json")) else { return };
        let actual = of_answer(status, &[], std::str::from_utf8(&body).unwrap());
        assert!(actual.starts_with(expected), "{file}: {actual}");
    }
    let Some(body) = crate::shared::bytes("fixtures/azure/prompt_content_filter.json") else { return };
    let actual = summary(&errors().of_payload(&body));
    assert!(actual.ends_with("| prompt | content_filter"), "{actual}");
}
