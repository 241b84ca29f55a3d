//! How often a reader is polled: once per arrival.

use std::future::Future;
use std::pin::pin;

use super::super::testing::{LAST_CHUNK, chunk, chunked_head};
use super::*;

#[tokio::test(start_paused = true)]
async fn one_poll_per_arrival() {
    let (client, mut upstream) = client();
    let outgoing = post("a");
    let (answer, mut peer) = tokio::join!(client.send(&outgoing), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.send(chunked_head("text/plain")).await;
        peer
    });
    let mut body = answer.unwrap().body;
    let reader = tokio::spawn(async move {
        let mut polls = 0;
        let mut reading = pin!(async {
            let mut pieces = Vec::new();
            while let Some(piece) = piece(&mut body).await {
                pieces.push(piece.unwrap());
            }
            pieces
        });
        let pieces = poll_fn(|cx| {
            polls += 1;
            reading.as_mut().poll(cx)
        })
        .await;
        (polls, pieces)
    });
    const ARRIVALS: usize = 20;
    for _ in 0..ARRIVALS {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        peer.send(chunk("one") + &chunk("two")).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    peer.send(LAST_CHUNK).await;
    let (polls, pieces) = reader.await.unwrap();
    assert_eq!(pieces, vec!["onetwo"; ARRIVALS], "chunks that arrive together are one piece");
    // One to begin with, one per arrival, one for the end.
    assert_eq!(polls, 1 + ARRIVALS + 1);
}
