//! Whoever issues tokens: keys of each algorithm, and signatures of any text.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::{Value, json};

use super::SECRET;

pub struct Signer {
    pub key: EncodingKey,
    pub algorithm: jsonwebtoken::Algorithm,
    pub public_pem: String,
    pub public_raw: Vec<u8>,
}

impl Signer {
    pub fn new(name: &str) -> Self {
        if name == "RS256" {
            return Signer::rsa();
        }
        let (kind, algorithm) = match name {
            "ES256" => (&rcgen::PKCS_ECDSA_P256_SHA256, jsonwebtoken::Algorithm::ES256),
            "ES384" => (&rcgen::PKCS_ECDSA_P384_SHA384, jsonwebtoken::Algorithm::ES384),
            _ => (&rcgen::PKCS_ED25519, jsonwebtoken::Algorithm::EdDSA),
        };
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let key = match name {
            "ES256" | "ES384" => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_ed_pem(pem.as_bytes()),
        };
        Signer {
            key: key.unwrap(),
            algorithm,
            public_pem: pair.public_key_pem(),
            public_raw: pair.public_key_raw().to_vec(),
        }
    }

    fn rsa() -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let pem = |name: &str, der: &[u8]| {
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            format!("-----BEGIN {name}-----\n{text}\n-----END {name}-----\n")
        };
        let key = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap();
        let public_pem = pem("PUBLIC KEY", public.as_ref());
        Signer { key, algorithm: jsonwebtoken::Algorithm::RS256, public_pem, public_raw: Vec::new() }
    }

    pub fn symmetric() -> Self {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        Signer {
            key,
            algorithm: jsonwebtoken::Algorithm::HS256,
            public_pem: String::new(),
            public_raw: Vec::new(),
        }
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    pub fn jwk(&self, id: &str) -> Value {
        if self.algorithm == jsonwebtoken::Algorithm::EdDSA {
            let x = URL_SAFE_NO_PAD.encode(&self.public_raw);
            return json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": id});
        }
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }
}
