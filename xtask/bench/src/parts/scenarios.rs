//! What the gateway and the floor are asked, as data.

use super::laws::P99_CONNECTIONS;

const CONNECTIONS: [usize; 3] = [1, 16, 64];

pub struct Scenario {
    pub title: &'static str,
    pub script: &'static str,
    pub connections: &'static [usize],
    /// Requests of one round at 1 connection, and at more: about half a second of work.
    requests: (usize, usize),
    /// Requests per second; `None`: as fast as they are answered, which on a small machine is all of its CPU.
    pub rate: Option<usize>,
}

pub const SCENARIOS: [Scenario; 5] = [
    Scenario {
        title: "JSON 400",
        script: "bench-json-400",
        connections: &CONNECTIONS,
        requests: (1500, 4000),
        rate: None,
    },
    // What a caller waits where the machine has time to spare.
    Scenario {
        title: "JSON 400, 1,000/s",
        script: "bench-json-400",
        connections: &[P99_CONNECTIONS],
        requests: (1000, 1000),
        rate: Some(1000),
    },
    Scenario {
        title: "JSON 20,000",
        script: "bench-json-20000",
        connections: &CONNECTIONS,
        requests: (1000, 2500),
        rate: None,
    },
    Scenario {
        title: "SSE 64",
        script: "bench-stream-64",
        connections: &CONNECTIONS,
        requests: (500, 1200),
        rate: None,
    },
    // What a model's own pace does to the figures; no law bounds it.
    Scenario {
        title: "SSE 64, 2 ms apart",
        script: "bench-stream-64-2ms",
        connections: &CONNECTIONS,
        requests: (4, 128),
        rate: None,
    },
];

impl Scenario {
    /// Requests of one round.
    pub fn requests(&self, connections: usize, quick: bool) -> usize {
        let (few, many) = self.requests;
        let requests = if connections == 1 { few } else { many };
        let requests = if quick { requests / 4 } else { requests };
        requests.max(connections)
    }

    /// Whether a law bounds its CPU: only at full speed is all of it the requests' own.
    pub fn is_full_speed(&self) -> bool {
        self.rate.is_none()
    }
}
