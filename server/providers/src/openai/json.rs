//! One pass over a JSON object: is it JSON, and where are the values of some members?
//!
//! Every chunk of every stream comes by here. Nothing is decoded, and nothing allocated per object; what a generic
//! deserializer would do beside that was a tenth of the gateway's work per stream. Start at [`Members::find`].
//!
//! Accepts exactly RFC 8259, up to [`DEPTH_MAX`] levels. Tests hold it against serde_json.

mod marks;

use std::ops::Range;

use marks::Marks;

/// Levels of objects and lists that hold something. What is deeper breaks readers that recurse, ours and the callers'.
pub(super) const DEPTH_MAX: u32 = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    NotUtf8,
    NotObject,
    Invalid,
    TooDeep,
}

/// The raw values of some members; of members of one name the last.
pub(super) type Found<'a, const N: usize> = [Option<&'a [u8]>; N];

/// Looks for the same members in one object after the other.
///
/// The events of a stream begin alike: with id, time, model and all that leads up to the text. A beginning that came twice
/// is remembered with what was known at its end, and reading starts there: two thirds of an event are then compared, not
/// read.
#[derive(Debug)]
pub(super) struct Members<const N: usize> {
    names: [&'static str; N],
    /// The beginning of the object before: as far as `resume`, and one byte more; without it, as much as is worth keeping.
    before: Vec<u8>,
    resume: Option<State<N>>,
}

/// Beginnings are longer where ids are. What is kept is held by every stream.
const BEFORE_BYTES_MAX: usize = 512;

/// What is known where a value begins.
#[derive(Debug, Clone, Copy)]
struct State<const N: usize> {
    at: usize,
    /// One bit per open level, set for an object; the innermost lowest.
    objects: u128,
    depth: u32,
    /// Which of the wanted members the value on the outermost level is, and where it begins.
    wanted: Option<u8>,
    start: usize,
    found: [Option<(usize, usize)>; N],
}

impl<const N: usize> Members<N> {
    pub(super) fn new(names: [&'static str; N]) -> Self {
        Members { names, before: Vec::new(), resume: None }
    }

    /// Fails on what is not exactly one JSON object in UTF-8.
    pub(super) fn find<'a>(&mut self, bytes: &'a [u8]) -> Result<Found<'a, N>, Flaw> {
        if let Some(resume) = self.resume
            && bytes.starts_with(&self.before)
        {
            let mut scan = Scan::new(bytes, resume.at)?;
            return Ok(scan
                .run(&self.names, resume, 0)?
                .0
                .map(|value| value.map(|(start, end)| &bytes[start..end])));
        }
        let mut scan = Scan::new(bytes, 0)?;
        let alike = self.before.iter().zip(bytes).take_while(|(before, now)| before == now).count();
        let (found, resume) = match scan.begin(&self.names)? {
            None => ([None; N], None),
            Some(state) => scan.run(&self.names, state, alike)?,
        };
        // One byte of the value belongs to it: that it is not the end of an empty list is part of what is known.
        let kept = resume.as_ref().map_or(BEFORE_BYTES_MAX, |resume| resume.at + 1).min(bytes.len());
        self.before.clear();
        self.before.extend_from_slice(&bytes[..kept]);
        self.resume = resume;
        Ok(found.map(|value| value.map(|(start, end)| &bytes[start..end])))
    }
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    marks: Marks,
    /// There is a byte below space somewhere, be it between values.
    has_controls: bool,
}

/// A member's name as it is written: where, and whether with escapes.
struct Name {
    at: Range<usize>,
    escaped: bool,
}

/// What was found, and where to resume.
type Ended<const N: usize> = ([Option<(usize, usize)>; N], Option<State<N>>);

impl<'a> Scan<'a> {
    /// To read `bytes` from `at`; what lies before has been read.
    fn new(bytes: &'a [u8], at: usize) -> Result<Self, Flaw> {
        // Compiles to vector instructions. Most payloads are plain, and then neither question is asked again.
        let extremes = |(least, most): (u8, u8), byte: &u8| (least.min(*byte), most.max(*byte));
        let (least, most) = bytes[at..].iter().fold((u8::MAX, 0), extremes);
        if !most.is_ascii() && std::str::from_utf8(&bytes[at..]).is_err() {
            return Err(Flaw::NotUtf8);
        }
        Ok(Scan { bytes, at, marks: Marks::new(bytes, at), has_controls: least < b' ' })
    }

    /// Up to the first member's value; `None` if the object is empty.
    fn begin<const N: usize>(&mut self, names: &[&str; N]) -> Result<Option<State<N>>, Flaw> {
        self.white_space();
        if self.next() != Some(b'{') {
            return Err(Flaw::NotObject);
        }
        self.white_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            self.end()?;
            return Ok(None);
        }
        self.expect(b'"')?;
        let name = self.name()?;
        let (wanted, start) = (self.place(name, names), self.at);
        Ok(Some(State { at: start, objects: 1, depth: 1, wanted, start, found: [None; N] }))
    }

    /// From `state`, which is where `self` is, to the object's end. Also the last state whose value begins within the first
    /// `alike` bytes.
    fn run<const N: usize>(
        &mut self,
        names: &[&str; N],
        state: State<N>,
        alike: usize,
    ) -> Result<Ended<N>, Flaw> {
        let State { mut objects, mut depth, mut wanted, mut start, mut found, .. } = state;
        let mut last_alike = None;
        'value: loop {
            if self.at < alike {
                last_alike = Some(State { at: self.at, objects, depth, wanted, start, found });
            }
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
                if depth == 1
                    && let Some(place) = wanted
                {
                    found[usize::from(place)] = Some((start, self.at));
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
                        let name = self.name()?;
                        if depth == 1 {
                            (wanted, start) = (self.place(name, names), self.at);
                        }
                        continue 'value;
                    }
                    (b']', 0) | (b'}', 1) => (objects, depth) = (objects >> 1, depth - 1),
                    _ => return Err(Flaw::Invalid),
                }
                if depth == 0 {
                    self.end()?;
                    return Ok((found, last_alike));
                }
            }
        }
    }

    /// Nothing but white space follows.
    fn end(&mut self) -> Result<(), Flaw> {
        self.white_space();
        if self.at < self.bytes.len() { Err(Flaw::Invalid) } else { Ok(()) }
    }

    #[inline]
    fn place<const N: usize>(&self, name: Name, names: &[&str; N]) -> Option<u8> {
        let raw = &self.bytes[name.at];
        let place = if name.escaped {
            // `"\u0065rror"` is "error" too. Nobody writes that, so its cost does not matter.
            let quoted = [b"\"", raw, b"\""].concat();
            let name: String = serde_json::from_slice(&quoted).ok()?;
            names.iter().position(|wanted| *wanted == name)
        } else {
            names.iter().position(|wanted| wanted.as_bytes() == raw)
        };
        place.and_then(|place| u8::try_from(place).ok())
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

    /// The rest of a member's name, after its first quote, the colon, and what lies before the value.
    #[inline]
    fn name(&mut self) -> Result<Name, Flaw> {
        let start = self.at;
        let escaped = self.string()?;
        let at = start..self.at - 1;
        self.white_space();
        self.expect(b':')?;
        self.white_space();
        Ok(Name { at, escaped })
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
        let start = self.at;
        // Its first quote: strings take their marks, and outside of them nothing is marked that is allowed.
        let opening = self.marks.take(self.bytes);
        debug_assert_eq!(opening, start.checked_sub(1));
        let mut escaped = false;
        loop {
            let mark = self.marks.take(self.bytes).ok_or(Flaw::Invalid)?;
            self.at = mark + 1;
            if self.bytes[mark] == b'"' {
                break;
            }
            escaped = true;
            self.escape()?;
        }
        if self.has_controls && self.bytes[start..self.at].iter().any(|byte| *byte < b' ') {
            return Err(Flaw::Invalid);
        }
        Ok(escaped)
    }

    /// What follows a backslash.
    #[inline]
    fn escape(&mut self) -> Result<(), Flaw> {
        match self.peek() {
            Some(b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            // Marked, but no mark of the string's end, nor of another escape.
            Some(b'"' | b'\\') => self.marks.take(self.bytes).map(|_| ()).ok_or(Flaw::Invalid),
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 1..self.at + 5).ok_or(Flaw::Invalid)?;
                if digits.iter().all(u8::is_ascii_hexdigit) { Ok(()) } else { Err(Flaw::Invalid) }
            }
            _ => Err(Flaw::Invalid),
        }
    }
}

fn deeper(depth: u32) -> Result<u32, Flaw> {
    if depth >= DEPTH_MAX { Err(Flaw::TooDeep) } else { Ok(depth + 1) }
}

#[cfg(test)]
mod tests;
