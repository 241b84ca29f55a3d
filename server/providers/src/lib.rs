//! Outbound adaptors: how the gateway talks to each kind of upstream.
//!
//! Start at [`openai::OpenAi`] (any OpenAI-compatible server), [`anthropic::Anthropic`], [`gemini::Gemini`] or [`sim::Sim`] (no server at all). What they share lies
//! beside them: [`client`], the HTTP client that is polled from the stream's own task, [`sse`], the decoder, and how
//! refusals (`errors`) and response headers (`headers`) are read, `embeddings`; `translate` is for vendors whose API is not OpenAI's;
//! [`tokens`] counts for limits what models will count.
//!
//! [`fetch`] gets pictures from URLs that callers name, where the operator allows it.
//!
//! **Invariant:** an adaptor implements [`novai_core::Provider`] and knows neither the gateway's HTTP side nor another
//! adaptor.

pub mod anthropic;
pub mod client;
mod embeddings;
mod errors;
pub mod fetch;
pub mod gemini;
mod headers;
pub mod jwks;
mod members;
pub mod openai;
#[cfg(test)]
mod shared;
pub mod sim;
pub mod sse;
#[cfg(test)]
mod testing;
pub mod tokens;
mod translate;
pub mod upstream;
