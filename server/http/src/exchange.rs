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
use novai_api::ApiError;
use novai_api::body::BodyError;
use novai_core::Principal;
use novai_types::Violation;
use serde::Serialize;

use crate::access_log::Trail;
use crate::app::App;
use crate::problem::Problem;

tokio::task_local! {
    static FACTS: RefCell<Option<Facts>>;
}

struct Facts {
    trail: Arc<Trail>,
    principal: Option<Arc<Principal>>,
}

/// Runs one operation with `trail` and `principal` at hand.
pub(crate) fn scope<F: Future>(
    trail: Arc<Trail>,
    principal: Option<Arc<Principal>>,
    operation: F,
) -> impl Future<Output = F::Output> {
    FACTS.scope(RefCell::new(Some(Facts { trail, principal })), operation)
}

/// What an operation works with.
pub(crate) struct Exchange {
    pub app: Arc<App>,
    pub trail: Arc<Trail>,
    /// Absent on the routes that need no key.
    principal: Option<Arc<Principal>>,
}

impl Exchange {
    /// For operations that run without dropshot.
    pub(crate) fn new(app: Arc<App>, trail: Arc<Trail>, principal: Option<Arc<Principal>>) -> Self {
        Exchange { app, trail, principal }
    }

    /// The first call of every operation that dropshot runs. Gives the context back at once: see [`crate::contexts`].
    ///
    /// Fails outside of [`scope`]: only if dropshot's own listener were used.
    pub(crate) fn begin(context: RequestContext<Arc<App>>) -> Result<Self, Problem> {
        let app = Arc::clone(context.context());
        app.contexts.put(context);
        let facts = FACTS.try_with(|facts| facts.borrow_mut().take()).ok().flatten();
        let Facts { trail, principal } = facts.ok_or_else(Problem::internal)?;
        Ok(Exchange { app, trail, principal })
    }

    /// Who calls. The front has seen to it that every route which asks has one.
    pub(crate) fn principal(&self) -> Result<Arc<Principal>, Problem> {
        self.principal.clone().ok_or_else(Problem::internal)
    }
}

/// Every operation's last step. Problems are replies too: as errors, dropshot would lose their headers.
pub(crate) fn reply<R: From<Response<Body>>>(result: Result<Response<Body>, Problem>) -> Result<R, ApiError> {
    Ok(R::from(result.unwrap_or_else(Problem::into_response)))
}

/// What the query or the path says, valid by its schema.
pub(crate) fn checked<T>(params: Result<T, Violation>) -> Result<T, Problem> {
    params.map_err(|violation| BodyError::Invalid(violation).into())
}

/// What an answer to a known caller has, limits and all.
const HEADERS_LIKELY: usize = 20;

/// A 200 with room for its headers: a map that grows on the way hashes all names again, three times.
pub(crate) fn with_room(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().reserve(HEADERS_LIKELY);
    response
}

/// A 200 with the JSON of `value`.
pub(crate) fn encoded(value: &impl Serialize) -> Result<Response<Body>, Problem> {
    // Strings, numbers, lists and maps of them: cannot fail.
    serde_json::to_vec(value).map(json).map_err(|_| Problem::internal())
}

/// A 200 with `json`.
pub(crate) fn json(json: impl Into<Bytes>) -> Response<Body> {
    let mut response = with_room(Body::from(json.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
