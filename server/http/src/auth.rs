//! Who calls, and whether they may: a credential in the headers → [`Principal`], whose scopes the operation asks for.
//!
//! `Authorization: Bearer <key or token>` or `X-API-Key: <key>`; exactly one credential, since two are a request that two parsers
//! would read differently. Runs before any byte of the body is read.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use novai_core::{KeyStore, Principal, Scope, Scopes};

use crate::app::App;
use crate::codes::Code;
use crate::problem::Problem;
use crate::tokens::{self, TokenError, Tokens};

pub(crate) static API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Keys are far shorter. Hashing megabytes for a stranger is work that they could order for free.
const KEY_BYTES_MAX: usize = 512;

/// What an operation asks of its caller: all scopes of one of these sets. Empty: any caller will do.
pub(crate) type Required = Vec<Scopes>;

pub(crate) fn authenticate(headers: &HeaderMap, app: &App) -> Result<Arc<Principal>, Problem> {
    identify(headers, &*app.keys, app.tokens.as_deref())
}

fn identify(
    headers: &HeaderMap,
    keys: &dyn KeyStore,
    tokens: Option<&Tokens>,
) -> Result<Arc<Principal>, Problem> {
    let (place, credential) = credential(headers)?;
    let is_word = credential.iter().all(u8::is_ascii_graphic);
    let credential = std::str::from_utf8(credential).ok().filter(|_| is_word).ok_or_else(invalid)?;
    if let Some(tokens) = tokens.filter(|_| place == Place::Bearer && tokens::looks_like_one(credential)) {
        return tokens.principal(credential).map_err(|error| match error {
            TokenError::Invalid => invalid(),
            TokenError::UnknownTier => Problem::new(
                Code::PermissionDenied,
                "the token is valid, but it names no tier that this gateway knows: ask the operator",
            ),
        });
    }
    if credential.len() > KEY_BYTES_MAX {
        return Err(invalid());
    }
    keys.principal(credential).ok_or_else(invalid)
}

/// Where a credential stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Bearer,
    ApiKey,
}

/// The one credential that there is.
fn credential(headers: &HeaderMap) -> Result<(Place, &[u8]), Problem> {
    let bearers = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(|value| bearer(value.as_bytes()).map(|credential| (Place::Bearer, credential)));
    let keys = headers.get_all(&API_KEY).iter().map(|value| {
        let key = value.as_bytes().trim_ascii();
        (!key.is_empty()).then_some((Place::ApiKey, key))
    });
    let mut credentials = bearers.chain(keys);
    match (credentials.next(), credentials.next()) {
        (Some(Some(only)), None) => Ok(only),
        (None | Some(None), None) => Err(missing()),
        (_, Some(_)) => Err(invalid()),
    }
}

/// The scheme is case-insensitive (RFC 9110 §11.1).
pub(crate) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(b"bearer ".len())?;
    let key = key.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !key.is_empty()).then_some(key)
}

pub(crate) fn authorize(principal: &Principal, required: &[Scopes]) -> Result<(), Problem> {
    let is_allowed =
        required.is_empty() || required.iter().any(|all| all.iter().all(|scope| principal.scopes.has(scope)));
    if is_allowed {
        return Ok(());
    }
    let alternatives: Vec<String> = required.iter().map(|all| named(*all, " and ")).collect();
    let own = match named(principal.scopes, ", ") {
        own if own.is_empty() => "none".to_owned(),
        own => own,
    };
    Err(Problem::new(
        Code::PermissionDenied,
        format!("this operation takes the scope {}, but the credential has {own}", alternatives.join(" or ")),
    ))
}

fn named(scopes: Scopes, separator: &str) -> String {
    let names: Vec<String> = scopes.iter().map(|scope| format!("`{}`", scope.name())).collect();
    names.join(separator)
}

/// From the spec's words to sets; fails for a scope that is not known.
pub(crate) fn required(alternatives: &[&[&str]]) -> Result<Required, String> {
    let set = |names: &&[&str]| {
        let scope = |name: &&str| Scope::from_name(name).ok_or_else(|| format!("`{name}` is no scope"));
        names.iter().map(scope).collect::<Result<Scopes, String>>()
    };
    alternatives.iter().map(set).collect()
}

fn missing() -> Problem {
    Problem::new(
        Code::MissingApiKey,
        "no API key: send the header `Authorization: Bearer <your key>` or `X-API-Key: <your key>`",
    )
}

/// One text for every wrong credential: nobody learns whether it was unknown, malformed, expired or revoked.
fn invalid() -> Problem {
    Problem::new(
        Code::InvalidApiKey,
        "the API key is not valid: send one key that the gateway issued, as `Authorization: Bearer <your key>`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    struct OneKey;

    impl KeyStore for OneKey {
        fn principal(&self, presented: &str) -> Option<Arc<Principal>> {
            (presented == "good").then(|| Arc::new(Principal::new("key_1", Scopes::all())))
        }
    }

    #[test]
    fn only_one_well_formed_known_key_passes() {
        const BOTH: &str = "Authorization";
        const OWN: &str = "X-API-Key";
        let long = format!("Bearer {}", "x".repeat(2_000_000));
        type Fields<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(Fields<'_>, Result<(), &str>)] = &[
            (&[(BOTH, "Bearer good")], Ok(())),
            (&[(BOTH, "bearer good")], Ok(())),
            (&[(BOTH, "BEARER  good ")], Ok(())),
            (&[(OWN, "good")], Ok(())),
            (&[(OWN, " good ")], Ok(())),
            (&[], Err("missing_api_key")),
            (&[(BOTH, "")], Err("missing_api_key")),
            (&[(BOTH, "good")], Err("missing_api_key")),
            (&[(BOTH, "Bearer")], Err("missing_api_key")),
            (&[(BOTH, "Bearer ")], Err("missing_api_key")),
            (&[(BOTH, "Bearergood")], Err("missing_api_key")),
            (&[(BOTH, "Basic good")], Err("missing_api_key")),
            (&[(OWN, "")], Err("missing_api_key")),
            (&[(BOTH, "Bearer bad")], Err("invalid_api_key")),
            (&[(BOTH, "Bearer good bad")], Err("invalid_api_key")),
            (&[(BOTH, "Bearer ' OR 1=1 --")], Err("invalid_api_key")),
            (&[(OWN, "Bearer good")], Err("invalid_api_key")),
            (&[(BOTH, "Bearer good"), (BOTH, "Bearer good")], Err("invalid_api_key")),
            (&[(OWN, "good"), (OWN, "good")], Err("invalid_api_key")),
            (&[(BOTH, "Bearer good"), (OWN, "good")], Err("invalid_api_key")),
            (&[(BOTH, "Basic x"), (OWN, "good")], Err("invalid_api_key")),
            (&[(BOTH, &long)], Err("invalid_api_key")),
        ];
        for (fields, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in *fields {
                let name: HeaderName = name.parse().unwrap();
                headers.append(name, HeaderValue::from_str(value).unwrap());
            }
            let actual = identify(&headers, &OneKey, None).map(|_| ()).map_err(|problem| problem.code);
            let shown: String = format!("{fields:?}").chars().take(80).collect();
            assert_eq!(actual, expected.map_err(Into::into), "{shown}");
        }
    }

    #[test]
    fn scopes_are_asked_for_as_the_spec_has_them() {
        let of = |names: &[&str]| {
            let scopes = names.iter().filter_map(|name| Scope::from_name(name)).collect();
            Principal::new("key_1", scopes)
        };
        let message = |own: &[&str], asked: &[&[&str]]| {
            let problem = authorize(&of(own), &required(asked).unwrap()).err()?;
            assert_eq!((problem.status.as_u16(), &*problem.code), (403, "permission_denied"));
            Some(problem.message.into_owned())
        };
        assert_eq!(message(&[], &[]), None);
        assert_eq!(message(&["usage"], &[&["usage"], &["admin"]]), None);
        assert_eq!(message(&["admin"], &[&["usage"], &["admin"]]), None);
        assert_eq!(
            message(&["inference", "usage"], &[&["admin"]]).unwrap(),
            "this operation takes the scope `admin`, but the credential has `inference`, `usage`"
        );
        assert_eq!(
            message(&[], &[&["usage"], &["usage", "admin"]]).unwrap(),
            "this operation takes the scope `usage` or `usage` and `admin`, but the credential has none"
        );
        assert!(required(&[&["root"]]).is_err());
    }
}
