//! Tag Health: probes. They need no key, so they say nothing about configuration.

use dropshot::Body;
use http::Response;

use crate::codes::Code;
use crate::exchange::{Exchange, json};
use crate::listener::Phase;
use crate::problem::Problem;

const ALIVE: &str = concat!(r#"{"status":"ok","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
const READY: &str = r#"{"status":"ready"}"#;

pub(crate) fn alive() -> Result<Response<Body>, Problem> {
    Ok(json(ALIVE))
}

pub(crate) async fn ready(exchange: Exchange) -> Result<Response<Body>, Problem> {
    if exchange.app.shutdown.phase() != Phase::Serving {
        return Err(Problem::new(Code::NotReady, "the gateway is shutting down"));
    }
    if !exchange.app.gateway.ready().await.ready {
        return Err(Problem::new(Code::NotReady, "no model can be called yet"));
    }
    Ok(json(READY))
}
