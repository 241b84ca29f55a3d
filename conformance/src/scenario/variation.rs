//! One run of a case: which of its variations apply.

use std::fmt;

use super::model::{LineEnd, Vary, Word};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Variation {
    /// Pieces of this many bytes.
    pub split: Option<usize>,
    /// Two pieces, cut at this byte.
    pub split_at: Option<usize>,
    /// Only this many bytes of the body are sent, then `ending`.
    pub truncate: Option<usize>,
    pub ending: Option<Word>,
    pub line_end: LineEnd,
}

impl Variation {
    /// All combinations, for a body that is `body_length(line_end)` bytes long.
    pub fn all(vary: &Vary, body_length: impl Fn(LineEnd) -> usize) -> Vec<Variation> {
        let mut all = Vec::new();
        for line_end in either(&vary.line_end) {
            let line_end = line_end.unwrap_or_default();
            let cuts = vary.split_at.is_some() || vary.truncate.is_some();
            let length = if cuts { body_length(line_end) } else { 0 };
            for split in either(&vary.split) {
                for split_at in positions(vary.split_at.is_some(), 1..length) {
                    // Every proper prefix: the whole body would be a whole answer.
                    for truncate in positions(vary.truncate.is_some(), 0..length) {
                        for ending in either(&vary.ending) {
                            all.push(Variation { split, split_at, truncate, ending, line_end });
                        }
                    }
                }
            }
        }
        all
    }
}

/// The values, or one `None` where a case does not vary this.
fn either<T: Copy>(values: &[T]) -> Vec<Option<T>> {
    if values.is_empty() { vec![None] } else { values.iter().copied().map(Some).collect() }
}

fn positions(wanted: bool, range: std::ops::Range<usize>) -> Vec<Option<usize>> {
    if wanted { range.map(Some).collect() } else { vec![None] }
}

impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.line_end != LineEnd::Lf {
            parts.push(format!("line_end={:?}", self.line_end).to_lowercase());
        }
        if let Some(bytes) = self.split {
            parts.push(format!("split={bytes}"));
        }
        if let Some(at) = self.split_at {
            parts.push(format!("split_at={at}"));
        }
        if let Some(bytes) = self.truncate {
            parts.push(format!("truncate={bytes}"));
        }
        if let Some(ending) = self.ending {
            parts.push(format!("ending={ending:?}").to_lowercase());
        }
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::EveryByte;

    #[test]
    fn a_case_without_variations_is_one_run() {
        assert_eq!(Variation::all(&Vary::default(), |_| 10), [Variation::default()]);
    }

    #[test]
    fn every_proper_prefix_times_every_ending() {
        let vary = Vary {
            truncate: Some(EveryByte::EveryByte),
            ending: vec![Word::End, Word::Close],
            ..Vary::default()
        };
        let all = Variation::all(&vary, |_| 3);
        let labels: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            labels,
            [
                "truncate=0 ending=end",
                "truncate=0 ending=close",
                "truncate=1 ending=end",
                "truncate=1 ending=close",
                "truncate=2 ending=end",
                "truncate=2 ending=close",
            ]
        );
    }
}
