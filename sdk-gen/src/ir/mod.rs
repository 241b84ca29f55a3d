//! Turns the parsed document into a language-neutral [`model::Api`].

pub mod model;
