//! How much a caller may use at a time.
//!
//! Start at [`limiter::Limits`]: which limits apply to a request. [`window`] is the algorithm, [`decide`] one decision over
//! all limits together, [`store`] the port that keeps their state: [`memory`] for one process, Redis (in `stores`) for many.
//!
//! **Invariant:** what is admitted in any 60 s never exceeds a limit, whoever else is admitted meanwhile: a decision takes
//! from every limit that applies, or from none.

pub mod clock;
pub mod decide;
pub mod estimate;
pub mod limiter;
pub mod memory;
pub mod permit;
pub mod snapshot;
pub mod spec;
pub mod store;
pub mod window;

pub use clock::{SteadyClock, TokioClock};
pub use estimate::{Estimate, Payload, TokenEstimator};
pub use limiter::{LimitPolicy, Limits, Rule};
pub use memory::MemoryStore;
pub use permit::{Held, Permit};
pub use snapshot::{LimitSnapshot, QuotaSnapshot, Rejected};
pub use spec::{AppliedLimit, LimitKind, LimitScope, LimitSpec, OnStoreFailure, ScopeKind};
pub use store::{Admission, Decision, Demand, LimitStore, Refusal, StoreReport};
