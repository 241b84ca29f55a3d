//! A key in the clear: `sk-novai-` + 24 random base62 digits (142 bits) + 6 digits of checksum.
//!
//! The checksum lets secret scanners and people tell a real key from a look-alike without asking the gateway.

use novai_core::Secret;
use sha2::{Digest, Sha256};

const PREFIX: &str = "sk-novai-";
const RANDOM_DIGITS: usize = 24;
const CHECKSUM_DIGITS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Shorter keys could be guessed.
const CHARS_MIN: usize = 22;
const CHARS_MAX: usize = 256;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretError {
    #[error(
        "must have {CHARS_MIN} to {CHARS_MAX} characters, but has {0}: make one with `openssl rand -hex 24`"
    )]
    Length(usize),
    #[error(
        "must consist of letters, digits and `-_.~+/=`: spaces, quotes and line breaks do not survive a header"
    )]
    Characters,
}

pub(super) fn generate() -> Result<Secret, getrandom::Error> {
    let mut key = String::from(PREFIX);
    while key.len() < PREFIX.len() + RANDOM_DIGITS {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        // 248 = 4 × 62: what lies above would make some digits likelier than others.
        let digits = bytes.iter().filter(|byte| **byte < 248);
        let missing = PREFIX.len() + RANDOM_DIGITS - key.len();
        key.extend(digits.take(missing).map(|byte| char::from(BASE62[usize::from(byte % 62)])));
    }
    let checksum = checksum(&key);
    key.push_str(&checksum);
    Ok(Secret::new(key))
}

/// A key that an operator chose. Any format that a header can carry.
pub fn chosen(key: String) -> Result<Secret, SecretError> {
    if !(CHARS_MIN..=CHARS_MAX).contains(&key.len()) {
        return Err(SecretError::Length(key.chars().count()));
    }
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte);
    if !key.bytes().all(is_token) {
        return Err(SecretError::Characters);
    }
    Ok(Secret::new(key))
}

/// Enough to recognise a key, useless to guess one.
pub(super) fn shown_prefix(key: &str) -> &str {
    key.get(..PREFIX.len() + 4).unwrap_or(PREFIX)
}

fn checksum(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    digest.iter().take(CHECKSUM_DIGITS).map(|byte| char::from(BASE62[usize::from(byte % 62)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_are_long_differ_and_check() {
        let keys: Vec<Secret> = (0..100).map(|_| generate().unwrap()).collect();
        for key in &keys {
            let key = key.expose();
            assert_eq!(key.len(), PREFIX.len() + RANDOM_DIGITS + CHECKSUM_DIGITS);
            let (body, sum) = key.split_at(key.len() - CHECKSUM_DIGITS);
            assert_eq!(checksum(body), sum);
            assert!(chosen(key.to_owned()).is_ok(), "what we make, we accept");
        }
        let different: std::collections::HashSet<_> = keys.iter().map(Secret::expose).collect();
        assert_eq!(different.len(), keys.len());
    }

    #[test]
    fn chosen_keys_must_be_long_and_fit_a_header() {
        let cases = [
            ("x".repeat(22), None),
            ("x".repeat(256), None),
            ("aB3-_.~+/=aB3-_.~+/=aB3".to_owned(), None),
            (String::new(), Some(SecretError::Length(0))),
            ("short".to_owned(), Some(SecretError::Length(5))),
            ("x".repeat(257), Some(SecretError::Length(257))),
            (format!("{} ", "x".repeat(30)), Some(SecretError::Characters)),
            (format!("{}\n", "x".repeat(30)), Some(SecretError::Characters)),
            ("é".repeat(30), Some(SecretError::Characters)),
        ];
        for (key, expected) in cases {
            assert_eq!(chosen(key.clone()).err(), expected, "{key:?}");
        }
    }
}
