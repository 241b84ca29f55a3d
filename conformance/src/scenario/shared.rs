//! Cases from a catalogue of attacks that lies beside the checkout (`../shared/cases/security_negative.json`, or below
//! `NOVAI_SHARED_DIR`). It is not part of the repository; without it these cases are left out, and the runner says so.
//!
//! Taken are the entries that are a request body for chat completions. The others concern features of their own (JWT, other
//! tenants' objects) or need more than one request.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::Case;

pub const SCENARIO: &str = "shared/security-negative";

#[derive(Deserialize)]
struct Entry {
    id: String,
    body: Option<Value>,
    raw_body: Option<String>,
}

/// `None` if the catalogue is not there.
pub fn load(repository_root: &Path) -> Result<Option<Vec<Case>>> {
    let directory =
        std::env::var_os("NOVAI_SHARED_DIR").map_or_else(|| repository_root.join("../shared"), PathBuf::from);
    let path = directory.join("cases/security_negative.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let entries: Vec<Entry> = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let cases = entries.iter().enumerate().filter_map(|(index, entry)| case(index, entry).transpose());
    cases.collect::<Result<_>>().map(Some)
}

fn case(index: usize, entry: &Entry) -> Result<Option<Case>> {
    let kind = entry.id.split(':').next().unwrap_or_default();
    let name = format!("{index:02}-{}", kind.replace('_', "-"));
    let no_5xx = json!({ "$one_of": [400, 404, 413, 415, 422] });
    let refused = json!({ "status": no_5xx, "error": { "type": { "$any": "string" }, "message": { "$any": "string" } } });
    let (request, upstream, expect) = match (&entry.raw_body, &entry.body) {
        (Some(raw), _) => (json!({ "op": "chat.create", "body": raw }), None, refused),
        (None, Some(body)) => {
            let text =
                body.to_string().replace("CANARY", "${upstream}").replace("localhost:PORT", "${upstream}");
            let mut params: Value = serde_json::from_str(&text)?;
            let passes_through = text.contains("image_url");
            // The entry's own model is a placeholder, except where the model is the attack.
            if params["model"] == "m"
                && let Some(params) = params.as_object_mut()
            {
                params.remove("model");
            }
            let request = json!({ "op": "chat.create", "params": params });
            if passes_through {
                // The picture is the upstream's to fetch; one request is the chat's own, a second would be the gateway's.
                let expect = json!({
                    "status": { "$one_of": [200, 400] },
                    "error": { "$maybe": { "type": "invalid_request_error" } },
                    "upstream": { "requests": { "$at_most": 1 }, "connections": { "$at_most": 1 } },
                });
                (request, Some(json!([{ "answer": "I see." }])), expect)
            } else {
                (request, None, refused)
            }
        }
        (None, None) => return Ok(None),
    };
    let body = json!({
        "name": name, "modes": ["server"], "request": request, "upstream": upstream, "expect": expect,
    });
    Ok(Some(Case {
        id: format!("{SCENARIO}/{name}"),
        scenario: SCENARIO.to_owned(),
        why: "Requests that broke other gateways are refused or harmless here, and never a 5xx.".to_owned(),
        body: serde_path_to_error::deserialize(body).with_context(|| entry.id.clone())?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_catalogue_where_there_is_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        match load(&root).unwrap() {
            Some(cases) => assert!(cases.len() >= 20, "{} cases", cases.len()),
            None => println!("skipped: ../shared is absent"),
        }
    }
}
