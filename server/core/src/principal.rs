//! Who makes a request, and what they may do.
//!
//! Made by whoever checks a credential, once; handed through every step of a request behind an [`Arc`], so that no step
//! looks anything up again. **Invariant:** nothing secret, and nothing derived from a secret.

use std::sync::Arc;

use crate::limits::LimitSpec;
use crate::money::BudgetSpec;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The key's id, or `jwt:<sub>`: whom limits, budgets, ledger and log count for.
    pub id: Arc<str>,
    /// The organisation that several principals belong to, if it has limits or a budget of its own.
    pub tenant: Option<Arc<str>>,
    pub scopes: Scopes,
    /// The only models that may be called, by the id that callers use; `None` is all.
    pub models: Option<Arc<[Box<str>]>>,
    pub limits: LimitSpec,
    pub budget: BudgetSpec,
}

impl Principal {
    /// Neither limited nor tied to models.
    pub fn new(id: impl Into<Arc<str>>, scopes: Scopes) -> Self {
        Principal {
            id: id.into(),
            tenant: None,
            scopes,
            models: None,
            limits: LimitSpec::default(),
            budget: BudgetSpec::default(),
        }
    }

    pub fn may_call(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|allowed| **allowed == *model))
    }
}

/// One right. What an operation asks for is in `spec/openapi.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// To call models, and to list them.
    Inference,
    /// To read one's own usage.
    Usage,
    /// To manage keys, and to read everybody's usage.
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Inference, Scope::Usage, Scope::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Scope::Inference => "inference",
            Scope::Usage => "usage",
            Scope::Admin => "admin",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of [`Scope`]s. No scope implies another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    pub const NONE: Scopes = Scopes(0);

    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// In the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Scopes(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_sets_and_names_go_both_ways() {
        let two: Scopes = [Scope::Admin, Scope::Inference, Scope::Admin].into_iter().collect();
        assert_eq!(two.iter().map(Scope::name).collect::<Vec<_>>(), ["inference", "admin"]);
        assert!(!two.has(Scope::Usage));
        assert_eq!(Scopes::NONE.iter().count(), 0);
        for scope in Scope::ALL {
            assert!(Scopes::all().has(scope));
            assert_eq!(Scope::from_name(scope.name()), Some(scope));
        }
        assert_eq!(Scope::from_name("Admin"), None);
    }

    #[test]
    fn models_are_compared_whole() {
        let mut principal = Principal::new("key_1", Scopes::all());
        assert!(principal.may_call("anything"));
        principal.models = Some(Arc::from([Box::from("a"), Box::from("b-mini")]));
        for (model, may) in [("a", true), ("b-mini", true), ("b", false), ("A", false), ("", false)] {
            assert_eq!(principal.may_call(model), may, "{model}");
        }
    }
}
