//! What a start prints for people. The log goes elsewhere and has none of this.

use std::io::{self, Write};
use std::net::SocketAddr;

use novai_core::Secret;

use crate::config::{BOOTSTRAP_KEY, Config, ModelSettings, ProviderKind, ProviderSettings};

/// Where it listens; a configured port 0 is a real one by now.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    pub public: SocketAddr,
    pub admin: Option<SocketAddr>,
}

/// To stdout, so that `novai > file` keeps a new key away from the log on stderr.
pub fn print(
    out: &mut impl Write,
    config: &Config,
    addresses: Addresses,
    created: Option<&Secret>,
) -> io::Result<()> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    writeln!(out, "novai {} listens on {scheme}://{}/v1", env!("CARGO_PKG_VERSION"), addresses.public)?;
    if let Some(admin) = addresses.admin {
        writeln!(out, "  key management on {scheme}://{admin}/v1")?;
    }
    summary(out, config)?;
    match created {
        Some(secret) => {
            writeln!(out, "  new API key, shown only this once: {}", secret.expose())?;
        }
        None if config.bootstrap_key.is_some() => writeln!(out, "  API key: as {BOOTSTRAP_KEY} says")?,
        None => writeln!(out, "  API keys: as kept in {}", config.data_dir.display())?,
    }
    out.flush()
}

/// Which models are served, and by whom.
pub fn summary(out: &mut impl Write, config: &Config) -> io::Result<()> {
    for provider in &config.providers {
        let is_named =
            |model: &&ModelSettings| model.targets.iter().any(|target| target.provider == provider.name);
        let named: Vec<&str> = config.models.iter().filter(is_named).map(|model| model.id.as_str()).collect();
        let models = if named.is_empty() { "every model it lists".to_owned() } else { named.join(", ") };
        writeln!(out, "  {}: {models}", self::provider(provider))?;
    }
    if let Some(inference) = &config.inference {
        let urls: Vec<String> = inference.urls.iter().map(ToString::to_string).collect();
        writeln!(out, "  called by the workers at {}", urls.join(", "))?;
    }
    if let Some(tools) = &config.tools {
        let urls = tools.servers.iter().flat_map(|server| &server.pool.urls);
        let urls: Vec<String> = urls.map(ToString::to_string).collect();
        writeln!(out, "  runs the tools of {}", urls.join(", "))?;
    }
    if config.providers.is_empty() {
        writeln!(out, "  no upstream is configured: only the simulator answers (model `novai-sim`).")?;
        writeln!(out, "  for a real model, set OPENAI_API_KEY or pass --upstream URL or --config FILE.")?;
    }
    Ok(())
}

/// A provider's name, and where it is.
pub fn provider(settings: &ProviderSettings) -> String {
    let name = &settings.name;
    match &settings.kind {
        // The configuration has refused URLs that hold a user name or a query.
        ProviderKind::OpenAi(openai) => format!("{name} at {}", openai.upstream.base_url),
        ProviderKind::Anthropic(anthropic) => format!("{name} at {}", anthropic.upstream.base_url),
        ProviderKind::Gemini(gemini) => format!("{name} at {}", gemini.upstream.base_url),
        ProviderKind::Sim => format!("{name} (simulator)"),
    }
}
