//! A request as a vendor understands it who follows OpenAI in most things: names changed, what it does not know left out or refused.
//!
//! Start at [`Quirks`]. Members move as the text that they are; only messages are opened, and those only where a role must change
//! or the vendor refuses what clients send back of an answer.
//!
//! **Invariant:** an option that asks for something is passed on or is a 400; none is dropped in silence.

use bytes::Bytes;
use novai_core::Error;
use novai_types::{ChatCompletionRequest, Message, ToolChoice};
use serde_json::value::RawValue;

use super::reasoning;
use super::request::{USAGE_OPTIONS, with_usage};
use crate::members::{Members, Object};
use crate::translate::options::{self, Support};
use crate::translate::refuse;

/// OpenAI's names of members, and the vendor's.
pub(crate) type Renamed = &'static [(&'static str, &'static str)];

/// Where a vendor departs from the API.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quirks {
    pub options: Options,
    /// Members of a chat's request that have another name there. Where both are given, OpenAI's wins.
    pub renamed: Renamed,
    pub embeddings_renamed: Renamed,
    pub messages: Messages,
    /// What a model thinks before it answers is `reasoning` there, in answers and in what is sent back of them; callers have
    /// `reasoning_content` both ways.
    pub says_reasoning: bool,
    /// Understands `stream_options`. Where not, usage comes unasked.
    pub takes_stream_options: bool,
}

/// Which options it has words for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Options {
    /// All; or it says itself, and clearly, which it has not.
    All,
    AllBut {
        vendor: &'static str,
        refused: &'static [&'static str],
    },
    /// It would ignore the others, or refuse them even where they say nothing (`"logprobs": false`).
    Only(Support),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Messages {
    AsTheyAre,
    /// A `developer` is a `system` there.
    SystemForDeveloper,
    /// The same; and an assistant's message must not hold more than content and tool calls, which clients send back with all that
    /// the answer had. Nulls say nothing; reasoning without this vendor's own signature and sources of passages are not read again.
    Bare,
}

impl Quirks {
    pub const NONE: Quirks = Quirks {
        options: Options::All,
        renamed: &[],
        embeddings_renamed: &[],
        messages: Messages::AsTheyAre,
        says_reasoning: false,
        takes_stream_options: true,
    };

    /// Whether requests for chats go out as they come.
    pub fn has_none_for_chats(&self) -> bool {
        matches!(self.options, Options::All)
            && self.renamed.is_empty()
            && self.messages == Messages::AsTheyAre
            && !self.says_reasoning
            && self.takes_stream_options
    }

    /// A 400 for the first option that would otherwise be dropped.
    pub fn check(&self, request: &ChatCompletionRequest) -> Result<(), Error> {
        let mut asked = options::set(request).filter(|option| !is_default(request, option));
        let refused = |vendor, option| refuse(option, options::no_counterpart(vendor, option));
        match &self.options {
            Options::All => Ok(()),
            Options::AllBut { vendor, refused: list } => asked
                .find(|option| list.contains(option))
                .map_or(Ok(()), |option| Err(refused(vendor, option))),
            Options::Only(support) => {
                let unknown = asked.find(|option| !support.knows(option));
                unknown.map_or(Ok(()), |option| Err(refused(support.vendor, option)))
            }
        }
    }

    /// The body of a chat's request. `add_usage`: the gateway wants to know, whatever the caller does.
    pub fn chat(
        &self,
        raw: &[u8],
        request: &ChatCompletionRequest,
        model: &str,
        add_usage: bool,
    ) -> serde_json::Result<Bytes> {
        let Members(members) = serde_json::from_slice(raw)?;
        let mut out = Object::with_capacity(raw.len() + 64);
        let mut usage_missing = add_usage && self.takes_stream_options;
        for (name, value) in &members {
            match name.as_str() {
                // The gateway's own.
                "usage" if request.usage.is_some() => {}
                "model" => out.member(name, &serde_json::to_string(model)?),
                "messages" if self.opens(request) => out.member(name, &self.messages(value)?),
                "stream_options" if !self.takes_stream_options => {}
                "stream_options" if usage_missing => {
                    usage_missing = false;
                    out.member(name, &with_usage(value)?);
                }
                name if self.leaves_out(name) || is_overruled(self.renamed, name, &members) => {}
                name => out.member(new_name(self.renamed, name), value.get()),
            }
        }
        if usage_missing {
            out.member("stream_options", USAGE_OPTIONS);
        }
        Ok(out.finish())
    }

    /// An answer, or an event of one, as callers read it.
    pub fn in_our_words(&self, json: Bytes) -> Bytes {
        match self.says_reasoning {
            true => reasoning::renamed(&json).unwrap_or(json),
            false => json,
        }
    }

    /// Hints, and options that say what leaving them out would: [`Quirks::check`] has seen to the rest.
    fn leaves_out(&self, name: &str) -> bool {
        match &self.options {
            Options::All => false,
            Options::AllBut { refused, .. } => refused.contains(&name),
            Options::Only(support) => options::names().contains(&name) && !support.translated.contains(&name),
        }
    }

    fn opens(&self, request: &ChatCompletionRequest) -> bool {
        request.messages.iter().any(|message| match message {
            Message::Developer(_) => self.messages != Messages::AsTheyAre,
            Message::Assistant(_) => self.messages == Messages::Bare || self.says_reasoning,
            _ => false,
        })
    }

    fn messages(&self, raw: &RawValue) -> serde_json::Result<String> {
        let messages: Vec<Members<'_>> = serde_json::from_str(raw.get())?;
        let mut out = String::with_capacity(raw.get().len() + 8);
        out.push('[');
        for (index, Members(message)) in messages.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let role = |role: &str| message.iter().any(|(name, value)| name == "role" && value.get() == role);
            let is_bare = self.messages == Messages::Bare && role("\"assistant\"");
            let is_developer = self.messages != Messages::AsTheyAre && role("\"developer\"");
            let renamed = if self.says_reasoning { reasoning::RENAMED } else { &[] };
            let mut written = Object::with_capacity(64);
            for (name, value) in &message {
                match name.as_str() {
                    "role" if is_developer => written.member(name, "\"system\""),
                    name if is_bare && is_left_behind(name, value) => {}
                    name if is_overruled(renamed, name, &message) => {}
                    name => written.member(new_name(renamed, name), value.get()),
                }
            }
            out.push_str(&String::from_utf8_lossy(&written.finish()));
        }
        out.push(']');
        Ok(out)
    }
}

/// Of an assistant's message that goes back to a vendor who reads only content and tool calls.
fn is_left_behind(name: &str, value: &RawValue) -> bool {
    match name {
        "content" => false,
        "annotations" | "reasoning_content" | "reasoning_details" => true,
        _ => is_null(value),
    }
}

/// What the API does when the option is left out, said aloud: many clients do.
fn is_default(request: &ChatCompletionRequest, option: &str) -> bool {
    match option {
        "parallel_tool_calls" => request.parallel_tool_calls == Some(true),
        "tool_choice" => {
            matches!(&request.tool_choice, Some(ToolChoice::Mode(mode)) if mode.as_str() == "auto")
        }
        _ => false,
    }
}

pub(super) fn new_name(renamed: Renamed, name: &str) -> &str {
    renamed.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| *new)
}

/// Whether a member stands for what another one says in OpenAI's words; or says nothing, under a name that is not known there.
pub(super) fn is_overruled(renamed: Renamed, name: &str, members: &[(String, &RawValue)]) -> bool {
    let says = |wanted: &str| members.iter().any(|(name, value)| name == wanted && !is_null(value));
    renamed.iter().any(|(old, new)| (*new == name && says(old)) || (*old == name && !says(old)))
}

fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}
