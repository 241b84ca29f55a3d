//! Counts tokens as models do whose tokenizers are published, for limits that are nearly used up.
//!
//! About 3 ns per byte of English (60 µs for 20,000 characters), far more for one endless word. Not loaded before somebody
//! needs it: a vocabulary takes 0.2 s and some 10 MB.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use novai_core::limits::TokenEstimator;
use tiktoken::CoreBpe;

/// By name, each loaded once. What others there are takes its place in the bound of bytes.
const VOCABULARIES: [&str; 3] = ["o200k_base", "cl100k_base", "deepseek_v3"];

#[derive(Default)]
pub struct Tokenizers {
    slots: [Arc<Slot>; VOCABULARIES.len()],
}

#[derive(Default)]
struct Slot {
    is_asked_for: AtomicBool,
    vocabulary: OnceLock<&'static CoreBpe>,
}

impl TokenEstimator for Tokenizers {
    /// `None` at first: the vocabulary is loaded beside the requests, not in one.
    fn count(&self, model: &str, json: &str) -> Option<u64> {
        let name = vocabulary_of(model)?;
        let at = VOCABULARIES.iter().position(|known| *known == name)?;
        let slot = &self.slots[at];
        if let Some(vocabulary) = slot.vocabulary.get() {
            return Some(vocabulary.count(json) as u64);
        }
        if !slot.is_asked_for.swap(true, Relaxed) {
            let slot = Arc::clone(slot);
            let loading = std::thread::Builder::new().name("tokenizer".to_owned());
            // Without a thread, bytes go on standing for tokens.
            let _ = loading.spawn(move || {
                if let Some(vocabulary) = tiktoken::get_encoding(name) {
                    let _ = slot.vocabulary.set(vocabulary);
                }
            });
        }
        None
    }
}

/// Routers write `openai/gpt-4o` for `gpt-4o`.
fn vocabulary_of(model: &str) -> Option<&'static str> {
    let name = model.rsplit_once('/').map_or(model, |(_, name)| name);
    tiktoken::model_to_encoding(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts as OpenAI's own tokenizer gives them.
    #[test]
    fn known_models_are_counted_and_others_are_not() {
        let tokenizers = Tokenizers::default();
        let count = |model: &str, text: &str| {
            // Loading takes as long as it takes; nobody but this test waits for it.
            (0..2000).find_map(|_| {
                tokenizers.count(model, text).or_else(|| {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                    None
                })
            })
        };
        assert_eq!(tokenizers.count("novai-sim", "hello"), None);
        assert_eq!(tokenizers.count("claude-sonnet-4", "hello"), None);
        assert_eq!(count("gpt-4o-mini", "hello world"), Some(2));
        assert_eq!(count("openai/gpt-4.1", "tiktoken is great!"), Some(6));
        assert_eq!(count("gpt-4", "tiktoken is great!"), Some(6));
        for model in ["gpt-5-mini", "o3", "gpt-4.1-nano", "chatgpt-4o-latest"] {
            assert_eq!(vocabulary_of(model), Some("o200k_base"), "{model}");
        }
    }
}
