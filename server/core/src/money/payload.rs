//! What the gateway adds to an answer's JSON: `usage.cost` for callers who ask for it, and `usage` where the upstream did not
//! count. Everything else stays the bytes that it was.

use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::usd::Usd;
use crate::provider::TokenUsage;

type Members = IndexMap<String, Box<RawValue>>;

/// `json` with its members changed; as it is, where they cannot be.
fn changed(json: &Bytes, change: impl FnOnce(&mut Members) -> Option<()>) -> Bytes {
    let made = || {
        let mut answer: Members = serde_json::from_slice(json).ok()?;
        change(&mut answer)?;
        serde_json::to_vec(&answer).ok()
    };
    made().map_or_else(|| json.clone(), Bytes::from)
}

/// `json` with `cost` in its `usage`; unchanged where there is no `usage` to put it in.
pub(crate) fn with_cost(json: &Bytes, cost: Usd) -> Bytes {
    changed(json, |answer| {
        let mut usage: Members = serde_json::from_str(answer.get("usage")?.get()).ok()?;
        // A decimal is a JSON number as it stands; no float has to hold it.
        usage.insert("cost".to_owned(), RawValue::from_string(cost.to_string()).ok()?);
        answer.insert("usage".to_owned(), serde_json::value::to_raw_value(&usage).ok()?);
        Some(())
    })
}

/// `json` with these counts in its `usage`, marked as an estimate. What callers are told is what the books have.
pub(crate) fn with_estimate(json: &Bytes, usage: &TokenUsage) -> Bytes {
    changed(json, |answer| put_estimate(answer, usage))
}

/// The chunk that a stream's estimated counts come in, after `last`, whose names it has; `None` if that is no chunk.
pub(crate) fn estimate_chunk(last: &[u8], usage: &TokenUsage) -> Option<Bytes> {
    const NAMES: [&str; 5] = ["id", "object", "created", "model", "system_fingerprint"];
    let mut chunk: Members = serde_json::from_slice(last).ok()?;
    chunk.retain(|name, _| NAMES.contains(&name.as_str()));
    chunk.insert("choices".to_owned(), RawValue::from_string("[]".to_owned()).ok()?);
    put_estimate(&mut chunk, usage)?;
    serde_json::to_vec(&chunk).ok().map(Bytes::from)
}

fn put_estimate(answer: &mut Members, usage: &TokenUsage) -> Option<()> {
    let told = answer.get("usage").and_then(|usage| serde_json::from_str(usage.get()).ok());
    let mut told: Members = told.unwrap_or_default();
    for (name, count) in [
        ("prompt_tokens", usage.prompt),
        ("completion_tokens", usage.completion),
        ("total_tokens", usage.total),
    ] {
        told.insert(name.to_owned(), serde_json::value::to_raw_value(&count).ok()?);
    }
    told.insert("estimated".to_owned(), serde_json::value::to_raw_value(&true).ok()?);
    answer.insert("usage".to_owned(), serde_json::value::to_raw_value(&told).ok()?);
    Some(())
}

/// `json` with the `usage` of embeddings, whatever it had. What callers are told is what the books have.
pub(crate) fn with_input_tokens(json: &Bytes, tokens: u64) -> Bytes {
    changed(json, |answer| {
        let usage = format!(r#"{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}"#);
        answer.insert("usage".to_owned(), RawValue::from_string(usage).ok()?);
        Some(())
    })
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
    fn an_estimate_replaces_no_other_member() {
        let estimate = TokenUsage { prompt: 7, completion: 2, total: 9, ..TokenUsage::default() };
        const COUNTS: &str = r#""prompt_tokens":7,"completion_tokens":2,"total_tokens":9,"estimated":true"#;
        for (json, expected) in [
            (r#"{"z":1.50}"#, format!(r#"{{"z":1.50,"usage":{{{COUNTS}}}}}"#)),
            (r#"{"usage":null,"a":[1, 2]}"#, format!(r#"{{"usage":{{{COUNTS}}},"a":[1, 2]}}"#)),
            (r#"{"usage":{"seconds":0.50}}"#, format!(r#"{{"usage":{{"seconds":0.50,{COUNTS}}}}}"#)),
            ("nope", "nope".to_owned()),
        ] {
            assert_eq!(with_estimate(&Bytes::from_static(json.as_bytes()), &estimate), expected, "{json}");
        }
        let last = br#"{"id":"c","created":5,"model":"m","choices":[{"index":0}],"x":1}"#;
        let chunk = format!(r#"{{"id":"c","created":5,"model":"m","choices":[],"usage":{{{COUNTS}}}}}"#);
        assert_eq!(estimate_chunk(last, &estimate), Some(chunk.into()));
        assert_eq!(estimate_chunk(b"[1]", &estimate), None);
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
