//! How likely tokens were: Gemini's two parallel lists as OpenAI's one.

use novai_types::{Logprobs, TokenLogprob, TopLogprob};
use serde::Deserialize;

/// `avgLogprobs` beside it says nothing that these do not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogprobsResult {
    #[serde(default)]
    chosen_candidates: Vec<Likely>,
    #[serde(default)]
    top_candidates: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    #[serde(default)]
    candidates: Vec<Likely>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Likely {
    #[serde(default)]
    token: String,
    #[serde(default)]
    log_probability: f64,
}

impl LogprobsResult {
    /// `None` where it tells of no token. Bytes stay unknown: Gemini has text only, and a token may be a part of a character.
    pub(super) fn logprobs(self) -> Option<Logprobs> {
        let mut steps = self.top_candidates.into_iter();
        let entry = |chosen: Likely| {
            let top = steps.next().into_iter().flat_map(|step| step.candidates);
            let top = top.map(|likely| TopLogprob::new(likely.token, likely.log_probability)).collect();
            let mut entry = TokenLogprob::new(chosen.token, chosen.log_probability);
            entry.top_logprobs = Some(top);
            entry
        };
        let content: Vec<TokenLogprob> = self.chosen_candidates.into_iter().map(entry).collect();
        (!content.is_empty()).then(|| Logprobs { content: Some(content), ..Logprobs::default() })
    }
}
