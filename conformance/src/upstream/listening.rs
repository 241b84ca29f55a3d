//! How a scripted upstream can be reached: as servers are, or refusing, or silent, or with a certificate that proves nothing.
//!
//! Each function takes a port that nobody else has and returns what holds it; dropping that closes it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::{State, connection, request};

/// Connections that the system takes on its own until its queue is full. Linux takes one or two where the queue is to hold none.
const FILLERS_MAX: usize = 16;
/// On one machine a connection takes microseconds; one that takes so long was not answered.
const UNANSWERED: Duration = Duration::from_millis(200);

pub(super) enum Listening {
    Accepting(JoinHandle<()>),
    /// Bound, never listening.
    Refusing(#[allow(dead_code, reason = "holds the port")] TcpSocket),
    /// Listening, never accepting, with a full queue.
    Ignoring(#[allow(dead_code, reason = "hold the port and its queue")] (TcpListener, Vec<TcpStream>)),
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Listening::Accepting(task) = self {
            task.abort();
        }
    }
}

type Reachable = Result<(SocketAddr, Listening)>;

pub(super) fn accept(state: Arc<State>) -> Reachable {
    let (listener, address) = bound()?;
    Ok((address, Listening::Accepting(tokio::spawn(accept_all(listener, state)))))
}

pub(super) fn accept_untrusted(state: Arc<State>) -> Reachable {
    let (listener, address) = bound()?;
    let acceptor = acceptor()?;
    Ok((address, Listening::Accepting(tokio::spawn(accept_all_untrusted(listener, acceptor, state)))))
}

/// Every connection is refused.
pub(super) fn refuse() -> Reachable {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok((socket.local_addr()?, Listening::Refusing(socket)))
}

/// No connection is answered: the queue of those that wait to be accepted is full, and then the system drops the first packet.
pub(super) async fn ignore() -> Reachable {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(0)?;
    let address = listener.local_addr()?;
    let mut fillers = Vec::new();
    while let Ok(filler) = tokio::time::timeout(UNANSWERED, TcpStream::connect(address)).await {
        fillers.push(filler.context("filling the queue")?);
        ensure!(fillers.len() <= FILLERS_MAX, "this system answers every connection");
    }
    Ok((address, Listening::Ignoring((listener, fillers))))
}

fn bound() -> Result<(TcpListener, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(1024)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn accept_all(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    let mut next_id = 0;
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(connection::serve(socket, next_id, state.clone()));
        next_id += 1;
        while connections.try_join_next().is_some() {}
    }
}

async fn accept_all_untrusted(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        let Ok(mut secured) = acceptor.accept(socket).await else { continue };
        // Somebody trusts the certificate; what it sends is on the record, and gets no answer.
        if let Ok(Some(request)) = request::read(&mut secured, &mut Vec::new(), 0).await {
            drop(state.receive(request));
        }
    }
}

fn acceptor() -> Result<TlsAcceptor> {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])?;
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
