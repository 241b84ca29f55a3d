//! Several calls in a row on a gateway that belongs to one case: what limits and budgets are about.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::load::merge;
use super::model::CaseBody;

/// A gateway of the case's own, whose clock stands still but where a turn moves it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnGateway {
    /// Follows what the runner itself writes: TOML. `${model}` and `${dead}` are filled in.
    #[serde(default)]
    pub config: String,
}

/// One step of a sequence.
#[derive(Debug, Clone)]
pub struct Turn {
    pub own: TurnOptions,
    /// As a case of one call would say it.
    pub body: CaseBody,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnOptions {
    /// Before the call.
    #[serde(default)]
    pub advance_ms: u64,
    /// So many calls at the same time; `expect.statuses` counts how they end.
    #[serde(default)]
    pub together: Option<usize>,
    /// The caller takes one event and stays, until a turn says `release`.
    #[serde(default)]
    pub hold: bool,
    /// Those who stayed leave, before the call.
    #[serde(default)]
    pub release: bool,
    /// Repeated until it is as expected: the gateway learns of it a moment later.
    #[serde(default)]
    pub eventually: bool,
    /// Name → JSON pointer into the answer's body; `${name}` stands for it in later turns.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

const OWN: [&str; 6] = ["advance_ms", "together", "hold", "release", "eventually", "keep"];
/// Of a case, what does not pass on to its turns.
const NOT_INHERITED: [&str; 3] = ["gateway", "vary", "sequence"];

impl Turn {
    /// `case` as it stands with its file's defaults; `turn` is laid over it.
    pub fn over(case: &Map<String, Value>, number: usize, turn: Value) -> Result<Turn> {
        let Value::Object(mut turn) = turn else { anyhow::bail!("turn {number} must be a mapping") };
        let own: Map<String, Value> =
            OWN.iter().filter_map(|key| Some(((*key).to_owned(), turn.remove(*key)?))).collect();
        let own =
            serde_path_to_error::deserialize(Value::Object(own)).with_context(|| format!("turn {number}"))?;
        let mut merged = case.clone();
        NOT_INHERITED.iter().for_each(|key| drop(merged.remove(*key)));
        if turn.contains_key("upstream") || turn.contains_key("attempts") {
            merged.remove("upstream");
            merged.remove("attempts");
        }
        merged.insert("name".into(), Value::String(number.to_string()));
        let mut merged = Value::Object(merged);
        merge(&mut merged, Value::Object(turn));
        let body = serde_path_to_error::deserialize(merged).with_context(|| format!("turn {number}"))?;
        Ok(Turn { own, body })
    }
}
