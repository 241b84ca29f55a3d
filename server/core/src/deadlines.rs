//! How long the gateway waits for an upstream (law A3: four deadlines, each with its own meaning).

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Name look-up, TCP and TLS together.
    pub connect: Duration,
    /// From the request being sent to the first byte of the answer. A long prompt on a busy upstream, or a JSON answer
    /// that is generated whole before it is sent, needs minutes.
    pub first_byte: Duration,
    /// Longest silence between two reads of one answer. Upstreams that think for long send comments meanwhile.
    pub idle: Duration,
    /// The whole call, connect included.
    pub total: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(300),
            idle: Duration::from_secs(120),
            total: Duration::from_secs(1800),
        }
    }
}
