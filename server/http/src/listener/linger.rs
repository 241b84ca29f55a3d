//! Closing without losing the last answer.
//!
//! A socket closed while the client still sends (a body we refused, 10,000 headers) is *reset*, and the reset can
//! overtake the 413 or 431 that explains it. So our side is shut, and what still arrives is read and dropped for a
//! moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// The whole linger. A client that uploads 100 MB on a fast link is done by then; a slow one gets its reset.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// Silence after which the client is not going to close.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(1);

/// Where a dropped socket is left for its connection's task. hyper drops the socket deep inside its own future; a slot
/// beats spawning a task from there.
#[derive(Debug, Clone, Default)]
pub(super) struct Leftover(Arc<Mutex<Option<TcpStream>>>);

impl Leftover {
    pub(super) fn keep(&self, socket: TcpStream) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket);
    }

    pub(super) async fn linger(self) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut socket) = left
            && socket.shutdown().await.is_ok()
        {
            discard(&socket).await;
        }
    }
}

async fn discard(socket: &TcpStream) {
    let give_up_at = Instant::now() + LINGER_TIMEOUT;
    let reading = async {
        while let Ok(Ok(())) = timeout(SILENCE_TIMEOUT, socket.readable()).await {
            // On the stack and never across an await: an idle connection's task must not carry it.
            let mut dropped = [0_u8; 16 * 1024];
            match socket.try_read(&mut dropped) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = timeout_at(give_up_at, reading).await;
}
