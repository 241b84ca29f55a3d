//! One connection of the scripted upstream: read a request, play its script, and notice a peer that leaves meanwhile.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;

use super::script::{Action, Script};
use super::{Reply, State, request};

enum Outcome {
    /// The answer is complete and the connection may serve another request.
    Keep,
    Close,
    Reset,
    /// The peer closed the connection before the script was through.
    PeerLeft,
}

pub(crate) async fn serve(mut socket: TcpStream, id: u64, state: Arc<State>) {
    // Each write is to leave as its own segment: where bytes are cut is the scenario's business.
    let _ = socket.set_nodelay(true);
    let mut read_ahead = Vec::new();
    while let Ok(Some(request)) = request::read(&mut socket, &mut read_ahead, id).await {
        let script = match state.receive(request) {
            Reply::Script(script) => script,
            Reply::NoModels => {
                if socket.write_all(NO_MODELS).await.is_err() {
                    return;
                }
                continue;
            }
            Reply::Unscripted => {
                let _ = socket.write_all(UNSCRIPTED).await;
                return;
            }
        };
        match play(&script, &mut socket, &mut read_ahead).await {
            Outcome::Keep => {}
            Outcome::Close => {
                let _ = socket.shutdown().await;
                return;
            }
            Outcome::Reset => {
                let _ = socket.set_zero_linger();
                return;
            }
            Outcome::PeerLeft => {
                state.peer_left();
                return;
            }
        }
    }
}

/// What a request gets that no script provides for. 501 so that it cannot pass for an intended answer.
const UNSCRIPTED: &[u8] =
    b"HTTP/1.1 501 Unscripted\r\ncontent-type: text/plain\r\ncontent-length: 11\r\nconnection: close\r\n\r\nno script\r\n";

const NO_MODELS: &[u8] =
    b"HTTP/1.1 200 Scripted\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n\
    {\"object\":\"list\",\"data\":[]}";

async fn play(script: &Script, socket: &mut TcpStream, read_ahead: &mut Vec<u8>) -> Outcome {
    let (mut reader, mut writer) = socket.split();
    let actions = async {
        for action in &script.actions {
            match action {
                Action::Write(bytes) => {
                    if writer.write_all(bytes).await.is_err() {
                        return Outcome::PeerLeft;
                    }
                }
                Action::Sleep(duration) => tokio::time::sleep(*duration).await,
                Action::Stall => std::future::pending().await,
                Action::Close => return Outcome::Close,
                Action::Reset => return Outcome::Reset,
            }
        }
        if script.keeps_connection { Outcome::Keep } else { Outcome::Close }
    };
    tokio::select! {
        biased;
        outcome = actions => outcome,
        () = closed(&mut reader, read_ahead) => Outcome::PeerLeft,
    }
}

/// Resolves when the peer has closed its side. Bytes that arrive belong to its next request.
async fn closed(reader: &mut ReadHalf<'_>, read_ahead: &mut Vec<u8>) {
    let mut block = [0; 1024];
    loop {
        match reader.read(&mut block).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read_ahead.extend_from_slice(&block[..read]),
        }
    }
}
