//! What calls cost, who may spend how much, and the books of it.
//!
//! Start at [`ledger`]: the port that keeps reservations and settlements. [`price`] is the arithmetic, [`account`] one
//! budget's decision, [`table`] the price list, [`till`] what turns a request into a reservation.
//!
//! **Invariant:** money is whole nano-dollars, never a float. What one request may cost at most is reserved before it
//! runs, so that reserved + settled never exceeds a budget, however many run at once.

pub mod account;
pub mod budget;
pub mod ids;
pub mod ledger;
pub(crate) mod payload;
pub mod period;
pub mod price;
pub mod table;
pub mod till;
pub mod usage;
pub mod usd;

pub use account::{Account, BudgetPeriod, Exceeded, Spent};
pub use budget::BudgetSpec;
pub use ids::ReservationIds;
pub use ledger::{
    BudgetScope, Budgets, Ledger, LedgerError, Outcome, Progress, Refusal, Reservation, ReservationId,
    Reserving, Settlement,
};
pub use period::{Day, Month};
pub use price::Price;
pub use table::{PriceTable, Pricing, Tariff};
pub use till::{BudgetPolicy, Till};
pub use usage::{GroupBy, UsageGroup, UsagePage, UsageQuery, UsageRow};
pub use usd::{Usd, UsdError};
