//! The gateway's configuration file for a suite: every case has a provider on a port of its own, and a model of that
//! name; and a provider for each of its fallbacks.

use std::net::SocketAddr;

use serde_json::Value;

use crate::call::{ALIASED, model_of};
use crate::scenario::Case;
use crate::upstream::ScriptedUpstream;

/// The environment variable from which the gateway reads the key for every provider.
pub const UPSTREAM_KEY_VARIABLE: &str = "NOVAI_CONFORMANCE_UPSTREAM_KEY";
pub const UPSTREAM_KEY: &str = "sk-upstream-conformance";

/// Silences that a test can afford: 15 s and 10 s by default.
const SERVER: &str = "[server]\nstream_keep_alive_ms = 300\nfirst_event_grace_ms = 1500\n\n";

/// Of every model: a thousand and two thousand nano-dollars per token.
const PRICE: &str = "price = { input = \"1.00\", cached_input = \"0.10\", output = \"2.00\" }";

pub fn render<'a>(cases: impl Iterator<Item = (&'a Case, &'a ScriptedUpstream)>) -> String {
    let mut text = SERVER.to_owned();
    for (case, upstream) in cases {
        let model = model_of(case);
        provider(&mut text, case, &model, upstream.address);
        for (deadline, milliseconds) in &case.body.provider.timeouts_ms {
            text.push_str(&format!("{deadline}_timeout_ms = {milliseconds}\n"));
        }
        let mut targets = vec![(model.clone(), upstream_model_of(case))];
        for (index, fallback) in upstream.fallbacks.iter().enumerate() {
            let name = format!("{model}--fallback-{}", index + 1);
            provider(&mut text, case, &name, fallback.address);
            targets.push((name.clone(), name));
        }
        text.push_str(&format!("\n[[models]]\nid = {}\n{PRICE}\n", quoted(&model)));
        for (provider, upstream_id) in targets {
            text.push_str(&format!(
                "[[models.targets]]\nprovider = {}\nupstream_id = {}\n",
                quoted(&provider),
                quoted(&upstream_id)
            ));
        }
        text.push('\n');
    }
    text
}

/// For a case with a gateway of its own: what it wants follows what every case gets.
pub fn render_own(case: &Case, upstream: &ScriptedUpstream, dead: SocketAddr) -> String {
    let own = case.body.gateway.as_ref().map_or("", |gateway| gateway.config.as_str());
    let own = own.replace("${model}", &model_of(case)).replace("${dead}", &dead.to_string());
    render([(case, upstream)].into_iter()) + &own
}

fn provider(text: &mut String, case: &Case, name: &str, upstream: SocketAddr) {
    let kind = case.body.provider.kind.as_deref().unwrap_or("openai");
    // What stands before every path in that vendor's API.
    let version = if kind == "gemini" { "v1beta" } else { "v1" };
    text.push_str(&format!(
        "\n[[providers]]\nname = {}\nkind = {}\nbase_url = \"http://{upstream}/{version}\"\n\
         api_key_env = \"{UPSTREAM_KEY_VARIABLE}\"\n",
        quoted(name),
        quoted(kind),
    ));
    for (key, value) in &case.body.provider.settings {
        text.push_str(&format!("{key} = {value}\n"));
    }
}

/// What the upstream knows the model as: the same name, unless the case names another in `params.model`'s place.
fn upstream_model_of(case: &Case) -> String {
    match case.body.request.params.get("model").and_then(Value::as_str) {
        Some(alias) if alias == ALIASED => "scripted-upstream-model".to_owned(),
        _ => model_of(case),
    }
}

/// A basic TOML string. JSON's escapes are a subset of TOML's.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
