//! Where a body ends: by its length, by chunks, or by the end of the connection (RFC 9112 §6 and §7).
//!
//! Pure: bytes that have arrived in, the body's bytes out. Start at [`Framing::take`].
//!
//! **Invariant:** what it takes out of a buffer belongs to this body, whatever the upstream sends; what it cannot read
//! beyond doubt is a [`BodyFlaw`].

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Framing(State);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunked {
    /// A line with a chunk's size comes next.
    Size,
    /// So many bytes of the chunk are still to come.
    Data(u64),
    /// The line end behind a chunk's data comes next.
    DataEnd,
    /// Lines behind the last chunk, so many bytes of them read.
    Trailers(usize),
    Over,
}

/// A size has at most 16 digits; what may stand behind them (an extension) is for nobody.
const SIZE_LINE_BYTES_MAX: usize = 1024;
const TRAILERS_BYTES_MAX: usize = 16 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Data(Bytes),
    /// What has arrived is used up as far as it can be.
    Nothing,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyFlaw {
    #[error("a chunk's size is not one hexadecimal number")]
    Size,
    #[error("a chunk is longer than its size")]
    DataEnd,
    #[error("the trailers are malformed")]
    Trailers,
    #[error("closed by the upstream before the body's end")]
    Truncated,
}

impl Framing {
    pub(super) fn length(bytes: u64) -> Self {
        Framing(State::Length(bytes))
    }

    pub(super) fn chunked() -> Self {
        Framing(State::Chunked(Chunked::Size))
    }

    pub(super) fn until_close() -> Self {
        Framing(State::UntilClose)
    }

    /// How much is still to come, where it was said.
    pub(super) fn remaining(&self) -> Option<u64> {
        match self.0 {
            State::Length(remaining) => Some(remaining),
            State::Chunked(_) | State::UntilClose => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.0, State::Length(0) | State::Chunked(Chunked::Over))
    }

    /// Moves what has arrived of the body out of `arrived`. Chunks that are there together leave as one piece.
    pub(super) fn take(&mut self, arrived: &mut BytesMut) -> Result<Taken, BodyFlaw> {
        match &mut self.0 {
            State::Length(0) => Ok(Taken::End),
            _ if arrived.is_empty() => Ok(if self.is_over() { Taken::End } else { Taken::Nothing }),
            State::Length(remaining) => {
                let length = usize::try_from(*remaining).map_or(arrived.len(), |all| all.min(arrived.len()));
                *remaining -= length as u64;
                Ok(Taken::Data(arrived.split_to(length).freeze()))
            }
            State::UntilClose => Ok(Taken::Data(arrived.split().freeze())),
            State::Chunked(state) => take_chunks(state, arrived),
        }
    }

    /// The upstream has closed, and everything before that has been taken.
    pub(super) fn close(&self) -> Result<(), BodyFlaw> {
        if self.is_over() || self.0 == State::UntilClose { Ok(()) } else { Err(BodyFlaw::Truncated) }
    }
}

/// Moves the data of later chunks up to that of the first, over the sizes in between: whoever reads the piece so sees a
/// whole burst of events at once, and one chunk alone is not moved at all.
fn take_chunks(state: &mut Chunked, arrived: &mut BytesMut) -> Result<Taken, BodyFlaw> {
    // The piece is `arrived[start..end]`; `arrived[..at]` has been read.
    let (mut start, mut end, mut at) = (0, 0, 0);
    let flaw = loop {
        if let Chunked::Data(remaining) = state {
            let length = usize::try_from(*remaining).unwrap_or(usize::MAX).min(arrived.len() - at);
            if end == 0 {
                (start, end) = (at, at);
            }
            if end < at {
                arrived.copy_within(at..at + length, end);
            }
            (at, end) = (at + length, end + length);
            *remaining -= length as u64;
            if *remaining > 0 {
                break None;
            }
            *state = Chunked::DataEnd;
        }
        match step(*state, &arrived[at..]) {
            Ok(Some((next, length))) => (*state, at) = (next, at + length),
            Ok(None) => break None,
            Err(flaw) => break Some(flaw),
        }
        if *state == Chunked::Over {
            break None;
        }
    };
    if end > start {
        // A flaw behind good data is found again when that has been handed out.
        arrived.advance(start);
        let piece = arrived.split_to(end - start).freeze();
        arrived.advance(at - end);
        return Ok(Taken::Data(piece));
    }
    arrived.advance(at);
    match flaw {
        Some(flaw) => Err(flaw),
        None if *state == Chunked::Over => Ok(Taken::End),
        None => Ok(Taken::Nothing),
    }
}

/// Reads one line; the next state, and the line's length. `None` if it has not arrived whole.
fn step(state: Chunked, rest: &[u8]) -> Result<Option<(Chunked, usize)>, BodyFlaw> {
    match state {
        Chunked::Size => {
            let Some((size, length)) = size_line(rest)? else { return Ok(None) };
            let next = if size == 0 { Chunked::Trailers(0) } else { Chunked::Data(size) };
            Ok(Some((next, length)))
        }
        Chunked::DataEnd => match rest {
            [b'\r', b'\n', ..] => Ok(Some((Chunked::Size, 2))),
            [] | [b'\r'] => Ok(None),
            _ => Err(BodyFlaw::DataEnd),
        },
        Chunked::Trailers(before) => match memchr(b'\n', rest) {
            Some(1) if rest[0] == b'\r' => Ok(Some((Chunked::Over, 2))),
            Some(at) => {
                let line = rest[..at].strip_suffix(b"\r").ok_or(BodyFlaw::Trailers)?;
                let total = before + at + 1;
                let is_field =
                    memchr(b':', line).is_some_and(|colon| colon > 0) && memchr(b'\r', line).is_none();
                if !is_field || total > TRAILERS_BYTES_MAX {
                    return Err(BodyFlaw::Trailers);
                }
                Ok(Some((Chunked::Trailers(total), at + 1)))
            }
            None if before + rest.len() > TRAILERS_BYTES_MAX => Err(BodyFlaw::Trailers),
            None => Ok(None),
        },
        Chunked::Data(_) | Chunked::Over => Ok(None),
    }
}

/// `1a3 \r\n` or `1a3;name=value\r\n`: the size and the line's length.
fn size_line(rest: &[u8]) -> Result<Option<(u64, usize)>, BodyFlaw> {
    /// As many as 64 bits have.
    const DIGITS_MAX: usize = 16;
    let (mut size, mut digits) = (0, 0);
    for byte in rest {
        let Some(digit) = char::from(*byte).to_digit(16) else { break };
        if digits == DIGITS_MAX {
            return Err(BodyFlaw::Size);
        }
        (size, digits) = (size << 4 | u64::from(digit), digits + 1);
    }
    match &rest[digits..] {
        [] => return Ok(None),
        _ if digits == 0 => return Err(BodyFlaw::Size),
        [b'\r', b'\n', ..] => return Ok(Some((size, digits + 2))),
        [b'\r'] => return Ok(None),
        // Some servers pad with spaces; extensions are allowed, and mean nothing to us.
        [b';' | b' ' | b'\t', ..] => {}
        _ => return Err(BodyFlaw::Size),
    }
    let Some(line_end) = memchr(b'\n', &rest[..rest.len().min(SIZE_LINE_BYTES_MAX)]) else {
        return if rest.len() >= SIZE_LINE_BYTES_MAX { Err(BodyFlaw::Size) } else { Ok(None) };
    };
    let behind = rest[digits..line_end].strip_suffix(b"\r").ok_or(BodyFlaw::Size)?;
    // A second number after a space is a line that two readers would read differently.
    let is_extension = matches!(behind.trim_ascii_start(), [] | [b';', ..]);
    if !is_extension || memchr(b'\r', behind).is_some() {
        return Err(BodyFlaw::Size);
    }
    Ok(Some((size, line_end + 1)))
}

#[cfg(test)]
mod tests;
