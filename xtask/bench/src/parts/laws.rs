//! Every bound that the report judges by, in one place.

use crate::report::Bound;

/// With everything on: keys, limits, budgets and the ledger.
pub const JSON_CPU_RATIO: Bound = Bound { max: 2.0, law: "CPU per JSON request at most twice the floor's" };
pub const JSON_CPU_RATIO_BARE: Bound =
    Bound { max: 1.8, law: "CPU per JSON request at most 1.8 times the floor's without limits and ledger" };
pub const LEDGER_CPU_RATIO: Bound = Bound {
    max: 1.25,
    law: "CPU per request at most 1.25 times the same gateway's without limits and ledger",
};
pub const STREAM_CPU_RATIO: Bound =
    Bound { max: 0.5, law: "CPU per 64-chunk stream without pauses at most half the floor's" };
/// At [`P99_CONNECTIONS`].
pub const P99_ADDED_MS: Bound =
    Bound { max: 0.3, law: "p99 at 16 connections at most 0.3 ms above the floor's" };
pub const P99_CONNECTIONS: usize = 16;
pub const DEEP_JSON_MS: Bound =
    Bound { max: 100.0, law: "JSON 100,000 levels deep is refused within 100 ms" };
pub const BAD_KEY_MS: Bound = Bound { max: 50.0, law: "a wrong key is refused within 50 ms" };
pub const WORKER_P50_ADDED_MS: Bound = Bound { max: 0.3, law: "a worker adds at most 0.3 ms to the p50" };
pub const FIRST_EVENT_P99_MS: Bound = Bound {
    max: 5.0,
    law: "p99 of the first event, of the gateway itself, at most 5 ms at 256 streams on 2 cores",
};
pub const TRANSLATION_CHUNK_US: Bound =
    Bound { max: 20.0, law: "a vendor's translation adds at most 20 µs CPU per chunk" };
/// The failed call is counted in.
pub const FALLBACK_P99_MS: Bound =
    Bound { max: 5.0, law: "the next target is asked within 5 ms of a failure" };
pub const IDLE_STREAM_KIB: Bound = Bound { max: 32.0, law: "at most 32 KiB resident per idle stream" };
pub const GENERATE_MS: Bound = Bound { max: 1000.0, law: "every target of our spec in under 1 s" };
pub const LARGE_SPEC_MS: Bound = Bound { max: 2000.0, law: "parse and IR of OpenAI's document in under 2 s" };
pub const BUILD_MINUTES: Bound =
    Bound { max: 8.0, law: "a clean release build of the server in at most 8 minutes on 2 cores" };
pub const LIMIT_DECISION_NS: Bound = Bound { max: 1000.0, law: "a decision in memory in at most 1 µs" };
pub const LIMITS_EXCEEDED: Bound = Bound { max: 0.0, law: "no window holds more than its limit" };
/// One that finds the script unknown asks twice.
pub const LIMIT_ROUND_TRIPS: Bound = Bound { max: 1.01, law: "one round trip to Redis per decision" };
/// In nanoseconds per request.
pub const SETTLED_PER_SECOND: Bound =
    Bound { max: 100_000.0, law: "SQLite settles at least 10,000 requests per second" };
pub const USAGE_QUERY_MS: Bound =
    Bound { max: 200.0, law: "a month of 10 million rows is summed for one key in under 200 ms" };
pub const PYTHON_CHUNK_US: Bound = Bound { max: 10.0, law: "Python: at most 10 µs CPU per chunk" };
/// The law's 10 µs stand beside 96 of OpenAI's: in the same run, whatever the machine, so much of it.
pub const PYTHON_CHUNK_RATIO: Bound =
    Bound { max: 0.104, law: "Python: at most 10/96 of the CPU per chunk that OpenAI's takes" };
pub const PYTHON_LOAD_MS: Bound = Bound { max: 200.0, law: "Python: at most 0.2 s CPU to import" };
pub const TYPESCRIPT_CHUNK_US: Bound = Bound { max: 5.0, law: "TypeScript: at most 5 µs CPU per chunk" };
/// The law's 5 µs stand beside 15.
pub const TYPESCRIPT_CHUNK_RATIO: Bound =
    Bound { max: 0.333, law: "TypeScript: at most 5/15 of the CPU per chunk that OpenAI's takes" };
pub const TYPESCRIPT_GZIP_KIB: Bound =
    Bound { max: 12.0, law: "TypeScript: at most 12 KiB gzip for one streaming call" };
pub const CONNECTIONS_PER_10_STREAMS: Bound =
    Bound { max: 1.0, law: "10 streams in a row open 1 connection" };
