//! A plan as a stream: choices take turns, one token per event; faults strike where the model's name says.

use std::sync::Arc;

use futures_util::stream::unfold;
use novai_core::{ChatEvent, ChatStream, Deadlines, Error};

use super::behaviour::Behaviour;
use super::plan::Plan;
use super::render::Renderer;

struct State {
    provider: Arc<str>,
    plan: Plan,
    renderer: Renderer,
    behaviour: Behaviour,
    deadlines: Deadlines,
    events_sent: u64,
    /// Which round of turns it is, and whose turn.
    round: usize,
    turn: usize,
    usage_sent: bool,
    failed: bool,
}

pub(super) fn events(
    provider: Arc<str>,
    plan: Plan,
    renderer: Renderer,
    behaviour: Behaviour,
    deadlines: Deadlines,
) -> ChatStream {
    let state = State {
        provider,
        plan,
        renderer,
        behaviour,
        deadlines,
        events_sent: 0,
        round: 0,
        turn: 0,
        usage_sent: false,
        failed: false,
    };
    Box::pin(unfold(state, |mut state| async move {
        let item = state.next().await?;
        Some((item, state))
    }))
}

impl State {
    async fn next(&mut self) -> Option<Result<ChatEvent, Error>> {
        if self.failed {
            return None;
        }
        if let Some(fault) = self.behaviour.fault
            && self.events_sent == fault.events_before()
        {
            self.failed = true;
            return Some(Err(fault.in_stream(&self.provider, self.events_sent, &self.deadlines).await));
        }
        let event = self.event()?;
        if let Some(delay) = self.behaviour.delay_per_token {
            tokio::time::sleep(delay).await;
        }
        self.events_sent += 1;
        Some(Ok(event))
    }

    /// Round 0 says who speaks, the next ones have a token of each choice that has one left, and each choice's last says
    /// why it ended.
    fn event(&mut self) -> Option<ChatEvent> {
        let rounds = self.plan.choices.iter().map(|choice| choice.pieces.len() + 2).max().unwrap_or(0);
        while self.round < rounds {
            while let Some(choice) = self.plan.choices.get(self.turn) {
                let turn = self.turn;
                self.turn += 1;
                let length = choice.pieces.len();
                match self.round {
                    0 => return Some(self.renderer.role(turn)),
                    round if round <= length => {
                        return Some(self.renderer.piece(turn, &choice.pieces[round - 1]));
                    }
                    round if round == length + 1 => {
                        return Some(self.renderer.finish(turn, choice.finish_reason));
                    }
                    _ => {}
                }
            }
            self.turn = 0;
            self.round += 1;
        }
        if std::mem::replace(&mut self.usage_sent, true) { None } else { Some(self.renderer.usage()) }
    }
}
