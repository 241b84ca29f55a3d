//! That a reply's model is deprecated reaches the program's log once, from calls and from streams.

use std::sync::{Mutex, OnceLock};

use super::scripted::{STREAM_HEAD, Server, chunk, reply, send};
use super::{client, read};

/// What was logged. The logger is the process's; other tests log nothing of the kind.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Lines;

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target().starts_with("novai") && record.level() == log::Level::Warn {
            LINES.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

fn listen() {
    static LOGGER: OnceLock<()> = OnceLock::new();
    LOGGER.get_or_init(|| {
        log::set_logger(&Lines).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
    });
}

#[tokio::test]
async fn a_deprecated_model_is_told_once() {
    const HEADERS: &str = "deprecation: @1796083200\r\nsunset: Wed, 31 Mar 2027 00:00:00 GMT\r\n";
    listen();
    let json = reply("200 OK", &format!("content-type: application/json\r\n{HEADERS}"), r#"{"text":"a"}"#);
    let head = STREAM_HEAD.replace("x-request-id", &format!("{HEADERS}x-request-id"));
    let stream = vec![send(head + &chunk("data: {\"text\":\"a\"}\n\ndata: [DONE]\n\n") + "0\r\n\r\n")];
    let server = Server::start(vec![stream, json]).await;
    let client = client(&server);
    assert_eq!(read(client.echo_stream().await.unwrap()).await.0, "a");
    client.echo().await.unwrap();
    client.with_options(|options| options.max_retries(0)).echo().await.unwrap();
    assert_eq!(
        *LINES.lock().unwrap(),
        [
            "what was asked for is deprecated as of 2026-12-01 and will be shut down on 2027-03-31; use another"
        ]
    );
}
