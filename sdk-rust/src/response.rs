//! [`Response`]: a decoded reply with what its headers said.

use std::ops::{Deref, DerefMut};

use http::HeaderMap;

use crate::rate_limit::RateLimit;

/// A reply. Reads as the value it holds: `response.choices[0]`.
#[derive(Debug, Clone)]
pub struct Response<T> {
    value: T,
    meta: Meta,
}

impl<T> Response<T> {
    pub(crate) fn new(value: T, meta: Meta) -> Self {
        Self { value, meta }
    }

    pub fn into_inner(self) -> T {
        self.value
    }

    /// `x-request-id`: what the gateway's log calls this request.
    pub fn request_id(&self) -> Option<&str> {
        self.meta.request_id.as_deref()
    }

    /// What is left of the key's limits after this request; `None` where the server does not say.
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.meta.rate_limit.as_ref()
    }

    pub fn status_code(&self) -> u16 {
        self.meta.status_code
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Response<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// What the head of a reply says, whatever its body is.
#[derive(Debug, Clone)]
pub(crate) struct Meta {
    pub status_code: u16,
    pub request_id: Option<String>,
    pub rate_limit: Option<RateLimit>,
}

impl Meta {
    pub fn of(status_code: u16, headers: &HeaderMap) -> Self {
        // Lossy: a proxy's odd bytes are better seen than dropped.
        let request_id =
            headers.get("x-request-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        Self { status_code, request_id, rate_limit: RateLimit::from_headers(headers) }
    }
}
