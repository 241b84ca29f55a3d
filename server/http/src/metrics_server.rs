//! `GET /metrics` and nothing else, for a process that is no gateway: a worker.

use std::net::SocketAddr;
use std::sync::Arc;

use dropshot::Body;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use crate::codes::Code;
use crate::listener::{Handler, Refusal, Refuse};
use crate::metrics_page::{self, MetricsPage};
use crate::problem::Problem;
use crate::{refused, routes};

pub struct MetricsServer {
    page: MetricsPage,
}

impl MetricsServer {
    pub fn new(page: MetricsPage) -> Self {
        MetricsServer { page }
    }

    fn answer(&self, request: &Request<Incoming>) -> Result<Response<Body>, Problem> {
        if request.uri().path() != metrics_page::PATH {
            return Err(routes::unknown_path());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Problem::method_not_allowed("GET, HEAD"));
        }
        if self.page.token.as_ref().is_some_and(|token| !metrics_page::carries(request.headers(), token)) {
            return Err(Problem::new(Code::InvalidApiKey, "the metrics of this worker ask for their token"));
        }
        let mut response = metrics_page::response(&self.page);
        if *request.method() == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        Ok(response)
    }
}

impl Refuse for MetricsServer {
    fn refuse(&self, refusal: Refusal) -> Vec<u8> {
        refused::wire(&refused::problem(refusal), "")
    }
}

impl Handler for MetricsServer {
    type Body = Body;

    async fn handle(self: Arc<Self>, request: Request<Incoming>, _: SocketAddr) -> Response<Body> {
        self.answer(&request).unwrap_or_else(Problem::into_response)
    }
}
