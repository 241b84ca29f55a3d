//! Text with indentation, broken where prettier (`singleQuote`, `printWidth: 100`) would break it.
//!
//! A test holds what is written against the real one.

use std::ops::{Deref, DerefMut};

use crate::emit::lines::{Lines, Style};
use crate::lower::typescript::model::Literal;

use super::literals;

/// As in `sdk-typescript/.prettierrc`.
const STYLE: Style = Style { indent: 2, width: 100 };

#[derive(Debug)]
pub struct Layout(Lines);

impl Default for Layout {
    fn default() -> Self {
        Self(Lines::new(STYLE))
    }
}

impl Deref for Layout {
    type Target = Lines;

    fn deref(&self) -> &Lines {
        &self.0
    }
}

impl DerefMut for Layout {
    fn deref_mut(&mut self) -> &mut Lines {
        &mut self.0
    }
}

/// A parameter of a function.
#[derive(Debug, Clone)]
pub struct Part {
    /// With its `?`, where it is optional.
    pub name: String,
    /// Alternatives of its type.
    pub variants: Vec<String>,
}

/// What a function returns: `name<A | B>`.
#[derive(Debug, Clone)]
pub struct Returned {
    pub name: &'static str,
    pub variants: Vec<String>,
}

impl Returned {
    fn one_line(&self) -> String {
        format!("{}<{}>", self.name, self.variants.join(" | "))
    }
}

impl Part {
    pub fn of(name: &str, ty: &str) -> Self {
        Self { name: name.to_owned(), variants: vec![ty.to_owned()] }
    }

    fn one_line(&self) -> String {
        format!("{}: {}", self.name, self.variants.join(" | "))
    }
}

impl Layout {
    pub fn finish(self) -> String {
        self.0.finish()
    }

    /// `/** … */`, on one line where there is only one and it fits.
    pub fn docs(&mut self, lines: &[String]) {
        match lines {
            [] => {}
            [only] if self.fits(&format!("/** {only} */")) => self.line(format!("/** {only} */")),
            lines => {
                self.line("/**");
                for line in lines {
                    self.line(if line.is_empty() { " *".to_owned() } else { format!(" * {line}") });
                }
                self.line(" */");
            }
        }
    }

    /// `head(a, b)tail`, or one part per line where that is too long.
    pub fn call(&mut self, head: &str, parts: &[String], tail: &str) {
        let one = format!("{head}({}){tail}", parts.join(", "));
        if parts.is_empty() || self.fits(&one) {
            self.line(one);
            return;
        }
        self.open(format!("{head}("));
        parts.iter().for_each(|part| self.line(format!("{part},")));
        self.close(format!("){tail}"));
    }

    /// `head(a, b): answer {`, or one parameter per line.
    pub fn signature(&mut self, head: &str, parts: &[Part], answer: &Returned, tail: &str) {
        let one: Vec<String> = parts.iter().map(Part::one_line).collect();
        let one = format!("{head}({}): {}{tail}", one.join(", "), answer.one_line());
        if self.fits(&one) {
            self.line(one);
            return;
        }
        self.open(format!("{head}("));
        for part in parts {
            let one = format!("{},", part.one_line());
            if part.variants.len() < 2 || self.fits(&one) {
                self.line(one);
                continue;
            }
            self.open(format!("{}:", part.name));
            for (at, variant) in part.variants.iter().enumerate() {
                let comma = if at + 1 == part.variants.len() { "," } else { "" };
                self.line(format!("| {variant}{comma}"));
            }
            self.dedent();
        }
        let one = format!("): {}{tail}", answer.one_line());
        self.dedent();
        // A single name stays where it is, however long.
        let is_name = matches!(answer.variants.as_slice(), [only] if !only.contains(['<', '{', '[']));
        if self.fits(&one) || is_name {
            self.line(one);
            return;
        }
        self.open(format!("): {}<", answer.name));
        let one = answer.variants.join(" | ");
        if self.fits(&one) {
            self.line(one);
        } else {
            answer.variants.iter().for_each(|variant| self.line(format!("| {variant}")));
        }
        self.close(format!(">{tail}"));
    }

    /// `head, { args }, options)tail`
    pub fn runtime_call(&mut self, head: &str, args: &Literal, tail: &str) {
        let one = literals::one_line(args).map(|args| format!("{head}, {args}, options){tail}"));
        if let Some(one) = one.filter(|one| self.fits(one)) {
            self.line(one);
            return;
        }
        let (function, first) = head.split_once('(').unwrap_or((head, ""));
        self.open(format!("{function}("));
        first.split(", ").for_each(|part| self.line(format!("{part},")));
        literals::write(self, "", args, ",", false);
        self.line("options,");
        self.close(format!("){tail}"));
    }

    /// `head: A | B;`, or one alternative per line.
    pub fn union(&mut self, head: &str, separator: &str, variants: &[String]) {
        let all = variants.join(" | ");
        let one = format!("{head}{separator} {all};");
        if self.fits(&one) {
            self.line(one);
            return;
        }
        if variants.len() < 2 {
            self.long_type(&format!("{head}{separator} "), &all);
            return;
        }
        self.open(format!("{head}{separator}"));
        if self.fits(&format!("{all};")) {
            self.line(format!("{all};"));
            self.dedent();
            return;
        }
        for (at, variant) in variants.iter().enumerate() {
            let end = if at + 1 == variants.len() { ";" } else { "" };
            self.line(format!("| {variant}{end}"));
        }
        self.dedent();
    }

    /// A type that is too long for its line: the object in it is opened, if there is one.
    fn long_type(&mut self, head: &str, ty: &str) {
        match ty.split_once("{ ").and_then(|(before, rest)| Some((before, rest.rsplit_once(" }")?))) {
            Some((before, (inside, after))) => {
                self.open(format!("{head}{before}{{"));
                self.line(format!("{inside};"));
                self.close(format!("}}{after};"));
            }
            // A member's type stays on its line, however long.
            None if head.ends_with(": ") => self.line(format!("{head}{ty};")),
            None => {
                self.open(head.trim_end());
                self.line(format!("{ty};"));
                self.dedent();
            }
        }
    }

    /// `keyword { a, b } from 'path';`
    pub fn import(&mut self, keyword: &str, names: &[String], from: &str) {
        let one = format!("{keyword} {{ {} }} from '{from}';", names.join(", "));
        // Prettier keeps a single name on its line, however long.
        if names.len() == 1 || self.fits(&one) {
            self.line(one);
            return;
        }
        self.open(format!("{keyword} {{"));
        names.iter().for_each(|name| self.line(format!("{name},")));
        self.close(format!("}} from '{from}';"));
    }
}
