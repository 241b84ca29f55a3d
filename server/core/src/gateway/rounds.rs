//! A stream of several calls, with registered tools run between them: the caller sees one answer.
//!
//! Text is passed on as it comes, from every round. Of a round whose calls the gateway runs, neither calls nor end nor counts are
//! shown; the last round's end is the stream's. Chunks of later rounds carry the first one's id, and say no second time who
//! speaks. **Invariant:** what is known of money is in [`StreamFacts`] at every moment, for whoever leaves.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{BoxStream, StreamExt};
use futures_util::{FutureExt, Stream};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::ChatRequest;
use super::desk::{Begun, Desk, Leg};
use super::tooled::{after, malformed, next, usage_in};
use crate::catalog::Target;
use crate::error::Error;
use crate::limits::LimitSnapshot;
use crate::money::Usd;
use crate::money::payload::with_cost;
use crate::provider::{ChatEvent, TokenUsage};
use crate::routing::Route;
use crate::stream::{CallStream, StreamEnd, StreamFacts, Wants};
use crate::tools::{Conversation, Spent, Toolbox, Turn, edited};

/// What a request with tools needs from its first round to its last.
pub(super) struct Script {
    pub desk: Arc<Desk>,
    pub toolbox: Arc<Toolbox>,
    pub route: Route,
    pub chat: ChatRequest,
    pub conversation: Conversation,
    pub leg: Leg,
    pub started_at: Instant,
}

impl Script {
    pub async fn ask(&mut self, round: u32) -> Result<Begun, Error> {
        let asked = next(&self.chat, &mut self.conversation)?;
        // Every count is heard here; what the caller wants of them is decided at the end.
        let wants = Wants { usage: true, cost: false };
        let begun = self.desk.stream(self.route.clone(), asked, self.leg, wants, self.started_at);
        let begun = begun.await.map_err(|error| after(round, error))?;
        self.leg.attempts_before += begun.attempts;
        Ok(begun)
    }
}

pub(crate) struct Rounds {
    events: BoxStream<'static, Result<ChatEvent, Error>>,
    facts: Arc<StreamFacts>,
    limits: Option<LimitSnapshot>,
    shown: u64,
}

impl Rounds {
    pub(super) fn begin(script: Script, first: CallStream, target: Arc<Target>) -> Self {
        let facts = Arc::new(StreamFacts::default());
        let limits = first.limits();
        let state = State {
            wants: Wants::of(&script.chat.request),
            script,
            current: Some(first),
            target,
            round: 0,
            turn: Turn::new(0),
            counted: None,
            told: None,
            spent: Spent::default(),
            opening: Opening::default(),
            out: VecDeque::new(),
            facts: Arc::clone(&facts),
        };
        let events = futures_util::stream::unfold(state, |mut state| {
            async move { state.next().await.map(|item| (item, state)) }.boxed()
        });
        Rounds { events: events.boxed(), facts, limits, shown: 0 }
    }

    /// As they stood when the first round began.
    pub fn limits(&self) -> Option<LimitSnapshot> {
        self.limits
    }

    pub fn facts(&self) -> Arc<StreamFacts> {
        Arc::clone(&self.facts)
    }
}

impl Stream for Rounds {
    type Item = Result<ChatEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = std::task::ready!(self.events.poll_next_unpin(cx));
        match &item {
            Some(Ok(_)) => {
                self.shown += 1;
                self.facts.set_events_sent(self.shown);
            }
            Some(Err(_)) => self.facts.set_end(StreamEnd::Failed),
            None if self.facts.end() == StreamEnd::Running => self.facts.set_end(StreamEnd::Complete),
            None => {}
        }
        Poll::Ready(item)
    }
}

/// What a client has been told at the beginning, and is not told again.
#[derive(Default)]
struct Opening {
    /// Of the first chunk.
    names: Map<String, Value>,
    has_role: bool,
}

struct State {
    script: Script,
    wants: Wants,
    /// `None` once the stream is over.
    current: Option<CallStream>,
    /// Who serves the current round.
    target: Arc<Target>,
    round: u32,
    turn: Turn,
    /// The event with the current round's counts alone, if there was one.
    counted: Option<ChatEvent>,
    /// What the current round last said that it took.
    told: Option<Map<String, Value>>,
    /// By the rounds before.
    spent: Spent,
    opening: Opening,
    out: VecDeque<ChatEvent>,
    facts: Arc<StreamFacts>,
}

impl State {
    async fn next(&mut self) -> Option<Result<ChatEvent, Error>> {
        loop {
            if let Some(event) = self.out.pop_front() {
                return Some(Ok(event));
            }
            let current = self.current.as_mut()?;
            let heard = current.next().await;
            let done = match heard {
                Some(Ok(event)) => self.hear(event),
                Some(Err(error)) => Err(after(self.round, error)),
                None => self.turn_over().await,
            };
            if let Err(error) = done {
                self.leave();
                return Some(Err(error));
            }
        }
    }

    fn hear(&mut self, event: ChatEvent) -> Result<(), Error> {
        self.facts.begin(self.script.started_at.elapsed());
        if let Some(usage) = &event.usage {
            self.facts.set_usage(self.spent.usage.plus(usage));
            self.told = usage_in(&event.json);
        }
        if event.usage_only {
            self.counted = Some(event);
            return Ok(());
        }
        let shown = self
            .turn
            .hear(event, self.script.conversation.offered())
            .map_err(|unusable| after(self.round, malformed(&self.target.provider_name, unusable)))?;
        for event in shown {
            let event = self.polished(event, false);
            self.out.push_back(event);
        }
        Ok(())
    }

    /// The round has ended as it should.
    async fn turn_over(&mut self) -> Result<(), Error> {
        let Some(held) = self.turn.close() else { return self.carry_on().await };
        self.settle_round();
        let counted = self.counted.take().filter(|_| self.wants.usage);
        for event in held.into_iter().chain(counted) {
            let event = self.polished(event, true);
            self.out.push_back(event);
        }
        self.current = None;
        Ok(())
    }

    /// Runs the round's calls and asks again.
    async fn carry_on(&mut self) -> Result<(), Error> {
        self.settle_round();
        self.counted = None;
        let Script { desk, toolbox, chat, leg, .. } = &self.script;
        let provider = &*self.target.provider_name;
        let results = desk.run(toolbox, &self.turn, chat, *leg, self.round, provider).await?;
        self.script.conversation.append(&self.turn, results)?;
        self.round += 1;
        self.turn = Turn::new(self.round);
        let begun = self.script.ask(self.round).await?;
        self.target = begun.target;
        self.current = Some(begun.events);
        Ok(())
    }

    /// Puts the current round to those before.
    fn settle_round(&mut self) {
        let told = self.told.take();
        if let Some(settled) = self.current.as_ref().and_then(CallStream::settled) {
            self.spent.add(settled, told.as_ref());
            self.facts.set_usage(self.spent.usage);
            self.facts.set_cost(self.spent.cost);
        }
    }

    fn cost_so_far(&self, usage: &TokenUsage) -> Usd {
        let current = self.current.as_ref().and_then(|current| current.cost_of(usage));
        self.spent.cost.plus(current.unwrap_or_default())
    }

    /// As the caller is to see it. `is_settled`: its round is among those that are spent.
    fn polished(&mut self, mut event: ChatEvent, is_settled: bool) -> ChatEvent {
        if self.round == 0 {
            self.opening.see(&event);
        } else {
            event.json = self.opening.repeated(&event.json);
        }
        let Some(usage) = event.usage else { return event };
        if self.round > 0 {
            event.json = self.spent.shown_in(&event.json, is_settled);
        }
        if self.wants.cost {
            let cost = if is_settled { self.spent.cost } else { self.cost_so_far(&usage) };
            event.json = with_cost(&event.json, cost);
        }
        event
    }

    /// Over, before its time: what the current call came to is known once it is dropped.
    fn leave(&mut self) {
        let Some(current) = self.current.take() else { return };
        let facts = current.facts();
        let is_added = current.settled().is_some();
        drop(current);
        if is_added {
            return;
        }
        if let Some(usage) = facts.usage() {
            self.facts.set_usage(self.spent.usage.plus(&usage));
        }
        if let Some(cost) = facts.cost() {
            self.facts.set_cost(self.spent.cost.plus(cost));
        }
    }
}

impl Drop for State {
    /// The caller has left.
    fn drop(&mut self) {
        self.leave();
    }
}

impl Opening {
    /// An event of the first round.
    fn see(&mut self, event: &ChatEvent) {
        if self.has_role && !self.names.is_empty() {
            return;
        }
        let Ok(mut chunk) = serde_json::from_slice::<Map<String, Value>>(&event.json) else { return };
        self.has_role |= deltas(&mut chunk).any(|delta| delta.contains_key("role"));
        // Some providers begin with a chunk that has none yet.
        if self.names.is_empty() && chunk.get("id").and_then(Value::as_str).is_some_and(|id| !id.is_empty()) {
            chunk.retain(|name, _| matches!(name.as_str(), "id" | "created"));
            self.names = chunk;
        }
    }

    /// An event of a later one.
    fn repeated(&mut self, json: &bytes::Bytes) -> bytes::Bytes {
        edited(json, |chunk| {
            for (name, value) in &self.names {
                chunk.insert(name.clone(), value.clone());
            }
            for delta in deltas(chunk) {
                if self.has_role {
                    delta.shift_remove("role");
                }
                self.has_role |= delta.contains_key("role");
            }
        })
    }
}

fn deltas(chunk: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let choices = chunk.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten();
    choices.filter_map(|choice| choice.get_mut("delta").and_then(Value::as_object_mut))
}
