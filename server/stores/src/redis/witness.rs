//! What this process knows about the shared time, by its own steady clock.
//!
//! An answer from Redis tells the shared time at some moment between the question and the answer. From then on this clock
//! bounds it on both sides; `clock.lua` keeps Redis' own clock, which may be set, between the bounds.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    pub shared_us: u64,
    pub sent_us: u64,
    pub received_us: u64,
}

/// The shared time now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub earliest_us: u64,
    pub latest_us: Option<u64>,
}

impl Bounds {
    /// Nothing is known.
    pub const NONE: Bounds = Bounds { earliest_us: 0, latest_us: None };
}

impl Witness {
    /// For a question that is asked now and arrives within `slack_us`.
    pub fn bounds(&self, now_us: u64, slack_us: u64) -> Bounds {
        Bounds {
            earliest_us: self.shared_us + now_us.saturating_sub(self.received_us),
            latest_us: Some(self.shared_us + now_us.saturating_sub(self.sent_us) + slack_us),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_time_lies_between_the_bounds() {
        // Asked at 100, answered at 130 with 1000: read somewhere between.
        let witness = Witness { shared_us: 1000, sent_us: 100, received_us: 130 };
        let bounds = |earliest_us, latest_us| Bounds { earliest_us, latest_us: Some(latest_us) };
        assert_eq!(witness.bounds(130, 5), bounds(1000, 1035));
        assert_eq!(witness.bounds(630, 5), bounds(1500, 1535));
    }
}
