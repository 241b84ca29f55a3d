//! What can be done with keys, and what is told about them. How they are made and kept is the store's business.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::error::BoxError;
use crate::limits::LimitSpec;
use crate::money::BudgetSpec;
use crate::principal::Scopes;

/// `tenant`, where it is given, narrows an operation to that tenant's keys: others do not exist for it.
pub trait KeyAdmin: Send + Sync + 'static {
    fn create(&self, settings: KeySettings) -> BoxFuture<'_, Result<MadeKey, KeyError>>;

    /// Oldest first, those after `after`.
    fn list<'a>(
        &'a self,
        tenant: Option<&'a str>,
        after: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'a, Result<KeyListing, KeyError>>;

    fn get<'a>(&'a self, tenant: Option<&'a str>, id: &'a str) -> BoxFuture<'a, Result<KeyInfo, KeyError>>;

    fn update<'a>(
        &'a self,
        tenant: Option<&'a str>,
        id: &'a str,
        change: KeyChange,
    ) -> BoxFuture<'a, Result<KeyInfo, KeyError>>;

    /// From when it returns, the key is refused.
    fn delete<'a>(&'a self, tenant: Option<&'a str>, id: &'a str) -> BoxFuture<'a, Result<(), KeyError>>;

    /// Replaces the key itself; from when it returns, the old one is refused.
    fn rotate<'a>(&'a self, tenant: Option<&'a str>, id: &'a str)
    -> BoxFuture<'a, Result<MadeKey, KeyError>>;
}

/// Keeps no keys.
impl KeyAdmin for () {
    fn create(&self, _: KeySettings) -> BoxFuture<'_, Result<MadeKey, KeyError>> {
        refused()
    }

    fn list<'a>(
        &'a self,
        _: Option<&'a str>,
        _: Option<Position>,
        _: usize,
    ) -> BoxFuture<'a, Result<KeyListing, KeyError>> {
        refused()
    }

    fn get<'a>(&'a self, _: Option<&'a str>, _: &'a str) -> BoxFuture<'a, Result<KeyInfo, KeyError>> {
        refused()
    }

    fn update<'a>(
        &'a self,
        _: Option<&'a str>,
        _: &'a str,
        _: KeyChange,
    ) -> BoxFuture<'a, Result<KeyInfo, KeyError>> {
        refused()
    }

    fn delete<'a>(&'a self, _: Option<&'a str>, _: &'a str) -> BoxFuture<'a, Result<(), KeyError>> {
        refused()
    }

    fn rotate<'a>(&'a self, _: Option<&'a str>, _: &'a str) -> BoxFuture<'a, Result<MadeKey, KeyError>> {
        refused()
    }
}

fn refused<T: Send + 'static>() -> BoxFuture<'static, Result<T, KeyError>> {
    Box::pin(std::future::ready(Err(KeyError::Unavailable("no keys are kept".into()))))
}

/// What somebody decides about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    pub name: String,
    pub tenant: Option<Arc<str>>,
    pub scopes: Scopes,
    pub models: Option<Arc<[Box<str>]>>,
    pub limits: LimitSpec,
    pub budget: BudgetSpec,
    pub expires_at_unix_s: Option<u64>,
}

/// `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyChange {
    pub name: Option<String>,
    pub scopes: Option<Scopes>,
    /// `Some(None)`: every model.
    pub models: Option<Option<Arc<[Box<str>]>>>,
    pub limits: Option<LimitSpec>,
    pub budget: Option<BudgetSpec>,
    /// `Some(None)`: never.
    pub expires_at_unix_s: Option<Option<u64>>,
}

impl KeySettings {
    pub fn apply(&mut self, change: KeyChange) {
        let KeyChange { name, scopes, models, limits, budget, expires_at_unix_s } = change;
        replace(&mut self.name, name);
        replace(&mut self.scopes, scopes);
        replace(&mut self.models, models);
        replace(&mut self.limits, limits);
        replace(&mut self.budget, budget);
        replace(&mut self.expires_at_unix_s, expires_at_unix_s);
    }
}

fn replace<T>(old: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *old = new;
    }
}

/// A key without the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    pub id: Arc<str>,
    /// Enough to recognise the key, useless to guess it.
    pub prefix: String,
    pub settings: KeySettings,
    pub created_at_unix_s: u64,
    /// Written with a delay.
    pub last_used_at_unix_s: Option<u64>,
}

/// A key that was just made: the only time that it can be had.
#[derive(Debug)]
pub struct MadeKey {
    pub info: KeyInfo,
    pub secret: Secret,
}

#[derive(Debug)]
pub struct KeyListing {
    pub keys: Vec<KeyInfo>,
    /// Whether more follow.
    pub has_more: bool,
}

/// A key's place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub created_at_unix_s: u64,
    pub id: String,
}

impl Position {
    pub fn of(key: &KeyInfo) -> Self {
        Position { created_at_unix_s: key.created_at_unix_s, id: key.id.to_string() }
    }

    /// What [`Position::to_string`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (created, id) = text.split_once('.')?;
        let created_at_unix_s = created.parse().ok().filter(|seconds| *seconds <= i64::MAX as u64)?;
        Some(Position { created_at_unix_s, id: id.to_owned() })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at_unix_s, self.id)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("no key has the id `{id}`")]
    NotFound { id: String },
    #[error("the gateway keeps {keys_max} keys already: delete some first")]
    Full { keys_max: usize },
    /// It would be born dead: most likely milliseconds for seconds, or a wrong clock.
    #[error("expires_at must be in the future, but is {expires_at_unix_s}")]
    Expired { expires_at_unix_s: u64 },
    #[error("the keys cannot be read or written")]
    Unavailable(#[source] BoxError),
}

/// A text that must not be printed: a key, a password, a token.
///
/// `Debug` shows stars and there is no `Display`, so it cannot slip into a log or a message by accident.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// The text itself: to hash it, to send it, or to show it once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_their_text() {
        let position = Position { created_at_unix_s: 1_795_315_435, id: "key_1.2".to_owned() };
        assert_eq!(Position::parse(&position.to_string()), Some(position));
        for wrong in ["", "1", "x.key", "-1.key", "99999999999999999999.key", "18446744073709551615.key"] {
            assert_eq!(Position::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::new("sk-novai-1".to_owned());
        assert_eq!(format!("{secret:?} {:?}", Some(secret.clone())), "*** Some(***)");
        assert_eq!(secret.expose(), "sk-novai-1");
    }
}
