//! Lines of text with indentation: what the writers of all languages are made of.
//!
//! Each of them adds where its language's formatter would break a line. Generated files are formatted as they are
//! written, so that no formatter has to be installed.

/// How a language's formatter writes.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub indent: usize,
    /// Longest line, in columns.
    pub width: usize,
}

#[derive(Debug)]
pub struct Lines {
    pub(super) out: String,
    depth: usize,
    style: Style,
}

impl Lines {
    pub fn new(style: Style) -> Self {
        Self { out: String::new(), depth: 0, style }
    }

    pub fn finish(self) -> String {
        self.out
    }

    /// One line at the current depth; an empty one stays empty.
    pub fn line(&mut self, text: impl AsRef<str>) {
        let text = text.as_ref();
        if !text.is_empty() {
            self.out.extend(std::iter::repeat_n(' ', self.depth * self.style.indent));
            self.out.push_str(text);
        }
        self.out.push('\n');
    }

    /// A blank line, unless the text ends with one or begins a block.
    pub fn gap(&mut self) {
        let begins = self.out.is_empty() || self.out.ends_with("{\n") || self.out.ends_with("\n\n");
        if !begins {
            self.out.push('\n');
        }
    }

    pub fn open(&mut self, text: impl AsRef<str>) {
        self.line(text);
        self.depth += 1;
    }

    pub fn close(&mut self, text: impl AsRef<str>) {
        self.dedent();
        self.line(text);
    }

    /// Begins a block whose opening line was written already.
    pub fn indent(&mut self) {
        self.depth += 1;
    }

    /// Ends a block that has no closing line.
    pub fn dedent(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Ends one block and begins the next: `} else {`.
    pub fn turn(&mut self, text: impl AsRef<str>) {
        self.dedent();
        self.open(text);
    }

    pub fn is_at_top(&self) -> bool {
        self.depth == 0
    }

    pub fn fits(&self, text: &str) -> bool {
        self.depth * self.style.indent + width(text) <= self.style.width
    }
}

/// Columns, as formatters count them: two for the wide characters of East Asia.
fn width(text: &str) -> usize {
    let wide = |c: char| {
        matches!(u32::from(c),
            0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}
