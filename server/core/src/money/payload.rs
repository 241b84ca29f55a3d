//! What the gateway adds to an answer's JSON: `usage.cost` for callers who ask for it, and `usage` of embeddings where the
//! upstream did not count. Everything else stays the bytes that it was.

use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::usd::Usd;

type Members = IndexMap<String, Box<RawValue>>;

/// `json` with `cost` in its `usage`; unchanged where there is no `usage` to put it in.
pub(crate) fn with_cost(json: &Bytes, cost: Usd) -> Bytes {
    added(json, cost).map_or_else(|| json.clone(), Bytes::from)
}

fn added(json: &[u8], cost: Usd) -> Option<Vec<u8>> {
    let mut answer: Members = serde_json::from_slice(json).ok()?;
    let mut usage: Members = serde_json::from_str(answer.get("usage")?.get()).ok()?;
    // A decimal is a JSON number as it stands; no float has to hold it.
    usage.insert("cost".to_owned(), RawValue::from_string(cost.to_string()).ok()?);
    answer.insert("usage".to_owned(), serde_json::value::to_raw_value(&usage).ok()?);
    serde_json::to_vec(&answer).ok()
}

/// `json` with the `usage` of embeddings, whatever it had. What callers are told is what the books have.
pub(crate) fn with_input_tokens(json: &Bytes, tokens: u64) -> Bytes {
    let added = || {
        let mut answer: Members = serde_json::from_slice(json).ok()?;
        let usage = format!(r#"{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}"#);
        answer.insert("usage".to_owned(), RawValue::from_string(usage).ok()?);
        serde_json::to_vec(&answer).ok()
    };
    added().map_or_else(|| json.clone(), Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_are_told_what_the_books_have() {
        for (json, expected) in [
            (r#"{"data":[1.50]}"#, r#"{"data":[1.50],"usage":{"prompt_tokens":7,"total_tokens":7}}"#),
            (r#"{"usage":null,"a":1}"#, r#"{"usage":{"prompt_tokens":7,"total_tokens":7},"a":1}"#),
        ] {
            assert_eq!(with_input_tokens(&Bytes::from_static(json.as_bytes()), 7), expected, "{json}");
        }
    }

    #[test]
    fn the_cost_goes_into_usage_and_nothing_else_changes() {
        let cost = Usd::from_nano(38_000);
        for (json, expected) in [
            (
                r#"{"z":1.50,"usage":{"total_tokens":3,"x":[1, 2]},"a":"é"}"#,
                r#"{"z":1.50,"usage":{"total_tokens":3,"x":[1, 2],"cost":0.000038},"a":"é"}"#,
            ),
            (r#"{"usage":{"cost":7,"b":1}}"#, r#"{"usage":{"cost":0.000038,"b":1}}"#),
            (r#"{"usage":null}"#, r#"{"usage":null}"#),
            (r#"{"choices":[]}"#, r#"{"choices":[]}"#),
            ("nope", "nope"),
        ] {
            assert_eq!(with_cost(&Bytes::from_static(json.as_bytes()), cost), expected, "{json}");
        }
    }
}
