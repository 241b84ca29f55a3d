//! Where a request stands in a trace that several programs share: W3C Trace Context, level 1.
//!
//! Its text form is the same in HTTP headers and in gRPC metadata.

use std::fmt;

/// One span, as others refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// Never zero.
    pub trace_id: u128,
    /// Never zero.
    pub span_id: u64,
    /// Whoever began the trace records it.
    pub is_sampled: bool,
}

impl TraceContext {
    /// From `traceparent`. `None` for what is not one: then a trace begins here.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = hex(parts.next()?, 2)?;
        let trace_id = hex(parts.next()?, 32)?;
        let span_id = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = hex(parts.next()?, 2)?;
        // What later versions add comes after; version 0 has nothing more, and ff is none.
        let is_known = version != 0xff && (version > 0 || parts.next().is_none());
        let is_valid = is_known && trace_id != 0 && span_id != 0;
        is_valid.then_some(TraceContext { trace_id, span_id, is_sampled: flags & 1 == 1 })
    }

    /// The span of the request's nth call of an upstream. Both ends of the call know it before any of it is recorded.
    pub fn call(&self, number: u32) -> Self {
        // Of the gateway's own spans, of which none is near the end: nothing wraps.
        TraceContext { span_id: self.span_id.saturating_add(u64::from(number) + 1), ..*self }
    }
}

/// Lower case, and exactly so many digits.
fn hex(digits: &str, length: usize) -> Option<u128> {
    let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if digits.len() != length || !is_hex {
        return None;
    }
    u128::from_str_radix(digits, 16).ok()
}

/// As `traceparent` has it.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TraceContext { trace_id, span_id, is_sampled } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{:02x}", u8::from(*is_sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_standard_allows_is_read() {
        const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = TraceContext::parse(GOOD).unwrap();
        assert_eq!(context.to_string(), GOOD);
        assert_eq!((context.span_id, context.is_sampled), (0xb7ad_6b71_6920_3331, true));
        let unsampled = GOOD.replace("-01", "-02");
        assert!(!TraceContext::parse(&unsampled).unwrap().is_sampled);
        assert!(TraceContext::parse(&GOOD.replacen("00", "cc", 1).replace("-01", "-01-more")).is_some());
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033311-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn calls_are_spans_of_the_same_trace() {
        let request = TraceContext { trace_id: 1, span_id: 7, is_sampled: true };
        let spans: Vec<u64> = (0..3).map(|number| request.call(number).span_id).collect();
        assert_eq!(spans, [8, 9, 10]);
        assert_eq!(request.call(5).trace_id, 1);
    }
}
