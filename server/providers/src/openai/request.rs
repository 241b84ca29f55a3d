//! The bytes that go to the upstream: the caller's own wherever possible.
//!
//! Three ways, cheapest first: unchanged; `stream_options` spliced in behind the opening brace; rewritten member by member,
//! where a name or an option must change. No way decodes a member that does not change. Vendors with [`Quirks`] get the third
//! way only, and what they have no words for is a 400.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr, memmem};
use novai_core::{ChatCall, EmbeddingCall, Error};
use serde_json::value::RawValue;

use super::quirks::{self, Quirks};
use crate::embeddings::Batch;
use crate::members::{Members, Object};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    AsIs,
    /// A stream whose usage the gateway wants to know; core hides it from callers who do not.
    StreamWithUsage,
}

pub(super) fn body(call: &ChatCall, kind: Kind, quirks: &Quirks) -> Result<Bytes, Error> {
    if !quirks.has_none_for_chats() {
        quirks.check(&call.request)?;
        let add_usage = kind == Kind::StreamWithUsage;
        return quirks.chat(&call.raw, &call.request, &call.upstream_model, add_usage).map_err(not_an_object);
    }
    let renamed = (call.request.model != *call.upstream_model).then_some(&*call.upstream_model);
    let usage_missing = kind == Kind::StreamWithUsage
        && call.request.stream_options.as_ref().and_then(|options| options.include_usage) != Some(true);
    // The gateway's own: OpenAI refuses what it does not know.
    let drop_usage = call.request.usage.is_some();
    if renamed.is_none() && !drop_usage {
        if !usage_missing {
            return Ok(call.raw.clone());
        }
        // Absent when decoded may still be `null` in the text, and a second member of that name would be worse than a
        // rewrite.
        if call.request.stream_options.is_none()
            && memmem::find(&call.raw, b"stream_options").is_none()
            && let Some(spliced) = splice(&call.raw)
        {
            return Ok(spliced);
        }
    }
    rewrite(&call.raw, renamed, usage_missing, drop_usage).map_err(not_an_object)
}

/// A request for the embeddings of one batch.
pub(super) fn embeddings(call: &EmbeddingCall, batch: &Batch<'_>, quirks: &Quirks) -> Result<Bytes, Error> {
    let renamed = call.request.model != *call.upstream_model;
    let others = quirks.embeddings_renamed;
    if !renamed && batch.is_whole() && others.is_empty() {
        return Ok(call.raw.clone());
    }
    let replaced = || -> serde_json::Result<Bytes> {
        let members: Members<'_> = serde_json::from_slice(&call.raw)?;
        let mut out = Object::with_capacity(call.raw.len() + 64);
        for (name, value) in &members.0 {
            match name.as_str() {
                "model" => out.member(name, &serde_json::to_string(&*call.upstream_model)?),
                "input" if !batch.is_whole() => out.member(name, &serde_json::to_string(batch)?),
                name if quirks::is_overruled(others, name, &members.0) => {}
                name => out.member(quirks::new_name(others, name), value.get()),
            }
        }
        Ok(out.finish())
    };
    replaced().map_err(not_an_object)
}

fn not_an_object(error: serde_json::Error) -> Error {
    Error::InvalidRequest { param: None, reason: format!("the body is not a JSON object: {error}") }
}

pub(super) const USAGE_OPTIONS: &str = r#"{"include_usage":true}"#;
const USAGE_MEMBER: &[u8] = br#""stream_options":{"include_usage":true}"#;

fn splice(raw: &[u8]) -> Option<Bytes> {
    let open = memchr(b'{', raw)?;
    let rest = &raw[open + 1..];
    let first = rest.iter().find(|byte| !byte.is_ascii_whitespace())?;
    let mut out = BytesMut::with_capacity(raw.len() + USAGE_MEMBER.len() + 1);
    out.put_slice(b"{");
    out.put_slice(USAGE_MEMBER);
    if *first != b'}' {
        out.put_slice(b",");
    }
    out.put_slice(rest);
    Some(out.freeze())
}

fn rewrite(raw: &[u8], model: Option<&str>, add_usage: bool, drop_usage: bool) -> serde_json::Result<Bytes> {
    let members: Members<'_> = serde_json::from_slice(raw)?;
    let mut out = Object::with_capacity(raw.len() + 64);
    let mut usage_added = !add_usage;
    for (name, value) in members.0 {
        match (name.as_str(), model) {
            ("usage", _) if drop_usage => {}
            ("model", Some(model)) => out.member(&name, &serde_json::to_string(model)?),
            ("stream_options", _) if !usage_added => {
                usage_added = true;
                out.member(&name, &with_usage(value)?);
            }
            _ => out.member(&name, value.get()),
        }
    }
    if !usage_added {
        out.member("stream_options", USAGE_OPTIONS);
    }
    Ok(out.finish())
}

/// The caller's own options with `include_usage` set; `null` counts as none.
pub(super) fn with_usage(options: &RawValue) -> serde_json::Result<String> {
    let members: Option<Members<'_>> = serde_json::from_str(options.get())?;
    let mut out = Object::with_capacity(options.get().len() + 32);
    for (name, value) in members.into_iter().flat_map(|members| members.0) {
        if name != "include_usage" {
            out.member(&name, value.get());
        }
    }
    out.member("include_usage", "true");
    Ok(String::from_utf8_lossy(&out.finish()).into_owned())
}

#[cfg(test)]
mod tests;
