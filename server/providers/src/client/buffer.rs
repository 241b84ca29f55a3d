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

/// Most answers, and a burst of events, in one read. An answer that needs a second one is copied to where it fits.
const READ_BYTES: usize = 32 * 1024;
/// Room is made for an announced length up to this; beyond, the buffer grows as bytes arrive.
const ANNOUNCED_BYTES_MAX: usize = 256 * 1024;
/// A read that does not fill its room tells the runtime that nothing more is there, without a second read to find out.
const SPARE_BYTES: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub bytes: BytesMut,
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
        let wanted = if announced > 0 { announced + SPARE_BYTES } else { READ_BYTES };
        if self.bytes.capacity() - self.bytes.len() < wanted.min(READ_BYTES / 4) {
            self.bytes.reserve(wanted);
        }
        let read = pin!(io.read_buf(&mut self.bytes)).poll(cx);
        if read.is_pending() {
            self.shrink();
        }
        read
    }

    fn shrink(&mut self) {
        if self.bytes.capacity() > 2 * self.bytes.len() {
            self.bytes = BytesMut::from(&self.bytes[..]);
        }
    }
}
