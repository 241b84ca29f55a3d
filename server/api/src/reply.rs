//! What handlers return: any response, documented by its type.
//!
//! One operation answers JSON *and* server-sent events under the same 200, and errors carry headers; dropshot's typed
//! responses can express neither. So each of these is a finished response, and its type only says what success looks like.

use std::marker::PhantomData;

use dropshot::{
    ApiEndpointResponse, Body, HttpError, HttpResponse, HttpResponseCreated, HttpResponseDeleted,
    HttpResponseOk,
};
use http::{Response, StatusCode};

use crate::schema::{Schema, WireSchema};

/// 200 with the JSON of a `T`, or a stream of events, or an error.
pub struct Reply<T> {
    response: Response<Body>,
    of: PhantomData<fn() -> T>,
}

/// 201 with the JSON of a `T`, or an error.
pub struct Created<T> {
    response: Response<Body>,
    of: PhantomData<fn() -> T>,
}

/// 204, or an error.
pub struct NoContent {
    response: Response<Body>,
}

impl<T> From<Response<Body>> for Reply<T> {
    fn from(response: Response<Body>) -> Self {
        Reply { response, of: PhantomData }
    }
}

impl<T> From<Response<Body>> for Created<T> {
    fn from(response: Response<Body>) -> Self {
        Created { response, of: PhantomData }
    }
}

impl From<Response<Body>> for NoContent {
    fn from(response: Response<Body>) -> Self {
        NoContent { response }
    }
}

impl<T: WireSchema> HttpResponse for Reply<T> {
    fn to_result(self) -> Result<Response<Body>, HttpError> {
        Ok(self.response)
    }

    fn response_metadata() -> ApiEndpointResponse {
        <HttpResponseOk<Schema<T>> as HttpResponse>::response_metadata()
    }

    fn status_code(&self) -> StatusCode {
        self.response.status()
    }
}

impl<T: WireSchema> HttpResponse for Created<T> {
    fn to_result(self) -> Result<Response<Body>, HttpError> {
        Ok(self.response)
    }

    fn response_metadata() -> ApiEndpointResponse {
        <HttpResponseCreated<Schema<T>> as HttpResponse>::response_metadata()
    }

    fn status_code(&self) -> StatusCode {
        self.response.status()
    }
}

impl HttpResponse for NoContent {
    fn to_result(self) -> Result<Response<Body>, HttpError> {
        Ok(self.response)
    }

    fn response_metadata() -> ApiEndpointResponse {
        <HttpResponseDeleted as HttpResponse>::response_metadata()
    }

    fn status_code(&self) -> StatusCode {
        self.response.status()
    }
}
