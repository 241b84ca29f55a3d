//! The error type of every operation, as dropshot sees it.
//!
//! Handlers answer problems themselves, as a [`Reply`](crate::Reply) with status, headers and body; dropshot would lose the
//! headers. This type exists for the document (one schema for every error status) and for what dropshot refuses before a
//! handler runs.

use std::fmt;

use dropshot::{ErrorStatusCode, HttpError, HttpResponseError};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::schema::Schema;

#[derive(Debug)]
pub struct ApiError {
    status: ErrorStatusCode,
    message: String,
}

impl From<HttpError> for ApiError {
    fn from(error: HttpError) -> Self {
        ApiError { status: error.status_code, message: error.external_message }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Serialize for ApiError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = serde_json::json!({
            "error": {
                "message": self.message,
                "type": "invalid_request_error",
                "param": null,
                "code": "invalid_request",
            }
        });
        body.serialize(serializer)
    }
}

impl JsonSchema for ApiError {
    fn schema_name() -> String {
        Schema::<novai_types::ErrorResponse>::schema_name()
    }

    fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
        Schema::<novai_types::ErrorResponse>::json_schema(generator)
    }
}

impl HttpResponseError for ApiError {
    fn status_code(&self) -> ErrorStatusCode {
        self.status
    }
}
