//! Lines of Python, and where they are broken: as `ruff format` does at 120 columns.
//!
//! One rule is enough. What fits stays on one line; what does not gets one part per line and a comma after the last,
//! which formatters leave alone.

use std::ops::{Deref, DerefMut};

use crate::emit::header;
use crate::emit::lines::{Lines, Style};
use crate::lower::python::model::{Argument, Call, Imports};

use super::EMITTER;

/// As in sdk-python/pyproject.toml.
const STYLE: Style = Style { indent: 4, width: 120 };

#[derive(Debug)]
pub struct Text(Lines);

impl Deref for Text {
    type Target = Lines;

    fn deref(&self) -> &Lines {
        &self.0
    }
}

impl DerefMut for Text {
    fn deref_mut(&mut self) -> &mut Lines {
        &mut self.0
    }
}

impl Text {
    /// The header and the module's docstring.
    pub fn module(docs: &[&str]) -> Text {
        let mut text = Text(Lines::new(STYLE));
        text.line(header::hashes(EMITTER));
        let lines: Vec<String> = docs.iter().map(|line| (*line).to_owned()).collect();
        text.docstring(&lines);
        text
    }

    pub fn finish(self) -> String {
        self.0.finish()
    }

    /// Blank lines before a definition: two at the top of a module, one inside a class.
    pub fn gap(&mut self) {
        let lines = if self.is_at_top() { 2 } else { 1 };
        self.blank(lines);
    }

    pub fn blank(&mut self, lines: usize) {
        while self.0.out.ends_with("\n\n") {
            self.0.out.pop();
        }
        self.0.out.extend(std::iter::repeat_n('\n', lines));
    }

    /// A string that documents what is above it; nothing for no lines.
    pub fn docstring(&mut self, lines: &[String]) {
        let escape = |line: &String| line.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"");
        let lines: Vec<String> = lines.iter().map(escape).collect();
        let last_quote = lines.last().is_some_and(|line| line.ends_with('"'));
        match lines.as_slice() {
            [] => {}
            // Closing quotes on a line of their own would be pulled up again, however long the line.
            [only] => {
                let space = if last_quote { " " } else { "" };
                self.line(format!("\"\"\"{only}{space}\"\"\""));
            }
            [first, rest @ ..] => {
                self.line(format!("\"\"\"{first}"));
                rest.iter().for_each(|line| self.line(line.trim_end()));
                self.line("\"\"\"");
            }
        }
    }

    /// `head(a, b)tail`, broken where it has to be.
    pub fn list(&mut self, head: &str, parts: &[String], tail: &str) {
        let close = closing(head);
        let one = format!("{head}{}{close}{tail}", parts.join(", "));
        if self.fits(&one) || parts.is_empty() {
            self.line(one);
            return;
        }
        self.open(head);
        parts.iter().for_each(|part| self.line(format!("{part},")));
        self.dedent();
        self.line(format!("{close}{tail}"));
    }

    /// `head` and a call, broken where it has to be, with `tail` behind it.
    pub fn call(&mut self, head: &str, call: &Call, tail: &str) {
        let one = format!("{head}{}{tail}", written(call));
        if self.fits(&one) || call.arguments.is_empty() {
            self.line(one);
            return;
        }
        self.open(format!("{head}{}(", call.function));
        call.arguments.iter().for_each(|argument| self.argument(argument));
        self.dedent();
        self.line(format!("){tail}"));
    }

    fn argument(&mut self, argument: &Argument) {
        let one = format!("{},", written_argument(argument));
        if self.fits(&one) {
            self.line(one);
            return;
        }
        match argument {
            Argument::Text(_) | Argument::Named(_, _) => self.line(one),
            Argument::Call(call) => self.call("", call, ","),
            Argument::NamedCall(name, call) => self.call(&format!("{name}="), call, ","),
            Argument::Dict(entries) => {
                self.open("{");
                entries.iter().for_each(|(key, value)| self.line(format!("{key}: {value},")));
                self.dedent();
                self.line("},");
            }
            Argument::NamedDict(name, entries) => {
                self.open(format!("{name}={{"));
                for (key, value) in entries {
                    match value {
                        Argument::Call(call) => self.call(&format!("{key}: "), call, ","),
                        other => self.line(format!("{},", entry(key, &written_argument(other)))),
                    }
                }
                self.dedent();
                self.line("},");
            }
        }
    }

    /// All imports of a module, sorted as ruff sorts them.
    pub fn imports(&mut self, imports: &Imports) {
        let mut groups: [Vec<String>; 3] = Default::default();
        let mut modules: Vec<&String> = imports.modules.keys().collect();
        modules.sort_by_key(|module| module_key(module));
        for module in modules {
            let names = &imports.modules[module];
            let group = if module.starts_with('.') {
                2
            } else if matches!(module.as_str(), "typing_extensions" | "httpx") {
                1
            } else {
                0
            };
            let (renamed, plain): (Vec<&String>, Vec<&String>) =
                names.iter().partition(|name| name.contains(" as "));
            let mut plain: Vec<&str> = plain.into_iter().map(String::as_str).collect();
            plain.sort_by_key(|name| name_key(name));
            if !plain.is_empty() {
                groups[group].push(self.import(module, &plain));
            }
            groups[group].extend(renamed.iter().map(|name| format!("from {module} import {name}")));
        }
        let texts: Vec<String> =
            groups.iter().filter(|group| !group.is_empty()).map(|group| group.join("\n")).collect();
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                self.blank(1);
            }
            text.lines().for_each(|line| self.line(line));
        }
    }

    fn import(&self, module: &str, names: &[&str]) -> String {
        let one = format!("from {module} import {}", names.join(", "));
        if self.fits(&one) {
            return one;
        }
        let names: Vec<String> = names.iter().map(|name| format!("    {name},")).collect();
        format!("from {module} import (\n{}\n)", names.join("\n"))
    }
}

fn closing(head: &str) -> char {
    match head.chars().last() {
        Some('[') => ']',
        Some('{') => '}',
        _ => ')',
    }
}

/// More dots first; otherwise by name.
fn module_key(module: &str) -> (i32, String) {
    let dots = module.chars().take_while(|c| *c == '.').count();
    (-i32::try_from(dots).unwrap_or(0), module.trim_start_matches('.').to_owned())
}

/// Constants, then classes, then the rest.
pub fn name_key(name: &str) -> (u8, String) {
    let letters: Vec<char> = name.chars().filter(|c| c.is_alphabetic()).collect();
    let is_constant = letters.len() > 1 && letters.iter().all(|c| c.is_uppercase());
    let group = match name.chars().next() {
        _ if is_constant => 0,
        Some(first) if first.is_uppercase() => 1,
        _ => 2,
    };
    (group, name.to_owned())
}

/// On one line.
pub fn written(call: &Call) -> String {
    let arguments: Vec<String> = call.arguments.iter().map(written_argument).collect();
    format!("{}({})", call.function, arguments.join(", "))
}

fn written_argument(argument: &Argument) -> String {
    match argument {
        Argument::Text(text) => text.clone(),
        Argument::Named(name, text) => format!("{name}={text}"),
        Argument::Call(call) => written(call),
        Argument::NamedCall(name, call) => format!("{name}={}", written(call)),
        Argument::Dict(entries) => {
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Argument::NamedDict(name, entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| entry(key, &written_argument(value))).collect();
            format!("{name}={{{}}}", entries.join(", "))
        }
    }
}

/// `"key": value`, or `**value`.
fn entry(key: &str, value: &str) -> String {
    if key == "**" { format!("**{value}") } else { format!("{key}: {value}") }
}
