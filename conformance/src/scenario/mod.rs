//! Scenario files as typed data: [`load`] reads and checks them, [`model`] is their shape, [`sequence`] what a case of several
//! calls is, [`variation`] multiplies one case into its runs.

pub mod load;
pub mod model;
pub mod sequence;
pub mod shared;
pub mod variation;

pub use load::load_all;
pub use model::{Case, Column, Mode, Op, Request, Step};
pub use variation::Variation;
