//! HTTP in, core calls out.
//!
//! Start at [`front::Front`]: everything that happens to a request before and after its operation. The operations are one
//! file per tag of the spec: [`chat`], [`embeddings`], [`models`], [`keys`], [`usage`], [`health`]; they implement the generated `novai_api::Gateway`.
//!
//! * [`listener`] owns connections and knows nothing about requests.
//! * dropshot is the router and the API's description, not the server ([`contexts`] tells how).
//! * [`tokens`] checks JSON Web Tokens; keys are looked up in a store.
//! * [`observer`] is the port for metrics.
//! * [`codes`] is the one table of error codes; [`error`] maps `core`'s errors to it.
//!
//! **Invariant:** no provider, store or vendor is known here. What the gateway decides, `core` decides.
//!
//! **Invariant:** whether a request needs a key depends on the route that was *matched*, never on its raw path or its
//! `Host`.

pub mod access_log;
mod answer;
mod app;
mod auth;
mod chat;
mod codes;
mod contexts;
pub mod cors;
mod cost;
mod embeddings;
mod error;
mod exchange;
mod front;
mod header_texts;
mod health;
mod idempotency;
mod keys;
pub mod listener;
mod log_line;
mod metrics_page;
mod metrics_server;
mod models;
pub mod observer;
mod operations;
mod problem;
mod rate_limit;
mod received;
mod refused;
mod request_id;
mod retirement;
mod routes;
mod sse;
pub mod tokens;
mod tracked;
mod usage;

pub use app::{App, Options, Ports};
pub use front::{Front, FrontError};
pub use metrics_page::MetricsPage;
pub use metrics_server::MetricsServer;
pub use routes::Surface;
