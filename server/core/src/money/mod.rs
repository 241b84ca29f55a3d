//! What calls cost, and how much a caller may spend.
//!
//! Start at [`budget`]: what one caller may spend. **Invariant:** money is whole nano-dollars, never a float.

pub mod budget;

pub use budget::BudgetSpec;
