//! What has been read from a connection and not been used yet.
//!
//! **Invariant:** a connection that waits holds no more than the beginning of something it cannot use yet. Thousands of
//! streams wait at any time; room to read into is taken when there is something to read.

use std::future::Future;
use std::io::Result;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use super::io::BoxIo;

/// Room for one read: small answers come in less than the least, and answers that fill it are given twice as much, up to
/// the most. Large blocks are dear: allocators take them from far away, and no cache holds them.
const READ_BYTES_MIN: usize = 4 * 1024;
const READ_BYTES_MAX: usize = 64 * 1024;
/// Room is made for an announced length up to this; beyond, the buffer grows as bytes arrive.
const ANNOUNCED_BYTES_MAX: usize = 256 * 1024;
/// A read that does not fill its room tells the runtime that nothing more is there, without a second read to find out.
const SPARE_BYTES: usize = 64;

#[derive(Debug)]
pub(super) struct Buffer {
    pub bytes: BytesMut,
    /// Room for the next read, by what the last ones brought.
    read_bytes: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Buffer { bytes: BytesMut::new(), read_bytes: READ_BYTES_MIN }
    }
}

impl Buffer {
    /// Reads what is there, at least one byte; 0 at the end. `announced` bytes are known to come, and perhaps more.
    pub(super) fn poll_fill(
        &mut self,
        io: &mut BoxIo,
        announced: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize>> {
        let announced = usize::try_from(announced).unwrap_or(usize::MAX).min(ANNOUNCED_BYTES_MAX);
        let wanted = if announced > 0 { announced + SPARE_BYTES } else { self.read_bytes };
        if self.bytes.capacity() - self.bytes.len() < wanted.min(self.read_bytes / 2) {
            self.bytes.reserve(wanted);
        }
        let room = self.bytes.capacity() - self.bytes.len();
        let read = pin!(io.read_buf(&mut self.bytes)).poll(cx);
        match &read {
            Poll::Pending => self.shrink(),
            Poll::Ready(Ok(bytes)) if *bytes == room => {
                self.read_bytes = (2 * self.read_bytes).min(READ_BYTES_MAX);
            }
            Poll::Ready(Ok(bytes)) if *bytes < self.read_bytes / 8 => {
                self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_MIN);
            }
            Poll::Ready(_) => {}
        }
        read
    }

    fn shrink(&mut self) {
        if self.bytes.capacity() > 2 * self.bytes.len() {
            self.bytes = BytesMut::from(&self.bytes[..]);
        }
    }
}
