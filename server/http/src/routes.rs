//! Method and path → operation, by dropshot's router; plus what dropshot does not know: the `/v1` prefix, `HEAD`, whom an
//! operation asks for, and on which listener it lives.

use std::collections::HashMap;
use std::sync::Arc;

use dropshot::{ApiDescription, ApiEndpointBodyContentType, Body, RequestContext, RequestEndpointMetadata};
use futures_util::TryFutureExt;
use futures_util::future::BoxFuture;
use http::header::ALLOW;
use http::{Method, Request, Response, StatusCode};

use crate::app::App;
use crate::auth::{self, Required};
use crate::codes::Code;
use crate::exchange::Exchange;
use crate::observer;
use crate::operations;
use crate::problem::Problem;

/// Where the spec's `servers` puts the API.
const PREFIX: &str = "/v1";
/// Probes: they answer at the root too.
const OPEN: [&str; 2] = ["/health", "/ready"];

/// Where key management lives in the spec.
const ADMIN: &str = "/admin/";
/// What the listener for it serves beside: reading what those keys used.
const USAGE: &str = "/usage";

/// Which operations a listener serves. What it does not serve does not exist on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// There is one listener for everything.
    All,
    /// Key management lives elsewhere.
    Public,
    /// Key management, usage and the probes.
    Admin,
}

impl Surface {
    fn serves(self, path: &str) -> bool {
        match self {
            Surface::All => true,
            Surface::Public => !path.starts_with(ADMIN),
            Surface::Admin => path.starts_with(ADMIN) || path == USAGE || OPEN.contains(&path),
        }
    }
}

/// A handler's refusal to say more: dropshot's type for it cannot be named.
pub(crate) struct Refused;

pub(crate) type Answer = BoxFuture<'static, Result<Response<Body>, Refused>>;
/// Runs an operation without dropshot's handler: see [`operations::direct`].
pub(crate) type Direct = fn(Exchange, Request<Body>) -> Answer;
type Run = dyn Fn(RequestContext<Arc<App>>, Request<Body>) -> Answer + Send + Sync;
type Lookup =
    Box<dyn Fn(&Method, &str) -> Result<RequestEndpointMetadata, dropshot::HttpError> + Send + Sync>;

/// A matched operation, ready to run.
pub(crate) struct Route {
    pub operation: Arc<Operation>,
    /// What dropshot's router found; `None` for a path without parameters.
    found: Option<RequestEndpointMetadata>,
}

impl Route {
    /// As dropshot's handlers want it.
    pub(crate) fn endpoint(&mut self) -> RequestEndpointMetadata {
        self.found.take().unwrap_or_else(|| RequestEndpointMetadata {
            operation_id: self.operation.id.clone(),
            variables: Default::default(),
            body_content_type: self.operation.content_type.clone(),
            request_body_max_bytes: None,
        })
    }
}

pub(crate) struct Operation {
    /// For the log: `/v1/models/{model}`.
    pub template: Arc<str>,
    /// In [`observer::operation_ids`], for metrics.
    pub position: Option<usize>,
    /// `None`: anybody may call it.
    pub required: Option<Required>,
    pub direct: Option<Direct>,
    pub run: Box<Run>,
    method: Method,
    id: String,
    content_type: ApiEndpointBodyContentType,
}

pub(crate) struct Routes {
    lookup: Lookup,
    by_id: HashMap<String, Arc<Operation>>,
    /// Paths without parameters, found without dropshot's router: it takes every path apart and copies the pieces.
    fixed: HashMap<String, Vec<Arc<Operation>>>,
    surface: Surface,
}

impl Routes {
    /// Fails if the spec asks for a scope that there is not.
    pub(crate) fn new(api: ApiDescription<Arc<App>>, surface: Surface) -> Result<Self, String> {
        let router = api.into_router();
        let mut by_id = HashMap::new();
        let mut fixed: HashMap<String, Vec<Arc<Operation>>> = HashMap::new();
        for (path, _, endpoint) in router.endpoints(None) {
            if !surface.serves(&path) {
                continue;
            }
            // Routes live as long as the process does; a future that borrows its handler needs no second box.
            let handler = &**Box::leak(Box::new(Arc::clone(&endpoint.handler)));
            let operation = Arc::new(Operation {
                template: format!("{PREFIX}{path}").into(),
                position: observer::operation_ids().position(|id| id == endpoint.operation_id),
                required: required(&endpoint.operation_id)?,
                direct: operations::direct(&endpoint.operation_id),
                run: Box::new(move |context, request| {
                    Box::pin(handler.handle_request(context, request).map_err(|_| Refused))
                }),
                method: endpoint.method.clone(),
                id: endpoint.operation_id.clone(),
                content_type: endpoint.body_content_type.clone(),
            });
            by_id.insert(operation.id.clone(), Arc::clone(&operation));
            if !path.contains('{') {
                fixed.entry(path).or_default().push(operation);
            }
        }
        // The router's type has no public name; a closure can hold it.
        let lookup: Lookup =
            Box::new(move |method, path| Ok(router.lookup_route(method, path.into(), None)?.endpoint));
        Ok(Routes { lookup, by_id, fixed, surface })
    }

    pub(crate) fn surface(&self) -> Surface {
        self.surface
    }

    /// Only the path counts: a `Host`, an absolute target or a query never changes what is matched.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<Route, Problem> {
        let path = match path.strip_prefix(PREFIX) {
            Some(rest) if rest.starts_with('/') => rest,
            _ if OPEN.contains(&path) => path,
            _ => return Err(unknown_path()),
        };
        if !self.surface.serves(path) {
            return Err(unknown_path());
        }
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let fixed = self.fixed.get(path).into_iter().flatten().find(|operation| operation.method == *method);
        if let Some(operation) = fixed {
            return Ok(Route { operation: Arc::clone(operation), found: None });
        }
        let found = (self.lookup)(method, path).map_err(|error| refusal(&error))?;
        let operation = self.by_id.get(&found.operation_id).ok_or_else(unknown_path)?;
        Ok(Route { operation: Arc::clone(operation), found: Some(found) })
    }

    /// The methods that `path` takes, for `Allow`.
    pub(crate) fn allowed(&self, path: &str) -> Result<String, Problem> {
        if path == "*" {
            return Ok("GET, HEAD, OPTIONS, POST".to_owned());
        }
        // No operation has this method: the answer is a 405 with the list, or a 404.
        match self.find(&Method::TRACE, path) {
            Ok(_) => Err(unknown_path()),
            Err(problem) => {
                let listed = problem.details.allow.as_ref().and_then(|allow| allow.to_str().ok());
                listed.map(str::to_owned).ok_or(problem)
            }
        }
    }
}

/// Operations that the spec does not have (tests make some) ask for a caller, and for no scope.
fn required(operation_id: &str) -> Result<Option<Required>, String> {
    match novai_api::ROLES.iter().find(|(id, _)| *id == operation_id) {
        Some((_, None)) => Ok(None),
        Some((_, Some(alternatives))) => auth::required(alternatives).map(Some),
        None => Ok(Some(Required::new())),
    }
}

fn refusal(error: &dropshot::HttpError) -> Problem {
    match error.status_code.as_status() {
        StatusCode::METHOD_NOT_ALLOWED => {
            let mut methods: Vec<&str> = error
                .headers
                .iter()
                .flat_map(|headers| headers.get_all(ALLOW))
                .filter_map(|value| value.to_str().ok())
                .collect();
            if methods.contains(&"GET") {
                methods.push("HEAD");
            }
            methods.push("OPTIONS");
            methods.sort_unstable();
            Problem::method_not_allowed(&methods.join(", "))
        }
        StatusCode::BAD_REQUEST => {
            Problem::bad_request("the path is not valid: `.` and `..` segments are not taken")
        }
        _ => unknown_path(),
    }
}

pub(crate) fn unknown_path() -> Problem {
    Problem::new(
        Code::UnknownPath,
        "nothing is served at this path; the API lives under /v1, such as POST /v1/chat/completions",
    )
}
