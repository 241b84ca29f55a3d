//! Anthropic's events as chunks.
//!
//! `message_start`, then blocks one after the other (`content_block_start`, `_delta`…, `_stop`), then `message_delta` with
//! the reason and the counts, then `message_stop`. Whatever breaks that order is a stated error: an upstream that splices
//! two answers must not reach a caller as one.

use std::borrow::Cow;

use novai_types::{Annotation, ReasoningDetail};
use serde::Deserialize;
use serde_json::Value;

use super::citations::Citations;
use super::response::{StopDetails, detail, finish_reason};
use super::usage::Counts;
use crate::sse::Event;
use crate::translate::chunks::{Chunks, Delta, FunctionDelta, ToolCallDelta};
use crate::translate::events::{Fault, Progress, Translate};

/// What a citation that comes with its block's beginning counts as: about what real ones are.
const CITATION_BYTES: usize = 512;

/// Every event in one flat shape: a tagged enum would buffer each event first.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    index: Option<u64>,
    #[serde(borrow)]
    message: Option<Start<'a>>,
    #[serde(borrow)]
    content_block: Option<Block<'a>>,
    #[serde(borrow)]
    delta: Option<BlockDelta<'a>>,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(default)]
    usage: Counts,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
    citations: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct BlockDelta<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    partial_json: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    stop_details: Option<StopDetails>,
    citation: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenBlock {
    Text,
    /// With its index among the reasoning details.
    Thinking(usize),
    /// With its index among the tool calls.
    ToolUse(u64),
}

#[derive(Default)]
pub(super) struct Reader {
    has_begun: bool,
    /// The block being told, by Anthropic's index.
    open: Option<(u64, OpenBlock)>,
    tool_calls: u64,
    reasoning_details: usize,
    citations: Citations,
    counts: Counts,
    has_finished: bool,
}

impl Translate for Reader {
    fn event(&mut self, event: &Event, out: &mut Chunks) -> Result<Progress, Fault> {
        let text = std::str::from_utf8(&event.data).map_err(|_| Fault::Malformed("it sent invalid UTF-8"))?;
        let told: Told<'_> = serde_json::from_str(text)
            .map_err(|_| Fault::Malformed("it sent an event that its API does not have"))?;
        match &*told.kind {
            "ping" => {}
            "error" => return Err(Fault::Reported),
            "message_start" => self.begin(told.message, out)?,
            // New kinds of events may be added at any time, and are to be skipped (its API's versioning policy).
            kind if !is_known(kind) => {}
            _ if !self.has_begun => return Err(Fault::Malformed("it sent an event before message_start")),
            "content_block_start" => self.open_block(told.index, told.content_block, out)?,
            "content_block_delta" => self.delta(told.index, told.delta, text.len(), out)?,
            "content_block_stop" => self.close_block(told.index, out)?,
            "message_delta" => self.finish(told.delta, told.usage, out)?,
            _ => return self.stop(out),
        }
        Ok(Progress::More)
    }

    fn end(&mut self, _: &mut Chunks) -> Result<(), Fault> {
        Err(Fault::Truncated("it ended without message_stop"))
    }
}

fn is_known(kind: &str) -> bool {
    matches!(
        kind,
        "content_block_start"
            | "content_block_delta"
            | "content_block_stop"
            | "message_delta"
            | "message_stop"
    )
}

impl Reader {
    fn begin(&mut self, start: Option<Start<'_>>, out: &mut Chunks) -> Result<(), Fault> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Err(Fault::Malformed("it began a second message in the same stream"));
        }
        let start = start.ok_or(Fault::Malformed("its message_start has no message"))?;
        out.id = start.id.into_owned();
        out.model = start.model.into_owned();
        self.counts = start.usage;
        out.delta(0, Delta { role: Some("assistant"), content: Some(""), ..Delta::default() });
        Ok(())
    }

    fn open_block(
        &mut self,
        index: Option<u64>,
        block: Option<Block<'_>>,
        out: &mut Chunks,
    ) -> Result<(), Fault> {
        let (Some(index), Some(block)) = (index, block) else {
            return Err(Fault::Malformed("its content_block_start has no block"));
        };
        if self.open.is_some() || self.has_finished {
            return Err(Fault::Malformed("it began a block before the last one's end"));
        }
        let open = match &*block.kind {
            "text" => {
                self.citations.begin_block();
                for citation in block.citations.into_iter().flatten() {
                    let due = self.citations.add(citation, CITATION_BYTES);
                    annotations(out, &due);
                }
                if let Some(text) = block.text.filter(|text| !text.is_empty()) {
                    self.citations.text(&text);
                    out.delta(0, Delta { content: Some(&text), ..Delta::default() });
                }
                OpenBlock::Text
            }
            "thinking" => OpenBlock::Thinking(self.next_detail()),
            "redacted_thinking" => {
                let at = self.next_detail();
                let data = block.data.map(Cow::into_owned);
                reasoning(out, None, detail(at, "reasoning.encrypted", |detail| detail.data = data));
                OpenBlock::Thinking(at)
            }
            "tool_use" => {
                let (Some(id), Some(name)) = (block.id, block.name) else {
                    return Err(Fault::Malformed("it called a tool without an id or a name"));
                };
                let call = self.tool_calls;
                self.tool_calls += 1;
                let function = FunctionDelta { name: Some(&name), arguments: "" };
                tool_call(
                    out,
                    ToolCallDelta { index: call, id: Some(&id), kind: Some("function"), function },
                );
                OpenBlock::ToolUse(call)
            }
            _ => return Err(Fault::Malformed("it sent a kind of block that was not asked for")),
        };
        self.open = Some((index, open));
        Ok(())
    }

    fn delta(
        &mut self,
        index: Option<u64>,
        delta: Option<BlockDelta<'_>>,
        event_bytes: usize,
        out: &mut Chunks,
    ) -> Result<(), Fault> {
        let (Some((open_index, open)), Some(delta)) = (self.open, delta) else {
            return Err(Fault::Malformed("it sent a delta outside of a block"));
        };
        if index != Some(open_index) {
            return Err(Fault::Malformed("it sent a delta of a block that is not open"));
        }
        match (open, &*delta.kind) {
            (OpenBlock::Text, "text_delta") => {
                self.citations.text(delta.text.as_deref().unwrap_or_default());
                out.delta(0, Delta { content: delta.text.as_deref(), ..Delta::default() });
            }
            (OpenBlock::Thinking(at), "thinking_delta") => {
                let thinking = delta.thinking.unwrap_or_default();
                let piece = detail(at, "reasoning.text", |detail| detail.text = Some(thinking.to_string()));
                reasoning(out, Some(&thinking), piece);
            }
            (OpenBlock::Thinking(at), "signature_delta") => {
                let signature = delta.signature.map(Cow::into_owned);
                reasoning(out, None, detail(at, "reasoning.text", |detail| detail.signature = signature));
            }
            (OpenBlock::ToolUse(call), "input_json_delta") => {
                let arguments = delta.partial_json.unwrap_or_default();
                if !arguments.is_empty() {
                    let function = FunctionDelta { name: None, arguments: &arguments };
                    tool_call(out, ToolCallDelta { index: call, id: None, kind: None, function });
                }
            }
            // Citations come beside the text that they are about, before its end.
            (OpenBlock::Text, "citations_delta") => {
                let due = delta.citation.map(|citation| self.citations.add(citation, event_bytes));
                annotations(out, &due.unwrap_or_default());
            }
            _ => return Err(Fault::Malformed("it sent a delta that does not fit its block")),
        }
        Ok(())
    }

    fn close_block(&mut self, index: Option<u64>, out: &mut Chunks) -> Result<(), Fault> {
        match self.open.take() {
            Some((open, _)) if index == Some(open) => {
                annotations(out, &self.citations.end_block());
                Ok(())
            }
            _ => Err(Fault::Malformed("it ended a block that is not open")),
        }
    }

    fn finish(
        &mut self,
        delta: Option<BlockDelta<'_>>,
        usage: Option<Counts>,
        out: &mut Chunks,
    ) -> Result<(), Fault> {
        self.counts.update(usage.unwrap_or_default());
        let Some((reason, details)) = delta.and_then(|delta| Some((delta.stop_reason?, delta.stop_details)))
        else {
            return Ok(());
        };
        if std::mem::replace(&mut self.has_finished, true) {
            return Err(Fault::Malformed("it finished twice"));
        }
        let explanation = details.and_then(|details| details.explanation).filter(|_| reason == "refusal");
        let delta = Delta { refusal: explanation.as_deref(), ..Delta::default() };
        out.finish(0, delta, finish_reason(&reason));
        Ok(())
    }

    fn stop(&mut self, out: &mut Chunks) -> Result<Progress, Fault> {
        if self.open.is_some() {
            return Err(Fault::Truncated("it ended inside of a block"));
        }
        if !self.has_finished {
            return Err(Fault::Truncated("it ended without a stop_reason"));
        }
        out.usage(&self.counts.usage());
        Ok(Progress::Done)
    }

    fn next_detail(&mut self) -> usize {
        let at = self.reasoning_details;
        self.reasoning_details += 1;
        at
    }
}

fn reasoning(out: &mut Chunks, text: Option<&str>, piece: ReasoningDetail) {
    out.delta(0, Delta { reasoning_content: text, reasoning_details: &[piece], ..Delta::default() });
}

fn annotations(out: &mut Chunks, annotations: &[Annotation]) {
    if !annotations.is_empty() {
        out.delta(0, Delta { annotations, ..Delta::default() });
    }
}

fn tool_call(out: &mut Chunks, call: ToolCallDelta<'_>) {
    out.delta(0, Delta { tool_calls: Some([call]), ..Delta::default() });
}
