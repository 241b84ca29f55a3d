//! Targets that fail in every way, on a paused clock. `ask` is scripted; no provider is called.

mod faults;

use std::collections::HashMap;
use std::sync::Mutex;

use super::*;
use crate::catalog::{Catalog, ModelCard, TargetSpec};
use crate::money::Tariff;
use crate::testing::FakeProvider;
use faults::*;

/// Counts, and remembers what it was told.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl RouteEvents for Events {
    fn asked(&self, target: &Arc<Target>, attempt: u32) {
        self.note(format!("{attempt}: {}", target.provider_name));
    }

    fn failed(&self, target: &Arc<Target>, _: &Error, attempt: u32) {
        self.note(format!("{attempt}: {} failed", target.provider_name));
    }

    fn breaker_changed(&self, target: &Target, state: BreakerState) {
        self.note(format!("{} is {}", target.provider_name, state.name()));
    }
}

impl Events {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

struct World {
    route: Route,
    routing: Routing,
    events: Arc<Events>,
    /// How each target answers now; well if nothing stands here.
    faults: Mutex<HashMap<&'static str, MakeError>>,
}

async fn world(targets: &[(&'static str, Option<u32>)], policy: RoutingPolicy) -> World {
    let mut catalog = Catalog::new();
    let specs = targets.iter().map(|(name, weight)| TargetSpec {
        provider: FakeProvider::listing(name, &[]),
        upstream_model: "inner".into(),
        tariff: Tariff::FREE,
        weight: *weight,
    });
    catalog.add_route("m", 0, specs.collect(), ModelCard::default()).unwrap();
    let route = catalog.resolve("m").await.unwrap();
    let events = Arc::new(Events::default());
    let routing = Routing::new(policy, Random::new(7), Arc::clone(&events) as Arc<dyn RouteEvents>);
    World { route, routing, events, faults: Mutex::default() }
}

const IN_ORDER: [(&str, Option<u32>); 3] = [("a", None), ("b", None), ("c", None)];

impl World {
    fn fault(&self, target: &'static str, error: MakeError) {
        self.faults.lock().unwrap().insert(target, error);
    }

    fn repair(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// The names of those asked, and who served or whose error it was.
    async fn ask(&self) -> (String, Result<String, Error>) {
        self.ask_until(self.routing.deadline()).await
    }

    async fn ask_until(&self, deadline: Instant) -> (String, Result<String, Error>) {
        let mut asked = String::new();
        let journey = Journey { route: &self.route, observer: None, deadline };
        let served = self.routing.serve(journey, |attempt| {
            let name = &*attempt.target.provider_name;
            asked.push_str(name);
            let fault = self.faults.lock().unwrap().get(name).copied();
            let answer = match fault {
                Some(error) => Err(error(name.to_owned())),
                None => Ok(()),
            };
            Box::pin(std::future::ready(answer))
        });
        let served = served.await;
        if let Ok(served) = &served {
            self.routing.note_success(&served.target);
        }
        (asked, served.map(|served| served.target.provider_name.to_string()))
    }

    #[track_caller]
    fn check(&self, (asked, served): &(String, Result<String, Error>), expected: &str, by: Option<&str>) {
        assert_eq!(asked, expected);
        assert_eq!(served.as_deref().ok(), by, "{served:?}");
    }
}

fn provider_of(error: &Error) -> &str {
    match error {
        Error::ProviderUnavailable { provider, .. }
        | Error::ProviderRateLimited { provider, .. }
        | Error::ProviderTimeout { provider, .. }
        | Error::ProviderRejected { provider, .. } => provider,
        Error::InvalidRequest { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_target_goes_on_at_once_and_one_of_the_request_nowhere() {
    let goes_on: [MakeError; 9] = [
        unavailable,
        unavailable_for_20_s,
        limited,
        limited_for_20_s,
        late,
        malformed,
        broken,
        auth,
        not_found,
    ];
    for fault in goes_on {
        let world = world(&IN_ORDER, RoutingPolicy::default()).await;
        world.fault("a", fault);
        let started = Instant::now();
        let answer = world.ask().await;
        world.check(&answer, "ab", Some("b"));
        assert_eq!(started.elapsed(), Duration::ZERO, "nothing may wait");
    }
    for fault in [rejected as MakeError, inexpressible] {
        let world = world(&IN_ORDER, RoutingPolicy::default()).await;
        world.fault("a", fault);
        let answer = world.ask().await;
        world.check(&answer, "a", None);
    }
}

#[tokio::test(start_paused = true)]
async fn when_nobody_serves_the_error_is_the_firsts() {
    let world = world(&IN_ORDER, RoutingPolicy::default()).await;
    for (first, second) in
        [(unavailable as MakeError, limited as MakeError), (late, unavailable), (limited, rejected)]
    {
        for (name, fault) in [("a", first), ("b", second), ("c", inexpressible as MakeError)] {
            world.fault(name, fault);
        }
        let (asked, served) = world.ask().await;
        assert_eq!(asked, "abc", "what a fallback refuses is no verdict");
        assert_eq!(provider_of(&served.unwrap_err()), "a");
        tokio::time::advance(Duration::from_secs(600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn weights_choose_the_first_and_the_rest_follow_in_order() {
    let world =
        world(&[("a", None), ("b", Some(3)), ("c", Some(1)), ("d", Some(0))], RoutingPolicy::default()).await;
    let mut first = HashMap::new();
    for _ in 0..1000 {
        let (asked, _) = world.ask().await;
        *first.entry(asked).or_insert(0) += 1;
    }
    assert_eq!(first.values().sum::<i32>(), 1000);
    assert!((700..800).contains(&first["b"]) && (200..300).contains(&first["c"]), "{first:?}");

    for name in ["b", "c"] {
        world.fault(name, rejected_by_nobody);
    }
    let mut orders = HashMap::new();
    for _ in 0..100 {
        let (asked, _) = world.ask().await;
        *orders.entry(asked).or_insert(0) += 1;
    }
    let mut orders: Vec<_> = orders.into_keys().collect();
    orders.sort();
    assert_eq!(orders, ["ba", "ca"]);
}

/// Fails without a mark on the target.
fn rejected_by_nobody(provider: String) -> Error {
    not_found(provider)
}

#[tokio::test(start_paused = true)]
async fn a_target_that_keeps_failing_is_asked_last_until_it_is_found_well() {
    let world = world(&IN_ORDER[..2], RoutingPolicy::default()).await;
    world.fault("a", unavailable);
    for _ in 0..5 {
        let answer = world.ask().await;
        world.check(&answer, "ab", Some("b"));
    }
    let answer = world.ask().await;
    world.check(&answer, "b", Some("b"));
    let log = world.events.take();
    assert_eq!(log[..3], ["1: a", "1: a failed", "2: b"]);
    assert_eq!(log.iter().filter(|line| line.contains(" is ")).collect::<Vec<_>>(), ["a is open"]);

    // Better than nobody.
    world.fault("b", unavailable);
    let answer = world.ask().await;
    world.check(&answer, "ba", None);
    world.repair();
    let answer = world.ask().await;
    world.check(&answer, "b", Some("b"));

    tokio::time::advance(Duration::from_secs(5)).await;
    let answer = world.ask().await;
    world.check(&answer, "a", Some("a"));
    assert!(world.events.take().contains(&"a is closed".to_owned()));
    let answer = world.ask().await;
    world.check(&answer, "a", Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_said_how_long_is_not_asked_before() {
    let world = world(&IN_ORDER[..2], RoutingPolicy::default()).await;
    world.fault("a", limited_for_20_s);
    let answer = world.ask().await;
    world.check(&answer, "ab", Some("b"));
    world.fault("b", unavailable);
    let answer = world.ask().await;
    world.check(&answer, "b", None);
    world.fault("b", limited_for_20_s);
    tokio::time::advance(Duration::from_secs(1)).await;
    let answer = world.ask().await;
    world.check(&answer, "b", None);
    // Both wait: the one that may be asked first.
    let answer = world.ask().await;
    world.check(&answer, "a", None);
    assert!(matches!(answer.1, Err(Error::ProviderRateLimited { .. })));
    world.repair();
    tokio::time::advance(Duration::from_secs(20)).await;
    let answer = world.ask().await;
    world.check(&answer, "a", Some("a"));
}

#[tokio::test(start_paused = true)]
async fn the_only_target_is_always_asked() {
    let world = world(&IN_ORDER[..1], RoutingPolicy::default()).await;
    for fault in [unavailable as MakeError, limited_for_20_s, malformed] {
        world.fault("a", fault);
        for _ in 0..10 {
            let answer = world.ask().await;
            world.check(&answer, "a", None);
        }
    }
    world.repair();
    let answer = world.ask().await;
    world.check(&answer, "a", Some("a"));
}

#[tokio::test(start_paused = true)]
async fn retries_pause_ask_all_again_and_have_a_budget() {
    let policy = RoutingPolicy { retries: 2, retries_percent: 10, ..RoutingPolicy::default() };
    let world = world(&IN_ORDER[..2], policy).await;
    world.fault("a", late);
    world.fault("b", late);
    let started = Instant::now();
    let answer = world.ask().await;
    world.check(&answer, "ababab", None);
    let pauses = started.elapsed();
    assert!(
        pauses > Duration::ZERO && pauses <= policy.retry_pause * 3 + Duration::from_millis(2),
        "{pauses:?}"
    );

    // Ten from the start, and a tenth of one per request.
    let mut retries = 2;
    for _ in 0..100 {
        let (asked, _) = world.ask().await;
        retries += asked.len() / 2 - 1;
        tokio::time::advance(Duration::from_secs(600)).await;
    }
    assert_eq!(retries, 10 + 101 / 10);

    // Who said how long is not asked sooner.
    for _ in 0..100 {
        world.routing.retries.earn();
    }
    world.fault("a", limited_for_20_s);
    world.fault("b", limited_for_20_s);
    let answer = world.ask().await;
    world.check(&answer, "ab", None);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_search() {
    let policy = RoutingPolicy { retries: 5, ..RoutingPolicy::default() };
    let world = world(&IN_ORDER[..2], policy).await;
    world.fault("a", late);
    world.fault("b", late);
    let now = Instant::now();
    assert_eq!(world.ask_until(now).await.0, "a");
    assert_eq!(world.ask_until(now + Duration::from_nanos(1)).await.0, "ab");
    assert_eq!(Instant::now(), now, "no pause beyond the deadline");
    assert_eq!(world.routing.deadline() - now, policy.timeout);
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_is_known_as_such() {
    for (retries, expected) in [(0, vec![false, true]), (1, vec![false, false, false, true])] {
        let world = world(&IN_ORDER[..2], RoutingPolicy { retries, ..RoutingPolicy::default() }).await;
        let mut last = Vec::new();
        let deadline = world.routing.deadline();
        let observer = Events::default();
        let journey = Journey { route: &world.route, observer: Some(&observer), deadline };
        let served = world.routing.serve(journey, |attempt| {
            last.push(attempt.is_last);
            Box::pin(std::future::ready(Err::<(), _>(late("p".into()))))
        });
        assert!(served.await.is_err());
        assert_eq!(last, expected);
        assert_eq!(observer.take().len(), 2 * expected.len(), "whoever follows one request hears of it, too");
    }
}

#[tokio::test]
async fn routes_that_cannot_be() {
    let target = |weight| (Arc::new(target_of("a")), weight);
    for (targets, error) in [
        (vec![], RouteError::Empty),
        (vec![target(Some(0)), target(None)], RouteError::NoWeight),
        ((0..=TARGETS_MAX).map(|_| target(None)).collect(), RouteError::TooMany),
    ] {
        assert_eq!(Route::new(targets).err(), Some(error));
    }
}

fn target_of(name: &str) -> Target {
    Target {
        model: "m".into(),
        provider: FakeProvider::listing(name, &[]),
        provider_name: name.into(),
        upstream_model: "inner".into(),
        tariff: Arc::new(Tariff::FREE),
        health: Arc::default(),
        card: Arc::default(),
    }
}
