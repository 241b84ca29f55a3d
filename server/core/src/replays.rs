//! Answers that were given before, under the key that their caller chose: the same request again gets the same answer, and
//! is charged once.
//!
//! This is the port of what outlives a process and what replicas share. What an answer looks like is its user's business;
//! here it is bytes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::BoxError;

/// How long an answer can be had again.
pub const KEPT_S: u64 = 24 * 3600;

/// Whose request it is, and the key they gave it. A key belongs to its caller: others' are others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReplayName {
    pub caller: Arc<str>,
    pub key: Box<str>,
}

/// SHA-256 of the request's body: one that differs is another request.
pub type BodyHash = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    pub head: Bytes,
    pub body: Bytes,
}

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nothing. It is the asker's now, until it is kept or released.
    New,
    /// A twin runs, here or elsewhere.
    Running,
    /// It was used with another body.
    Changed,
    Answered(KeptAnswer),
}

#[derive(Debug, thiserror::Error)]
#[error("what was answered before cannot be looked up")]
pub struct ReplayError(#[source] pub BoxError);

pub trait ReplayStore: Send + Sync + 'static {
    /// Of several askers, one gets [`Claim::New`]. Whoever drops the future must call [`ReplayStore::release`].
    fn claim<'a>(
        &'a self,
        name: &'a ReplayName,
        body: &'a BodyHash,
    ) -> BoxFuture<'a, Result<Claim, ReplayError>>;

    /// Ends a claim with its answer. Written a moment later, or not at all where there is no room.
    fn keep(&self, name: &ReplayName, body: &BodyHash, answer: KeptAnswer);

    /// Ends a claim without an answer: the request may run again. Others' claims stay.
    fn release(&self, name: &ReplayName);

    /// Resolves when everything before is written, or cannot be.
    fn flush(&self) -> BoxFuture<'_, ()>;
}

/// Knows nothing beyond the process.
impl ReplayStore for () {
    fn claim<'a>(&'a self, _: &'a ReplayName, _: &'a BodyHash) -> BoxFuture<'a, Result<Claim, ReplayError>> {
        Box::pin(std::future::ready(Ok(Claim::New)))
    }

    fn keep(&self, _: &ReplayName, _: &BodyHash, _: KeptAnswer) {}

    fn release(&self, _: &ReplayName) {}

    fn flush(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
