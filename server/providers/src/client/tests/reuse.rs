//! When a connection is used again, and when it must not be.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::super::Origin;
use super::super::testing::{LAST_CHUNK, answer, chunk, chunked_head};
use super::*;

#[tokio::test]
async fn one_connection_serves_calls_in_a_row() {
    let (client, mut upstream) = client();
    let first = call(&client, "one");
    let mut peer = upstream.accept().await;
    assert_eq!(
        peer.request().await,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: upstream.test\r\ncontent-length: 3\r\n\r\none"
    );
    peer.send(answer("200 OK", "", "first")).await;
    assert_eq!(first.await.unwrap().unwrap(), "first");

    for _ in 0..10 {
        let next = call(&client, "two");
        peer.request().await;
        peer.send(chunked_head("text/plain") + &chunk("sec") + &chunk("ond") + LAST_CHUNK).await;
        assert_eq!(next.await.unwrap().unwrap(), "second");
    }
    assert_eq!(upstream.connections_opened(), 1);
}

#[tokio::test]
async fn concurrent_calls_have_their_own_connections() {
    let (client, mut upstream) = client();
    let (first, second) = (call(&client, "a"), call(&client, "b"));
    let (mut peer_1, mut peer_2) = (upstream.accept().await, upstream.accept().await);
    for peer in [&mut peer_2, &mut peer_1] {
        let request = peer.request().await;
        peer.send(answer("200 OK", "", &request[request.len() - 1..])).await;
    }
    assert_eq!((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()), ("a".into(), "b".into()));
    assert_eq!(client.pool.idle_count(), 2);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_noticed() {
    let (client, mut upstream) = client();
    let first = call(&client, "a");
    let mut peer = upstream.accept().await;
    peer.request().await;
    peer.send(answer("200 OK", "", "x")).await;
    first.await.unwrap().unwrap();
    drop(peer);

    let second = call(&client, "b");
    let mut peer = upstream.accept().await;
    assert!(peer.request().await.ends_with("b"));
    peer.send(answer("200 OK", "", "y")).await;
    assert_eq!(second.await.unwrap().unwrap(), "y");
}

/// A first call that leaves a connection in the pool, whose far end is returned.
async fn warmed_up(client: &Arc<Client>, upstream: &mut Upstream) -> super::super::testing::Peer {
    let first = call(client, "warm-up");
    let mut peer = upstream.accept().await;
    peer.request().await;
    peer.send(answer("200 OK", "", "ok")).await;
    first.await.unwrap().unwrap();
    peer
}

#[tokio::test]
async fn a_reused_connection_that_dies_unanswered_is_replaced_once() {
    let (client, mut upstream) = client();
    let mut stale = warmed_up(&client, &mut upstream).await;
    let second = call(&client, "b");
    assert!(stale.request().await.ends_with("b"));
    drop(stale);
    let mut fresh = upstream.accept().await;
    assert!(fresh.request().await.ends_with("b"), "the whole request again");
    drop(fresh);
    assert!(matches!(second.await.unwrap(), Err(Failure::Broken(_))), "a second death is an error");
    assert_eq!(upstream.connections_opened(), 2);
}

#[tokio::test]
async fn a_reused_connection_that_dies_after_its_first_byte_is_not_replaced() {
    let (client, mut upstream) = client();
    let mut peer = warmed_up(&client, &mut upstream).await;
    let second = call(&client, "b");
    peer.request().await;
    peer.send("H").await;
    drop(peer);
    assert!(matches!(second.await.unwrap(), Err(Failure::Broken(_))));
    assert_eq!(upstream.connections_opened(), 1);
}

#[tokio::test]
async fn connection_close_is_honoured() {
    let (client, mut upstream) = client();
    let first = call(&client, "a");
    let mut peer = upstream.accept().await;
    peer.request().await;
    peer.send(answer("200 OK", "connection: close\r\n", "x")).await;
    first.await.unwrap().unwrap();
    assert_eq!(client.pool.idle_count(), 0);
    peer.closed().await;
}

#[tokio::test]
async fn an_answer_that_goes_on_costs_its_connection() {
    for bytes in [
        answer("200 OK", "", "x") + "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong",
        answer("204 No Content", "", "") + "x",
        chunked_head("text/plain") + LAST_CHUNK + "\r\n",
    ] {
        let (client, mut upstream) = client();
        let first = call(&client, "a");
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.send(bytes).await;
        first.await.unwrap().unwrap();
        assert_eq!(client.pool.idle_count(), 0);
        peer.closed().await;
    }
}

#[tokio::test]
async fn what_an_upstream_says_unasked_is_nobodys_answer() {
    let (client, mut upstream) = client();
    let mut peer = warmed_up(&client, &mut upstream).await;
    peer.send(answer("408 Request Timeout", "", "too slow")).await;
    let second = call(&client, "b");
    let mut fresh = upstream.accept().await;
    assert!(fresh.request().await.ends_with("b"));
    fresh.send(answer("200 OK", "", "y")).await;
    assert_eq!(second.await.unwrap().unwrap(), "y");
    peer.closed().await;
}

#[tokio::test]
async fn an_answer_before_the_requests_end_costs_its_connection() {
    let (client, mut upstream) = client();
    let body: &'static str = "x".repeat(1 << 20).leak();
    let first = call(&client, body);
    let mut peer = upstream.accept().await;
    peer.send(answer("413 Payload Too Large", "", "no")).await;
    assert_eq!(first.await.unwrap().unwrap(), "no");
    assert_eq!(client.pool.idle_count(), 0);
}

#[tokio::test]
async fn dropping_a_body_closes_its_connection() {
    let (client, mut upstream) = client();
    let outgoing = post("a");
    let (answer, mut peer) = tokio::join!(client.send(&outgoing), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.send(chunked_head("text/plain") + &chunk("x")).await;
        peer
    });
    let mut body = answer.unwrap().body;
    assert_eq!(piece(&mut body).await.unwrap().unwrap(), "x");
    drop(body);
    peer.closed().await;
    assert_eq!(client.pool.idle_count(), 0);
}

#[tokio::test]
async fn dropping_a_call_closes_its_connection() {
    let (client, mut upstream) = client();
    let waiting = call(&client, "a");
    let mut peer = upstream.accept().await;
    peer.request().await;
    waiting.abort();
    peer.closed().await;
}

/// A body that has been released after its first piece, with `rest` arriving before or after that.
async fn released(rest: &str, late: bool) -> (Arc<Client>, Upstream, super::super::testing::Peer) {
    let (client, mut upstream) = client();
    let outgoing = post("a");
    let (answer, mut peer) = tokio::join!(client.send(&outgoing), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        let head = chunked_head("text/event-stream") + &chunk("data: [DONE]\n\n");
        peer.send(if late { head } else { head + rest }).await;
        peer
    });
    let mut body = answer.unwrap().body;
    piece(&mut body).await.unwrap().unwrap();
    body.release();
    assert!(piece(&mut body).await.is_none(), "a released body has ended");
    drop(body);
    if late {
        peer.send(rest).await;
    }
    (client, upstream, peer)
}

#[tokio::test]
async fn a_released_body_gives_its_connection_back() {
    for late in [false, true] {
        for rest in [LAST_CHUNK.to_owned(), chunk(": bye\n\n") + LAST_CHUNK] {
            let (client, upstream, mut peer) = released(&rest, late).await;
            let second = call(&client, "b");
            assert!(peer.request().await.ends_with("b"));
            peer.send(answer("200 OK", "", "y")).await;
            assert_eq!(second.await.unwrap().unwrap(), "y");
            assert_eq!(upstream.connections_opened(), 1, "late: {late}, rest: {rest:?}");
        }
    }
}

#[tokio::test]
async fn a_released_body_without_an_end_costs_its_connection() {
    for rest in [String::new(), chunk("more"), chunk(&"x".repeat(10_000)).repeat(7) + LAST_CHUNK] {
        let (client, mut upstream, mut peer) = released(&rest, true).await;
        let second = call(&client, "b");
        let mut fresh = upstream.accept().await;
        fresh.request().await;
        fresh.send(answer("200 OK", "", "y")).await;
        assert_eq!(second.await.unwrap().unwrap(), "y");
        peer.closed().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_pool_is_bounded_and_forgets() {
    let pool = PoolConfig { idle_max: 2, idle_age_max: std::time::Duration::from_secs(50) };
    let (client, mut upstream) = client_with(pool, Deadlines::default());
    let calls: Vec<_> = (0..3).map(|_| call(&client, "a")).collect();
    let mut peers = Vec::new();
    for _ in &calls {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peers.push(peer);
    }
    for (peer, call) in peers.iter_mut().zip(calls) {
        peer.send(answer("200 OK", "", "x")).await;
        call.await.unwrap().unwrap();
    }
    assert_eq!(client.pool.idle_count(), 2);

    tokio::time::advance(std::time::Duration::from_secs(51)).await;
    let late = call(&client, "b");
    let mut fresh = upstream.accept().await;
    fresh.request().await;
    fresh.send(answer("200 OK", "", "y")).await;
    late.await.unwrap().unwrap();
    assert_eq!(upstream.connections_opened(), 4);
    assert_eq!(client.pool.idle_count(), 1, "the expired ones are gone");
}

/// A server that answers whatever comes with its connection's number.
async fn numbering() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        for number in 1.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while socket.read(&mut request).await.is_ok_and(|read| read > 0) {
                    socket.write_all(answer("200 OK", "", &number.to_string()).as_bytes()).await.unwrap();
                }
            });
        }
    });
    port
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connection_is_used_where_it_is_at_home_and_moves_where_it_must() {
    let origin = Origin::parse(&format!("http://127.0.0.1:{}", numbering().await)).unwrap();
    let client = Client::to(&origin, None, PoolConfig::default(), Deadlines::default()).unwrap();
    let both = async || {
        // Both are sent before either is read: two connections.
        let (one, two) = (client.send(&post("a")).await.unwrap(), client.send(&post("b")).await.unwrap());
        (one.body.read_whole(100).await.unwrap(), two.body.read_whole(100).await.unwrap())
    };
    let one = async || client.send(&post("c")).await.unwrap().body.read_whole(100).await.unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (first, second) = (current_thread(), current_thread());
            assert_eq!(first.block_on(both()), ("1".into(), "2".into()));
            assert_eq!(second.block_on(one()), "2", "the last used of all: none is its own");
            assert_eq!(first.block_on(one()), "1", "its own, though it is older");
            // Whatever the first had, nobody would be woken for: it does not run.
            assert_eq!(second.block_on(both()), ("2".into(), "1".into()));
        });
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_body_is_waited_for_where_it_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = Origin::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let client = Client::to(&origin, None, PoolConfig::default(), Deadlines::default()).unwrap();
    let (read_on, is_waited_for) = oneshot::channel();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        assert!(socket.read(&mut [0; 4096]).await.unwrap() > 0);
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na").await.unwrap();
        is_waited_for.await.unwrap();
        socket.write_all(b"b").await.unwrap();
        // Open until the client closes.
        let _ = socket.read(&mut [0]).await;
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // The first does not run while the second waits.
            let (first, second) = (current_thread(), current_thread());
            let mut body = first.block_on(client.send(&post("a"))).unwrap().body;
            second.block_on(async {
                assert_eq!(piece(&mut body).await.unwrap().unwrap(), "a");
                let last = tokio::join!(biased; piece(&mut body), async { read_on.send(()).unwrap() }).0;
                assert_eq!(last.unwrap().unwrap(), "b");
                assert!(piece(&mut body).await.is_none());
            });
        });
    });
}
