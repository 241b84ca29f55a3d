//! How a request's facts reach its operation, and how its result becomes a reply.
//!
//! dropshot's handlers get a `RequestContext`, which has no room for our facts; a task-local carries them the few lines from
//! the front to the operation.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use dropshot::{Body, RequestContext};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use novai_api::{ApiError, Reply};

use crate::access_log::Trail;
use crate::app::App;
use crate::problem::Problem;

tokio::task_local! {
    static TRAIL: RefCell<Option<Arc<Trail>>>;
}

/// Runs one operation with `trail` at hand.
pub(crate) fn scope<F: Future>(trail: Arc<Trail>, operation: F) -> impl Future<Output = F::Output> {
    TRAIL.scope(RefCell::new(Some(trail)), operation)
}

/// What an operation works with.
pub(crate) struct Exchange {
    pub app: Arc<App>,
    pub trail: Arc<Trail>,
}

impl Exchange {
    /// The first call of every operation. Gives the context back at once: see [`crate::contexts`].
    ///
    /// Fails outside of [`scope`]: only if dropshot's own listener were used.
    pub(crate) fn begin(context: RequestContext<Arc<App>>) -> Result<Self, Problem> {
        let app = Arc::clone(context.context());
        app.contexts.put(context);
        let trail = TRAIL.try_with(|trail| trail.borrow_mut().take()).ok().flatten();
        trail.map(|trail| Exchange { app, trail }).ok_or_else(Problem::internal)
    }
}

/// Every operation's last step. Problems are replies too: as errors, dropshot would lose their headers.
pub(crate) fn reply<T>(result: Result<Response<Body>, Problem>) -> Result<Reply<T>, ApiError> {
    Ok(Reply::from(result.unwrap_or_else(Problem::into_response)))
}

/// A 200 with `json`.
pub(crate) fn json(json: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(json.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
