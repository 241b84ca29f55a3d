//! What a status that no provider gave means: how far a call had come when its worker failed.

use std::error::Error as StdError;

use tonic::{ConnectError, Status};

/// True only if the worker cannot have begun the call: another may be asked without doing anything twice.
pub(super) fn was_not_begun(status: &Status) -> bool {
    sources(status).any(|error| {
        if error.is::<ConnectError>() {
            return true;
        }
        // The peer says itself that it did not look at the stream (RFC 9113 §8.7).
        error.downcast_ref::<h2::Error>().is_some_and(|error| {
            error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
        })
    })
}

/// In one line, with what lies under it.
pub(super) fn described(status: &Status) -> String {
    let mut text = format!("{:?}: {}", status.code(), status.message());
    for error in sources(status) {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn sources(status: &Status) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let mut next = status.source();
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// A worker failed, and not the provider behind it.
#[derive(Debug, thiserror::Error)]
#[error("the worker {url} failed: {reason}")]
pub(super) struct WorkerFailed {
    pub url: String,
    pub reason: String,
}
