//! What a gateway reads is what a worker met.

use std::error::Error as _;

use novai_core::{RateLimitSnapshot, WindowSnapshot};

use super::*;

fn crossed(error: &Error) -> Error {
    match from_status(&to_status(error)) {
        Told::Error(error) => error,
        Told::UnknownProvider | Told::Nothing => panic!("{error:?} was lost"),
    }
}

/// `Debug` shows every field, causes included.
#[test]
fn every_error_of_a_provider_crosses_whole() {
    let provider = || "openai".to_owned();
    let rejected = |reason| Error::ProviderRejected {
        provider: provider(),
        rejection: Box::new(Rejection {
            reason,
            message: "must be ≤ 2".into(),
            param: Some("messages[0].content".into()),
            code: None,
        }),
    };
    let window =
        WindowSnapshot { limit: Some(60), remaining: Some(0), reset: Some(Duration::from_millis(132)) };
    let limits = RateLimitSnapshot { requests: window, tokens: WindowSnapshot::default() };
    let timeout = |deadline| Error::ProviderTimeout {
        provider: provider(),
        deadline,
        limit: Duration::from_nanos(1_000_000_001),
    };
    let errors = [
        Error::InvalidRequest { param: None, reason: "no".into() },
        Error::InvalidRequest { param: Some("n".into()), reason: String::new() },
        Error::ModelNotFound { model: "gpt-9".into() },
        rejected(RejectionReason::Invalid),
        rejected(RejectionReason::NotFound),
        rejected(RejectionReason::Conflict),
        rejected(RejectionReason::TooLarge),
        rejected(RejectionReason::Unprocessable),
        Error::ProviderRateLimited {
            provider: provider(),
            message: "slow down".into(),
            retry_after: Some(Duration::from_secs(2)),
            limits: Some(Box::new(limits)),
        },
        Error::ProviderRateLimited {
            provider: provider(),
            message: String::new(),
            retry_after: None,
            limits: None,
        },
        Error::ProviderAuth { provider: provider() },
        timeout(Deadline::Connect),
        timeout(Deadline::FirstByte),
        timeout(Deadline::Idle),
        timeout(Deadline::Total),
        Error::ProviderMalformed { provider: provider(), reason: "HTML".into() },
        Error::EventTooLarge { provider: provider(), bytes_max: 1 << 20 },
    ];
    for error in errors {
        assert_eq!(format!("{:?}", crossed(&error)), format!("{error:?}"));
    }
}

#[test]
fn causes_cross_as_words_in_their_order() {
    let chain = |causes: &[&str]| chain(causes.iter().map(|cause| (*cause).to_owned()).collect());
    let errors = [
        Error::ProviderUnavailable {
            provider: "openai".into(),
            retry_after: Some(Duration::from_secs(1)),
            source: chain(&["cannot connect", "connection refused"]),
        },
        Error::StreamBroken { provider: "openai".into(), events_sent: 7, source: chain(&["it broke"]) },
    ];
    for error in errors {
        let crossed = crossed(&error);
        assert_eq!(crossed.to_string(), error.to_string());
        assert_eq!(causes(&crossed), causes(&error));
        assert!(crossed.source().is_some());
    }
}

#[test]
fn what_a_vendor_says_is_cut_to_what_a_header_holds() {
    let long = "ü".repeat(100_000);
    let rejection = Rejection {
        reason: RejectionReason::Invalid,
        message: long.clone(),
        param: Some(long.clone()),
        code: Some(long.clone()),
    };
    let error = Error::ProviderRejected { provider: long, rejection: Box::new(rejection) };
    let status = to_status(&error);
    // A header holds it in base64.
    assert!(status.details().len() < 48 * 1024 && status.message().len() < 1024);
    let Error::ProviderRejected { rejection, .. } = crossed(&error) else { panic!("another error") };
    assert_eq!(rejection.message.chars().count(), TEXT_CHARS_MAX + 1);
}

#[test]
fn a_status_of_somebody_else_says_nothing() {
    let status = |details: Vec<u8>| Status::with_details(Code::Unavailable, "down", details.into());
    let other = prost_types::Any { type_url: "type.googleapis.com/other".into(), value: vec![1] };
    let damaged = prost_types::Any { type_url: TYPE_URL.into(), value: vec![0xff] };
    let newer = ErrorDetail { provider: "openai".into(), ..ErrorDetail::default() };
    let newer = prost_types::Any { type_url: TYPE_URL.into(), value: newer.encode_to_vec() };
    let with = |any: prost_types::Any| {
        status(pb::Status { code: 0, message: String::new(), details: vec![any] }.encode_to_vec())
    };
    for status in [status(Vec::new()), status(vec![0xff; 8]), with(other), with(damaged), with(newer)] {
        assert!(matches!(from_status(&status), Told::Nothing), "{status:?}");
    }
    assert!(matches!(from_status(&unknown_provider("x")), Told::UnknownProvider));
}
