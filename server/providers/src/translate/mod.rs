//! What adaptors for other APIs than OpenAI's share: nothing of the caller's is dropped, and what comes back is OpenAI's.
//!
//! * [`options`]: which options a request sets. An adaptor lists what it translates; anything else is a 400 that names it.
//! * [`content`]: message content as parts with a name for each, and `data:` URLs.
//! * [`calls`]: asks the upstream, whole or streamed.
//! * [`chunks`]: writes the events of a stream.
//! * [`events`]: drives a translated stream; [`events::Translate`] is what an adaptor implements.
//!
//! **Invariant:** nothing here knows a vendor.

pub(crate) mod calls;
pub(crate) mod chunks;
pub(crate) mod content;
#[cfg(test)]
mod documentation;
pub(crate) mod events;
pub(crate) mod options;

use novai_core::Error;

/// A 400 for what the caller asked and this vendor has no words for.
pub(crate) fn refuse(param: impl Into<String>, reason: impl Into<String>) -> Error {
    Error::InvalidRequest { param: Some(param.into()), reason: reason.into() }
}
