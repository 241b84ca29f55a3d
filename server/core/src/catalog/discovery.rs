//! The models that a provider lists itself, remembered.
//!
//! Nothing runs in the background: whoever needs a fresh list fetches it, one at a time (the others wait for that
//! answer). If that caller leaves, the next waiter fetches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{ModelCard, ModelInfo, Target};
use crate::error::{BoxError, Error};
use crate::money::{Pricing, Tariff};
use crate::provider::Provider;
use crate::routing::{Health, Route};

/// A list older than this is fetched again before it is shown.
const LIST_TTL: Duration = Duration::from_secs(60);
/// Between two fetches for names we do not know: callers with a typo must not become a load on the upstream.
const LOOK_AGAIN_MIN: Duration = Duration::from_secs(5);

pub(super) struct Discovery {
    provider: Arc<dyn Provider>,
    name: Arc<str>,
    pricing: Pricing,
    known: ArcSwap<Known>,
    fetching: Mutex<()>,
}

#[derive(Default)]
struct Known {
    models: Vec<ModelInfo>,
    /// By id: its place in `models`, and who serves it.
    by_id: HashMap<Arc<str>, (usize, Route)>,
    /// What the provider offers and nobody knows the price of.
    unpriced: HashSet<String>,
    /// Of the last fetch, successful or not.
    fetched_at: Option<Instant>,
    /// Why the last fetch failed; the models are then those of the fetch before.
    failure: Option<Arc<Error>>,
}

impl Discovery {
    pub(super) fn new(provider: Arc<dyn Provider>, pricing: Pricing) -> Self {
        let name = Arc::from(provider.name());
        Discovery { provider, name, pricing, known: ArcSwap::default(), fetching: Mutex::new(()) }
    }

    pub(super) fn route(&self, model: &str) -> Option<Route> {
        self.known.load().by_id.get(model).map(|(_, route)| route.clone())
    }

    pub(super) fn model(&self, model: &str) -> Option<ModelInfo> {
        let known = self.known.load();
        known.by_id.get(model).and_then(|(index, _)| known.models.get(*index)).cloned()
    }

    pub(super) fn has_unpriced(&self, model: &str) -> bool {
        self.known.load().unpriced.contains(model)
    }

    pub(super) fn models(&self) -> Vec<ModelInfo> {
        self.known.load().models.clone()
    }

    /// For listings.
    pub(super) async fn look_if_stale(&self) {
        let failed = self.known.load().failure.is_some();
        self.fetch_if_older_than(if failed { LOOK_AGAIN_MIN } else { LIST_TTL }).await;
    }

    /// For a name that is not known.
    pub(super) async fn look_again(&self) {
        self.fetch_if_older_than(LOOK_AGAIN_MIN).await;
    }

    /// The provider's failure, if it has never told its models.
    pub(super) fn blind(&self) -> Option<Error> {
        let known = self.known.load();
        let failure = known.failure.as_ref().filter(|_| known.models.is_empty())?;
        Some(retold(self.provider.name(), failure))
    }

    async fn fetch_if_older_than(&self, age_max: Duration) {
        if self.is_younger_than(age_max) {
            return;
        }
        let _one_at_a_time = self.fetching.lock().await;
        // Whoever held the lock before us has probably just done it.
        if self.is_younger_than(age_max) {
            return;
        }
        let result = self.provider.models().await;
        let fetched_at = Some(Instant::now());
        let known = match result {
            Ok(models) => {
                let mut known = Known { fetched_at, ..Known::default() };
                let before = self.known.load();
                for model in models {
                    let Some(tariff) = self.pricing.of(&model.id) else {
                        known.unpriced.insert(model.id);
                        continue;
                    };
                    let id: Arc<str> = model.id.into();
                    // What was learnt of it outlives the list.
                    let health = before.by_id.get(&id).map(|(_, route)| Arc::clone(&route.first().health));
                    let context_length = self.pricing.context_length(&id);
                    let card = Arc::new(ModelCard { context_length, ..ModelCard::default() });
                    let route = self.route_to(
                        &id,
                        Arc::clone(&tariff),
                        health.unwrap_or_default(),
                        Arc::clone(&card),
                    );
                    known.by_id.insert(Arc::clone(&id), (known.models.len(), route));
                    known.models.push(ModelInfo {
                        id,
                        created: model.created,
                        owned_by: model.owned_by.into(),
                        tariff,
                        card,
                    });
                }
                known
            }
            Err(error) => {
                // Yesterday's list is better than none: the upstream itself refuses what is gone.
                let before = self.known.load();
                Known {
                    models: before.models.clone(),
                    by_id: before.by_id.clone(),
                    unpriced: before.unpriced.clone(),
                    fetched_at,
                    failure: Some(Arc::new(error)),
                }
            }
        };
        self.known.store(Arc::new(known));
    }

    fn route_to(
        &self,
        model: &Arc<str>,
        tariff: Arc<Tariff>,
        health: Arc<Health>,
        card: Arc<ModelCard>,
    ) -> Route {
        Route::single(Arc::new(Target {
            model: Arc::clone(model),
            provider: Arc::clone(&self.provider),
            provider_name: Arc::clone(&self.name),
            upstream_model: Arc::clone(model),
            tariff,
            health,
            card,
        }))
    }

    fn is_younger_than(&self, age_max: Duration) -> bool {
        self.known.load().fetched_at.is_some_and(|at| at.elapsed() < age_max)
    }
}

/// One failure told to several callers: errors own their sources, so each caller gets a new one.
fn retold(provider: &str, failure: &Arc<Error>) -> Error {
    match &**failure {
        Error::ProviderAuth { .. } => Error::ProviderAuth { provider: provider.to_owned() },
        Error::ProviderTimeout { deadline, limit, .. } => {
            Error::ProviderTimeout { provider: provider.to_owned(), deadline: *deadline, limit: *limit }
        }
        Error::ProviderMalformed { reason, .. } => Error::ProviderMalformed {
            provider: provider.to_owned(),
            reason: format!("listing its models: {reason}"),
        },
        _ => Error::ProviderUnavailable {
            provider: provider.to_owned(),
            retry_after: Some(LOOK_AGAIN_MIN),
            source: Box::new(Retold(Arc::clone(failure))) as BoxError,
        },
    }
}

#[derive(Debug, thiserror::Error)]
#[error("cannot list its models: {0}")]
struct Retold(Arc<Error>);
