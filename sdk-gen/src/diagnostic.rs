//! What a stage has to say about the document: where, what, and what to do about it.
//!
//! Every stage reports through [`Diagnostics`]; none prints, panics or drops a construct in silence (law B1).

use std::{collections::HashSet, fmt};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Generated, but the author should look.
    Warning,
    /// Not generated. The exit code is not zero.
    Error,
}

/// A place in the source document: 1-based line and column, 0 where unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// JSON pointer into the document, such as `/paths/~1models/get`.
    pub pointer: String,
    pub place: Place,
    pub message: String,
    /// What the author can do, as an instruction.
    pub help: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(
            f,
            "{}:{}: {severity}: {}\n  at {}",
            self.place.line, self.place.column, self.message, self.pointer
        )?;
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// Collects what all stages report, in the order of reporting; the same thing said twice is kept once.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    seen: HashSet<(String, String)>,
}

impl Diagnostics {
    pub fn error(
        &mut self,
        pointer: impl Into<String>,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Error, pointer.into(), place, message.into(), help.into());
    }

    pub fn warning(
        &mut self,
        pointer: impl Into<String>,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Warning, pointer.into(), place, message.into(), help.into());
    }

    fn push(&mut self, severity: Severity, pointer: String, place: Place, message: String, help: String) {
        if !self.seen.insert((pointer.clone(), message.clone())) {
            return;
        }
        self.items.push(Diagnostic { severity, pointer, place, message, help });
    }

    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter().filter(|item| item.severity == Severity::Error)
    }

    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.severity == Severity::Error)
    }
}
