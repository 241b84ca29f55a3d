//! One id per request: the caller's, if it is harmless, else ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::auth;

pub(crate) static HEADER: http::HeaderName = http::HeaderName::from_static("x-request-id");

const CALLERS_ID_BYTES_MAX: usize = 64;
/// Below the shortest key that the gateway takes (22).
const CREDENTIAL_BYTES_MIN: usize = 16;

/// Ids are unique, not secret: a random start per process, then a counter, scrambled.
pub(crate) struct RequestIds {
    seed: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(RequestIds { seed: getrandom::u64()?, count: AtomicU64::new(getrandom::u64()?) })
    }

    /// The caller's `X-Request-Id` if it is 1 to 64 of `[A-Za-z0-9_.-]`: anything else could forge log lines or headers. Nor
    /// if it is a credential.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Arc<str> {
        let callers = headers.get(&HEADER).and_then(|value| value.to_str().ok());
        match callers {
            Some(id) if is_harmless(id) && !is_credential(id, headers) => Arc::from(id),
            _ => self.next(),
        }
    }

    /// A UUID, because some upstreams (starlette's request-id plug-in, and so llama-cpp-python) answer 400 to any other
    /// `X-Request-Id`, and ours goes along with each call.
    fn next(&self) -> Arc<str> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let count = self.count.fetch_add(1, Relaxed);
        // Version 4 and variant 10 (RFC 9562 §5.4).
        let high = scramble(count) & !0xf000 | 0x4000;
        let low = scramble(count ^ self.seed) & !(0b11 << 62) | 0b10 << 62;
        let mut rest = u128::from(high) << 64 | u128::from(low);
        let mut text = *b"00000000-0000-0000-0000-000000000000";
        for place in text.iter_mut().filter(|place| **place != b'-') {
            rest = rest.rotate_left(4);
            *place = DIGITS[rest as usize & 0xf];
        }
        String::from_utf8_lossy(&text).into()
    }
}

fn is_harmless(id: &str) -> bool {
    (1..=CALLERS_ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// A key in the wrong header must not come into the log: what begins like one, or stands in a header where one belongs.
fn is_credential(id: &str, headers: &HeaderMap) -> bool {
    let begins_like_one = id.starts_with("sk-") || id.starts_with("eyJ");
    let places = headers.get_all(AUTHORIZATION).iter().chain(headers.get_all(&auth::API_KEY));
    // Shorter ones occur in a credential by chance, and are no part of it that would help anybody.
    let is_long = id.len() >= CREDENTIAL_BYTES_MIN;
    begins_like_one
        || is_long
            && places.into_iter().any(|value| memchr::memmem::find(value.as_bytes(), id.as_bytes()).is_some())
}

/// SplitMix64's finaliser: a bijection, so different counts never meet.
fn scramble(count: u64) -> u64 {
    let mut z = count.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_kept_only_if_it_is_harmless() {
        let ids = RequestIds::new().unwrap();
        let long = "x".repeat(65);
        let cases = [
            ("abc-DEF_1.2", true),
            ("x", true),
            (&long[..64], true),
            (&long, false),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("a,b", false),
            ("caf\u{e9}", false),
            // Keys: by their looks, or because they are presented beside it.
            ("sk-novai-0123456789", false),
            ("eyJhbGciOiJIUzI1NiJ9", false),
            ("operators-own-key-0123456789", false),
            ("key-0123456789", true),
        ];
        for (presented, kept) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER.clone(), http::HeaderValue::from_bytes(presented.as_bytes()).unwrap());
            let own = http::HeaderValue::from_static("Bearer operators-own-key-0123456789");
            headers.insert(AUTHORIZATION, own);
            assert_eq!(&*ids.of(&headers) == presented, kept, "{presented:?}");
        }
    }

    #[test]
    fn our_ids_differ_and_are_harmless_themselves() {
        let ids = RequestIds::new().unwrap();
        let many: std::collections::HashSet<_> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(many.len(), 1000);
        for id in many {
            assert!(is_harmless(&id) && id.len() == 36, "{id}");
            assert!(&id[14..15] == "4" && "89ab".contains(&id[19..20]), "a version 4 UUID: {id}");
        }
    }
}
