//! `novai health`: asks a gateway, or a worker, whether it lives, for supervisors that can run a program and cannot make a request, such as a
//! container's health check. Exit code 0 if so.
//!
//! For a gateway its own few lines of HTTP: no key is needed, nothing is retried, and an image without a shell has no `curl`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use novai_rpc::{ClientTls, WorkerUrl};

use crate::config::LISTEN_DEFAULT;

/// A gateway that takes longer is not well, and Docker waits 30 s by default.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The answer has some 400.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

#[derive(Debug, Args)]
pub struct HealthArgs {
    /// Where the gateway listens, without TLS; with TLS, give `admin_listen` a place of its own or probe from outside
    #[arg(long, value_name = "ADDR", env = "NOVAI_LISTEN", default_value = LISTEN_DEFAULT)]
    listen: String,
    /// Ask whether it serves requests, too: a model can be called, and it is not about to end
    #[arg(long)]
    ready: bool,
    /// Ask a worker instead of a gateway, such as http://127.0.0.1:9300, and whether it serves requests
    #[arg(long, value_name = "URL", conflicts_with = "ready")]
    worker: Option<String>,
}

pub async fn run(arguments: &HealthArgs) -> anyhow::Result<()> {
    if let Some(text) = &arguments.worker {
        let url = WorkerUrl::parse(text).with_context(|| format!("--worker {text:?}"))?;
        let asked = novai_rpc::client::probe(&url, &ClientTls::default(), TIMEOUT).await;
        return asked.with_context(|| format!("the worker at {url}"));
    }
    let address = reachable(&arguments.listen)?;
    let path = if arguments.ready { "/ready" } else { "/health" };
    let answer = ask(address, path).with_context(|| format!("http://{address}{path}"))?;
    match answer.lines().next() {
        Some(line) if line.contains(" 200 ") => Ok(()),
        Some(line) => bail!("http://{address}{path} answered: {line}"),
        None => bail!("http://{address}{path} answered nothing; does it want TLS?"),
    }
}

/// Whoever listens everywhere is reached on this machine.
fn reachable(listen: &str) -> anyhow::Result<SocketAddr> {
    let address = listen.to_socket_addrs().ok().and_then(|mut found| found.next());
    let mut address =
        address.with_context(|| format!("--listen: {listen:?} is not an address and a port"))?;
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => address.set_ip([127, 0, 0, 1].into()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            address.set_ip(std::net::Ipv6Addr::LOCALHOST.into());
        }
        _ => {}
    }
    Ok(address)
}

fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect_timeout(&address, TIMEOUT)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    socket.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
