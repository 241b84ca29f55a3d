//! Method and path → operation, by dropshot's router; plus what dropshot does not know: the `/v1` prefix, `HEAD`, and which
//! routes need no key.

use std::collections::HashMap;
use std::sync::Arc;

use dropshot::{ApiDescription, Body, RequestContext, RequestEndpointMetadata};
use futures_util::future::BoxFuture;
use http::header::ALLOW;
use http::{Method, Request, Response, StatusCode};

use crate::app::App;
use crate::codes::Code;
use crate::problem::Problem;

/// Where the spec's `servers` puts the API.
const PREFIX: &str = "/v1";
/// Probes: they need no key and answer at the root too. The spec marks them `security: []`.
const OPEN: [&str; 2] = ["/health", "/ready"];

/// A handler's refusal to say more: dropshot's type for it cannot be named.
pub(crate) struct Refused;

pub(crate) type Answer = BoxFuture<'static, Result<Response<Body>, Refused>>;
type Run = Box<dyn FnOnce(RequestContext<Arc<App>>, Request<Body>) -> Answer + Send>;
type Lookup = Box<dyn Fn(&Method, &str) -> Result<Found, dropshot::HttpError> + Send + Sync>;

struct Found {
    endpoint: RequestEndpointMetadata,
    run: Run,
}

/// A matched operation, ready to run.
pub(crate) struct Route {
    pub endpoint: RequestEndpointMetadata,
    /// For the log: `/v1/models/{model}`.
    pub template: Arc<str>,
    pub needs_key: bool,
    pub run: Run,
}

pub(crate) struct Routes {
    lookup: Lookup,
    known: HashMap<String, Known>,
}

struct Known {
    template: Arc<str>,
    is_open: bool,
}

impl Routes {
    pub(crate) fn new(api: ApiDescription<Arc<App>>) -> Self {
        let router = api.into_router();
        let known = router
            .endpoints(None)
            .map(|(path, _, endpoint)| {
                let is_open = OPEN.contains(&path.as_str());
                let template = format!("{PREFIX}{path}").into();
                (endpoint.operation_id.clone(), Known { template, is_open })
            })
            .collect();
        // The router's type has no public name; a closure can hold it.
        let lookup: Lookup = Box::new(move |method, path| {
            let found = router.lookup_route(method, path.into(), None)?;
            let handler = found.handler;
            let run: Run = Box::new(move |context, request| {
                Box::pin(async move { handler.handle_request(context, request).await.map_err(|_| Refused) })
            });
            Ok(Found { endpoint: found.endpoint, run })
        });
        Routes { lookup, known }
    }

    /// Only the path counts: a `Host`, an absolute target or a query never changes what is matched.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<Route, Problem> {
        let path = match path.strip_prefix(PREFIX) {
            Some(rest) if rest.starts_with('/') => rest,
            _ if OPEN.contains(&path) => path,
            _ => return Err(unknown_path()),
        };
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        let found = (self.lookup)(asked, path).map_err(|error| refusal(&error))?;
        let known = self.known.get(&found.endpoint.operation_id).ok_or_else(unknown_path)?;
        Ok(Route {
            endpoint: found.endpoint,
            template: Arc::clone(&known.template),
            needs_key: !known.is_open,
            run: found.run,
        })
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

fn unknown_path() -> Problem {
    Problem::new(
        Code::UnknownPath,
        "nothing is served at this path; the API lives under /v1, such as POST /v1/chat/completions",
    )
}
