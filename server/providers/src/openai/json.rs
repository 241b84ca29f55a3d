//! One pass over a JSON object: is it JSON, and where are the values of some members?
//!
//! Every chunk of every stream comes by here. Nothing is decoded and nothing allocated; what a generic deserializer would
//! do beside that was a tenth of the gateway's work per stream.
//!
//! Accepts exactly RFC 8259, up to [`DEPTH_MAX`] levels. Tests hold it against serde_json.

use std::ops::Range;

/// Levels of objects and lists that hold something. What is deeper breaks readers that recurse, ours and the callers'.
pub(super) const DEPTH_MAX: u32 = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    NotObject,
    Invalid,
    TooDeep,
}

/// The raw values of `names` in the object that `text` is; of members of one name the last.
pub(super) fn members<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Result<[Option<&'a str>; N], Flaw> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    let mut found = [None; N];
    scan.white_space();
    if scan.next() != Some(b'{') {
        return Err(Flaw::NotObject);
    }
    scan.white_space();
    if scan.peek() == Some(b'}') {
        scan.at += 1;
    } else {
        loop {
            scan.expect(b'"')?;
            let name = scan.name()?;
            let value = scan.value()?;
            if let Some(place) = scan.place(name, &names) {
                found[place] = Some(&text[value]);
            }
            scan.white_space();
            match scan.next() {
                Some(b',') => scan.white_space(),
                Some(b'}') => break,
                _ => return Err(Flaw::Invalid),
            }
        }
    }
    scan.white_space();
    if scan.at < scan.bytes.len() { Err(Flaw::Invalid) } else { Ok(found) }
}

/// A member's name as it is written: where, and whether with escapes.
struct Name {
    at: Range<usize>,
    escaped: bool,
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    #[inline]
    fn place<const N: usize>(&self, name: Name, names: &[&str; N]) -> Option<usize> {
        let raw = &self.bytes[name.at];
        if name.escaped {
            // `"\u0065rror"` is "error" too. Nobody writes that, so its cost does not matter.
            let quoted = [b"\"", raw, b"\""].concat();
            let name: String = serde_json::from_slice(&quoted).ok()?;
            return names.iter().position(|wanted| *wanted == name);
        }
        names.iter().position(|wanted| wanted.as_bytes() == raw)
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Flaw> {
        if self.next() == Some(byte) { Ok(()) } else { Err(Flaw::Invalid) }
    }

    #[inline]
    fn white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The rest of a member's name, after its first quote, and the colon.
    #[inline]
    fn name(&mut self) -> Result<Name, Flaw> {
        let start = self.at;
        let escaped = self.string()?;
        let at = start..self.at - 1;
        self.white_space();
        self.expect(b':')?;
        Ok(Name { at, escaped })
    }

    /// One value, white space before it skipped.
    fn value(&mut self) -> Result<Range<usize>, Flaw> {
        self.white_space();
        let start = self.at;
        // One bit per open level, set for an object; the innermost lowest.
        let mut objects: u128 = 0;
        let mut depth = 0;
        'value: loop {
            match self.next().ok_or(Flaw::Invalid)? {
                b'"' => {
                    self.string()?;
                }
                b'{' => {
                    self.white_space();
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                    } else {
                        (objects, depth) = (objects << 1 | 1, deeper(depth)?);
                        self.expect(b'"')?;
                        self.name()?;
                        self.white_space();
                        continue 'value;
                    }
                }
                b'[' => {
                    self.white_space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                    } else {
                        (objects, depth) = (objects << 1, deeper(depth)?);
                        continue 'value;
                    }
                }
                b'n' => self.word(b"ull")?,
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                first @ (b'-' | b'0'..=b'9') => self.number(first)?,
                _ => return Err(Flaw::Invalid),
            }
            // A value has ended: so may any number of levels, until another value must follow.
            loop {
                if depth == 0 {
                    return Ok(start..self.at);
                }
                self.white_space();
                match (self.next().ok_or(Flaw::Invalid)?, objects & 1) {
                    (b',', 0) => {
                        self.white_space();
                        continue 'value;
                    }
                    (b',', _) => {
                        self.white_space();
                        self.expect(b'"')?;
                        self.name()?;
                        self.white_space();
                        continue 'value;
                    }
                    (b']', 0) | (b'}', 1) => (objects, depth) = (objects >> 1, depth - 1),
                    _ => return Err(Flaw::Invalid),
                }
            }
        }
    }

    fn word(&mut self, rest: &[u8]) -> Result<(), Flaw> {
        if !self.bytes[self.at..].starts_with(rest) {
            return Err(Flaw::Invalid);
        }
        self.at += rest.len();
        Ok(())
    }

    fn number(&mut self, first: u8) -> Result<(), Flaw> {
        let first = if first == b'-' { self.next().ok_or(Flaw::Invalid)? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return Err(Flaw::Invalid),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn some_digits(&mut self) -> Result<(), Flaw> {
        let before = self.at;
        self.digits();
        if self.at == before { Err(Flaw::Invalid) } else { Ok(()) }
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    /// The rest of a string, after its first quote; true if it holds an escape.
    #[inline]
    fn string(&mut self) -> Result<bool, Flaw> {
        let mut escaped = false;
        loop {
            self.plain()?;
            match self.next() {
                Some(b'"') => return Ok(escaped),
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _control_or_end => return Err(Flaw::Invalid),
            }
        }
    }

    /// Up to the next byte that a string cannot hold as it is, eight at a time.
    #[inline]
    fn plain(&mut self) -> Result<(), Flaw> {
        let mut rest = &self.bytes[self.at..];
        while let Some((eight, after)) = rest.split_first_chunk::<8>() {
            let found = not_plain(u64::from_le_bytes(*eight));
            if found != 0 {
                self.at = self.bytes.len() - rest.len() + (found.trailing_zeros() / 8) as usize;
                return Ok(());
            }
            rest = after;
        }
        let ends = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
        let length = rest.iter().position(ends).ok_or(Flaw::Invalid)?;
        self.at = self.bytes.len() - rest.len() + length;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Flaw> {
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => {
                let digits = self.bytes.get(self.at..self.at + 4).ok_or(Flaw::Invalid)?;
                self.at += 4;
                if digits.iter().all(u8::is_ascii_hexdigit) { Ok(()) } else { Err(Flaw::Invalid) }
            }
            _ => Err(Flaw::Invalid),
        }
    }
}

/// The object around every value is a level, too.
fn deeper(depth: u32) -> Result<u32, Flaw> {
    if depth + 1 >= DEPTH_MAX { Err(Flaw::TooDeep) } else { Ok(depth + 1) }
}

/// The lowest set bit marks the first of eight bytes that is a quote, a backslash or a control character; none is set if
/// there is no such byte. (Higher bits may be wrong: a byte that matches borrows from the next.)
#[inline]
fn not_plain(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let zero_in = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quote = zero_in(eight ^ (ONES * b'"' as u64));
    let backslash = zero_in(eight ^ (ONES * b'\\' as u64));
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    (quote | backslash | control) & HIGH
}

#[cfg(test)]
mod tests;
