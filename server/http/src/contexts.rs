//! dropshot's `RequestContext`s, lent to one request after the other.
//!
//! dropshot is our router and the API's description, but not our server ([`crate::listener`]). Its handlers want a
//! `RequestContext`, and only dropshot's server can make one: the type is `#[non_exhaustive]`. So at start-up a dropshot
//! server on a loopback port answers a few requests of our own, whose handler keeps its context; then it is closed. What
//! [`direct`] runs needs none.
//!
//! A context is on loan only from the routing of a request to the first line of its operation ([`Exchange::begin`]):
//! bodies are read later, so no client can hold one. As many as there are threads would do. One that is lost, to a panic
//! in an extractor, is replaced the same way.
//!
//! [`Exchange::begin`]: crate::exchange::Exchange::begin
//! [`direct`]: crate::operations::direct

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dropshot::{
    ApiDescription, ApiEndpoint, ApiEndpointVersions, ConfigDropshot, HandlerTaskMode, HttpError,
    HttpResponseUpdatedNoContent, RequestContext, ServerBuilder,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::App;

type Context = RequestContext<Arc<App>>;

const MADE_AT_ONCE: usize = 16;
/// More than this many are never needed; what comes back beyond is dropped.
const KEPT_MAX: usize = 256;
/// Loopback and no work: a machine that needs longer is not going to serve anybody.
const MAKING_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Contexts {
    spare: Mutex<Vec<Context>>,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot set up dropshot: {0}")]
pub struct ContextsError(String);

impl Contexts {
    pub(crate) fn put(&self, context: Context) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < KEPT_MAX {
            spare.push(context);
        }
    }

    fn pop(&self) -> Option<Context> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Contexts hold the app, which holds them: without this, neither would ever be freed.
    pub(crate) fn clear(&self) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

pub(crate) async fn take(app: &Arc<App>) -> Result<Context, ContextsError> {
    if let Some(context) = app.contexts.pop() {
        return Ok(context);
    }
    make(app).await?;
    app.contexts.pop().ok_or_else(|| ContextsError("no context came back".to_owned()))
}

/// Also called at start-up, so that a machine where this cannot work says so then.
pub(crate) async fn make(app: &Arc<App>) -> Result<(), ContextsError> {
    match tokio::time::timeout(MAKING_TIMEOUT, make_unbounded(app)).await {
        Ok(made) => made,
        Err(_) => Err(ContextsError("its loopback server does not answer".to_owned())),
    }
}

async fn make_unbounded(app: &Arc<App>) -> Result<(), ContextsError> {
    let failed = |error: &dyn std::fmt::Display| ContextsError(error.to_string());
    let mut api = ApiDescription::new();
    api.register(ApiEndpoint::new(
        "keep_context".to_owned(),
        keep_context,
        http::Method::GET,
        "application/json",
        "/",
        ApiEndpointVersions::All,
    ))
    .map_err(|error| failed(&error))?;
    let config = ConfigDropshot {
        bind_address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        default_request_body_max_bytes: app.options.body_bytes_max,
        default_handler_task_mode: HandlerTaskMode::CancelOnDisconnect,
        ..ConfigDropshot::default()
    };
    let silent = slog::Logger::root(slog::Discard, slog::o!());
    let server = ServerBuilder::new(api, Arc::clone(app), silent)
        .config(config)
        .start()
        .map_err(|error| failed(&error))?;

    let asked = ask(server.local_addr()).await;
    // Dropping it ends it. `close()` would wait for ever: for the server's state, which our contexts keep.
    drop(server);
    asked.map_err(|error| failed(&error))
}

/// Pipelined; the last request ends the connection, so reading to its end means that all were handled.
async fn ask(address: SocketAddr) -> std::io::Result<()> {
    const AGAIN: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const LAST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const ANSWERS_BYTES_MAX: u64 = 64 * 1024;

    let mut socket = TcpStream::connect(address).await?;
    let requests = AGAIN.repeat(MADE_AT_ONCE - 1) + LAST;
    socket.write_all(requests.as_bytes()).await?;
    socket.take(ANSWERS_BYTES_MAX).read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn keep_context(context: Context) -> Result<HttpResponseUpdatedNoContent, HttpError> {
    let app = Arc::clone(context.context());
    app.contexts.put(context);
    Ok(HttpResponseUpdatedNoContent())
}

#[cfg(test)]
mod tests {
    use novai_core::{Catalog, Gateway, KeyStore, Principal, Scopes};
    use tokio::net::TcpListener;

    use super::*;
    use crate::Front;
    use crate::cors::Cors;
    use crate::listener::{Limits, Shutdown, serve};

    struct AnyKey;

    impl KeyStore for AnyKey {
        fn principal(&self, _: &str) -> Option<Arc<Principal>> {
            Some(Arc::new(Principal::new("key_1", Scopes::all())))
        }
    }

    #[tokio::test]
    async fn a_slow_body_holds_no_context() {
        let shutdown = Shutdown::default();
        let gateway = Arc::new(Gateway::new(Catalog::new()));
        let ports = crate::Ports {
            gateway,
            keys: Arc::new(AnyKey),
            key_admin: Arc::new(()),
            replays: Arc::new(()),
            tokens: None,
            observer: Arc::new(()),
            metrics: None,
        };
        let app = Arc::new(App::new(ports, crate::Options::default(), shutdown.clone()));
        let front = Arc::new(
            Front::new(Arc::clone(&app), crate::Surface::All, Cors::default(), Arc::new(())).await.unwrap(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Arc::default(), None, Limits::default(), front, shutdown));

        let mut waiting = Vec::new();
        for _ in 0..4 * MADE_AT_ONCE {
            let mut socket = TcpStream::connect(address).await.unwrap();
            let head = "POST /v1/admin/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\
                        Expect: 100-continue\r\nContent-Length: 10\r\n\r\n";
            socket.write_all(head.as_bytes()).await.unwrap();
            // Told to go on, because the operation has begun to read.
            let mut interim = [0; 25];
            socket.read_exact(&mut interim).await.unwrap();
            assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
            waiting.push(socket);
        }
        assert_eq!(app.contexts.spare.lock().unwrap().len(), MADE_AT_ONCE);
    }
}
