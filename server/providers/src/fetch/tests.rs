//! The fetcher in a network of its own: names resolve to what a test says, and connections are pipes.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

/// Answers each connection with the bytes for its address, and remembers who was asked for.
#[derive(Default)]
pub(crate) struct FakeNetwork {
    /// A name's addresses, each time it is asked; the last one stays.
    names: Mutex<HashMap<String, Vec<Vec<&'static str>>>>,
    answers: HashMap<&'static str, String>,
    pub connected: Mutex<Vec<String>>,
}

impl Network for FakeNetwork {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let mut names = self.names.lock().unwrap();
        let found = match names.get_mut(host) {
            Some(times) if times.len() > 1 => Ok(times.remove(0)),
            Some(times) => Ok(times[0].clone()),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let addresses =
            found.map(|list| list.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect());
        Box::pin(std::future::ready(addresses))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<BoxIo>> {
        self.connected.lock().unwrap().push(address.to_string());
        let answer = self.answers.get(address.ip().to_string().as_str()).cloned();
        Box::pin(async move {
            let Some(answer) = answer else { return Err(io::ErrorKind::ConnectionRefused.into()) };
            let (near, mut far) = duplex(1 << 20);
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let _ = far.read(&mut request).await;
                let _ = far.write_all(answer.as_bytes()).await;
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
            });
            Ok(Box::new(near) as BoxIo)
        })
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

const PNG: &str = "content-type: Image/PNG; x=y\r\n";

/// Plain http, so that no certificate has to be made.
pub(crate) fn fetcher(
    names: &[(&str, &[&[&'static str]])],
    answers: &[(&'static str, String)],
) -> (Fetcher, Arc<FakeNetwork>) {
    let network = Arc::new(FakeNetwork {
        names: Mutex::new(
            names
                .iter()
                .map(|(name, times)| ((*name).to_owned(), times.iter().map(|list| list.to_vec()).collect()))
                .collect(),
        ),
        answers: answers.iter().cloned().collect(),
        connected: Mutex::default(),
    });
    let settings = Settings { allows_http: true, ..Settings::default() };
    let tls = client_config(None).unwrap();
    (Fetcher { settings, tls, network: Arc::clone(&network) as Arc<dyn Network> }, network)
}

async fn fetch(
    url: &str,
    names: &[(&str, &[&[&'static str]])],
    answers: &[(&'static str, String)],
) -> (Result<Picture, FetchError>, Vec<String>) {
    let (fetcher, network) = fetcher(names, answers);
    let fetched = fetcher.fetch(url, 100).await;
    let connected = network.connected.lock().unwrap().clone();
    (fetched, connected)
}

#[tokio::test]
async fn a_picture() {
    let picture = answer("200 OK", PNG, "bytes");
    let (fetched, connected) =
        fetch("http://pics.test/a", &[("pics.test", &[&["1.2.3.4"]])], &[("1.2.3.4", picture)]).await;
    assert_eq!(fetched, Ok(Picture { media_type: "image/png".into(), bytes: "bytes".into() }));
    assert_eq!(connected, ["1.2.3.4:80"]);
}

#[tokio::test]
async fn names_of_what_is_not_public_connect_nowhere() {
    for addresses in [
        &["127.0.0.1"][..],
        &["0.0.0.0"],
        &["169.254.169.254"],
        &["10.1.2.3"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["fd00:ec2::254"],
        // One of each kind.
        &["1.2.3.4", "127.0.0.1"],
        &[],
    ] {
        let (fetched, connected) = fetch("http://evil.test/", &[("evil.test", &[addresses])], &[]).await;
        assert_eq!((fetched, connected.len()), (Err(FetchError::NotPublic), 0), "{addresses:?}");
    }
    // A name that there is not sounds the same.
    assert_eq!(fetch("http://none.test/", &[], &[]).await.0, Err(FetchError::NotPublic));
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_asked_once() {
    let names: &[(&str, &[&[&str]])] = &[("rebind.test", &[&["1.2.3.4"], &["127.0.0.1"]])];
    let picture = answer("200 OK", PNG, "x");
    let (fetched, connected) = fetch("http://rebind.test/", names, &[("1.2.3.4", picture)]).await;
    assert!(fetched.is_ok());
    assert_eq!(connected, ["1.2.3.4:80"]);
    // With a redirect it is asked again, and checked again.
    let redirect = answer("302 Found", "location: /again\r\n", "");
    let (fetched, connected) = fetch("http://rebind.test/", names, &[("1.2.3.4", redirect)]).await;
    assert_eq!((fetched, connected), (Err(FetchError::NotPublic), vec!["1.2.3.4:80".to_owned()]));
}

#[tokio::test]
async fn redirects_lead_to_public_addresses_or_nowhere() {
    let names: &[(&str, &[&[&str]])] = &[
        ("a.test", &[&["1.2.3.4"]]),
        ("b.test", &[&["5.6.7.8"]]),
        ("localhost", &[&["127.0.0.1"]]),
        ("169.254.169.254", &[&["169.254.169.254"]]),
    ];
    let to = |location: &str| answer("302 Found", &format!("location: {location}\r\n"), "");
    let picture = ("5.6.7.8", answer("200 OK", PNG, "x"));
    let (fetched, connected) =
        fetch("http://a.test/", names, &[("1.2.3.4", to("http://b.test/")), picture]).await;
    assert!(fetched.is_ok());
    assert_eq!(connected, ["1.2.3.4:80", "5.6.7.8:80"]);
    for (location, expected) in [
        ("http://localhost/", FetchError::NotPublic),
        ("http://169.254.169.254/latest/meta-data/", FetchError::NotPublic),
        ("file:///etc/passwd", FetchError::Url("it must begin with https://, or be data")),
        ("http://b.test:6379/", FetchError::Url("its port is not its scheme's own")),
        ("http://a.test/", FetchError::TooManyRedirects),
    ] {
        let (fetched, connected) = fetch("http://a.test/", names, &[("1.2.3.4", to(location))]).await;
        assert_eq!(fetched, Err(expected), "{location}");
        assert!(connected.iter().all(|address| address == "1.2.3.4:80"), "{location}: {connected:?}");
        assert!(connected.len() <= 1 + REDIRECTS_MAX, "{location}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_picture_in_time_and_size() {
    let names: &[(&str, &[&[&str]])] = &[("a.test", &[&["1.2.3.4"]])];
    for (reply, expected) in [
        (answer("404 Not Found", PNG, ""), FetchError::Status(404)),
        (answer("302 Found", "", ""), FetchError::Status(302)),
        (answer("200 OK", "content-type: text/html\r\n", "<html>"), FetchError::NotPicture),
        (answer("200 OK", "content-type: image/\r\n", "x"), FetchError::NotPicture),
        (answer("200 OK", "", "x"), FetchError::NotPicture),
        (answer("200 OK", PNG, &"x".repeat(101)), FetchError::TooLarge(100)),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 9\r\n\r\nxx".to_owned(),
            FetchError::Unreachable,
        ),
        ("SSH-2.0-OpenSSH\r\n\r\n".to_owned(), FetchError::Unreachable),
        // Accepts, and says nothing.
        (String::new(), FetchError::TooSlow),
    ] {
        let (fetched, _) = fetch("http://a.test/", names, &[("1.2.3.4", reply.clone())]).await;
        assert_eq!(fetched, Err(expected), "{reply}");
    }
    assert_eq!(fetch("http://a.test/", names, &[]).await.0, Err(FetchError::Unreachable));
}

/// The attack cases that lie beside the repository: whatever they name, nobody connects there.
#[tokio::test]
async fn published_attacks_connect_nowhere() {
    let Some(cases) = crate::shared::json("cases/security_negative.json") else { return };
    let mut tried = 0;
    for case in cases.as_array().unwrap() {
        let url = &case["body"]["messages"][0]["content"][0]["image_url"]["url"];
        let Some(url) = url.as_str().filter(|url| !url.starts_with("data:")) else { continue };
        tried += 1;
        let url = url.replace("PORT", "80");
        // As the system's resolver reads them, numbers in any base too.
        let system = Fetcher::new(Settings { allows_http: true, ..Settings::default() }).unwrap();
        let network = Arc::new(Recording::default());
        let fetcher = Fetcher { network: Arc::clone(&network) as Arc<dyn Network>, ..system };
        let fetched = fetcher.fetch(&url, 100).await;
        assert!(matches!(fetched, Err(FetchError::NotPublic | FetchError::Url(_))), "{url}: {fetched:?}");
        assert_eq!(network.0.load(std::sync::atomic::Ordering::SeqCst), 0, "{url}");
    }
    assert!(tried >= 8, "{tried}");
}

/// Numbers and `localhost` resolve as the system has them; other names to loopback, so that no test asks a name server.
#[derive(Default)]
struct Recording(std::sync::atomic::AtomicUsize);

impl Network for Recording {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let is_local = host == "localhost" || host.starts_with(|first: char| first.is_ascii_digit());
        let host = if is_local { host } else { "127.0.0.1" };
        System.resolve(host, port)
    }

    fn connect(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<BoxIo>> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Box::pin(std::future::ready(Err(io::ErrorKind::ConnectionRefused.into())))
    }
}
