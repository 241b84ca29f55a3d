//! Reads, decodes and checks the parameters in a path or a query.
//!
//! dropshot's own extractors answer a value that they cannot decode with an error that is not ours and names no parameter.
//! These hold the outcome instead, so that the handler can ask for it and `http` answers.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use async_trait::async_trait;
use dropshot::{
    ApiEndpointBodyContentType, ExtractorMetadata, HttpError, Path, Query, RequestContext, ServerContext,
    SharedExtractor,
};
use novai_types::{Check, Violation};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::explain;

/// Parameters in the path.
pub struct PathParams<T> {
    /// As a query string: one decoder for both places.
    encoded: String,
    of: PhantomData<fn() -> T>,
}

/// Parameters in the query.
pub struct QueryParams<T> {
    encoded: String,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Check> PathParams<T> {
    /// Valid by their schema.
    pub fn checked(self) -> Result<T, Violation> {
        decode(&self.encoded)
    }
}

impl<T: DeserializeOwned + Check> QueryParams<T> {
    /// Valid by their schema. Parameters that are not known are ignored, as unknown fields of a body are.
    pub fn checked(self) -> Result<T, Violation> {
        decode(&self.encoded)
    }
}

fn decode<T: DeserializeOwned + Check>(encoded: &str) -> Result<T, Violation> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(encoded.as_bytes()));
    let value: T =
        serde_path_to_error::deserialize(pairs).map_err(|error| explain::parameter(encoded, &error))?;
    value.check()?;
    Ok(value)
}

#[async_trait]
impl<T: DeserializeOwned + JsonSchema + Send + Sync + 'static> SharedExtractor for PathParams<T> {
    async fn from_request<Context: ServerContext>(
        context: &RequestContext<Context>,
    ) -> Result<Self, HttpError> {
        // Their type has no public name; as texts, every one of them can be had.
        let variables = Path::<BTreeMap<String, String>>::from_request(context).await?.into_inner();
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(variables).finish();
        Ok(PathParams { encoded, of: PhantomData })
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        Path::<T>::metadata(content_type)
    }
}

#[async_trait]
impl<T: DeserializeOwned + JsonSchema + Send + Sync + 'static> SharedExtractor for QueryParams<T> {
    async fn from_request<Context: ServerContext>(
        context: &RequestContext<Context>,
    ) -> Result<Self, HttpError> {
        let encoded = context.request.uri().query().unwrap_or_default().to_owned();
        Ok(QueryParams { encoded, of: PhantomData })
    }

    fn metadata(content_type: ApiEndpointBodyContentType) -> ExtractorMetadata {
        Query::<T>::metadata(content_type)
    }
}
