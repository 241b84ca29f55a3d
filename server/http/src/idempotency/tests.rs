//! What one process keeps, for how long, and who gets it.

use http::header::HeaderValue;

use super::*;

async fn begin(replays: &Replays, caller: &Arc<str>, key: &str, body: &[u8]) -> Result<Begun, Problem> {
    replays.begin(caller, key, body).await
}

fn caller(name: &str) -> Arc<str> {
    name.into()
}

fn code(begun: Result<Begun, Problem>) -> String {
    match begun {
        Ok(Begun::New(_)) => "new".to_owned(),
        Ok(Begun::Replay(response)) => {
            assert_eq!(response.headers().get(&REPLAYED).unwrap(), "true");
            "replay".to_owned()
        }
        Err(problem) => problem.code.into_owned(),
    }
}

fn slot(begun: Result<Begun, Problem>) -> Slot {
    match begun {
        Ok(Begun::New(slot)) => slot,
        other => panic!("{}", code(other)),
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_a_day() {
    let replays = Replays::new(Arc::new(()));
    let alice = caller("key_a");
    let running = slot(begin(&replays, &alice, "k", b"body").await);
    assert_eq!(code(begin(&replays, &alice, "k", b"body").await), "idempotency_key_in_use");
    assert_eq!(code(begin(&replays, &alice, "k", b"other").await), "idempotency_key_reused");
    drop(slot(begin(&replays, &caller("key_b"), "k", b"body").await));
    running.keep(HeaderMap::new(), Bytes::from_static(b"answer"));
    assert_eq!(code(begin(&replays, &alice, "k", b"body").await), "replay");
    assert_eq!(code(begin(&replays, &alice, "k", b"other").await), "idempotency_key_reused");
    tokio::time::advance(KEPT - Duration::from_secs(1)).await;
    assert_eq!(code(begin(&replays, &alice, "k", b"body").await), "replay");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(code(begin(&replays, &alice, "k", b"body").await), "new");
}

#[tokio::test]
async fn what_failed_or_is_too_long_may_run_again() {
    let replays = Replays::new(Arc::new(()));
    drop(slot(begin(&replays, &caller("a"), "k", b"").await));
    slot(begin(&replays, &caller("a"), "k", b"").await)
        .keep(HeaderMap::new(), vec![0; ANSWER_BYTES_MAX + 1].into());
    assert_eq!(code(begin(&replays, &caller("a"), "k", b"").await), "new");
}

#[tokio::test]
async fn the_oldest_make_room() {
    let replays = Replays::new(Arc::new(()));
    let count = BYTES_MAX / ANSWER_BYTES_MAX + 5;
    for number in 0..count {
        let key = number.to_string();
        let slot = slot(begin(&replays, &caller("a"), &key, b"").await);
        slot.keep(HeaderMap::new(), vec![0; ANSWER_BYTES_MAX].into());
        assert!(replays.lock().bytes <= BYTES_MAX + ANSWER_BYTES_MAX);
    }
    assert_eq!(code(begin(&replays, &caller("a"), "0", b"").await), "new");
    assert_eq!(code(begin(&replays, &caller("a"), &(count - 1).to_string(), b"").await), "replay");
    assert!(replays.lock().entries.len() <= count);
}

#[test]
fn keys_are_short_and_visible() {
    for (value, expected) in [
        (&b"a-1"[..], Ok(Some("a-1"))),
        (b"", Err(())),
        (&[b'x'; 256], Err(())),
        (&[b'x'; 255], Ok(Some(std::str::from_utf8(&[b'x'; 255]).unwrap()))),
        (b"\xff", Err(())),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER.clone(), HeaderValue::from_bytes(value).unwrap());
        assert_eq!(key(&headers).map_err(|_| ()), expected);
    }
    assert_eq!(key(&HeaderMap::new()).unwrap(), None);
}
