//! The port for the public keys that tokens are signed with: a document that somebody else keeps, and changes.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::BoxError;

pub trait KeySetSource: Send + Sync + 'static {
    /// The whole JWKS document (RFC 7517) as it is now. Bounded in time and size.
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, BoxError>>;
}
