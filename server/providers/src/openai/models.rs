//! The upstream's own list of models.

use novai_core::UpstreamModel;
use serde::Deserialize;

use crate::headers;

/// More than any aggregator lists today by a factor of ten.
const MODELS_MAX: usize = 10_000;

#[derive(Deserialize)]
#[serde(untagged)]
enum Listing {
    /// OpenAI's shape.
    Page { data: Vec<Model> },
    /// Together answers the bare list.
    Bare(Vec<Model>),
}

#[derive(Deserialize)]
struct Model {
    id: String,
    #[serde(default)]
    created: Option<f64>,
    #[serde(default)]
    owned_by: Option<String>,
}

/// Names that could not be shown or asked for are left out.
pub(super) fn parse(json: &[u8], provider: &str) -> Result<Vec<UpstreamModel>, &'static str> {
    let listing: Listing =
        serde_json::from_slice(json).map_err(|_| "its list of models has an unknown shape")?;
    let (Listing::Page { data: models } | Listing::Bare(models)) = listing;
    let mut models: Vec<UpstreamModel> = models
        .into_iter()
        .filter(|model| headers::is_model_id(&model.id))
        .take(MODELS_MAX)
        .map(|model| UpstreamModel {
            id: model.id,
            // Saturates at 0 for what is not a time.
            created: model.created.unwrap_or(0.0) as u64,
            owned_by: model.owned_by.unwrap_or_else(|| provider.to_owned()),
        })
        .collect();
    let mut seen = std::collections::HashSet::new();
    models.retain(|model| seen.insert(model.id.clone()));
    Ok(models)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings() {
        let model = |id: &str, created, owned_by: &str| UpstreamModel {
            id: id.into(),
            created,
            owned_by: owned_by.into(),
        };
        let long = format!(r#"{{"data":[{{"id":"{}"}},{{"id":"a"}}]}}"#, "x".repeat(257));
        for (json, expected) in [
            (r#"{"object":"list","data":[]}"#, Ok(vec![])),
            (
                r#"{"data":[{"id":"a","object":"model","created":7,"owned_by":"o","x":{}},{"id":"b"}]}"#,
                Ok(vec![model("a", 7, "o"), model("b", 0, "p")]),
            ),
            (r#"[{"id":"a","created":1.5}]"#, Ok(vec![model("a", 1, "p")])),
            (r#"{"data":[{"id":""},{"id":"a\n"},{"id":"a"},{"id":"a"}]}"#, Ok(vec![model("a", 0, "p")])),
            (&long, Ok(vec![model("a", 0, "p")])),
            (r#"{"data":[{"id":"a","created":-5,"owned_by":null}]}"#, Ok(vec![model("a", 0, "p")])),
            (r#"{"models":[]}"#, Err("its list of models has an unknown shape")),
            ("nope", Err("its list of models has an unknown shape")),
        ] {
            assert_eq!(parse(json.as_bytes(), "p"), expected, "{json}");
        }
    }
}
