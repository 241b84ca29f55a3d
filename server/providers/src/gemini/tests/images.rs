//! Pictures by URL: refused, or fetched and sent as bytes.

use super::*;
use crate::fetch::tests::fetcher;

fn ask(urls: &[&str]) -> ChatCall {
    let parts: Vec<Value> =
        urls.iter().map(|url| json!({"type": "image_url", "image_url": {"url": url}})).collect();
    let body = json!({"model": "m", "messages": [{"role": "user", "content": parts}]});
    testing::call("gemini-x", body.to_string())
}

#[tokio::test]
async fn a_picture_goes_out_as_bytes_and_once() {
    let picture = answer("200 OK", "content-type: image/png\r\n", "PNG!");
    let (fetcher, network) = fetcher(&[("pics.test", &[&["1.2.3.4"]])], &[("1.2.3.4", picture)]);
    let (provider, mut upstream) = provider();
    let provider = Gemini { fetcher: Some(fetcher), ..provider };
    let call =
        ask(&["http://pics.test/a.png", "http://pics.test/a.png", "data:image/gif;base64,AAAA", "gs://b/c"]);
    let (answered, request) = tokio::join!(provider.complete(call), async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        peer.send(answer("200 OK", JSON_TYPE, r#"{"candidates":[{"finishReason":"STOP"}]}"#)).await;
        request
    });
    answered.unwrap();
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let png = json!({"inlineData": {"mimeType": "image/png", "data": "UE5HIQ=="}});
    assert_eq!(
        body["contents"][0]["parts"],
        json!([png, png, {"inlineData": {"mimeType": "image/gif", "data": "AAAA"}}, {"fileData": {"fileUri": "gs://b/c"}}])
    );
    assert_eq!(*network.connected.lock().unwrap(), ["1.2.3.4:80"]);
}

#[tokio::test]
async fn what_cannot_be_fetched_is_the_callers_to_mend() {
    let many: Vec<String> = (0..17).map(|number| format!("http://pics.test/{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let large = answer("200 OK", "content-type: image/png\r\n", &"x".repeat(6 << 20));
    let names: &[(&str, &[&[&str]])] =
        &[("pics.test", &[&["1.2.3.4"]]), ("large.test", &[&["5.6.7.8"]]), ("evil.test", &[&["127.0.0.1"]])];
    let answers = [("1.2.3.4", answer("200 OK", "content-type: image/png\r\n", "x")), ("5.6.7.8", large)];
    for (urls, param, reason) in [
        (&["http://evil.test/"][..], "messages[0].content[0].image_url.url", "no public address"),
        (
            &["data:image/png;base64,AAAA", "file:///etc/passwd"],
            "messages[0].content[1].image_url.url",
            "no URL",
        ),
        (
            &["http://large.test/1", "http://large.test/2"],
            "messages[0].content[1].image_url.url",
            "larger than",
        ),
        (&many, "messages[0].content[16].image_url.url", "too many"),
    ] {
        let (provider, _upstream) = provider();
        let provider = Gemini { fetcher: Some(fetcher(names, &answers).0), ..provider };
        match provider.complete(ask(urls)).await {
            Err(Error::InvalidRequest { param: Some(got), reason: told }) => {
                assert_eq!(got, param);
                assert!(told.contains(reason), "{told}");
            }
            other => panic!("{urls:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn nothing_is_fetched_unless_configured() {
    let (provider, _upstream) = provider();
    let refused = provider.complete(ask(&["https://example.com/a.png"])).await;
    let Err(Error::InvalidRequest { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("this gateway fetches nothing"), "{reason}");
}
