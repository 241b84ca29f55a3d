//! Lists of cases that are known to fail, one file per column. Listed cases still run; one that passes by surprise fails the
//! build, so that a list never outlives its reason.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::scenario::Case;

#[derive(Debug, Default)]
pub struct KnownFailing(HashSet<String>);

impl KnownFailing {
    /// Reads `<directory>/<column>.txt`; a column without a file has no known failures.
    pub fn load(directory: &Path, column: &str) -> Result<KnownFailing> {
        let path = directory.join(format!("{column}.txt"));
        if !path.exists() {
            return Ok(KnownFailing::default());
        }
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(KnownFailing::parse(&text))
    }

    /// A line for a case that is gone would be kept for ever: nothing could pass by surprise.
    pub fn check_against(&self, cases: &[Case]) -> Result<()> {
        let known: HashSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        let stale: Vec<&String> = self.0.iter().filter(|id| !known.contains(id.as_str())).collect();
        ensure!(stale.is_empty(), "a known-failing list names cases that do not exist: {stale:?}");
        Ok(())
    }

    fn parse(text: &str) -> KnownFailing {
        let lines = text.lines().map(str::trim);
        KnownFailing(
            lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect(),
        )
    }

    pub fn contains(&self, case_id: &str) -> bool {
        self.0.contains(case_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_no_cases() {
        let list = KnownFailing::parse("# why\n\nstream/a/b\n");
        assert!(list.contains("stream/a/b"));
        assert_eq!(list.0.len(), 1);
    }
}
