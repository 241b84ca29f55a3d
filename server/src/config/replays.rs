//! `[idempotency]`: where answers under an `Idempotency-Key` are kept, and how many.

use novai_stores::replays::Bounds;

use super::reader::Section;

/// `None`: in the process' memory only.
pub fn replays(mut section: Section<'_>) -> Option<Bounds> {
    let default = Bounds::default();
    let bounds = Bounds {
        bytes_max: section.integer("bytes_max", 1 << 20..=1 << 50, default.bytes_max),
        answers_max: section.integer("answers_max", 1_000..=100_000_000, default.answers_max),
    };
    let is_in_memory = match section.string("store", "database") {
        None => false,
        Some(at) => match at.value.as_str() {
            "database" => false,
            "memory" => true,
            other => {
                section.report(at.problem(
                    format!("must be \"database\" or \"memory\", but is {other:?}"),
                    "write store = \"database\"",
                ));
                false
            }
        },
    };
    section.finish();
    (!is_in_memory).then_some(bounds)
}
