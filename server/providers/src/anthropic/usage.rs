//! Anthropic's token counts as OpenAI's.

use novai_types::{PromptTokensDetails, Usage};
use serde::Deserialize;

/// Anthropic counts what it read from its cache and what it wrote to it *beside* `input_tokens`; OpenAI within.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Counts {
    input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Counts {
    /// Later counts of a stream are totals, and leave out what has not changed.
    pub(super) fn update(&mut self, later: Counts) {
        let newer = |slot: &mut Option<u64>, count: Option<u64>| *slot = count.or(*slot);
        newer(&mut self.input_tokens, later.input_tokens);
        newer(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        newer(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        newer(&mut self.output_tokens, later.output_tokens);
    }

    pub(super) fn usage(&self) -> Usage {
        let cached = self.cache_read_input_tokens.unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let prompt = self.input_tokens.unwrap_or(0).saturating_add(cached).saturating_add(written);
        let completion = self.output_tokens.unwrap_or(0);
        let mut usage = Usage::new(prompt, completion, prompt.saturating_add(completion));
        usage.prompt_tokens_details = Some(PromptTokensDetails {
            cached_tokens: Some(cached),
            cache_write_tokens: Some(written),
            ..PromptTokensDetails::default()
        });
        usage
    }
}
