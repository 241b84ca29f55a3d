//! Gemini's pieces as chunks.
//!
//! No terminal event: the stream is whole if every candidate has said why it finished when the upstream closes.

use std::collections::BTreeMap;

use super::citations::Characters;
use super::logprobs::LogprobsResult;
use super::response::signed;
use super::wire::{self, Answer, Candidate, Part, UsageMetadata};
use crate::sse::Event;
use crate::translate::chunks::{Chunks, Delta, FunctionDelta, ToolCallDelta};
use crate::translate::events::{Fault, Progress, Translate};

/// More candidates than Gemini ever makes; each costs memory.
const CANDIDATES_MAX: usize = 128;

#[derive(Default)]
pub(super) struct Reader {
    candidates: BTreeMap<u64, Told>,
    usage: Option<UsageMetadata>,
}

/// What has been told of one candidate.
#[derive(Default)]
struct Told {
    tool_calls: u64,
    reasoning_details: u64,
    has_finished: bool,
    characters: Characters,
}

impl Translate for Reader {
    fn event(&mut self, event: &Event, out: &mut Chunks) -> Result<Progress, Fault> {
        let answer: Answer = serde_json::from_slice(&event.data)
            .map_err(|_| Fault::Malformed("it sent an event that its API does not have"))?;
        if answer.error.is_some() {
            return Err(Fault::Reported);
        }
        if out.id.is_empty() {
            out.id = answer.response_id.unwrap_or_default();
            out.model = answer.model_version.unwrap_or_default();
        }
        self.usage = answer.usage_metadata.or(self.usage);
        if let Some(reason) = answer.prompt_feedback.and_then(|feedback| feedback.block_reason) {
            self.refuse(&reason, out)?;
        }
        answer.candidates.into_iter().try_for_each(|candidate| self.candidate(candidate, out))?;
        Ok(Progress::More)
    }

    fn end(&mut self, out: &mut Chunks) -> Result<(), Fault> {
        if self.candidates.is_empty() || self.candidates.values().any(|told| !told.has_finished) {
            return Err(Fault::Truncated("it ended without a finishReason"));
        }
        if let Some(usage) = &self.usage {
            out.usage(&usage.usage());
        }
        Ok(())
    }
}

impl Reader {
    fn refuse(&mut self, reason: &str, out: &mut Chunks) -> Result<(), Fault> {
        self.told(0, out)?.has_finished = true;
        let refusal = wire::blocked(reason);
        out.finish(0, Delta { refusal: Some(&refusal), ..Delta::default() }, "content_filter");
        Ok(())
    }

    /// Opens a candidate at its first mention.
    fn told(&mut self, index: u64, out: &mut Chunks) -> Result<&mut Told, Fault> {
        if !self.candidates.contains_key(&index) {
            if self.candidates.len() == CANDIDATES_MAX {
                return Err(Fault::Malformed("it sent more candidates than were asked for"));
            }
            out.delta(index, Delta { role: Some("assistant"), content: Some(""), ..Delta::default() });
        }
        let told = self.candidates.entry(index).or_default();
        if told.has_finished {
            return Err(Fault::Malformed("it went on after a candidate's finishReason"));
        }
        Ok(told)
    }

    fn candidate(&mut self, candidate: Candidate, out: &mut Chunks) -> Result<(), Fault> {
        let index = candidate.index;
        let told = self.told(index, out)?;
        for part in candidate.content.into_iter().flat_map(|content| content.parts) {
            told.part(index, part, out);
        }
        if let Some(logprobs) = candidate.logprobs_result.and_then(LogprobsResult::logprobs) {
            out.logprobs(index, &logprobs);
        }
        let annotations =
            candidate.citation_metadata.map(|citations| citations.annotations(&told.characters));
        if let Some(annotations) = annotations.filter(|annotations| !annotations.is_empty()) {
            out.delta(index, Delta { annotations: &annotations, ..Delta::default() });
        }
        if let Some(reason) = candidate.finish_reason {
            told.has_finished = true;
            let reason = wire::finish_reason(&reason, told.tool_calls > 0);
            let refusal = candidate.finish_message.filter(|_| reason == "content_filter");
            out.finish(index, Delta { refusal: refusal.as_deref(), ..Delta::default() }, &reason);
        }
        Ok(())
    }
}

impl Told {
    fn part(&mut self, index: u64, part: Part, out: &mut Chunks) {
        let mut call_id = None;
        if let Some(call) = part.function_call {
            let id = wire::call_id(&call, &out.id, index, self.tool_calls);
            // Calls come whole.
            let arguments = wire::arguments(&call);
            let call = ToolCallDelta {
                index: self.tool_calls,
                id: Some(&id),
                kind: Some("function"),
                function: FunctionDelta { name: Some(&call.name), arguments: &arguments },
            };
            out.delta(index, Delta { tool_calls: Some([call]), ..Delta::default() });
            self.tool_calls += 1;
            call_id = Some(id);
        }
        match part.text.filter(|text| !text.is_empty()) {
            Some(text) if part.thought => {
                out.delta(index, Delta { reasoning_content: Some(&text), ..Delta::default() });
            }
            Some(text) => {
                self.characters.push(&text);
                out.delta(index, Delta { content: Some(&text), ..Delta::default() });
            }
            None => {}
        }
        if let Some(signature) = part.thought_signature {
            let detail = signed(self.reasoning_details, signature, call_id);
            self.reasoning_details += 1;
            out.delta(index, Delta { reasoning_details: &[detail], ..Delta::default() });
        }
    }
}
