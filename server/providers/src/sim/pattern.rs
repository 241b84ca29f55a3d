//! A short text that matches a regular expression.
//!
//! Written out rather than searched for: the expression comes from a caller, and matching it could take for ever. What it
//! understands is the part of the syntax that schemas use: literals, classes, groups, alternatives (the first is taken),
//! quantifiers and anchors. Back-references and look-around give `None`.

use std::iter::Peekable;
use std::str::Chars;

const CHARS_MAX: usize = 1000;
const DEPTH_MAX: usize = 20;

/// A match of at least `length_min` characters, if the expression is understood and one turns up.
pub(super) fn sample(pattern: &str, length_min: usize) -> Option<String> {
    // Every optional repetition is taken so many times more than it has to be.
    for extra in [0, 1, 2, 4, 8, 16, 64, 256] {
        let mut writer = Writer { rest: pattern.chars().peekable(), extra };
        let text = writer.alternatives(0)?;
        if writer.rest.next().is_some() {
            return None;
        }
        if text.chars().count() >= length_min {
            return Some(text);
        }
    }
    None
}

struct Writer<'a> {
    rest: Peekable<Chars<'a>>,
    extra: usize,
}

impl Writer<'_> {
    fn alternatives(&mut self, depth: usize) -> Option<String> {
        if depth > DEPTH_MAX {
            return None;
        }
        let first = self.sequence(depth)?;
        while self.rest.next_if_eq(&'|').is_some() {
            self.sequence(depth)?;
        }
        Some(first)
    }

    fn sequence(&mut self, depth: usize) -> Option<String> {
        let mut out = String::new();
        while let Some(next) = self.rest.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            let atom = self.atom(depth)?;
            let times = self.quantifier()?;
            if (out.len() + atom.len()).saturating_mul(times.max(1)) > CHARS_MAX * 4 {
                return None;
            }
            out.push_str(&atom.repeat(times));
        }
        Some(out)
    }

    fn atom(&mut self, depth: usize) -> Option<String> {
        match self.rest.next()? {
            '^' | '$' => Some(String::new()),
            '.' => Some("a".to_owned()),
            '(' => self.group(depth),
            '[' => self.class().map(String::from),
            '\\' => self.escape(),
            '*' | '+' | '?' => None,
            literal => Some(literal.to_string()),
        }
    }

    fn group(&mut self, depth: usize) -> Option<String> {
        if self.rest.next_if_eq(&'?').is_some() {
            match self.rest.next()? {
                ':' => {}
                '<' if !matches!(self.rest.peek(), Some('=' | '!')) => {
                    self.rest.by_ref().find(|c| *c == '>')?;
                }
                _ => return None,
            }
        }
        let inside = self.alternatives(depth + 1)?;
        self.rest.next_if_eq(&')')?;
        Some(inside)
    }

    fn escape(&mut self) -> Option<String> {
        match self.rest.next()? {
            'b' | 'B' => Some(String::new()),
            c => self.escaped(c).map(String::from),
        }
    }

    /// One character for an escape that stands for one.
    fn escaped(&mut self, c: char) -> Option<char> {
        Some(match c {
            'd' => '0',
            'w' | 'D' | 'S' => 'a',
            's' => ' ',
            'W' => '-',
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'p' => {
                self.rest.next_if_eq(&'{')?;
                let class: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
                match class.chars().next()? {
                    'L' if class == "Lu" => 'A',
                    'L' | 'A' => 'a',
                    'N' => '0',
                    _ => return None,
                }
            }
            c if c.is_alphanumeric() => return None,
            c => c,
        })
    }

    fn class(&mut self) -> Option<char> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut ranges: Vec<(char, char)> = Vec::new();
        loop {
            let low = match self.rest.next()? {
                ']' => break,
                '\\' => {
                    let c = self.rest.next()?;
                    match (c, self.escaped(c)?) {
                        ('d', _) => {
                            ranges.push(('0', '9'));
                            continue;
                        }
                        ('w', _) => {
                            ranges.extend([('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')]);
                            continue;
                        }
                        (_, c) => c,
                    }
                }
                c => c,
            };
            let mut ahead = self.rest.clone();
            let high = match (ahead.next(), ahead.next()) {
                (Some('-'), Some(high)) if high != ']' && high != '\\' => {
                    self.rest = ahead;
                    high
                }
                _ => low,
            };
            ranges.push((low, high));
        }
        let listed = |c: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
        if negated {
            return "a0A_- .~é".chars().find(|c| !listed(*c));
        }
        // A plain letter reads best; otherwise whatever comes first.
        ['a', 'A', '0'].into_iter().find(|c| listed(*c)).or_else(|| ranges.first().map(|(low, _)| *low))
    }

    /// How often the atom before it is written.
    fn quantifier(&mut self) -> Option<usize> {
        let (least, most) = match self.rest.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            Some('{') => {
                self.rest.next();
                let bounds: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
                let bounds = match bounds.split_once(',') {
                    None => bounds.parse().ok().map(|exactly| (exactly, exactly)),
                    Some((least, "")) => least.parse().ok().map(|least| (least, usize::MAX)),
                    Some((least, most)) => least.parse().ok().zip(most.parse().ok()),
                };
                let (least, most) = bounds.filter(|(least, _)| *least <= CHARS_MAX)?;
                self.rest.next_if_eq(&'?');
                return Some(self.times(least, most));
            }
            _ => return Some(1),
        };
        self.rest.next();
        self.rest.next_if_eq(&'?');
        Some(self.times(least, most))
    }

    fn times(&self, least: usize, most: usize) -> usize {
        most.min(least.saturating_add(self.extra)).max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples() {
        for (pattern, length_min, expected) in [
            ("", 0, Some("")),
            ("^abc$", 0, Some("abc")),
            ("^[a-z]+$", 3, Some("aaa")),
            ("^[A-Z]{2}-\\d{3,5}$", 0, Some("AA-000")),
            ("^(foo|bar)?baz(?:x|y)*$", 5, Some("foobazx")),
            ("[^a-z]", 0, Some("0")),
            ("^\\w+@\\w+\\.[a-z]{2,}$", 0, Some("a@a.aa")),
            ("^(?<year>\\d{4})-(?<month>\\d{2})$", 0, Some("0000-00")),
            ("^[\\d.]+$", 0, Some("0")),
            ("^[-_]$", 0, Some("-")),
            ("^\\p{L}+$", 0, Some("a")),
            ("a{1000000}", 0, None),
            ("(a{1000}){1000}", 0, None),
            ("(?=a)b", 0, None),
            ("(a)\\1", 0, None),
            ("(", 0, None),
            (")", 0, None),
            ("[a", 0, None),
            ("*", 0, None),
            ("a{", 0, None),
            ("\\", 0, None),
            ("^a$", 2, None),
        ] {
            assert_eq!(sample(pattern, length_min).as_deref(), expected, "{pattern}");
        }
        assert_eq!(sample(&"(".repeat(100_000), 0), None);
    }
}
