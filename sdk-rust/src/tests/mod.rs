//! The runtime against a scripted server, over an operation written by hand: no test here depends on the spec.

mod call;
mod first_event;
mod pages;
mod retirement;
mod robustness;
mod scripted;
mod stream;
mod surface;

use std::time::Duration;

use progenitor_client::{ByteStream, ClientHooks, OperationInfo, ResponseValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::transport::RawClient;
use crate::{Accumulate, Client, Error, Options, Response, Stream};
use scripted::Server;

const KEY: &str = "sk-novai-0123456789abcdef";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Delta {
    text: String,
}

/// Joins deltas.
#[derive(Default)]
struct Text(String);

impl Accumulate for Text {
    type Event = Delta;
    type Final = Delta;
    const TERMINAL: Option<&'static str> = Some("[DONE]");

    fn push(&mut self, event: &Delta) {
        self.0.push_str(&event.text);
    }

    fn snapshot(&self) -> Delta {
        Delta { text: self.0.clone() }
    }

    fn finish(self) -> Delta {
        Delta { text: self.0 }
    }
}

type RawError = progenitor_client::Error<Value>;

/// What progenitor generates for `POST /echo`, up to the reply.
async fn exchange(raw: &RawClient) -> Result<reqwest::Response, RawError> {
    let mut request =
        raw.client.post(format!("{}/echo", raw.baseurl)).json(&Delta { text: "hi".to_owned() }).build()?;
    let info = OperationInfo { operation_id: "echo" };
    raw.pre::<Value>(&mut request, &info).await?;
    let result = raw.exec(request, &info).await;
    raw.post::<Value>(&result, &info).await?;
    Ok(result?)
}

async fn send_json(raw: RawClient) -> Result<ResponseValue<Delta>, RawError> {
    let response = exchange(&raw).await?;
    match response.status().as_u16() {
        200 => ResponseValue::from_response(response).await,
        400..=599 => Err(RawError::ErrorResponse(ResponseValue::from_response(response).await?)),
        _ => Err(RawError::UnexpectedResponse(response)),
    }
}

async fn send_stream(raw: RawClient) -> Result<ResponseValue<ByteStream>, RawError> {
    let response = exchange(&raw).await?;
    match response.status().as_u16() {
        200 => Ok(ResponseValue::stream(response)),
        _ => Err(RawError::UnexpectedResponse(response)),
    }
}

impl Client {
    async fn echo(&self) -> Result<Response<Delta>, Error> {
        self.call(send_json).await
    }

    async fn echo_stream(&self) -> Result<Stream<Text>, Error> {
        self.stream(send_stream).await
    }
}

/// Waits between attempts that no one notices.
fn quick(mut options: Options) -> Options {
    options.retry_delay_base = Duration::from_millis(1);
    options.retry_delay_max = Duration::from_millis(2);
    options
}

fn client(server: &Server) -> Client {
    client_with(server, |options| options)
}

fn client_with(server: &Server, change: impl FnOnce(Options) -> Options) -> Client {
    Client::builder().api_key(KEY).base_url(server.url()).options(quick).options(change).build().unwrap()
}

/// Text of all events, and how it ended.
async fn read(mut stream: Stream<Text>) -> (String, Option<Error>) {
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(delta) => text += &delta.text,
            Err(error) => {
                assert!(stream.next().await.is_none(), "an error is the last item");
                return (text, Some(error));
            }
        }
    }
    assert!(stream.next().await.is_none(), "the end is the end");
    (text, None)
}
