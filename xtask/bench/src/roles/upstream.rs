//! A scripted server that speaks OpenAI's API, and the streams of others ([`super::vendor`]). Its answers are made once and then
//! only handed out, so that the machine's time goes to what stands before it.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};

use super::{listen, script::Script, vendor::Api};

type Body = UnsyncBoxBody<Bytes, Infallible>;
type Made = Arc<[Bytes]>;

/// Answers by script, and by whether the usage chunk was asked for.
#[derive(Default)]
struct Answers {
    made: Mutex<HashMap<(Api, String, bool), Made>>,
    /// Connections so far, for who asks for [`CONNECTIONS`].
    connections: AtomicUsize,
}

/// Answers how many connections there were, that of the question among them.
pub const CONNECTIONS: &str = "/connections";

impl Answers {
    fn of(&self, api: Api, script: Script, with_usage: bool) -> Made {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || match script {
            Script::Json { .. } => [script.json_body()].into(),
            _ => api.events(script, with_usage).into(),
        };
        Arc::clone(made.entry((api, script.to_string(), with_usage)).or_insert_with(make))
    }
}

pub async fn run() -> Result<()> {
    let listener = listen().await?;
    let answers = Arc::new(Answers::default());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = Arc::clone(&answers);
        answers.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&answers)));
            let mut server = http1::Builder::new();
            // A client that leaves in mid-stream ends its connection with an error; that is part of the script.
            let _ = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, answers: Arc<Answers>) -> Result<Response<Body>, hyper::Error> {
    if request.uri().path() == CONNECTIONS {
        let count = answers.connections.load(Ordering::Relaxed);
        return Ok(json(StatusCode::OK, Bytes::from(count.to_string())));
    }
    if request.method() != Method::POST {
        return Ok(json(StatusCode::NOT_FOUND, Bytes::from_static(b"{}")));
    }
    let path = request.uri().path().to_owned();
    let (api, named) = Api::of(&path);
    let body = request.into_body().collect().await?.to_bytes();
    let Some(script) = named.or_else(|| model(&body)).and_then(|model| model.parse::<Script>().ok()) else {
        return Ok(json(
            StatusCode::NOT_FOUND,
            Bytes::from_static(br#"{"error":{"message":"no such script"}}"#),
        ));
    };
    let made = answers.of(api, script, contains(&body, br#""include_usage":true"#));
    Ok(match script {
        Script::Json { .. } => json(StatusCode::OK, made.first().cloned().unwrap_or_default()),
        Script::Stream { pause, .. } => events(made, pause, false),
        Script::Idle => events(made, Duration::ZERO, true),
    })
}

fn events(made: Made, pause: Duration, stay_open: bool) -> Response<Body> {
    let count = made.len();
    let frames = stream::iter(0..count).then(move |index| {
        let event = made[index].clone();
        async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            Ok(Frame::data(event))
        }
    });
    let body = match stay_open {
        true => StreamBody::new(frames.chain(stream::pending())).boxed_unsync(),
        false => StreamBody::new(frames).boxed_unsync(),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The model's name, found without decoding: the request is our own, or what the gateway made of it.
fn model(body: &[u8]) -> Option<&str> {
    const BEFORE: &[u8] = br#""model":""#;
    let start = body.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let length = body[start..].iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&body[start..start + length]).ok()
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|window| window == text)
}
