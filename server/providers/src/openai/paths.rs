//! Where each operation is: below the base URL, or below one deployment of Azure's.

use std::borrow::Cow;

use novai_core::Error;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Config;
use super::presets::Paths;
use crate::client::{OriginError, RequestHead};
use crate::upstream::Upstream;

const CHAT: &str = "/chat/completions";
const EMBEDDINGS: &str = "/embeddings";

/// The name of a deployment is one segment of a path, whatever stands in it.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The heads of requests: written once where they are the same for every call.
pub(super) enum Heads {
    Fixed(Box<Fixed>),
    Deployments { api_version: String },
}

pub(super) struct Fixed {
    chat: RequestHead,
    chat_stream: RequestHead,
    embeddings: RequestHead,
    /// `None`: Azure tells which models it has, but not how they are deployed.
    models: Option<RequestHead>,
}

impl Heads {
    pub fn new(upstream: &Upstream, config: &Config) -> Result<Self, OriginError> {
        // Azure's newer API is OpenAI's own, but for the header of the key.
        let is_plain = config.upstream.base_url.trim_end_matches('/').ends_with("/openai/v1");
        let has_deployments = config.preset.paths == Paths::Deployments;
        if has_deployments && !is_plain {
            return Ok(Heads::Deployments { api_version: config.api_version.clone() });
        }
        Ok(Heads::Fixed(Box::new(Fixed {
            chat: upstream.post(CHAT)?,
            chat_stream: upstream.post_for_events(CHAT)?,
            embeddings: upstream.post(EMBEDDINGS)?,
            models: if has_deployments { None } else { Some(upstream.get("/models")?) },
        })))
    }

    pub fn chat(&self, upstream: &Upstream, model: &str) -> Result<Cow<'_, RequestHead>, Error> {
        self.head(model, CHAT, |heads| &heads.chat, |path| upstream.post(path))
    }

    pub fn chat_stream(&self, upstream: &Upstream, model: &str) -> Result<Cow<'_, RequestHead>, Error> {
        self.head(model, CHAT, |heads| &heads.chat_stream, |path| upstream.post_for_events(path))
    }

    pub fn embeddings(&self, upstream: &Upstream, model: &str) -> Result<Cow<'_, RequestHead>, Error> {
        self.head(model, EMBEDDINGS, |heads| &heads.embeddings, |path| upstream.post(path))
    }

    fn head(
        &self,
        model: &str,
        operation: &str,
        fixed: fn(&Fixed) -> &RequestHead,
        written: impl Fn(&str) -> Result<RequestHead, OriginError>,
    ) -> Result<Cow<'_, RequestHead>, Error> {
        match self {
            Heads::Fixed(heads) => Ok(Cow::Borrowed(fixed(heads))),
            // A segment that is percent-encoded cannot fail to be one.
            Heads::Deployments { api_version } => written(&deployed(model, operation, api_version))
                .map(Cow::Owned)
                .map_err(|_| Error::ModelNotFound { model: model.to_owned() }),
        }
    }

    /// `None`: they cannot be asked for.
    pub fn models(&self) -> Option<&RequestHead> {
        match self {
            Heads::Fixed(heads) => heads.models.as_ref(),
            Heads::Deployments { .. } => None,
        }
    }
}

/// An operation of one deployment.
fn deployed(model: &str, operation: &str, api_version: &str) -> String {
    // Dots stay for names such as `gpt-4.1`; alone they would be another place.
    let set = if model.trim_matches('.').is_empty() { NON_ALPHANUMERIC } else { SEGMENT };
    let model = utf8_percent_encode(model, set);
    let api_version = utf8_percent_encode(api_version, SEGMENT);
    format!("/openai/deployments/{model}{operation}?api-version={api_version}")
}
