//! Gemini's list of models: those that generate content, and those that make embeddings.

use novai_core::UpstreamModel;
use serde::Deserialize;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    models: Vec<Model>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    /// `models/gemini-2.5-flash`
    name: String,
    #[serde(default)]
    supported_generation_methods: Vec<String>,
}

pub(super) fn parse(json: &[u8]) -> Result<Vec<UpstreamModel>, &'static str> {
    let page: Page = serde_json::from_slice(json).map_err(|_| "its list of models has an unknown shape")?;
    let is_served = |method: &String| {
        matches!(method.as_str(), "generateContent" | "embedContent" | "batchEmbedContents")
    };
    let generates = |model: &Model| model.supported_generation_methods.iter().any(is_served);
    Ok(page
        .models
        .into_iter()
        .filter(generates)
        .filter_map(|model| model.name.strip_prefix("models/").map(str::to_owned))
        .filter(|id| crate::headers::is_model_id(id))
        .map(|id| UpstreamModel { id, created: 0, owned_by: "google".to_owned() })
        .collect())
}
