//! Wire types. (Placeholder until the generator's first run replaces it; see the brief.)
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct ChatCompletionRequest {
    pub model: String,
    #[serde(default)]
    pub stream: Option<bool>,
}
