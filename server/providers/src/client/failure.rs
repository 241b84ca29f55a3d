//! How a call can fail before anyone looked at what was answered.

use std::time::Duration;

use novai_core::error::{BoxError, Deadline};

use super::framing::BodyFlaw;
use super::head::HeadFlaw;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No address of the upstream could be reached, or its certificate was refused. Nothing was sent.
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    /// The connection ended before the answer did.
    #[error("the connection broke")]
    Broken(#[source] BoxError),
    /// The upstream speaks something that is not HTTP/1.1.
    #[error("not an HTTP answer")]
    NotHttp(#[source] BoxError),
    #[error("the {deadline} deadline of {} ms passed", limit.as_millis())]
    Timeout { deadline: Deadline, limit: Duration },
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
}

impl From<HeadFlaw> for Failure {
    fn from(flaw: HeadFlaw) -> Self {
        Failure::NotHttp(flaw.into())
    }
}

impl From<BodyFlaw> for Failure {
    fn from(flaw: BodyFlaw) -> Self {
        Failure::Broken(flaw.into())
    }
}
