//! A model's targets, and which of them is asked first.

use std::sync::Arc;

use super::random::Random;
use crate::catalog::Target;
use crate::money::Usd;

/// More would be a mistake, and one request may ask them all.
pub const TARGETS_MAX: usize = 32;

/// At least one target, in the order of configuration.
#[derive(Clone)]
pub struct Route {
    targets: Arc<[Arc<Target>]>,
    /// One for each target; `None` where order alone decides.
    weights: Option<Arc<[u32]>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    #[error("has no target")]
    Empty,
    #[error("has more than {TARGETS_MAX} targets")]
    TooMany,
    #[error("has only targets of weight 0, so that none could be asked first")]
    NoWeight,
}

impl Route {
    /// Where no target has a weight, they are asked in order. Otherwise the first is drawn by weight, and those without one
    /// (or with 0) only follow.
    pub fn new(targets: Vec<(Arc<Target>, Option<u32>)>) -> Result<Self, RouteError> {
        match targets.len() {
            0 => return Err(RouteError::Empty),
            1..=TARGETS_MAX => {}
            _ => return Err(RouteError::TooMany),
        }
        let mut weights = None;
        if targets.iter().any(|(_, weight)| weight.is_some()) {
            let each: Arc<[u32]> = targets.iter().map(|(_, weight)| weight.unwrap_or(0)).collect();
            if each.iter().all(|weight| *weight == 0) {
                return Err(RouteError::NoWeight);
            }
            weights = Some(each);
        }
        Ok(Route { targets: targets.into_iter().map(|(target, _)| target).collect(), weights })
    }

    pub fn single(target: Arc<Target>) -> Self {
        Route { targets: Arc::from([target]), weights: None }
    }

    /// The first in order of configuration.
    pub fn first(&self) -> &Arc<Target> {
        &self.targets[0]
    }

    pub fn targets(&self) -> &[Arc<Target>] {
        &self.targets
    }

    /// What one answer may have where the request does not say, whoever gives it; `None` where that is not known of any.
    pub fn output_tokens_max(&self) -> Option<u64> {
        self.targets.iter().filter_map(|target| target.tariff.output_tokens_max).max()
    }

    /// The most that so many tokens can cost, whoever serves them.
    pub(crate) fn worst_case(&self, input_tokens: u64, output_tokens: u64, images: u64) -> Usd {
        let prices = self.targets.iter().map(|target| &target.tariff.price);
        let costs = prices.map(|price| price.worst_case(input_tokens, output_tokens, images));
        costs.max().unwrap_or_default()
    }

    /// The index of the target to ask first.
    pub(super) fn draw(&self, random: &Random) -> usize {
        let Some(weights) = &self.weights else { return 0 };
        let mut drawn = random.below(weights.iter().map(|weight| u64::from(*weight)).sum());
        for (index, weight) in weights.iter().enumerate() {
            match drawn.checked_sub(u64::from(*weight)) {
                Some(left) => drawn = left,
                None => return index,
            }
        }
        0
    }
}
