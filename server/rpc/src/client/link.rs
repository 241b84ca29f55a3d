//! Calls to one worker over HTTP/2, by one connection of each runtime that calls, made when it is first needed and again after it
//! broke. Who calls and what reads his answer are then on one thread, and none wakes another (a gateway has one runtime for each of
//! its threads).
//!
//! tonic's own `Channel` hands a call from task to task (a buffer, a dispatcher, the connection) and its answer back the same
//! way, and writes a call in three pieces. Here the task that calls writes the whole call into the connection's queue and is
//! woken by the connection: two tasks fewer on the way, and one packet.
//!
//! **Invariant:** a call of which nothing was written fails as [`ConnectError`]: another worker may be asked.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, Shared};
use h2::RecvStream;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::runtime::{self, Handle};
use tonic::codegen::Service;
use tonic::{ConnectError, Status};

use super::dial::{Dial, DialError, Open};

type Opening = Shared<BoxFuture<'static, Result<Open, DialError>>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Cheap to clone. The connection closes with the last clone.
#[derive(Clone)]
pub(crate) struct Link(Arc<Inner>);

struct Inner {
    dial: Arc<Dial>,
    scheme: Scheme,
    authority: Authority,
    /// Each runtime's connection, or the attempt to make one, which everybody there waits for together.
    openings: Mutex<HashMap<runtime::Id, Opening>>,
}

impl Link {
    /// Connects to nothing yet.
    pub(super) fn new(dial: Dial, scheme: Scheme, authority: Authority) -> Self {
        Link(Arc::new(Inner { dial: Arc::new(dial), scheme, authority, openings: Mutex::default() }))
    }
}

impl Inner {
    /// A connection that was sound when it was last heard of.
    async fn open(&self) -> Result<Open, ConnectError> {
        loop {
            let here = Handle::current().id();
            let (opening, is_new) = self.opening(here);
            let failure: BoxError = match opening.clone().await {
                Ok(mut open) => match poll_fn(|cx| open.sender.poll_ready(cx)).await {
                    Ok(()) => return Ok(open),
                    Err(error) => error.into(),
                },
                Err(error) => error.into(),
            };
            self.forget(here, &opening);
            // One that was made for this call, or while it waited: the worker is not there.
            if is_new {
                return Err(ConnectError(failure));
            }
        }
    }

    fn opening(&self, here: runtime::Id) -> (Opening, bool) {
        let mut known = self.openings.lock().unwrap_or_else(PoisonError::into_inner);
        let opening = known.entry(here).or_insert_with(|| Dial::open(&self.dial).boxed().shared());
        (opening.clone(), opening.peek().is_none())
    }

    fn forget(&self, here: runtime::Id, failed: &Opening) {
        let mut known = self.openings.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have begun the next one.
        if known.get(&here).is_some_and(|opening| opening.ptr_eq(failed)) {
            known.remove(&here);
        }
    }

    fn uri(&self, path: Option<PathAndQuery>) -> Result<Uri, http::Error> {
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let (scheme, authority) = (self.scheme.clone(), self.authority.clone());
        Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build()
    }

    async fn call(&self, request: Request<tonic::body::Body>) -> Result<Response<Answer>, BoxError> {
        let (mut head, body) = request.into_parts();
        // All of our requests are one message, which is there already.
        let message = body.collect().await?.to_bytes();
        head.version = Version::HTTP_2;
        head.uri = self.uri(head.uri.into_parts().path_and_query)?;
        let mut open = self.open().await?;
        let written_before = open.written.bytes();
        let (answer, mut stream) = open
            .sender
            .send_request(Request::from_parts(head, ()), message.is_empty())
            .map_err(|error| ConnectError(error.into()))?;
        if !message.is_empty() {
            // Where the stream has ended since, the answer says why.
            let _ = stream.send_data(message, true);
        }
        match answer.await {
            Ok(answer) => Ok(answer.map(|stream| Answer { stream, is_read: false })),
            Err(error) if open.written.bytes() == written_before => Err(ConnectError(error.into()).into()),
            Err(error) => Err(unanswered(error)),
        }
    }
}

/// Where the connection broke, the far end may have begun, and cannot be reached now.
fn unanswered(error: h2::Error) -> BoxError {
    if !error.is_io() {
        return error.into();
    }
    let mut status = Status::unavailable(error.to_string());
    status.set_source(Arc::new(error));
    status.into()
}

impl Service<Request<tonic::body::Body>> for Link {
    type Response = Response<Answer>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    /// Calls wait for the connection, not for leave to be made.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.call(request).await })
    }
}

/// The body of an answer. Dropped before its end, it cancels the call.
pub(crate) struct Answer {
    stream: RecvStream,
    /// Only the trailers are left.
    is_read: bool,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let this = &mut *self;
        if !this.is_read {
            match ready!(this.stream.poll_data(cx)) {
                Some(data) => return Poll::Ready(Some(data.and_then(|data| this.taken(data)))),
                None => this.is_read = true,
            }
        }
        let trailers = ready!(this.stream.poll_trailers(cx));
        Poll::Ready(trailers.map(|trailers| trailers.map(Frame::trailers)).transpose())
    }
}

impl Answer {
    /// The reader has it: the worker may send as much again.
    fn taken(&mut self, data: Bytes) -> Result<Frame<Bytes>, h2::Error> {
        self.stream.flow_control().release_capacity(data.len())?;
        Ok(Frame::data(data))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use h2::server::Connection;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::WorkerUrl;
    use crate::tls::ClientTls;

    async fn listener() -> (TcpListener, Link) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = WorkerUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let link = url.link(&ClientTls::default(), Duration::from_secs(10)).unwrap();
        (listener, link)
    }

    async fn connected(listener: &TcpListener) -> Connection<TcpStream, Bytes> {
        let (socket, _) = listener.accept().await.unwrap();
        h2::server::handshake(socket).await.unwrap()
    }

    /// Until its caller leaves.
    async fn served(mut connection: Connection<TcpStream, Bytes>) {
        while connection.accept().await.is_some_and(|call| call.is_ok()) {}
    }

    /// Until it says nothing more.
    async fn ended(open: &mut Open) {
        let ended = async {
            while poll_fn(|cx| open.sender.poll_ready(cx)).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    }

    #[tokio::test]
    async fn all_who_wait_share_one_connection_and_a_broken_one_is_made_anew() {
        let (listener, link) = listener().await;
        for round in 0..3 {
            let callers = futures_util::future::join_all((0..20).map(|_| link.0.open()));
            let (mut worker, opened) = tokio::join!(connected(&listener), callers);
            assert!(opened.iter().all(Result::is_ok), "in round {round}");
            // It leaves, and does not say so in time for the next caller to know.
            worker.abrupt_shutdown(h2::Reason::NO_ERROR);
            assert!(worker.accept().await.is_none());
            let mut open = opened.into_iter().next().unwrap().unwrap();
            ended(&mut open).await;
            assert!(open.sender.send_request(Request::new(()), true).is_err());
        }
    }

    #[tokio::test]
    async fn each_runtime_has_a_connection_of_its_own() {
        let (listener, link) = listener().await;
        let accepted = async {
            let first = connected(&listener).await;
            let second = connected(&listener).await;
            // Nobody opens a third.
            tokio::select! {
                _ = listener.accept() => panic!("a runtime opened a second connection"),
                ((), ()) = async { tokio::join!(served(first), served(second)) } => {}
            }
        };
        let there = link.clone();
        let elsewhere = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { drop((there.0.open().await.unwrap(), there.0.open().await.unwrap())) });
        });
        let here = async {
            drop((link.0.open().await.unwrap(), link.0.open().await.unwrap()));
            elsewhere.await.unwrap();
            drop(link);
        };
        tokio::join!(accepted, here);
    }

    /// How a call fails whose worker went away before it was put, with nobody having looked since, or on reading it.
    async fn failure(is_gone_before: bool) -> BoxError {
        let (listener, mut link) = listener().await;
        let mut put = || link.call(Request::new(tonic::body::Body::empty()));
        // One is answered, so that nothing of the connection's own is left to be written.
        let mut known = None;
        let serve = async {
            let worker = known.insert(connected(&listener).await);
            while let Some(Ok((_, mut answer))) = worker.accept().await {
                answer.send_response(Response::new(()), true).unwrap();
            }
        };
        tokio::select! {
            answer = put() => drop(answer.unwrap()),
            () = serve => unreachable!("the link is kept"),
        }
        let mut worker = known.unwrap();
        let mut call = put();
        if is_gone_before {
            // One thread: the connection's task has not run when the call is put.
            drop(worker);
            return call.await.map(drop).unwrap_err();
        }
        tokio::select! {
            _ = &mut call => unreachable!("nobody answers"),
            asked = worker.accept() => drop(asked.unwrap().unwrap()),
        }
        drop(worker);
        call.await.map(drop).unwrap_err()
    }

    #[tokio::test]
    async fn a_call_of_which_nothing_was_written_may_be_put_to_another_worker() {
        assert!(failure(true).await.is::<ConnectError>());
        let status = failure(false).await.downcast::<Status>().unwrap();
        assert_eq!(status.code(), tonic::Code::Unavailable);
    }
}
