//! Client mode: the scripted upstream plays the gateway, and an adapter process makes the call with its SDK.

pub mod adapter;
pub mod run;
