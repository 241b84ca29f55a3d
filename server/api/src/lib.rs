//! The HTTP interface of the gateway as dropshot sees it: the generated trait, and what its signatures are made of.
//!
//! Start at the generated trait `Gateway`; `http` implements it. **Invariant:** no decision is taken here. A body is read,
//! decoded and checked by its schema ([`body`]); everything after that is `http`'s and `core`'s business.
//!
//! Support modules (`schema`, `body`, `explain`, `reply`, `error`) are written; they are declared together with `generated`
//! once that exists.
