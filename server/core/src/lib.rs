//! What the gateway decides: which target serves a model, what a stream may say, what went wrong.
//!
//! Start at [`gateway::Gateway`]; read [`provider`] next: it is the port that every upstream implements.
//!
//! **Invariant:** nothing here knows HTTP, SQL or a vendor. A status code, a header name or a vendor's
//! quirk in this crate is a bug; they belong to `http`, `stores` and `providers`.

pub mod call_events;
pub mod catalog;
mod charge;
pub mod clock;
pub mod deadlines;
pub mod error;
pub mod gateway;
pub mod key_set;
pub mod keys;
pub mod latency;
pub mod limits;
pub mod money;
pub mod principal;
pub mod provider;
pub mod replays;
pub mod routing;
pub mod stream;
#[cfg(test)]
mod testing;
pub mod tools;
pub mod trace;

pub use call_events::{CallEnded, CallEvents, CallOutcome, CallSpan};
pub use catalog::{Catalog, ModelCard, ModelInfo, Target, TargetSpec};
pub use charge::Charged;
pub use clock::{Clock, SystemClock};
pub use deadlines::Deadlines;
pub use error::{Deadline, Error, Rejection, RejectionReason};
pub use gateway::{Answered, Asked, ChatRequest, EmbeddingsRequest, Expected, Gateway, Readiness, Streamed};
pub use key_set::KeySetSource;
pub use keys::{KeyAdmin, KeyStore, Secret};
pub use limits::{LimitSnapshot, LimitSpec, Limits};
pub use money::BudgetSpec;
pub use principal::{Principal, Scope, Scopes};
pub use provider::{
    Call, ChatCall, ChatEvent, ChatStream, Completion, EmbeddingCall, Provider, RateLimitSnapshot,
    ResponseMeta, Streaming, TokenUsage, UpstreamModel, WindowSnapshot,
};
pub use routing::{BreakerState, RouteEvents, RoutingPolicy};
pub use stream::{GatewayStream, StreamEnd, StreamFacts};
pub use tools::{RegisteredTool, ToolFailure, ToolFault, ToolPolicy, ToolRun, ToolRunner, Toolbox};
pub use trace::TraceContext;
