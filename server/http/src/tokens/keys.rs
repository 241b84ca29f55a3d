//! The keys that tokens may be signed with: one shared secret, one public key in PEM, or a JWKS document.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{AlgorithmFamily, DecodingKey};
use novai_core::Secret;
use serde::Deserialize;

/// Whoever signs tokens has a few keys. A token without a `kid` is tried on each.
const KEYS_MAX: usize = 32;

/// How a token is signed. There is no `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Algorithm(jsonwebtoken::Algorithm);

impl Algorithm {
    const ALL: [(&'static str, jsonwebtoken::Algorithm); 12] = [
        ("HS256", jsonwebtoken::Algorithm::HS256),
        ("HS384", jsonwebtoken::Algorithm::HS384),
        ("HS512", jsonwebtoken::Algorithm::HS512),
        ("RS256", jsonwebtoken::Algorithm::RS256),
        ("RS384", jsonwebtoken::Algorithm::RS384),
        ("RS512", jsonwebtoken::Algorithm::RS512),
        ("PS256", jsonwebtoken::Algorithm::PS256),
        ("PS384", jsonwebtoken::Algorithm::PS384),
        ("PS512", jsonwebtoken::Algorithm::PS512),
        ("ES256", jsonwebtoken::Algorithm::ES256),
        ("ES384", jsonwebtoken::Algorithm::ES384),
        ("EdDSA", jsonwebtoken::Algorithm::EdDSA),
    ];

    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(|(name, _)| name)
    }

    /// Letter by letter: `none`, `NONE` and `hs256` are nothing.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(own, _)| *own == name).map(|(_, algorithm)| Algorithm(algorithm))
    }

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own)| *own == self.0).map_or("", |(name, _)| name)
    }

    /// Signed and checked with the same secret.
    pub fn is_symmetric(self) -> bool {
        self.family() == AlgorithmFamily::Hmac
    }

    /// RFC 7518 §3.2: a secret at least as long as the hash.
    pub fn secret_bytes_min(self) -> usize {
        match self.0 {
            jsonwebtoken::Algorithm::HS512 => 64,
            jsonwebtoken::Algorithm::HS384 => 48,
            _ => 32,
        }
    }

    fn family(self) -> AlgorithmFamily {
        use jsonwebtoken::Algorithm as Of;
        match self.0 {
            Of::HS256 | Of::HS384 | Of::HS512 => AlgorithmFamily::Hmac,
            Of::ES256 | Of::ES384 => AlgorithmFamily::Ec,
            Of::EdDSA => AlgorithmFamily::Ed,
            _ => AlgorithmFamily::Rsa,
        }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeySetError {
    #[error("is no PEM file of a public RSA, EC (P-256, P-384) or Ed25519 key")]
    NotPem,
    #[error("is no JWKS document: expected {{\"keys\": [...]}}")]
    NotJwks,
    #[error("has no key that the allowed algorithms can use")]
    NoKey,
    #[error("has more than {KEYS_MAX} keys")]
    TooMany,
}

#[derive(Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// Not its content: a secret is one.
impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.keys.len()).finish()
    }
}

pub(super) struct Key {
    id: Option<String>,
    /// The only algorithms that it is used with.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl KeySet {
    /// No key yet: every token is refused.
    pub fn empty() -> Self {
        KeySet::default()
    }

    pub fn of_secret(secret: &Secret, allowed: &[Algorithm]) -> Self {
        let algorithms = of_family(allowed, AlgorithmFamily::Hmac);
        let key = DecodingKey::from_secret(secret.expose().as_bytes());
        KeySet { keys: vec![Key { id: None, algorithms, key }] }
    }

    pub fn of_pem(pem: &[u8], allowed: &[Algorithm]) -> Result<Self, KeySetError> {
        type Read = fn(&[u8]) -> jsonwebtoken::errors::Result<DecodingKey>;
        let readers: [(AlgorithmFamily, Read); 3] = [
            (AlgorithmFamily::Rsa, DecodingKey::from_rsa_pem),
            (AlgorithmFamily::Ec, DecodingKey::from_ec_pem),
            (AlgorithmFamily::Ed, DecodingKey::from_ed_pem),
        ];
        let (family, key) = readers
            .into_iter()
            .find_map(|(family, read)| read(pem).ok().map(|key| (family, key)))
            .ok_or(KeySetError::NotPem)?;
        let algorithms = of_family(allowed, family);
        if algorithms.is_empty() {
            return Err(KeySetError::NoKey);
        }
        Ok(KeySet { keys: vec![Key { id: None, algorithms, key }] })
    }

    /// Keys that are of no use here (for encryption, of other kinds, symmetric ones) are left out.
    pub fn of_jwks(json: &[u8], allowed: &[Algorithm]) -> Result<Self, KeySetError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        let document: Document = serde_json::from_slice(json).map_err(|_| KeySetError::NotJwks)?;
        if document.keys.len() > KEYS_MAX {
            return Err(KeySetError::TooMany);
        }
        let known = document.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<Key> = known.filter_map(|jwk| Key::of_jwk(&jwk, allowed)).collect();
        if keys.is_empty() { Err(KeySetError::NoKey) } else { Ok(KeySet { keys }) }
    }

    /// Those that may have signed. A key without an id of its own is meant by any.
    pub(super) fn candidates<'a>(
        &'a self,
        algorithm: Algorithm,
        id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(move |key| {
            let is_meant = match (&key.id, id) {
                (Some(own), Some(id)) => own == id,
                _ => true,
            };
            is_meant && key.algorithms.contains(&algorithm)
        })
    }
}

impl Key {
    fn of_jwk(jwk: &Jwk, allowed: &[Algorithm]) -> Option<Self> {
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let fitting: &[&str] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => &["ES256"],
                EllipticCurve::P384 => &["ES384"],
                _ => &[],
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &["EdDSA"],
            _ => &[],
        };
        let declared = jwk.common.key_algorithm.as_ref().map(KeyAlgorithm::to_string);
        let mut algorithms = allowed.to_vec();
        algorithms.retain(|algorithm| {
            let name = algorithm.name();
            fitting.contains(&name) && declared.as_ref().is_none_or(|declared| declared == name)
        });
        let key = DecodingKey::from_jwk(jwk).ok()?;
        (!algorithms.is_empty()).then(|| Key { id: jwk.common.key_id.clone(), algorithms, key })
    }

    pub(super) fn verifies(&self, signature: &str, message: &[u8], algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
            && jsonwebtoken::crypto::verify(signature, message, &self.key, algorithm.0).unwrap_or(false)
    }
}

fn of_family(allowed: &[Algorithm], family: AlgorithmFamily) -> Vec<Algorithm> {
    allowed.iter().copied().filter(|algorithm| algorithm.family() == family).collect()
}
