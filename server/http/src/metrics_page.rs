//! `GET /metrics`: what an [`Observer`](crate::observer::Observer) has counted, for Prometheus.
//!
//! No operation of the API, so it is not in the spec and not under `/v1`. Nobody reads it who was not meant to: on a listener of
//! its own for administration it asks for nothing, unless there is a token for it; on the one listener for everything it asks
//! for that token, or for a key with the scope `admin`; on the public one of two it does not exist.

use std::sync::Arc;

use dropshot::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Response};
use novai_core::{Scope, Secret};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::auth;
use crate::observer::Metrics;
use crate::problem::Problem;
use crate::routes::{self, Surface};

pub(crate) const PATH: &str = "/metrics";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is shown, and to whom.
#[derive(Clone)]
pub struct MetricsPage {
    pub source: Arc<dyn Metrics>,
    /// Good for this page and for nothing else.
    pub token: Option<Secret>,
}

pub(crate) fn answer<B>(
    app: &App,
    surface: Surface,
    request: &Request<B>,
) -> Result<Response<Body>, Problem> {
    let page = match &app.metrics {
        Some(page) if surface != Surface::Public => page,
        _ => return Err(routes::unknown_path()),
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed("GET, HEAD, OPTIONS"));
    }
    admit(app, surface, page, request.headers())?;
    Ok(response(page))
}

pub(crate) fn response(page: &MetricsPage) -> Response<Body> {
    let mut response = Response::new(Body::from(page.source.page()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPENMETRICS));
    response
}

fn admit(app: &App, surface: Surface, page: &MetricsPage, headers: &HeaderMap) -> Result<(), Problem> {
    if page.token.is_none() && surface == Surface::Admin {
        return Ok(());
    }
    if page.token.as_ref().is_some_and(|token| carries(headers, token)) {
        return Ok(());
    }
    let principal = auth::authenticate(headers, app)?;
    auth::authorize(&principal, &[[Scope::Admin].into_iter().collect()])
}

/// In a time that does not tell how much of it is right.
pub(crate) fn carries(headers: &HeaderMap, token: &Secret) -> bool {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (fields.next(), fields.next()) else { return false };
    auth::bearer(only.as_bytes()).is_some_and(|given| given.ct_eq(token.expose().as_bytes()).into())
}
