use super::super::{Config, Overrides, load};
use super::*;

const FILE: &str = r#"
inference_url = ["http://a:9300", "https://b:9300"]
[inference]
ca_file = "ca.pem"
certificate_file = "c.pem"
key_file = "k.pem"
server_name = "worker.internal"
connect_timeout_ms = 7
[worker]
listen = "0.0.0.0:9300"
certificate_file = "wc.pem"
key_file = "wk.pem"
client_ca_file = "ca.pem"
connections_max = 9
shutdown_timeout_ms = 8
[limits]
store_url_env = "NOVAI_REDIS_URL"
[[providers]]
name = "openai"
base_url = "https://api.openai.com/v1"
api_key_env = "OPENAI_API_KEY"
"#;

fn gateway(text: &str, urls: &[&str], env: Env<'_>) -> Result<Config, Problems> {
    let inference_urls = urls.iter().map(|url| (*url).to_owned()).collect();
    load(Some(("novai.toml", text)), Overrides { inference_urls, ..Overrides::default() }, env)
}

fn only(wanted: &'static str) -> impl Fn(&str) -> Option<String> {
    move |name| (name == wanted).then(|| "redis://h:1".to_owned())
}

#[test]
fn one_file_serves_both_and_each_needs_its_own_secrets_only() {
    let config = gateway(FILE, &[], &only("NOVAI_REDIS_URL")).unwrap_or_else(|problems| panic!("{problems}"));
    let inference = config.inference.unwrap();
    let urls: Vec<String> = inference.urls.iter().map(ToString::to_string).collect();
    assert_eq!(urls, ["http://a:9300", "https://b:9300"]);
    assert_eq!(inference.connect_timeout, Duration::from_millis(7));
    assert_eq!(inference.tls.identity, Some(("c.pem".into(), "k.pem".into())));
    assert_eq!(inference.tls.server_name.as_deref(), Some("worker.internal"));

    let worker = load_worker(Some(("novai.toml", FILE)), WorkerOverrides::default(), &only("OPENAI_API_KEY"));
    let worker = worker.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(worker.listen, SocketAddr::from(([0, 0, 0, 0], 9300)));
    assert_eq!((worker.providers.len(), worker.limits.connections_max), (1, 9));
    assert_eq!(worker.limits.shutdown_timeout, Duration::from_millis(8));
    assert_eq!(worker.tls.unwrap().client_ca_file, Some("ca.pem".into()));
}

#[test]
fn flags_and_defaults() {
    let config = gateway(FILE, &["http://c:1"], &only("NOVAI_REDIS_URL")).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(config.inference.unwrap().urls, [WorkerUrl::parse("http://c:1").unwrap()]);
    let one = gateway("inference_url = \"http://a:1\"", &[], &|_| None).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(one.inference.unwrap().urls.len(), 1);
    assert!(gateway("", &[], &|_| None).unwrap_or_else(|p| panic!("{p}")).inference.is_none());

    let worker = load_worker(None, WorkerOverrides::default(), &|_| None).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(worker.listen.to_string(), WORKER_LISTEN_DEFAULT);
    assert!(worker.tls.is_none() && worker.providers.is_empty());
    let flags = WorkerOverrides {
        listen: Some("127.0.0.1:0".to_owned()),
        upstream: Some("http://127.0.0.1:9200/v1".to_owned()),
        log: Some("debug".to_owned()),
    };
    let worker = load_worker(Some(("novai.toml", "[worker]\nlisten = \"127.0.0.1:1\"")), flags, &|_| None);
    let worker = worker.unwrap_or_else(|p| panic!("{p}"));
    assert_eq!((worker.listen.port(), &*worker.log.filter, worker.providers.len()), (0, "debug", 1));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let cases = [
        ("inference_url = 1", "inference_url: must be text"),
        ("inference_url = \"http://a\"", "inference_url: must be a worker's URL: it must name a port"),
        (
            "inference_url = [\"http://u:secret@a:1\"]",
            "inference_url[0]: must be a worker's URL: it must not hold",
        ),
        ("inference_url = [\"http://a:1\", \"http://a:1\"]", "inference_url[1]: names http://a:1 twice"),
        ("[inference]\nkey_file = \"k\"", "inference.key_file: needs `certificate_file` beside it"),
        ("[worker]\ncertificate_file = \"c\"", "worker.certificate_file: needs `key_file` beside it"),
        ("[worker]\nclient_ca_file = \"c\"", "worker.client_ca_file: needs `certificate_file` beside it"),
        ("[worker]\nlisten = \"x\"", "worker.listen: must be an address and a port"),
        ("[worker]\nlistne = \"x\"", "worker.listne: there is no such key"),
    ];
    for (text, expected) in cases {
        let Err(problems) = gateway(text, &[], &|_| None) else { panic!("accepted: {text}") };
        let report = problems.to_string();
        assert!(report.contains(expected) && problems.0.len() == 1, "{text}: {report}");
        assert!(!report.contains("secret"), "{report}");
        if text.starts_with("[worker]") {
            let Err(problems) =
                load_worker(Some(("novai.toml", text)), WorkerOverrides::default(), &|_| None)
            else {
                panic!("a worker accepted: {text}")
            };
            assert!(problems.to_string().contains(expected), "{problems}");
        }
    }
}
