//! Lines of Rust, and the few places where rustfmt would break one.

use std::ops::{Deref, DerefMut};

use super::lines::{Lines, Style};

/// As in rustfmt.toml.
const STYLE: Style = Style { indent: 4, width: 110 };

#[derive(Debug)]
pub struct Writer(Lines);

impl Default for Writer {
    fn default() -> Self {
        Self(Lines::new(STYLE))
    }
}

impl Deref for Writer {
    type Target = Lines;

    fn deref(&self) -> &Lines {
        &self.0
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Lines {
        &mut self.0
    }
}

impl Writer {
    pub fn finish(self) -> String {
        self.0.finish()
    }

    pub fn docs<T: AsRef<str>>(&mut self, lines: &[T]) {
        self.comment("///", lines);
    }

    pub fn module_docs<T: AsRef<str>>(&mut self, lines: &[T]) {
        self.comment("//!", lines);
    }

    fn comment<T: AsRef<str>>(&mut self, marker: &str, lines: &[T]) {
        for line in lines {
            let line = line.as_ref();
            if line.is_empty() {
                self.line(marker);
            } else {
                self.line(format!("{marker} {line}"));
            }
        }
    }

    /// `head(a, b)tail` on one line, or one part per line where that is too long.
    pub fn list(&mut self, head: &str, parts: &[String], tail: &str) {
        let (open, close) = ("(", ")");
        let one = format!("{head}{open}{}{close}{tail}", parts.join(", "));
        if self.fits(&one) {
            self.line(one);
            return;
        }
        self.open(format!("{head}{open}"));
        parts.iter().for_each(|part| self.line(format!("{part},")));
        self.close(format!("{close}{tail}"));
    }

    /// `head.a().b()` on one line, or one call per line where that is too long.
    pub fn chain(&mut self, head: &str, calls: &[String]) {
        let one = format!("{head}{}", calls.concat());
        if self.fits(&one) {
            self.line(one);
            return;
        }
        self.open(head);
        calls.iter().for_each(|call| self.line(call));
        self.dedent();
    }

    /// `left = right;`, with the right side on a line of its own where one is too long.
    pub fn assign(&mut self, left: &str, right: &str) {
        let one = format!("{left} = {right};");
        // rustfmt leaves a line alone that breaking would not make short enough.
        if self.fits(&one) || !self.fits(&format!("    {right};")) {
            self.line(one);
        } else {
            self.open(format!("{left} ="));
            self.line(format!("{right};"));
            self.dedent();
        }
    }

    /// `head { a, b }tail`, with the same rule.
    pub fn record(&mut self, head: &str, parts: &[String], tail: &str) {
        let one = format!("{head} {{ {} }}{tail}", parts.join(", "));
        // A base (`..x`) or a nested record is fine on one line, too: rustfmt's heuristics are at their maximum.
        if self.fits(&one) {
            self.line(one);
            return;
        }
        self.open(format!("{head} {{"));
        for part in parts {
            let comma = if part.starts_with("..") { "" } else { "," };
            self.line(format!("{part}{comma}"));
        }
        self.close(format!("}}{tail}"));
    }

    /// `use prefix::{A, B};`, filled up to the width like rustfmt does.
    pub fn import(&mut self, prefix: &str, names: &[String]) {
        match names {
            [] => {}
            [name] => self.line(format!("use {prefix}::{name};")),
            names => {
                let one = format!("use {prefix}::{{{}}};", names.join(", "));
                if self.fits(&one) {
                    self.line(one);
                    return;
                }
                self.open(format!("use {prefix}::{{"));
                self.fill(names);
                self.close("};");
            }
        }
    }

    /// Comma-separated, as many on a line as fit.
    pub fn fill(&mut self, parts: &[String]) {
        let mut current = String::new();
        for part in parts {
            let longer = if current.is_empty() { format!("{part},") } else { format!("{current} {part},") };
            if current.is_empty() || self.fits(&longer) {
                current = longer;
            } else {
                self.line(std::mem::replace(&mut current, format!("{part},")));
            }
        }
        if !current.is_empty() {
            self.line(current);
        }
    }
}
