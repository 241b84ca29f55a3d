//! Lists of cases that are known to fail, one file per column. Listed cases still run; one that passes by surprise fails the
//! build, so that a list never outlives its reason.
//!
//! A line is a case and why it fails: `stream/truncation/anywhere # half an answer ends like a whole one`. With `~` for `#` the
//! case fails on slow machines only, and both outcomes are right: whether a client that needs a second for a thousand events
//! loses its patience is the machine's doing. Ours are never slow enough to need it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::scenario::Case;

/// Reasons by case.
#[derive(Debug, Default)]
pub struct KnownFailing(BTreeMap<String, Known>);

#[derive(Debug)]
struct Known {
    reason: String,
    always: bool,
}

impl KnownFailing {
    /// Reads `<directory>/<column>.txt`; a column without a file has no known failures.
    pub fn load(directory: &Path, column: &str) -> Result<KnownFailing> {
        let path = directory.join(format!("{column}.txt"));
        if !path.exists() {
            return Ok(KnownFailing::default());
        }
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        KnownFailing::parse(&text).with_context(|| path.display().to_string())
    }

    /// A line for a case that is gone would be kept for ever: nothing could pass by surprise.
    pub fn check_against(&self, cases: &[Case]) -> Result<()> {
        let known: HashSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        let stale: Vec<&String> = self.0.keys().filter(|id| !known.contains(id.as_str())).collect();
        ensure!(stale.is_empty(), "a known-failing list names cases that do not exist: {stale:?}");
        Ok(())
    }

    fn parse(text: &str) -> Result<KnownFailing> {
        let mut reasons = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let parts = [(" # ", true), (" ~ ", false)]
                .into_iter()
                .find_map(|(mark, always)| Some((line.split_once(mark)?, always)));
            let Some(((id, reason), always)) = parts else {
                bail!("`{line}` gives no reason; write `{line} # why it fails`");
            };
            let known = Known { reason: reason.trim().to_owned(), always };
            let before = reasons.insert(id.trim().to_owned(), known);
            ensure!(before.is_none(), "{id} is listed twice");
        }
        Ok(KnownFailing(reasons))
    }

    /// Why this case fails; `None` where it should pass.
    pub fn reason(&self, case_id: &str) -> Option<&str> {
        self.0.get(case_id).map(|known| known.reason.as_str())
    }

    /// Whether the case must fail as long as it is listed.
    pub fn always(&self, case_id: &str) -> bool {
        self.0.get(case_id).is_some_and(|known| known.always)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_case_and_its_reason() {
        let list = KnownFailing::parse("# which\n\nstream/a/b # it hangs\n").unwrap();
        assert_eq!(list.reason("stream/a/b"), Some("it hangs"));
        assert_eq!(list.0.len(), 1);
        assert!(list.always("stream/a/b"));
    }

    #[test]
    fn a_tilde_is_for_slow_machines() {
        let list = KnownFailing::parse("stream/a/b ~ it takes a second\n").unwrap();
        assert_eq!(list.reason("stream/a/b"), Some("it takes a second"));
        assert!(!list.always("stream/a/b"));
    }

    #[test]
    fn a_line_without_a_reason_is_refused() {
        let error = KnownFailing::parse("stream/a/b\n").unwrap_err().to_string();
        assert!(error.contains("stream/a/b # why it fails"), "{error}");
    }
}
