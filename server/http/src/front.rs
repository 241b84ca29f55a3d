//! Everything that happens to a request before and after its operation.
//!
//! In order: request id → `Host` → CORS preflight → route (404, 405) → credential (401, 403) → operation (panics end here) →
//! headers of every answer. Bodies are read by operations, so nothing is read for a stranger.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use dropshot::{ApiDescription, Body, RequestInfo};
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use novai_core::Principal;

use crate::access_log::{LineSink, Trail};
use crate::app::App;
use crate::codes::Code;
use crate::contexts::{self, ContextsError};
use crate::cors::{self, Cors};
use crate::exchange::Exchange;
use crate::listener::Handler;
use crate::observer::Span;
use crate::problem::{Failure, Problem};
use crate::request_id::{self, RequestIds};
use crate::routes::{Answer, Route, Routes, Surface};
use crate::tracked::TrackedBody;
use crate::{auth, exchange, metrics_page, operations, rate_limit};

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub struct Front {
    app: Arc<App>,
    routes: Routes,
    cors: Cors,
    access_log: Arc<dyn LineSink>,
    /// Asked once: a request that nobody traces pays for one branch.
    is_tracing: bool,
    pub(crate) request_ids: RequestIds,
}

/// Only at start-up.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    #[error("the API description is broken: {0}")]
    Api(String),
    #[error(transparent)]
    Contexts(#[from] ContextsError),
    #[error("this machine has no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

impl Front {
    pub async fn new(
        app: Arc<App>,
        surface: Surface,
        cors: Cors,
        access_log: Arc<dyn LineSink>,
    ) -> Result<Self, FrontError> {
        let api = operations::api().map_err(|error| FrontError::Api(error.to_string()))?;
        Self::with_api(app, api, surface, cors, access_log).await
    }

    /// For tests: any operations.
    pub(crate) async fn with_api(
        app: Arc<App>,
        api: ApiDescription<Arc<App>>,
        surface: Surface,
        cors: Cors,
        access_log: Arc<dyn LineSink>,
    ) -> Result<Self, FrontError> {
        contexts::make(&app).await?;
        let request_ids = RequestIds::new()?;
        let routes = Routes::new(api, surface).map_err(FrontError::Api)?;
        let is_tracing = app.observer.is_tracing();
        Ok(Front { app, routes, cors, access_log, is_tracing, request_ids })
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        origin_is_allowed: bool,
        trail: &Arc<Trail>,
    ) -> Result<Response<Body>, Problem> {
        check_host(&request)?;
        if request.uri().path() == metrics_page::PATH && *request.method() != Method::OPTIONS {
            trail.facts().route = Some(Arc::from(metrics_page::PATH));
            return metrics_page::answer(&self.app, self.routes.surface(), &request);
        }
        if *request.method() == Method::OPTIONS {
            return self.options(&request, origin_is_allowed);
        }
        let route = self.routes.find(request.method(), request.uri().path())?;
        let operation = &route.operation;
        {
            let mut facts = trail.facts();
            facts.route = Some(Arc::clone(&operation.template));
            facts.operation = operation.position;
        }
        let mut caller = None;
        if let Some(required) = &operation.required {
            let principal = auth::authenticate(request.headers(), &self.app)?;
            trail.facts().key_id = Some(Arc::clone(&principal.id));
            if let Err(problem) = auth::authorize(&principal, required) {
                let mut response = problem.into_response();
                rate_limit::decorate(&self.app.gateway, &principal, trail, &mut response).await;
                return Ok(response);
            }
            caller = Some(principal);
        }

        let request = request.map(Body::wrap);
        let answer = match operation.direct {
            Some(direct) => {
                let exchange = Exchange::new(Arc::clone(&self.app), Arc::clone(trail), caller.clone());
                direct(exchange, request)
            }
            None => self.through_dropshot(route, request, peer, Arc::clone(trail), caller.clone()),
        };
        let answered = match AssertUnwindSafe(answer).catch_unwind().await {
            Ok(Ok(response)) => Ok(response),
            // Operations answer their own errors; what is left is an extractor that could not read the path.
            Ok(Err(_refused)) => Err(Problem::bad_request("the path of this request cannot be understood")),
            // The panic hook has logged where.
            Err(_panic) => {
                tracing::error!(request_id = %trail.request_id(), "a request ended in a panic");
                Err(Problem::internal())
            }
        };
        let mut response = answered.unwrap_or_else(Problem::into_response);
        if let Some(caller) = caller {
            rate_limit::decorate(&self.app.gateway, &caller, trail, &mut response).await;
        }
        Ok(response)
    }

    /// Where the request stands in a trace.
    fn span(&self, headers: &HeaderMap) -> Option<Span> {
        let mut named = headers.get_all(&TRACEPARENT).iter();
        // Two would be read differently by two programs.
        let caller = match (named.next(), named.next()) {
            (Some(only), None) => only.to_str().ok(),
            _ => None,
        };
        self.app.observer.trace_began(caller)
    }

    /// Every operation but those that [`operations::direct`] knows.
    fn through_dropshot(
        &self,
        mut route: Route,
        request: Request<Body>,
        peer: SocketAddr,
        trail: Arc<Trail>,
        caller: Option<Arc<Principal>>,
    ) -> Answer {
        let app = Arc::clone(&self.app);
        Box::pin(async move {
            let mut context = match contexts::take(&app).await {
                Ok(context) => context,
                Err(error) => {
                    // No port or no file descriptor left.
                    tracing::error!(%error, "no room for a request");
                    let problem =
                        Problem::new(Code::Overloaded, "the gateway has no room for another request");
                    return Ok(problem.into_response());
                }
            };
            context.endpoint = route.endpoint();
            context.request = RequestInfo::new(&target(&request), peer);
            exchange::scope(trail, caller, (route.operation.run)(context, request)).await
        })
    }

    fn options(
        &self,
        request: &Request<Incoming>,
        origin_is_allowed: bool,
    ) -> Result<Response<Body>, Problem> {
        let allow = self.routes.allowed(request.uri().path())?;
        if cors::is_preflight(request.method(), request.headers()) {
            return cors::preflight(origin_is_allowed, &allow, request.headers());
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if let Ok(allow) = HeaderValue::from_str(&allow) {
            response.headers_mut().insert(http::header::ALLOW, allow);
        }
        Ok(response)
    }
}

impl Handler for Front {
    type Body = TrackedBody;

    async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<TrackedBody> {
        let request_id = self.request_ids.of(request.headers());
        // Ids are header-safe by construction.
        let id_header = HeaderValue::from_str(&request_id).ok();
        let is_head = *request.method() == Method::HEAD;
        let span = if self.is_tracing { self.span(request.headers()) } else { None };
        let (sink, observer) = (Arc::clone(&self.access_log), Arc::clone(&self.app.observer));
        let trail = Trail::new(sink, observer, request_id, request.method().clone(), span);
        let origin = self.cors.allowed(request.headers());

        let mut response =
            self.answer(request, peer, origin.is_some(), &trail).await.unwrap_or_else(Problem::into_response);
        {
            let mut facts = trail.facts();
            facts.status = Some(response.status());
            if let Some(failure) = response.extensions_mut().remove::<Failure>() {
                facts.fail(failure);
            }
        }
        if let Some(id) = id_header {
            response.headers_mut().insert(request_id::HEADER.clone(), id);
        }
        self.cors.decorate(origin, response.headers_mut());
        if is_head {
            response = without_body(response);
        }
        response.map(|body| TrackedBody::new(body, trail))
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.app.contexts.clear();
    }
}

/// What extractors of paths and queries read. Copying the headers for nobody would cost more than routing does; the request
/// itself still has them.
fn target(request: &Request<Body>) -> Request<()> {
    let mut target = Request::new(());
    target.method_mut().clone_from(request.method());
    target.uri_mut().clone_from(request.uri());
    target
}

/// RFC 9112 §3.2: exactly one `Host` in HTTP/1.1. Nothing is ever decided by its value.
fn check_host(request: &Request<Incoming>) -> Result<(), Problem> {
    let hosts = |headers: &HeaderMap| headers.get_all(HOST).iter().take(2).count();
    let is_wrong = match request.version() {
        Version::HTTP_11 => hosts(request.headers()) != 1,
        _ => hosts(request.headers()) > 1,
    };
    if is_wrong {
        return Err(Problem::bad_request("the request must have exactly one `Host` header"));
    }
    Ok(())
}

/// `HEAD` answers with `GET`'s headers, its length included.
fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
