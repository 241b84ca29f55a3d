//! A token taken apart: header, claims, signature (RFC 7515 §3).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use novai_core::Principal;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::{Algorithm, Key};
use super::policy::TokenPolicy;
use super::{SUBJECT_BYTES_MAX, TokenError};

/// RSA with 8192 bits.
const SIGNATURE_BYTES_MAX: usize = 1024;

pub(super) struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// What is signed.
    message: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Header {
    pub alg: String,
    pub typ: Option<String>,
    pub kid: Option<String>,
    /// Extensions that must be understood. We understand none.
    crit: Option<Value>,
}

/// Signed by somebody whom we trust.
pub(super) struct Claims(Map<String, Value>);

impl<'a> Parts<'a> {
    pub fn of(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        Some(Parts { header, claims, signature, message })
    }

    pub fn header(&self) -> Option<Header> {
        let header: Header = serde_json::from_slice(&decoded(self.header)?).ok()?;
        header.crit.is_none().then_some(header)
    }

    pub fn is_signed_by(&self, key: &Key, algorithm: Algorithm) -> bool {
        // Decoded here, too: the library's decoder is as strict, and ours to know.
        let is_canonical = decoded(self.signature).is_some_and(|bytes| bytes.len() <= SIGNATURE_BYTES_MAX);
        is_canonical && key.verifies(self.signature, self.message.as_bytes(), algorithm)
    }

    /// Only to be asked once the signature is right.
    pub fn claims(&self) -> Option<Claims> {
        serde_json::from_slice(&decoded(self.claims)?).ok().map(Claims)
    }
}

/// Without padding, without anything else, and the bits that are left over are zero: one text for each token.
fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

impl Claims {
    /// `iss` and `aud`.
    pub fn is_ours(&self, policy: &TokenPolicy) -> bool {
        let is_audience = |value: &Value| {
            value.as_str().is_some_and(|audience| policy.audiences.iter().any(|own| own == audience))
        };
        let audience_fits = match self.0.get("aud") {
            Some(Value::Array(audiences)) => {
                audiences.iter().all(Value::is_string) && audiences.iter().any(is_audience)
            }
            Some(audience) => is_audience(audience),
            None => false,
        };
        audience_fits && self.0.get("iss").and_then(Value::as_str) == Some(&policy.issuer)
    }

    /// `exp`, which must be there, and `nbf`. Whole seconds: what is none is nobody's real token.
    pub fn is_valid_at(&self, now: Duration, leeway: Duration) -> bool {
        let now_s = now.as_secs();
        let is_over = match self.0.get("exp").and_then(Value::as_u64) {
            Some(exp_s) => exp_s.saturating_add(leeway.as_secs()) <= now_s,
            None => true,
        };
        let is_early = match self.0.get("nbf") {
            None => false,
            Some(value) => value.as_u64().is_none_or(|nbf_s| nbf_s > now_s.saturating_add(leeway.as_secs())),
        };
        !is_over && !is_early
    }

    pub fn principal(&self, policy: &TokenPolicy) -> Result<Arc<Principal>, TokenError> {
        let word = |value: &Value| {
            value.as_str().filter(|text| is_word(text)).map(str::to_owned).ok_or(TokenError::Invalid)
        };
        let subject = word(self.0.get("sub").unwrap_or(&Value::Null))?;
        let tier = match self.0.get(&policy.tier_claim) {
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(TokenError::UnknownTier),
            None => policy.tier_default.as_ref(),
        };
        let tier = tier.and_then(|name| policy.tiers.get(name)).ok_or(TokenError::UnknownTier)?;
        let tenant =
            policy.tenant_claim.as_ref().and_then(|claim| self.0.get(claim)).map(word).transpose()?;
        Ok(Arc::new(Principal {
            id: format!("jwt:{subject}").into(),
            tenant: tenant.map(Arc::from),
            scopes: tier.scopes,
            models: tier.models.clone(),
            limits: tier.limits,
            budget: tier.budget,
        }))
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= SUBJECT_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}
