//! Which models exist and who serves them.
//!
//! Two sources: models named in the configuration, and models that a provider lists itself ([`discovery`]). A configured
//! name wins over a discovered one; among discovering providers the first one added wins.

mod card;
mod discovery;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::error::Error;
use crate::money::{Pricing, Tariff};
use crate::provider::Provider;
use crate::routing::{BreakerState, Health, Route, RouteError};
pub use card::ModelCard;
use discovery::Discovery;

/// A model as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    pub id: Arc<str>,
    /// Unix seconds; 0 where nobody knows.
    pub created: u64,
    pub owned_by: Arc<str>,
    /// Of its first target.
    pub tariff: Arc<Tariff>,
    pub card: Arc<ModelCard>,
}

/// Who serves a model, and under which name.
pub struct Target {
    /// As the caller names it.
    pub model: Arc<str>,
    pub provider: Arc<dyn Provider>,
    /// The provider's own, to be kept longer than it is borrowed.
    pub provider_name: Arc<str>,
    pub upstream_model: Arc<str>,
    pub tariff: Arc<Tariff>,
    /// Shared by all targets with the same provider and upstream model.
    pub health: Arc<Health>,
    /// Of the model.
    pub card: Arc<ModelCard>,
}

/// One target of a model, as it is configured.
pub struct TargetSpec {
    pub provider: Arc<dyn Provider>,
    pub upstream_model: Arc<str>,
    pub tariff: Tariff,
    /// See [`Route::new`].
    pub weight: Option<u32>,
}

/// A model that cannot be added.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ModelError {
    #[error("the model `{0}` is configured twice")]
    Duplicate(String),
    #[error("the model `{model}` {error}")]
    Route { model: String, error: RouteError },
}

#[derive(Default)]
pub struct Catalog {
    configured: HashMap<Arc<str>, Route>,
    /// Of configured targets, by provider and upstream model.
    healths: HashMap<(Arc<str>, Arc<str>), Arc<Health>>,
    /// In the order of configuration, for listings.
    listed: Vec<ModelInfo>,
    discoveries: Vec<Discovery>,
}

impl Catalog {
    pub fn new() -> Self {
        Catalog::default()
    }

    /// A model with one target.
    pub fn add_model(
        &mut self,
        id: impl Into<Arc<str>>,
        provider: Arc<dyn Provider>,
        upstream_model: impl Into<Arc<str>>,
        created: u64,
        tariff: Tariff,
    ) -> Result<(), ModelError> {
        let target = TargetSpec { provider, upstream_model: upstream_model.into(), tariff, weight: None };
        self.add_route(id, created, vec![target], ModelCard::default())
    }

    /// A model with its targets in order. `created` is what listings show; the start of the gateway is a good choice.
    pub fn add_route(
        &mut self,
        id: impl Into<Arc<str>>,
        created: u64,
        targets: Vec<TargetSpec>,
        card: ModelCard,
    ) -> Result<(), ModelError> {
        let id = id.into();
        if self.configured.contains_key(&id) {
            return Err(ModelError::Duplicate(id.to_string()));
        }
        let card = Arc::new(card);
        let targets = targets.into_iter().map(|target| self.target(&id, &card, target)).collect();
        let route =
            Route::new(targets).map_err(|error| ModelError::Route { model: id.to_string(), error })?;
        let first = route.first();
        let (owned_by, tariff) = (Arc::clone(&first.provider_name), Arc::clone(&first.tariff));
        self.listed.push(ModelInfo { id: Arc::clone(&id), created, owned_by, tariff, card });
        self.configured.insert(id, route);
        Ok(())
    }

    fn target(
        &mut self,
        model: &Arc<str>,
        card: &Arc<ModelCard>,
        spec: TargetSpec,
    ) -> (Arc<Target>, Option<u32>) {
        let TargetSpec { provider, upstream_model, tariff, weight } = spec;
        let provider_name: Arc<str> = Arc::from(provider.name());
        let place = (Arc::clone(&provider_name), Arc::clone(&upstream_model));
        let target = Target {
            model: Arc::clone(model),
            provider,
            provider_name,
            upstream_model,
            tariff: Arc::new(tariff),
            health: Arc::clone(self.healths.entry(place).or_default()),
            card: Arc::clone(card),
        };
        (Arc::new(target), weight)
    }

    /// Serve whatever `provider` lists and `pricing` knows the price of, under its own names.
    pub fn add_discovery(&mut self, provider: Arc<dyn Provider>, pricing: Pricing) {
        self.discoveries.push(Discovery::new(provider, pricing));
    }

    /// How each configured target stands: provider, upstream model, state.
    pub fn breakers(&self) -> Vec<(Arc<str>, Arc<str>, BreakerState)> {
        let healths = self.healths.iter();
        healths
            .map(|((provider, model), health)| (Arc::clone(provider), Arc::clone(model), health.state()))
            .collect()
    }

    /// No I/O for a model that is known. An unknown one asks the discovering providers again, at most every few seconds.
    pub async fn resolve(&self, model: &str) -> Result<Route, Error> {
        if let Some(route) = self.known(model) {
            return Ok(route);
        }
        join_all(self.discoveries.iter().map(Discovery::look_again)).await;
        if let Some(route) = self.known(model) {
            return Ok(route);
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

    /// What can be told without asking anybody.
    pub(crate) fn known(&self, model: &str) -> Option<Route> {
        if let Some(route) = self.configured.get(model) {
            return Some(route.clone());
        }
        self.discoveries.iter().find_map(|discovery| discovery.route(model))
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

    /// Models that are known to make embeddings, as [`Catalog::list`] has them.
    pub async fn embedding_models(&self) -> Vec<Arc<str>> {
        let models = self.list().await.unwrap_or_default();
        let embeds = |id: &Arc<str>| {
            let route = self.known(id);
            let mut targets = route.iter().flat_map(|route| route.targets());
            targets.any(|target| target.provider.embeds(&target.upstream_model) == Some(true))
        };
        models.into_iter().map(|model| model.id).filter(embeds).collect()
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
