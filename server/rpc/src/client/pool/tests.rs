//! Which worker is asked next.

use super::*;

fn pool(states: &[State]) -> Pool {
    let served = Arc::new(Notify::new());
    let workers = states.iter().enumerate().map(|(index, state)| {
        let url = WorkerUrl::parse("http://127.0.0.1:1").unwrap();
        let link = url.link(&ClientTls::default(), Duration::from_secs(1)).unwrap();
        let worker = Worker::new(index.to_string(), link, &WORKER, Arc::clone(&served));
        worker.set(*state, "");
        Arc::new(worker)
    });
    let workers = workers.collect();
    Pool { workers, turn: AtomicUsize::new(0), watchers: Vec::new(), served }
}

fn chosen(pool: &Pool, tried: &[Arc<Worker>]) -> Option<(String, Flight)> {
    pool.choose(tried).map(|flight| (flight.worker.url.clone(), flight))
}

#[tokio::test]
async fn the_one_with_the_fewest_calls_is_next_and_equals_take_turns() {
    let pool = pool(&[State::Serving; 3]);
    let mut flights = Vec::new();
    for round in 0..4 {
        let mut seen = Vec::new();
        for _ in 0..3 {
            let (url, flight) = chosen(&pool, &[]).unwrap();
            seen.push(url);
            flights.push(flight);
        }
        seen.sort();
        assert_eq!(seen, ["0", "1", "2"], "round {round}");
    }
    // One worker's calls have ended: the next ones are its.
    flights.retain(|flight| flight.worker.url != "1");
    let next: Vec<_> = (0..4).map(|_| chosen(&pool, &[]).unwrap()).collect();
    assert!(next.iter().all(|(url, _)| url == "1"));
}

#[tokio::test]
async fn one_that_serves_is_preferred_and_one_that_does_not_is_better_than_none() {
    let pool = pool(&[State::Down, State::Unknown, State::Serving]);
    let mut tried = Vec::new();
    for expected in ["2", "1", "0"] {
        let (url, flight) = chosen(&pool, &tried).unwrap();
        assert_eq!(url, expected);
        tried.push(Arc::clone(&flight.worker));
    }
    assert!(chosen(&pool, &tried).is_none());
}
