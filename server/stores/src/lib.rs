//! What the gateway remembers, behind `core`'s ports.
//!
//! Only API keys so far: [`keys`]. Start at [`keys::Keys::open`].

pub mod keys;
