//! What the operator decides about tokens: whose are taken, and what they may do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use novai_core::{BudgetSpec, LimitSpec, Scopes};

use super::keys::Algorithm;

#[derive(Debug, Clone)]
pub struct TokenPolicy {
    /// The only ones. Symmetric and asymmetric ones never together: a public key must not become a shared secret.
    pub algorithms: Vec<Algorithm>,
    /// `iss` must be this.
    pub issuer: String,
    /// `aud` must hold one of these.
    pub audiences: Vec<String>,
    /// `typ` must be one of these, or absent. Compared without `application/` and without case.
    pub types: Vec<String>,
    /// For clocks that do not agree.
    pub leeway: Duration,
    /// Name of the claim that holds the tier.
    pub tier_claim: String,
    /// Name of the claim that holds the organisation, if tokens have one.
    pub tenant_claim: Option<String>,
    pub tiers: HashMap<String, Tier>,
    /// For tokens that name none.
    pub tier_default: Option<String>,
}

/// What the holders of a token may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tier {
    pub scopes: Scopes,
    pub models: Option<Arc<[Box<str>]>>,
    pub limits: LimitSpec,
    pub budget: BudgetSpec,
}

impl TokenPolicy {
    pub(super) fn algorithm(&self, name: &str) -> Option<Algorithm> {
        self.algorithms.iter().copied().find(|algorithm| algorithm.name() == name)
    }

    pub(super) fn takes_type(&self, typ: Option<&str>) -> bool {
        let Some(typ) = typ else { return true };
        let bare = |text: &str| {
            let text = text.to_ascii_lowercase();
            text.strip_prefix("application/").map(str::to_owned).unwrap_or(text)
        };
        let typ = bare(typ);
        self.types.iter().any(|own| bare(own) == typ)
    }
}
