//! Reads, decodes and checks a JSON request body.
//!
//! Start at [`JsonBody`]. Decoding runs once, without tracking where it is; only a body that fails is decoded again with
//! its path, to name the field. **Invariant:** the extractor itself neither fails nor waits. Its error would become a body
//! that is not ours; and while it waited for a slow client, the request would hold dropshot's `RequestContext`, which `http`
//! lends to one request after the other. The handler asks for [`JsonBody::decoded`] and maps [`BodyError`] in `http`'s table.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dropshot::{
    ApiEndpointBodyContentType, Body, ExclusiveExtractor, ExtractorMetadata, HttpError, RequestContext,
    ServerContext, TypedBody,
};
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http_body_util::BodyExt;
use novai_types::{Check, Violation};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::explain;
use crate::schema::{Schema, WireSchema};

/// How much body a request may have and how long the caller may pause.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    pub bytes_max: usize,
    /// Longest wait for the next part of the body.
    pub idle_timeout: Duration,
}

impl Default for BodyLimits {
    /// 20 MiB: an image or two as data URLs. 30 s: a slow uplink, not a slow-loris.
    fn default() -> Self {
        BodyLimits { bytes_max: 20 << 20, idle_timeout: Duration::from_secs(30) }
    }
}

/// A request body that is JSON of `T`, not read yet.
pub struct JsonBody<T> {
    request: hyper::Request<Body>,
    of: PhantomData<fn() -> T>,
}

/// A body that is valid by its schema.
#[derive(Debug)]
pub struct Decoded<T> {
    /// On the heap from the start: requests are large, and moved through every layer.
    pub value: Arc<T>,
    /// The bytes that `value` was decoded from.
    pub raw: Bytes,
}

/// Why a body was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyError {
    /// Told by `Content-Length`, or found while reading.
    TooLarge {
        bytes_max: usize,
    },
    UnsupportedMediaType {
        got: String,
    },
    IdleTimeout {
        idle_timeout: Duration,
    },
    /// The connection broke before the body's end.
    Incomplete,
    /// Not JSON at all.
    NotJson {
        reason: String,
    },
    /// JSON, but not what the schema asks for.
    Invalid(Violation),
}

impl<T: DeserializeOwned + Check> JsonBody<T> {
    pub fn new(request: hyper::Request<Body>) -> Self {
        JsonBody { request, of: PhantomData }
    }

    /// Of the request.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Reads the body to its end, then decodes and checks it.
    pub async fn decoded(self, limits: BodyLimits) -> Result<Decoded<T>, BodyError> {
        let (parts, body) = self.request.into_parts();
        decode(read(&parts.headers, body, limits).await?)
    }
}

#[async_trait]
impl<T> ExclusiveExtractor for JsonBody<T>
where
    T: WireSchema + DeserializeOwned + Check,
{
    async fn from_request<Context: ServerContext>(
        _: &RequestContext<Context>,
        request: hyper::Request<Body>,
    ) -> Result<Self, HttpError> {
        Ok(Self::new(request))
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        TypedBody::<Documented<T>>::metadata(content_type)
    }
}

async fn read(headers: &HeaderMap, mut body: Body, limits: BodyLimits) -> Result<Bytes, BodyError> {
    check_media_type(headers)?;
    let too_large = BodyError::TooLarge { bytes_max: limits.bytes_max };
    if declared_length(headers).is_some_and(|length| length > limits.bytes_max as u64) {
        return Err(too_large);
    }
    // Most bodies arrive in one frame; it is handed on without a copy.
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    loop {
        let frame = match body.frame().now_or_never() {
            // Most bodies come with their head: no timer is set for them.
            Some(frame) => frame,
            None => tokio::time::timeout(limits.idle_timeout, body.frame())
                .await
                .map_err(|_| BodyError::IdleTimeout { idle_timeout: limits.idle_timeout })?,
        };
        let data = match frame {
            None => break,
            Some(Err(_)) => return Err(BodyError::Incomplete),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                Err(_trailers) => continue,
            },
        };
        if first.len().max(rest.len()) + data.len() > limits.bytes_max {
            return Err(too_large);
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            append(&mut rest, &std::mem::take(&mut first), limits.bytes_max);
        }
        append(&mut rest, &data, limits.bytes_max);
    }
    Ok(if rest.is_empty() { first } else { Bytes::from(rest) })
}

/// Room doubles up to this; then all that a body may hold is reserved at once. Doubling leaves its old buffers to the
/// allocator (20 MiB took 50), while pages that nothing is written to take no memory.
const DOUBLING_BYTES_MAX: usize = 1 << 20;

fn append(body: &mut Vec<u8>, data: &[u8], bytes_max: usize) {
    let needed = body.len() + data.len();
    if needed > body.capacity() {
        let room = if needed > DOUBLING_BYTES_MAX { bytes_max } else { 2 * body.capacity() };
        body.reserve_exact(room.max(needed) - body.len());
    }
    body.extend_from_slice(data);
}

/// A missing `Content-Type` is taken as JSON, as OpenAI's API does not insist either; another one is refused.
fn check_media_type(headers: &HeaderMap) -> Result<(), BodyError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let essence = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    let got = String::from_utf8_lossy(&essence[..essence.len().min(100)]).into_owned();
    Err(BodyError::UnsupportedMediaType { got })
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Decodes and checks `raw`.
pub fn decode<T: DeserializeOwned + Check>(raw: Bytes) -> Result<Decoded<T>, BodyError> {
    // Asked once: of bytes, serde_json would ask it of each string, which for short ones is a fifth of the decoding.
    let text = std::str::from_utf8(&raw).map_err(|error| explain::not_utf8(&error))?;
    let value: Arc<T> = parse(text).map_err(|error| explain::explain::<T>(text, &error))?;
    value.check().map_err(BodyError::Invalid)?;
    Ok(Decoded { value, raw })
}

/// As `serde_json::from_str`, which would move the value twice more: a chat request is 2.5 KB, whatever it holds.
fn parse<T: DeserializeOwned>(text: &str) -> serde_json::Result<Arc<T>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(&mut reader).map(Arc::new)?;
    reader.end()?;
    Ok(value)
}

/// Lets [`TypedBody`] describe the body to dropshot; never decoded.
struct Documented<T>(Schema<T>);

impl<T: WireSchema> schemars::JsonSchema for Documented<T> {
    fn schema_name() -> String {
        Schema::<T>::schema_name()
    }

    fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
        Schema::<T>::json_schema(generator)
    }
}

impl<'de, T> Deserialize<'de> for Documented<T> {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("describes a body; does not decode one"))
    }
}
