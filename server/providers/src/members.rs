//! JSON objects whose members are moved, not decoded: what nobody here knows stays as it came, in its order.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one object, in order, values untouched.
pub(crate) struct Members<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Writes one JSON object.
pub(crate) struct Object {
    out: BytesMut,
}

impl Object {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Object { out: BytesMut::with_capacity(bytes) }
    }

    /// `json` must be one JSON value.
    pub(crate) fn member(&mut self, name: &str, json: &str) {
        self.out.put_slice(if self.out.is_empty() { b"{" } else { b"," });
        // A string always serialises.
        let name = serde_json::to_string(name).unwrap_or_default();
        self.out.put_slice(name.as_bytes());
        self.out.put_slice(b":");
        self.out.put_slice(json.as_bytes());
    }

    pub(crate) fn finish(mut self) -> Bytes {
        self.out.put_slice(if self.out.is_empty() { b"{}" } else { b"}" });
        self.out.freeze()
    }
}
