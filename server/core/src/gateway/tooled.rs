//! Requests whose registered tools the gateway runs: the model is asked, its calls are run, and it is asked again with their
//! results, until it answers without a call of such a tool.
//!
//! The rules, in full:
//!
//! * **Whose round it is.** With one call of a tool of the caller's own, the whole round is the caller's: no tool is run. So is
//!   an answer that was cut off.
//! * **Bound.** After `rounds_max` rounds of calls the next one fails the request.
//! * **Money.** Each round is admitted, reserved and settled by itself. What was spent is spent, whatever the next round comes to;
//!   the caller is told the sum.
//! * **Failure.** After tools have been run, a failure says so: whoever sends the request again runs them again.
//! * **Time.** The request's deadline is that of all rounds and all tools together.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::desk::{Begun, Desk, Leg, Whole};
use super::rounds::{Rounds, Script};
use super::{Answered, ChatRequest, Streamed};
use crate::charge::Charged;
use crate::error::Error;
use crate::money::payload::with_cost;
use crate::routing::Route;
use crate::stream::{GatewayStream, Wants};
use crate::tools::{Conversation, Errand, Spent, Toolbox, Turn, Unusable};

impl Desk {
    pub(super) async fn complete_with_tools(
        &self,
        route: Route,
        chat: ChatRequest,
        toolbox: &Arc<Toolbox>,
    ) -> Result<Answered, Error> {
        let wants = Wants::of(&chat.request);
        let mut conversation = Conversation::begin(&chat.raw, &chat.request, toolbox)?;
        let mut leg = self.first_leg();
        let mut spent = Spent::default();
        let mut round = 0;
        loop {
            let asked = next(&chat, &mut conversation)?;
            let answering = self.complete(route.clone(), asked, leg).await;
            let Whole { mut answered, attempts } = answering.map_err(|error| after(round, error))?;
            leg.attempts_before += attempts;
            let json = &answered.completion.json;
            spent.add(&answered.charged.into(), usage_in(json).as_ref());
            let provider = &*answered.target.provider_name;
            let turn = Turn::of_answer(round, json, conversation.offered())
                .map_err(|unusable| after(round, malformed(provider, unusable)))?;
            if !turn.is_to_be_run() {
                if round > 0 {
                    answered.completion.json = spent.shown_in(json, true);
                    let Spent { usage, cost, is_estimate, .. } = spent;
                    answered.charged = Charged { usage, cost, is_estimate, ..answered.charged };
                }
                if wants.cost {
                    answered.completion.json = with_cost(&answered.completion.json, answered.charged.cost);
                }
                return Ok(answered);
            }
            let results = self.run(toolbox, &turn, &chat, leg, round, provider).await?;
            conversation.append(&turn, results)?;
            round += 1;
        }
    }

    /// Resolves as soon as it is certain who serves the first round.
    pub(super) async fn stream_with_tools(
        self: Arc<Self>,
        route: Route,
        chat: ChatRequest,
        toolbox: Arc<Toolbox>,
        started_at: Instant,
    ) -> Result<Streamed, Error> {
        let conversation = Conversation::begin(&chat.raw, &chat.request, &toolbox)?;
        let leg = self.first_leg();
        let mut script = Script { desk: self, toolbox, route, chat, conversation, leg, started_at };
        let Begun { events, meta, target, .. } = script.ask(0).await?;
        let events = GatewayStream::of_rounds(Rounds::begin(script, events, Arc::clone(&target)));
        Ok(Streamed { events, meta, target })
    }

    /// The results of a round's calls. `provider` is who made them.
    pub(super) async fn run(
        &self,
        toolbox: &Toolbox,
        turn: &Turn,
        chat: &ChatRequest,
        leg: Leg,
        round: u32,
        provider: &str,
    ) -> Result<Vec<String>, Error> {
        let rounds_max = toolbox.rounds_max();
        if round >= rounds_max {
            return Err(Error::ToolRoundsExceeded { rounds_max });
        }
        let errand = Errand {
            principal: Arc::clone(&chat.principal),
            request_id: Arc::clone(&chat.request_id),
            trace: chat.trace,
            deadline: leg.deadline,
            observers: [Some(Arc::clone(self.routing.events())), chat.observer.clone()],
        };
        let results = toolbox.run(turn.calls(), &errand).await;
        match Instant::now() < leg.deadline {
            true => Ok(results),
            false => Err(after(round + 1, self.routing.timed_out(provider))),
        }
    }
}

/// The request as the next round asks it.
pub(super) fn next(chat: &ChatRequest, conversation: &mut Conversation) -> Result<ChatRequest, Error> {
    let (raw, request) = conversation.request()?;
    Ok(ChatRequest { raw, request, ..chat.clone() })
}

/// A failure, once tools have been run.
pub(super) fn after(rounds: u32, error: Error) -> Error {
    match rounds {
        0 => error,
        _ => Error::AfterTools { rounds, source: Box::new(error) },
    }
}

pub(super) fn malformed(provider: &str, Unusable(reason): Unusable) -> Error {
    Error::ProviderMalformed { provider: provider.to_owned(), reason: reason.to_owned() }
}

/// What an answer or an event says that it took.
pub(super) fn usage_in(json: &[u8]) -> Option<Map<String, Value>> {
    #[derive(serde::Deserialize)]
    struct Counted {
        usage: Option<Map<String, Value>>,
    }
    serde_json::from_slice::<Counted>(json).ok()?.usage
}

#[cfg(test)]
mod tests;
