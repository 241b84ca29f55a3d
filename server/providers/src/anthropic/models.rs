//! Anthropic's list of models.

use std::time::UNIX_EPOCH;

use novai_core::UpstreamModel;
use serde::Deserialize;

#[derive(Deserialize)]
struct Page {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    #[serde(default)]
    created_at: Option<String>,
}

pub(super) fn parse(json: &[u8]) -> Result<Vec<UpstreamModel>, &'static str> {
    let page: Page = serde_json::from_slice(json).map_err(|_| "its list of models has an unknown shape")?;
    let created = |at: Option<String>| {
        let at = humantime::parse_rfc3339(&at?).ok()?;
        Some(at.duration_since(UNIX_EPOCH).ok()?.as_secs())
    };
    Ok(page
        .data
        .into_iter()
        .filter(|model| crate::headers::is_model_id(&model.id))
        .map(|model| UpstreamModel {
            id: model.id,
            created: created(model.created_at).unwrap_or(0),
            owned_by: "anthropic".to_owned(),
        })
        .collect())
}
