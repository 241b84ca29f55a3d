//! Which models exist and who serves them.
//!
//! Two sources: models named in the configuration, and models that a provider lists itself ([`discovery`]). A configured
//! name wins over a discovered one; among discovering providers the first one added wins.

mod discovery;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::error::Error;
use crate::money::{Pricing, Tariff};
use crate::provider::Provider;
use discovery::Discovery;

/// A model as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    pub id: Arc<str>,
    /// Unix seconds; 0 where nobody knows.
    pub created: u64,
    pub owned_by: Arc<str>,
}

/// Who serves a model, and under which name.
#[derive(Clone)]
pub struct Target {
    /// As the caller names it.
    pub model: Arc<str>,
    pub provider: Arc<dyn Provider>,
    /// The provider's own, to be kept longer than it is borrowed.
    pub provider_name: Arc<str>,
    pub upstream_model: Arc<str>,
    pub tariff: Arc<Tariff>,
}

/// Two `[[models]]` share a name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the model `{0}` is configured twice")]
pub struct DuplicateModel(pub String);

#[derive(Default)]
pub struct Catalog {
    configured: HashMap<Arc<str>, Target>,
    /// In the order of configuration, for listings.
    listed: Vec<ModelInfo>,
    discoveries: Vec<Discovery>,
}

impl Catalog {
    pub fn new() -> Self {
        Catalog::default()
    }

    /// `created` is what listings show; the start of the gateway is a good choice.
    pub fn add_model(
        &mut self,
        id: impl Into<Arc<str>>,
        provider: Arc<dyn Provider>,
        upstream_model: impl Into<Arc<str>>,
        created: u64,
        tariff: Tariff,
    ) -> Result<(), DuplicateModel> {
        let id = id.into();
        if self.configured.contains_key(&id) {
            return Err(DuplicateModel(id.to_string()));
        }
        let provider_name: Arc<str> = Arc::from(provider.name());
        self.listed.push(ModelInfo { id: Arc::clone(&id), created, owned_by: Arc::clone(&provider_name) });
        let target = Target {
            model: Arc::clone(&id),
            provider,
            provider_name,
            upstream_model: upstream_model.into(),
            tariff: Arc::new(tariff),
        };
        self.configured.insert(id, target);
        Ok(())
    }

    /// Serve whatever `provider` lists and `pricing` knows the price of, under its own names.
    pub fn add_discovery(&mut self, provider: Arc<dyn Provider>, pricing: Pricing) {
        self.discoveries.push(Discovery::new(provider, pricing));
    }

    /// No I/O for a model that is known. An unknown one asks the discovering providers again, at most every few seconds.
    pub async fn resolve(&self, model: &str) -> Result<Target, Error> {
        if let Some(target) = self.known(model) {
            return Ok(target);
        }
        join_all(self.discoveries.iter().map(Discovery::look_again)).await;
        if let Some(target) = self.known(model) {
            return Ok(target);
        }
        if self.discoveries.iter().any(|discovery| discovery.has_unpriced(model)) {
            return Err(Error::ModelUnpriced { model: shortened(model) });
        }
        // A provider that has never answered may well serve this model: "does not exist" would be a guess.
        match self.discoveries.iter().find_map(Discovery::blind) {
            Some(error) => Err(error),
            None => Err(Error::ModelNotFound { model: shortened(model) }),
        }
    }

    fn known(&self, model: &str) -> Option<Target> {
        if let Some(target) = self.configured.get(model) {
            return Some(target.clone());
        }
        self.discoveries.iter().find_map(|discovery| discovery.target(model))
    }

    /// Every model, configured ones first, each name once. Fails only if nothing is known and a provider failed.
    pub async fn list(&self) -> Result<Vec<ModelInfo>, Error> {
        join_all(self.discoveries.iter().map(Discovery::look_if_stale)).await;
        let mut models = self.listed.clone();
        let mut seen: std::collections::HashSet<Arc<str>> =
            models.iter().map(|m| Arc::clone(&m.id)).collect();
        for discovery in &self.discoveries {
            models.extend(discovery.models().into_iter().filter(|model| seen.insert(Arc::clone(&model.id))));
        }
        if models.is_empty()
            && let Some(error) = self.discoveries.iter().find_map(Discovery::blind)
        {
            return Err(error);
        }
        Ok(models)
    }

    /// One model as listings show it.
    pub async fn get(&self, model: &str) -> Result<ModelInfo, Error> {
        self.resolve(model).await?;
        let configured = self.listed.iter().find(|info| &*info.id == model).cloned();
        configured
            .or_else(|| self.discoveries.iter().find_map(|discovery| discovery.model(model)))
            .ok_or_else(|| Error::ModelNotFound { model: shortened(model) })
    }
}

/// A caller's string goes back to them in an error: long enough to recognise, too short to amplify.
fn shortened(model: &str) -> String {
    const CHARS_MAX: usize = 256;
    match model.char_indices().nth(CHARS_MAX) {
        None => model.to_owned(),
        Some((end, _)) => format!("{}…", &model[..end]),
    }
}

#[cfg(test)]
mod tests;
