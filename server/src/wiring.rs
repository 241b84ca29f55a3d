//! Builds the gateway from its configuration: the only place that knows every layer.

use std::sync::Arc;

use anyhow::Context;
use novai_core::{Catalog, Clock, Gateway, Provider, SystemClock};
use novai_providers::anthropic::Anthropic;
use novai_providers::gemini::Gemini;
use novai_providers::openai::OpenAi;
use novai_providers::sim::Sim;

use crate::config::{ModelSettings, ProviderKind, ProviderSettings};

pub fn gateway(providers: Vec<ProviderSettings>, models: &[ModelSettings]) -> anyhow::Result<Gateway> {
    let mut catalog = Catalog::new();
    let created = SystemClock.unix_time().as_secs();
    if providers.is_empty() {
        catalog.add_discovery(Arc::new(Sim::new("sim")));
    }
    for settings in providers {
        let name = settings.name;
        let provider = provider(&name, settings.kind).with_context(|| format!("provider {name:?}"))?;
        let mut named = models.iter().filter(|model| model.provider == name).peekable();
        // A provider that no [[models]] entry names is served whole.
        if named.peek().is_none() {
            catalog.add_discovery(Arc::clone(&provider));
        }
        for model in named {
            catalog.add_model(&*model.id, Arc::clone(&provider), &*model.upstream_id, created)?;
        }
    }
    Ok(Gateway::new(catalog))
}

fn provider(name: &str, kind: ProviderKind) -> anyhow::Result<Arc<dyn Provider>> {
    Ok(match kind {
        ProviderKind::OpenAi(config) => Arc::new(OpenAi::new(*config)?),
        ProviderKind::Anthropic(config) => Arc::new(Anthropic::new(*config)?),
        ProviderKind::Gemini(config) => Arc::new(Gemini::new(*config)?),
        ProviderKind::Sim => Arc::new(Sim::new(name)),
    })
}
