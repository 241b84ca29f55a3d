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

#[cfg(test)]
mod tests {
    use novai_core::limits::ScopeKind;

    use super::*;

    /// CRC16 as clusters compute it (XMODEM), of the first `{…}` that holds anything, else of the whole name.
    fn slot(name: &str) -> u16 {
        let tag = name.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
        let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(name);
        let crc = hashed.bytes().fold(0u16, |crc, byte| {
            (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
            })
        });
        crc % 16_384
    }

    #[test]
    fn everything_is_in_one_slot() {
        // From the cluster specification.
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("{user1000}.following"), slot("{user1000}.followers"));
        let keys = Keys::new("novai");
        let scope = |kind, name: &str| LimitScope { kind, name: name.into() };
        for scope in [
            scope(ScopeKind::Key, "key_1"),
            scope(ScopeKind::Key, "jwt:{other}"),
            scope(ScopeKind::Model, "a}b{c"),
            scope(ScopeKind::Tenant, "{}"),
            scope(ScopeKind::Global, ""),
        ] {
            for name in [keys.window(&scope), keys.running(&scope), keys.clock(), keys.open_permits()] {
                assert_eq!(slot(&name), slot("novai"), "{name}");
            }
        }
        assert_ne!(slot("novai"), slot(&Keys::new("other").clock()), "another fleet may be elsewhere");
    }
}
