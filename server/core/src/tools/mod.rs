//! Tools that the gateway runs by itself: an operator registers them, a request names those that its model may call.
//!
//! Start at [`Toolbox::run`], which runs the calls of one answer; `gateway/tooled.rs` has the loop around it. [`ToolRunner`] is
//! the port to whoever has the tools, [`Conversation`] the request as it grows, [`Turn`] what a model said in one round, `spent`
//! what all rounds cost together.
//!
//! **Invariant:** a tool never fails a request. Whatever goes wrong with a call is told to the model as the call's result, so that
//! it can do something else; the number of rounds bounds how often.
//!
//! **Invariant:** nothing is run with arguments that its schema does not allow.

mod conversation;
mod failure;
mod registered;
mod spent;
mod turn;

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::principal::Principal;
use crate::routing::RouteEvents;
use crate::trace::TraceContext;
pub(crate) use conversation::{Conversation, invalid};
pub use failure::{ToolFailure, ToolFault};
pub use registered::{InvalidTool, RegisteredTool};
pub(crate) use spent::{Spent, edited};
pub(crate) use turn::{ToolCallSaid, Turn, Unusable};

/// Calls of one answer that are run; the model hears of the others that they were too many. What OpenAI allows a request to offer.
const CALLS_MAX: usize = 128;

/// Whoever has the tools.
pub trait ToolRunner: Send + Sync + 'static {
    fn find(&self, name: &str) -> Option<Arc<RegisteredTool>>;

    /// All there are, in their order, for messages to people.
    fn names(&self) -> Vec<Arc<str>>;

    /// Whether everybody who is to offer tools has told which.
    fn is_complete(&self) -> bool;

    /// Runs a tool once. Dropping it cancels the call.
    fn run(&self, run: ToolRun) -> BoxFuture<'_, Result<String, ToolFailure>>;
}

/// One call of a tool, its arguments checked.
#[derive(Debug, Clone)]
pub struct ToolRun {
    pub tool: Arc<RegisteredTool>,
    /// The model's name for it.
    pub call_id: String,
    /// A JSON object.
    pub arguments: String,
    /// For whom.
    pub principal: Arc<Principal>,
    pub request_id: Arc<str>,
    pub trace: Option<TraceContext>,
    /// The result is of no more use then.
    pub deadline: Instant,
}

/// What the operator set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolPolicy {
    /// How often tools are run for one request, all calls of one answer together.
    pub rounds_max: u32,
    /// Calls of one request that run at a time.
    pub parallel_max: usize,
    /// Of one result. A larger one is a failure, not half a result.
    pub output_bytes_max: usize,
}

impl Default for ToolPolicy {
    fn default() -> Self {
        // Agents' libraries stop after 5 to 10 rounds. 64 KiB are some 16,000 tokens, which the model reads again in every later
        // round.
        ToolPolicy { rounds_max: 8, parallel_max: 8, output_bytes_max: 64 * 1024 }
    }
}

pub struct Toolbox {
    runner: Arc<dyn ToolRunner>,
    policy: ToolPolicy,
}

/// For whom calls are run.
pub(crate) struct Errand {
    pub principal: Arc<Principal>,
    pub request_id: Arc<str>,
    pub trace: Option<TraceContext>,
    pub deadline: Instant,
    /// Whoever counts for all, and whoever follows this request.
    pub observers: [Option<Arc<dyn RouteEvents>>; 2],
}

impl Errand {
    fn tell(&self, what: impl Fn(&dyn RouteEvents)) {
        self.observers.iter().flatten().for_each(|observer| what(&**observer));
    }
}

impl Toolbox {
    pub fn new(runner: Arc<dyn ToolRunner>, policy: ToolPolicy) -> Self {
        Toolbox { runner, policy }
    }

    pub(crate) fn rounds_max(&self) -> u32 {
        self.policy.rounds_max
    }

    /// The results of `calls`, in their order.
    pub(crate) async fn run(&self, calls: &[ToolCallSaid], errand: &Errand) -> Vec<String> {
        let runs: Vec<BoxFuture<'_, String>> = calls
            .iter()
            .enumerate()
            .map(|(at, call)| Box::pin(self.result(at, call, errand)) as BoxFuture<'_, String>)
            .collect();
        futures_util::stream::iter(runs).buffered(self.policy.parallel_max.max(1)).collect().await
    }

    /// Of the call at position `at`.
    async fn result(&self, at: usize, call: &ToolCallSaid, errand: &Errand) -> String {
        let started_at = Instant::now();
        let done = if at < CALLS_MAX { self.run_one(call, errand).await } else { Err(too_many()) };
        // A name that is not registered is the model's own invention.
        let name = call.tool.as_ref().map_or("", |tool| &*tool.name);
        let outcome = done.as_ref().map_or_else(|failure| failure.fault.name(), |_| "ok");
        errand.tell(|events| events.tool_ended(name, outcome, started_at.elapsed()));
        done.unwrap_or_else(|failure| failure.told())
    }

    async fn run_one(&self, call: &ToolCallSaid, errand: &Errand) -> Result<String, ToolFailure> {
        let Some(tool) = &call.tool else {
            let message = format!("there is no tool called {:?}", call.name);
            return Err(ToolFailure::new(ToolFault::UnknownTool, message));
        };
        let arguments = tool.checked(&call.arguments)?;
        let now = Instant::now();
        let deadline = errand.deadline.min(now + tool.timeout);
        let run = ToolRun {
            tool: Arc::clone(tool),
            call_id: call.id.clone(),
            arguments,
            principal: Arc::clone(&errand.principal),
            request_id: Arc::clone(&errand.request_id),
            trace: errand.trace,
            deadline,
        };
        let output = match tokio::time::timeout_at(deadline, self.runner.run(run)).await {
            Ok(done) => done?,
            Err(_) => return Err(ToolFailure::timed_out(deadline - now)),
        };
        match output.len() <= self.policy.output_bytes_max {
            true => Ok(output),
            false => Err(ToolFailure::too_large(self.policy.output_bytes_max)),
        }
    }

    pub(crate) fn runner(&self) -> &dyn ToolRunner {
        &*self.runner
    }
}

fn too_many() -> ToolFailure {
    ToolFailure::new(ToolFault::Failed, format!("it was not run: at most {CALLS_MAX} calls at once are"))
}
