//! A scripted provider and a ledger in memory, for this crate's tests.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};

use crate::error::Error;
use crate::money::{
    Account, BudgetScope, BudgetSpec, Budgets, Ledger, LedgerError, Refusal, Reservation, ReservationId,
    Reserving, Settlement, UsagePage, UsageQuery,
};
use crate::provider::{
    ChatCall, ChatEvent, Completion, Provider, ResponseMeta, Streaming, TokenUsage, UpstreamModel,
};
use crate::stream::StreamFacts;

/// What the fake says in a stream, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Line {
    Event(&'static str),
    /// Empty choices, and this many tokens.
    UsageOnly(u64),
    /// An event that counts so far.
    Usage {
        prompt: u64,
        completion: u64,
    },
    Wait(Duration),
    Break,
    Panic,
}

pub(crate) struct FakeProvider {
    name: String,
    models: Mutex<Vec<String>>,
    fails: AtomicBool,
    listings_asked: AtomicUsize,
    delay: Mutex<Duration>,
    script: Mutex<Vec<Line>>,
    calls: Mutex<Vec<ChatCall>>,
}

impl FakeProvider {
    pub(crate) fn listing(name: &str, models: &[&str]) -> Arc<Self> {
        let fake = FakeProvider {
            name: name.into(),
            models: Mutex::default(),
            fails: AtomicBool::new(false),
            listings_asked: AtomicUsize::new(0),
            delay: Mutex::default(),
            script: Mutex::default(),
            calls: Mutex::default(),
        };
        fake.list(models);
        Arc::new(fake)
    }

    pub(crate) fn list(&self, models: &[&str]) {
        *self.models.lock().unwrap() = models.iter().map(|model| (*model).into()).collect();
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, SeqCst);
    }

    pub(crate) fn take_time(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    pub(crate) fn script(&self, lines: &[Line]) {
        *self.script.lock().unwrap() = lines.to_vec();
    }

    pub(crate) fn listings_asked(&self) -> usize {
        self.listings_asked.load(SeqCst)
    }

    pub(crate) fn calls(&self) -> Vec<ChatCall> {
        self.calls.lock().unwrap().clone()
    }

    fn check(&self) -> Result<(), Error> {
        if self.fails.load(SeqCst) {
            let provider = self.name.clone();
            return Err(Error::ProviderUnavailable { provider, retry_after: None, source: "down".into() });
        }
        Ok(())
    }
}

impl Provider for FakeProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            self.calls.lock().unwrap().push(call);
            let delay = *self.delay.lock().unwrap();
            tokio::time::sleep(delay).await;
            self.check()?;
            Ok(Completion { json: Bytes::from_static(b"{}"), usage: None, meta: ResponseMeta::default() })
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            self.calls.lock().unwrap().push(call);
            self.check()?;
            let lines = self.script.lock().unwrap().clone();
            let events = stream::iter(lines).filter_map(|line| async move {
                let event = |json: &'static str| ChatEvent {
                    json: Bytes::from_static(json.as_bytes()),
                    usage: None,
                    usage_only: false,
                };
                match line {
                    Line::Event(json) => Some(Ok(event(json))),
                    Line::UsageOnly(total) => Some(Ok(ChatEvent {
                        usage: Some(TokenUsage { total, ..TokenUsage::default() }),
                        usage_only: true,
                        ..event("{\"choices\":[]}")
                    })),
                    Line::Usage { prompt, completion } => Some(Ok(ChatEvent {
                        usage: Some(TokenUsage {
                            prompt,
                            completion,
                            total: prompt + completion,
                            ..TokenUsage::default()
                        }),
                        ..event("{}")
                    })),
                    Line::Wait(time) => {
                        tokio::time::sleep(time).await;
                        None
                    }
                    Line::Panic => panic!("as scripted"),
                    Line::Break => Some(Err(Error::StreamBroken {
                        provider: "fake".into(),
                        events_sent: 0,
                        source: "script".into(),
                    })),
                }
            });
            Ok(Streaming { events: Box::pin(events), meta: ResponseMeta::default() })
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(async move {
            self.listings_asked.fetch_add(1, SeqCst);
            let delay = *self.delay.lock().unwrap();
            tokio::time::sleep(delay).await;
            self.check()?;
            let models = self.models.lock().unwrap().clone();
            Ok(models
                .into_iter()
                .map(|id| UpstreamModel { id, created: 1, owned_by: self.name.clone() })
                .collect())
        })
    }
}

/// How the fake ledger answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    AtOnce,
    /// After this time; the upstream may be asked meanwhile, or not.
    After(Duration, MayOverlap),
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MayOverlap {
    Yes,
    No,
}

/// Remembers what it was told; refuses what costs more than there is.
pub(crate) struct FakeLedger {
    writes: Writes,
    pub budget_nano: u64,
    pub reserved: Mutex<Vec<Arc<Reservation>>>,
    pub turned: Mutex<Vec<Arc<Reservation>>>,
    pub settled: Mutex<Vec<(ReservationId, Settlement)>>,
}

impl FakeLedger {
    pub(crate) fn new(writes: Writes, budget_nano: u64) -> Arc<Self> {
        Arc::new(FakeLedger {
            writes,
            budget_nano,
            reserved: Mutex::default(),
            turned: Mutex::default(),
            settled: Mutex::default(),
        })
    }
}

impl Ledger for FakeLedger {
    fn reserve(
        &self,
        reservation: &Arc<Reservation>,
        budgets: &Budgets,
        _: Option<&Arc<StreamFacts>>,
    ) -> Reserving {
        if reservation.reserved.nano > self.budget_nano {
            let mut account = Account::default();
            account.advance(reservation.day());
            let budget = BudgetSpec { day_nano_usd: Some(self.budget_nano), ..budgets.key };
            let exceeded = account.check(&budget, reservation.reserved.nano).unwrap_err();
            let refusal = Refusal::Budget { scope: BudgetScope::Key, exceeded: Box::new(exceeded) };
            return Reserving::Done(Err(refusal));
        }
        let (delay, overlap) = match self.writes {
            Writes::AtOnce => {
                self.reserved.lock().unwrap().push(Arc::clone(reservation));
                return Reserving::Done(Ok(()));
            }
            Writes::Never => (None, MayOverlap::Yes),
            Writes::After(delay, overlap) => (Some(delay), overlap),
        };
        self.reserved.lock().unwrap().push(Arc::clone(reservation));
        let (done, answer) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            tokio::time::sleep(delay.unwrap_or(Duration::from_millis(1))).await;
            let _ = done.send(match delay {
                Some(_) => Ok(()),
                None => Err(Refusal::Unavailable("no disk".into())),
            });
        });
        Reserving::Later { is_decided: overlap == MayOverlap::Yes, answer }
    }

    fn turn(&self, reservation: &Arc<Reservation>) {
        self.turned.lock().unwrap().push(Arc::clone(reservation));
    }

    fn settle(&self, reservation: &Arc<Reservation>, settlement: Settlement) {
        self.settled.lock().unwrap().push((reservation.id, settlement));
    }

    fn usage(&self, _: UsageQuery) -> BoxFuture<'_, Result<UsagePage, LedgerError>> {
        Box::pin(std::future::ready(Ok(UsagePage::default())))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
