//! What handlers return: any response, documented as JSON of `T`.

use std::marker::PhantomData;

use dropshot::{ApiEndpointResponse, Body, HttpError, HttpResponse, HttpResponseOk};
use http::{Response, StatusCode};

use crate::schema::{Schema, WireSchema};

/// A finished response: the JSON of a `T`, a stream of events, or an error.
///
/// One operation answers JSON *and* server-sent events under the same 200, and errors carry headers; dropshot's typed
/// responses can express neither.
pub struct Reply<T> {
    response: Response<Body>,
    of: PhantomData<fn() -> T>,
}

impl<T> From<Response<Body>> for Reply<T> {
    fn from(response: Response<Body>) -> Self {
        Reply { response, of: PhantomData }
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
