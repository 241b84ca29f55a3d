//! What all rounds of a request have cost together, and how its caller is told.
//!
//! Each round is reserved and settled by itself, so the books have what the upstream counted whatever happens to the next. The
//! caller sees one answer, and so one `usage`: the sum, number by number, of whatever the rounds reported.

use bytes::Bytes;
use serde_json::{Map, Number, Value};

use crate::charge::Settled;
use crate::money::Usd;
use crate::provider::TokenUsage;

#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    pub usage: TokenUsage,
    pub cost: Usd,
    pub is_estimate: bool,
    /// As the rounds told it; `None` while none has.
    told: Option<Map<String, Value>>,
}

impl Spent {
    /// One more round has ended. `told` is its `usage`.
    pub fn add(&mut self, settled: &Settled, told: Option<&Map<String, Value>>) {
        self.usage = self.usage.plus(&settled.usage);
        self.cost = self.cost.plus(settled.cost);
        self.is_estimate |= settled.is_estimate;
        if let Some(told) = told {
            add_members(self.told.get_or_insert_default(), told);
        }
    }

    /// `json`, whose `usage` is its own round's, with that of all. `is_added`: its round is among them.
    pub fn shown_in(&self, json: &Bytes, is_added: bool) -> Bytes {
        edited(json, |answer| {
            let own = answer.get("usage").and_then(Value::as_object);
            let mut sum = self.told.clone();
            if let (Some(own), false) = (own, is_added) {
                add_members(sum.get_or_insert_default(), own);
            }
            if let Some(sum) = sum {
                answer.insert("usage".to_owned(), Value::Object(sum));
            }
        })
    }
}

/// `json` with its members changed; as it is, if it is no object.
pub(crate) fn edited(json: &Bytes, edit: impl FnOnce(&mut Map<String, Value>)) -> Bytes {
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(json) else { return json.clone() };
    edit(&mut members);
    serde_json::to_vec(&members).map_or_else(|_| json.clone(), Bytes::from)
}

/// Numbers are added, at any depth; of what is no number, the later stays.
fn add_members(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Value::Object(into)), Value::Object(from)) => add_members(into, from),
            (Some(Value::Number(into)), Value::Number(from)) => *into = sum(into, from),
            // One round says null where another counts.
            (Some(Value::Number(_) | Value::Object(_)), Value::Null) => {}
            _ => _ = into.insert(name.clone(), value.clone()),
        }
    }
}

fn sum(a: &Number, b: &Number) -> Number {
    if let (Some(a), Some(b)) = (a.as_u64(), b.as_u64()) {
        return a.saturating_add(b).into();
    }
    let both = a.as_f64().zip(b.as_f64()).and_then(|(a, b)| Number::from_f64(a + b));
    both.unwrap_or_else(|| b.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounds_report_is_added_number_by_number() {
        let settled = |prompt, is_estimate| {
            let usage = TokenUsage { prompt, completion: 1, total: prompt + 1, ..TokenUsage::default() };
            Settled { usage, is_estimate, cost: Usd::from_nano(5) }
        };
        let map = |json: &str| serde_json::from_str::<Map<String, Value>>(json).unwrap();
        let mut spent = Spent::default();
        let first =
            r#"{"prompt_tokens":7,"total_tokens":8,"x":0.5,"details":{"cached":2,"a":null},"kind":"p"}"#;
        spent.add(&settled(7, false), Some(&map(first)));
        let estimate = r#"{"prompt_tokens":10,"completion_tokens":1,"total_tokens":11,"estimated":true}"#;
        spent.add(&settled(10, true), Some(&map(estimate)));
        let last =
            r#"{"prompt_tokens":9,"total_tokens":10,"x":0.25,"details":{"cached":null,"a":1},"kind":"q"}"#;
        let expected = r#"{"z":1,"usage":{"prompt_tokens":26,"total_tokens":29,"x":0.75,"details":{"cached":2,"a":1},"kind":"q","completion_tokens":1,"estimated":true}}"#;
        let json = Bytes::from(format!(r#"{{"z":1,"usage":{last}}}"#));
        assert_eq!(spent.shown_in(&json, false), expected);
        spent.add(&settled(9, false), Some(&map(last)));
        assert_eq!(spent.shown_in(&json, true), expected);
        assert_eq!((spent.usage.total, spent.cost.nano, spent.is_estimate), (29, 15, true));
        let silent = Bytes::from_static(b"{\"a\":1}");
        assert_eq!(Spent::default().shown_in(&silent, true), silent);
    }
}
