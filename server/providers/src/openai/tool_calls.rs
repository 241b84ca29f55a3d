//! Repairs the tool calls of streams whose upstreams do not follow OpenAI's to the letter.
//!
//! OpenAI's clients put a call together by its `index`, and append every other text: a call without an index is an error to
//! them, and a name or an id that comes twice becomes one that nobody knows. An event without such a quirk stays the bytes
//! that it is; most events are not even looked at.

use std::collections::BTreeMap;

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Value};

/// More calls than any model makes in one answer; those beyond go on as they came.
const CALLS_MAX: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Repair {
    /// By choice, in the order in which they began.
    choices: BTreeMap<u64, Vec<Call>>,
    calls: usize,
}

/// What was told of a call.
#[derive(Debug, Default)]
struct Call {
    /// As callers see it.
    index: u64,
    id: String,
    name: String,
    /// As the upstream has it; `None` where it does not say.
    upstream_index: Option<u64>,
}

impl Repair {
    /// The event as callers can read it; `None` where it is that already.
    pub(super) fn repaired(&mut self, json: &[u8]) -> Option<Bytes> {
        memmem::find(json, b"\"tool_calls\"")?;
        let mut chunk: Value = serde_json::from_slice(json).ok()?;
        let mut has_changed = false;
        for (at, choice) in chunk.get_mut("choices")?.as_array_mut()?.iter_mut().enumerate() {
            let choice_index = choice.get("index").and_then(Value::as_u64).unwrap_or(at as u64);
            let items = choice.get_mut("delta").and_then(|delta| delta.get_mut("tool_calls"));
            for item in items.and_then(Value::as_array_mut).into_iter().flatten() {
                if let Value::Object(item) = item {
                    has_changed |= self.item(choice_index, item);
                }
            }
        }
        if !has_changed {
            return None;
        }
        serde_json::to_vec(&chunk).ok().map(Bytes::from)
    }

    fn item(&mut self, choice: u64, item: &mut Map<String, Value>) -> bool {
        let id = text(item.get("id"));
        let name = text(item.get("function").and_then(|function| function.get("name")));
        let upstream_index = item.get("index").and_then(Value::as_u64);
        let calls = self.choices.entry(choice).or_default();
        let known = find(calls, upstream_index, &id, &name);
        let at = match known {
            Some(at) => at,
            None if self.calls == CALLS_MAX => return false,
            None => {
                self.calls += 1;
                let index = free(calls, upstream_index);
                calls.push(Call { index, upstream_index, ..Call::default() });
                calls.len() - 1
            }
        };
        let call = &mut calls[at];
        let mut has_changed = upstream_index != Some(call.index);
        if has_changed {
            item.insert("index".to_owned(), call.index.into());
        }
        has_changed |= once(&mut call.id, &id, item, "id");
        if let Some(Value::Object(function)) = item.get_mut("function") {
            has_changed |= once(&mut call.name, &name, function, "name");
            if function.get("arguments") == Some(&Value::Null) {
                function.insert("arguments".to_owned(), "".into());
                has_changed = true;
            }
        }
        if known.is_some() && item.get("type") == Some(&Value::Null) {
            item.remove("type");
            has_changed = true;
        }
        has_changed
    }
}

/// Which call an item goes on with; `None` for a new one.
fn find(calls: &[Call], upstream_index: Option<u64>, id: &str, name: &str) -> Option<usize> {
    if let Some(index) = upstream_index {
        // The last of that index: some upstreams give every call of an answer the same.
        let at = calls.iter().rposition(|call| call.upstream_index == Some(index))?;
        let is_another = !id.is_empty() && !name.is_empty() && !calls[at].id.is_empty() && calls[at].id != id;
        return if is_another { calls.iter().position(|call| call.id == id) } else { Some(at) };
    }
    if !id.is_empty() {
        return calls.iter().position(|call| call.id == id);
    }
    // A name begins a call; anything else goes on with the last one.
    if name.is_empty() { calls.len().checked_sub(1) } else { None }
}

/// The upstream's own index where no other call has it, else the next.
fn free(calls: &[Call], upstream_index: Option<u64>) -> u64 {
    let is_free = |index: &u64| calls.iter().all(|call| call.index != *index);
    let next = calls.iter().map(|call| call.index.saturating_add(1)).max().unwrap_or(0);
    upstream_index.filter(is_free).unwrap_or(next)
}

/// Lets a text through the first time that it says something, and never null.
fn once(told: &mut String, said: &str, object: &mut Map<String, Value>, member: &str) -> bool {
    if told.is_empty() && !said.is_empty() {
        *told = said.to_owned();
        return false;
    }
    let is_repeated = !told.is_empty() && object.contains_key(member);
    let is_null = object.get(member) == Some(&Value::Null);
    if is_repeated || is_null {
        object.remove(member);
    }
    is_repeated || is_null
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
