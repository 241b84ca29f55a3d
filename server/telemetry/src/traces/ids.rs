//! Ids of traces and spans, and which traces are recorded.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use novai_core::TraceContext;

/// Unique, not secret: SplitMix64 over a counter that starts at random. The system's randomness would be a call of the
/// kernel per request.
pub(super) struct Ids {
    counter: AtomicU64,
}

impl Ids {
    pub(super) fn new(random: u64) -> Self {
        Ids { counter: AtomicU64::new(random) }
    }

    fn next(&self) -> u64 {
        let mut mixed = self.counter.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Never zero, and far from the end: the spans of a request follow its own.
        (mixed ^ mixed >> 31) >> 1 | 1 << 16
    }

    /// The span of a request: in its caller's trace, or the first of one of its own.
    pub(super) fn request(&self, caller: Option<TraceContext>, ratio: Ratio) -> TraceContext {
        let span_id = self.next();
        match caller {
            Some(caller) => TraceContext { span_id, ..caller },
            None => {
                let trace_id = u128::from(self.next()) << 64 | u128::from(self.next());
                TraceContext { trace_id, span_id, is_sampled: ratio.takes(trace_id) }
            }
        }
    }

    pub(super) fn span(&self) -> u64 {
        self.next()
    }
}

/// How many traces that begin here are recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ratio {
    below: u64,
}

impl Ratio {
    pub(super) fn new(ratio: f64) -> Self {
        // Floats saturate when they become integers: 1 is every trace.
        Ratio { below: (ratio * (1_u64 << 62) as f64) as u64 }
    }

    /// By the id, as OpenTelemetry's `traceidratio` does: whoever else decides by it decides the same.
    fn takes(self, trace_id: u128) -> bool {
        (trace_id as u64) >> 1 < self.below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_recorded_and_no_id_comes_twice() {
        let ids = Ids::new(u64::MAX - 7);
        let mut seen = std::collections::HashSet::new();
        for (ratio, expected) in [(0.0, 0..=0), (0.1, 850..=1150), (1.0, 10_000..=10_000)] {
            let contexts: Vec<_> = (0..10_000).map(|_| ids.request(None, Ratio::new(ratio))).collect();
            let sampled = contexts.iter().filter(|context| context.is_sampled).count();
            assert!(expected.contains(&sampled), "{ratio}: {sampled}");
            assert!(contexts.iter().all(|context| seen.insert(context.trace_id)));
            assert!(contexts.iter().all(|context| seen.insert(context.span_id.into())));
        }
    }

    #[test]
    fn a_caller_has_decided_already() {
        let ids = Ids::new(1);
        let caller = TraceContext { trace_id: 5, span_id: 6, is_sampled: true };
        let request = ids.request(Some(caller), Ratio::new(0.0));
        assert!(request.is_sampled && request.trace_id == 5 && request.span_id != 6);
    }
}
