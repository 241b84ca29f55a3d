//! `/metrics`: who may read it where, and that requests are told to whoever counts.

use std::sync::{Arc, Mutex};

use novai_core::Secret;
use novai_http::MetricsPage;
use novai_http::observer::{Metrics, Observer, RequestEnded};

use crate::support::client::chat_to;
use crate::support::{GOOD_KEY, Running, Setup, request, send};

const TOKEN: &str = "only-for-metrics-0123456789";

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn request_ended(&self, ended: &RequestEnded<'_>) {
        let line = format!("{:?} {:?} {}", ended.model, ended.status, ended.outcome.name());
        self.0.lock().unwrap().push(line);
    }
}

impl Metrics for Told {
    fn page(&self) -> String {
        "told 1\n# EOF\n".to_owned()
    }
}

async fn start(token: Option<&str>, has_admin_listener: bool) -> (Running, Arc<Told>) {
    let told = Arc::new(Told::default());
    let page = MetricsPage { source: told.clone(), token: token.map(|token| Secret::new(token.to_owned())) };
    let observer: Arc<dyn Observer> = told.clone();
    let setup =
        Setup { metrics: Some(page), observer: Some(observer), has_admin_listener, ..Setup::default() };
    (setup.start().await, told)
}

/// Whether there is a token, on which listener, with which credential → the status.
#[tokio::test]
async fn only_who_may_reads_it() {
    let nobody = "Authorization: none";
    let key = &*format!("Authorization: Bearer {GOOD_KEY}");
    let token = &*format!("Authorization: Bearer {TOKEN}");
    let wrong = &*format!("Authorization: Bearer {TOKEN}x");
    // (token, admin listener, asked there, header, status)
    let cases = [
        (None, false, false, nobody, 401),
        (None, false, false, wrong, 401),
        (None, false, false, key, 200),
        (Some(TOKEN), false, false, nobody, 401),
        (Some(TOKEN), false, false, token, 200),
        (Some(TOKEN), false, false, key, 200),
        (None, true, true, nobody, 200),
        (Some(TOKEN), true, true, nobody, 401),
        (Some(TOKEN), true, true, wrong, 401),
        (Some(TOKEN), true, true, token, 200),
        (None, true, false, key, 404),
        (Some(TOKEN), true, false, token, 404),
    ];
    for (own_token, has_admin_listener, at_admin, header, status) in cases {
        let (gateway, _) = start(own_token, has_admin_listener).await;
        let address = if at_admin { gateway.admin_address.unwrap() } else { gateway.address };
        let answer = send(address, &request("GET", "/metrics", &[header], "")).await;
        assert_eq!(answer.status, status, "{own_token:?} {has_admin_listener} {at_admin} {header}");
        if status == 200 {
            assert_eq!(answer.body, "told 1\n# EOF\n");
            assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
        }
    }
}

#[tokio::test]
async fn there_is_no_page_where_nothing_is_counted_and_only_one_way_to_read_it() {
    let without = Setup::default().start().await;
    assert_eq!(send(without.address, &request("GET", "/metrics", &[], "")).await.status, 404);
    let (gateway, _) = start(None, false).await;
    let head = send(gateway.address, &request("HEAD", "/metrics", &[], "")).await;
    assert_eq!((head.status, head.header("content-length"), &*head.body), (200, Some("13"), ""));
    let post = send(gateway.address, &request("POST", "/metrics", &[], "")).await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(send(gateway.address, &request("GET", "/v1/metrics", &[], "")).await.status, 404);
}

#[tokio::test]
async fn every_request_is_told_once_when_it_has_ended() {
    let (gateway, told) = start(None, false).await;
    let address = gateway.address;
    assert_eq!(send(address, &chat_to("plain", false)).await.status, 200);
    assert_eq!(send(address, &chat_to("plain", true)).await.status, 200);
    assert_eq!(send(address, &chat_to("no-such-model", false)).await.status, 404);
    assert_eq!(send(address, &request("GET", "/nowhere", &[], "")).await.status, 404);
    gateway.stop().await;
    let mut lines = told.0.lock().unwrap().clone();
    lines.sort();
    let expected = [
        "None Some(404) rejected",
        "Some(\"no-such-model\") Some(404) rejected",
        "Some(\"plain\") Some(200) ok",
        "Some(\"plain\") Some(200) ok",
    ];
    assert_eq!(lines, expected);
}
