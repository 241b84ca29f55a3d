//! The request line.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub struct Request {
    pub id: u64,
    pub op: Op,
    pub base_url: String,
    pub api_key: Option<String>,
    pub params: Value,
    pub times: usize,
    pub pause_ms: u64,
    pub headers: HashMap<String, String>,
    pub abandon_after_events: Option<usize>,
    pub abandon_after_ms: Option<u64>,
    pub options: Options,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub enum Op {
    #[serde(rename = "chat.create")]
    ChatCreate,
    #[serde(rename = "chat.stream")]
    ChatStream,
    #[serde(rename = "embeddings.create")]
    EmbeddingsCreate,
    #[serde(rename = "models.list")]
    ModelsList,
    #[serde(rename = "models.retrieve")]
    ModelsRetrieve,
}

#[derive(Debug, Deserialize)]
pub struct Options {
    pub max_retries: u32,
    /// `connect`, `first_event`, `idle`, `total`.
    pub timeouts_ms: HashMap<String, u64>,
    pub retry_delay_max_ms: Option<u64>,
    pub idempotency_key: Option<String>,
}
