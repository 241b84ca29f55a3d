//! Answers of vendors that call what a model thinks `reasoning`, in the words of this API.
//!
//! OpenAI's API has no such member. DeepSeek's name, `reasoning_content`, is what most clients read, and what every other adaptor
//! here writes. Start at [`renamed`]; requests go the other way by [`RENAMED`].

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Value};

use super::quirks::Renamed;

const OURS: &str = "reasoning_content";
const THEIRS: &str = "reasoning";

/// In messages that are sent back.
pub(super) const RENAMED: Renamed = &[(OURS, THEIRS)];

/// The answer, or one event of a stream, as callers read it; `None` where it is that already.
pub(super) fn renamed(json: &[u8]) -> Option<Bytes> {
    memmem::find(json, b"\"reasoning\"")?;
    let mut answer: Value = serde_json::from_slice(json).ok()?;
    let mut has_changed = false;
    for choice in answer.get_mut("choices")?.as_array_mut()? {
        for part in ["delta", "message"] {
            if let Some(Value::Object(said)) = choice.get_mut(part) {
                has_changed |= rename(said);
            }
        }
    }
    if !has_changed {
        return None;
    }
    serde_json::to_vec(&answer).ok().map(Bytes::from)
}

/// Some say both during a change of names; then ours stands, and theirs beside it, as any member that is not known here.
fn rename(said: &mut Map<String, Value>) -> bool {
    let is_said = |name| said.get(name).is_some_and(Value::is_string);
    if is_said(OURS) || !is_said(THEIRS) {
        return false;
    }
    let Some(text) = said.shift_remove(THEIRS) else { return false };
    said.insert(OURS.to_owned(), text);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_and_nothing_else_does() {
        for (json, expected) in [
            (
                r#"{"id":"a","choices":[{"delta":{"role":"assistant","reasoning":"So\n","content":""}}],"x":1.50}"#,
                Some(
                    r#"{"id":"a","choices":[{"delta":{"role":"assistant","content":"","reasoning_content":"So\n"}}],"x":1.5}"#,
                ),
            ),
            (
                r#"{"choices":[{"message":{"reasoning":"a","reasoning_content":null}},{"message":{"content":"b"}}]}"#,
                Some(r#"{"choices":[{"message":{"reasoning_content":"a"}},{"message":{"content":"b"}}]}"#),
            ),
            // Said already; says nothing; is no text; is somewhere else; is a value.
            (r#"{"choices":[{"delta":{"reasoning":"a","reasoning_content":"a"}}]}"#, None),
            (r#"{"choices":[{"delta":{"reasoning":null}}]}"#, None),
            (r#"{"choices":[{"delta":{"reasoning":{"effort":"high"}}}]}"#, None),
            (r#"{"choices":[{"delta":{}}],"reasoning":"a"}"#, None),
            (r#"{"choices":[{"delta":{"content":"reasoning"}}]}"#, None),
            (r#"{"choices":[{"delta":{"content":"\"reasoning\""}}]}"#, None),
            (r#"{"choices":{"reasoning":"a"}}"#, None),
            (r#"{"choices":[null,{"delta":7}],"reasoning":1}"#, None),
        ] {
            let found = renamed(json.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{json}");
        }
    }
}
