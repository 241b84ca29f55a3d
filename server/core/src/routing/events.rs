//! The port for who counts, logs and traces what happens to a request on its way.

use std::sync::Arc;
use std::time::Duration;

use super::health::BreakerState;
use crate::catalog::Target;
use crate::error::Error;

/// Told as it happens, in the request's own task: must not block. What an implementation does not care for, it leaves out.
pub trait RouteEvents: Send + Sync + 'static {
    /// Limits and budgets have let the request pass.
    fn admitted(&self) {}

    /// `target` is asked: the request's first attempt, or a later one.
    fn asked(&self, _target: &Arc<Target>, _attempt: u32) {}

    /// It did not serve; the next is asked, if there is one.
    fn failed(&self, _target: &Arc<Target>, _error: &Error, _attempt: u32) {}

    /// The first event of its stream is here.
    fn began_to_answer(&self) {}

    /// What the request used is known, and put into the books.
    fn settling(&self) {}

    fn settled(&self) {}

    /// A registered tool has done what the model called it for, or has not. `tool` is empty where there is none of that name; `outcome` is
    /// `ok` or a [`crate::tools::ToolFault::name`].
    fn tool_ended(&self, _tool: &str, _outcome: &'static str, _took: Duration) {}

    /// It is passed over from now on, or no longer. Targets of the same provider and upstream model are one.
    fn breaker_changed(&self, _target: &Target, _state: BreakerState) {}
}

/// Nobody counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRouteEvents;

impl RouteEvents for NoRouteEvents {}
