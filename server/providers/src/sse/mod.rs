//! Server-sent events, decoded as they arrive (WHATWG HTML 9.2.6).
//!
//! Bytes in, events out; no I/O and no clock. Start at [`Decoder`].
//!
//! An event whose data lies whole in one input chunk is a slice of that chunk: nothing is copied. A line that is cut by
//! a chunk's end is carried over and copied once.
//!
//! Fields stay bytes. The standard decodes UTF-8 with replacement characters; a gateway that forwards the bytes must not
//! alter them, so whoever reads a field decides what to do with invalid UTF-8.

mod decoder;
#[cfg(test)]
mod tests;

pub use decoder::{Decoder, Event, TooLarge};
