//! `Authorization: Bearer <key>` → [`Principal`]. Runs before any byte of the body is read.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderMap};
use novai_core::{KeyStore, Principal};

use crate::codes::Code;
use crate::problem::Problem;

/// Keys are far shorter. Hashing megabytes for a stranger is work that they could order for free.
const KEY_BYTES_MAX: usize = 512;

pub(crate) fn authenticate(headers: &HeaderMap, keys: &dyn KeyStore) -> Result<Arc<Principal>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(missing()) };
    // Two of them is a request that two parsers would read differently.
    if values.next().is_some() {
        return Err(invalid());
    }
    let key = bearer(value.as_bytes()).ok_or_else(missing)?;
    let is_word = key.len() <= KEY_BYTES_MAX && key.iter().all(u8::is_ascii_graphic);
    let key = std::str::from_utf8(key).ok().filter(|_| is_word).ok_or_else(invalid)?;
    keys.principal(key).ok_or_else(invalid)
}

/// The scheme is case-insensitive (RFC 9110 §11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(b"bearer ".len())?;
    let key = key.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !key.is_empty()).then_some(key)
}

fn missing() -> Problem {
    Problem::new(Code::MissingApiKey, "no API key: send the header `Authorization: Bearer <your key>`")
}

/// One text for every wrong key: nobody learns whether it was unknown, malformed or revoked.
fn invalid() -> Problem {
    Problem::new(Code::InvalidApiKey, "the API key is not valid: expected `Authorization: Bearer <your key>`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use novai_core::Scopes;

    struct OneKey;

    impl KeyStore for OneKey {
        fn principal(&self, presented: &str) -> Option<Arc<Principal>> {
            (presented == "good").then(|| Arc::new(Principal::new("key_1", Scopes::all())))
        }
    }

    #[test]
    fn only_one_well_formed_known_key_passes() {
        let long = format!("Bearer {}", "x".repeat(2_000_000));
        let cases: &[(&[&str], Result<(), &str>)] = &[
            (&["Bearer good"], Ok(())),
            (&["bearer good"], Ok(())),
            (&["BEARER  good "], Ok(())),
            (&[], Err("missing_api_key")),
            (&[""], Err("missing_api_key")),
            (&["good"], Err("missing_api_key")),
            (&["Bearer"], Err("missing_api_key")),
            (&["Bearer "], Err("missing_api_key")),
            (&["Bearergood"], Err("missing_api_key")),
            (&["Basic good"], Err("missing_api_key")),
            (&["Bearer bad"], Err("invalid_api_key")),
            (&["Bearer good bad"], Err("invalid_api_key")),
            (&["Bearer ' OR 1=1 --"], Err("invalid_api_key")),
            (&["Bearer good", "Bearer good"], Err("invalid_api_key")),
            (&[&long], Err("invalid_api_key")),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            let actual = authenticate(&headers, &OneKey).map(|_| ()).map_err(|problem| problem.code);
            let shown: String = values.concat().chars().take(40).collect();
            assert_eq!(actual, expected.map_err(Into::into), "{shown:?}");
        }
    }
}
