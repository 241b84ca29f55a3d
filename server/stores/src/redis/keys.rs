//! The names of everything in Redis. All share one hash tag: a cluster keeps them in one slot.

use novai_core::limits::LimitScope;

#[derive(Debug, Clone)]
pub struct Keys {
    tag: String,
}

impl Keys {
    /// A brace in `prefix` would end the tag early; configuration refuses it.
    pub fn new(prefix: &str) -> Self {
        Keys { tag: format!("{{{prefix}}}") }
    }

    pub fn clock(&self) -> String {
        format!("{}:clock", self.tag)
    }

    pub fn open_permits(&self) -> String {
        format!("{}:open", self.tag)
    }

    pub fn window(&self, scope: &LimitScope) -> String {
        format!("{}:window:{}:{}", self.tag, scope.kind.as_str(), scope.name)
    }

    pub fn running(&self, scope: &LimitScope) -> String {
        format!("{}:running:{}:{}", self.tag, scope.kind.as_str(), scope.name)
    }
}
