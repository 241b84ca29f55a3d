use std::time::Duration;

use novai_core::limits::ScopeKind;

use super::*;

fn quota(limit: u64, remaining: u64, next_ms: u64, reset_ms: u64) -> Option<QuotaSnapshot> {
    let (next, reset) = (Duration::from_millis(next_ms), Duration::from_millis(reset_ms));
    Some(QuotaSnapshot { scope: ScopeKind::Key, limit, remaining, next, reset })
}

fn written(snapshot: &LimitSnapshot, retry_after: Option<u64>) -> Vec<(String, String)> {
    let mut headers = HeaderMap::new();
    if let Some(seconds) = retry_after {
        headers.insert("retry-after", HeaderValue::from(seconds));
    }
    write(snapshot, &mut headers);
    headers.remove("retry-after");
    let mut written: Vec<_> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    written.sort();
    written
}

fn check(snapshot: LimitSnapshot, retry_after: Option<u64>, expected: &[(&str, &str)]) {
    let mut expected: Vec<_> =
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    expected.sort();
    assert_eq!(written(&snapshot, retry_after), expected);
}

#[test]
fn three_spellings_of_the_same_numbers() {
    let snapshot = LimitSnapshot {
        requests: quota(60, 41, 12_001, 59_500),
        tokens: quota(100_000, 0, 374, 60_000),
        is_degraded: false,
    };
    check(
        snapshot,
        None,
        &[
            ("x-ratelimit-limit-rpm", "60"),
            ("x-ratelimit-remaining-rpm", "41"),
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "41"),
            ("x-ratelimit-reset-requests", "59.5s"),
            ("x-ratelimit-limit-tpm", "100000"),
            ("x-ratelimit-remaining-tpm", "0"),
            ("x-ratelimit-limit-tokens", "100000"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "1m0s"),
            ("ratelimit-policy", "\"rpm\";q=60;w=60, \"tpm\";q=100000;w=60"),
            ("ratelimit", "\"rpm\";r=41;t=13, \"tpm\";r=0;t=1"),
        ],
    );
}

#[test]
fn only_what_is_limited_is_written_and_t_is_never_behind_retry_after() {
    check(LimitSnapshot::default(), None, &[]);
    let snapshot = LimitSnapshot { requests: quota(3, 1, 50_000, 50_000), tokens: None, is_degraded: true };
    check(
        snapshot,
        Some(1),
        &[
            ("x-ratelimit-limit-rpm", "3"),
            ("x-ratelimit-remaining-rpm", "1"),
            ("x-ratelimit-limit-requests", "3"),
            ("x-ratelimit-remaining-requests", "1"),
            ("x-ratelimit-reset-requests", "50s"),
            ("ratelimit-policy", "\"rpm\";q=3;w=60"),
            ("ratelimit", "\"rpm\";r=1;t=1"),
            ("x-ratelimit-degraded", "true"),
        ],
    );
    let unused = LimitSnapshot { requests: None, tokens: quota(5, 5, 0, 0), is_degraded: false };
    let written = written(&unused, None);
    assert!(written.contains(&("ratelimit".into(), "\"tpm\";r=5".into())), "{written:?}");
    assert!(written.contains(&("x-ratelimit-reset-tokens".into(), "0s".into())), "{written:?}");
}
