
//! What the types share: string enums and unions that keep what they do not know.

// What every description may need, not only this one.
#![allow(dead_code, unused_imports, unused_macros)]

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

/// Declares an enum of strings with a last variant, `Unknown`, for every other string.
macro_rules! open_enum {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$variant_attribute:meta])* $variant:ident = $wire:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_attribute])* $variant,)*
            /// A value that this version does not know, as received.
            Unknown(String),
        }

        impl $name {
            /// Every known value, as on the wire.
            pub const KNOWN: &'static [&'static str] = &[$($wire),*];

            /// The value as on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Unknown(value) => value,
                }
            }

            fn known(value: &str) -> Option<Self> {
                match value {
                    $($wire => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self::known(value).unwrap_or_else(|| Self::Unknown(value.to_owned()))
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self::known(&value).unwrap_or(Self::Unknown(value))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::SUPPORT::Text(std::marker::PhantomData))
            }
        }
    };
}
pub(crate) use open_enum;

/// Reads a string into a type that is made from one; a known value costs no allocation.
pub struct Text<T>(pub PhantomData<T>);

impl<T: for<'a> From<&'a str> + From<String>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<T, E> {
        Ok(T::from(text))
    }
}

/// How a union reads one JSON value: by its kind, and objects by their tag.
///
/// A kind that the union does not list is kept as it came.
pub trait Union: Sized {
    /// Property that tells object variants apart; empty where none does.
    const TAG: &'static str = "";
    /// Values of the tag that select a variant.
    const TAGS: &'static [&'static str] = &[];
    /// Those of `TAGS` whose variant has a field for the tag itself.
    const KEPT: &'static [&'static str] = &[];

    fn unknown(value: Value) -> Self;

    fn string<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(Self::unknown)
    }

    fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(Self::unknown)
    }

    fn boolean<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(Self::unknown)
    }

    fn array<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(Self::unknown)
    }

    /// `tag` is one of `TAGS`, or empty where there is none.
    fn object<'de, D: Deserializer<'de>>(_tag: &str, from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(Self::unknown)
    }
}

pub fn read<'de, T: Union, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(Reader(PhantomData))
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Union> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::string(text.into_deserializer())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<T, E> {
        T::string(BorrowedStrDeserializer::new(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<T, E> {
        T::string(text.into_deserializer())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::number(number.into_deserializer())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::number(number.into_deserializer())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        T::number(number.into_deserializer())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        T::boolean(value.into_deserializer())
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::unknown(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        T::array(SeqAccessDeserializer::new(items))
    }

    /// The tag nearly always comes first: then nothing is buffered, and an error keeps the path to its field.
    fn visit_map<A: MapAccess<'de>>(self, mut rest: A) -> Result<T, A::Error> {
        if T::TAG.is_empty() {
            return T::object("", MapAccessDeserializer::new(rest));
        }
        let mut seen = Vec::new();
        while let Some(Key(key)) = rest.next_key::<Key<'de>>()? {
            let value: Value = rest.next_value()?;
            if key.as_str() != T::TAG {
                seen.push((key.into_owned(), value));
                continue;
            }
            let known = T::TAGS.iter().find(|&tag| value == *tag);
            let keep = known.is_none_or(|tag| T::KEPT.contains(tag));
            if keep {
                seen.insert(0, (T::TAG.to_owned(), value));
            }
            let entries = Entries { tag: T::TAG, seen: seen.into_iter(), value: None, rest };
            let from = MapAccessDeserializer::new(entries);
            return match known {
                Some(tag) => T::object(tag, from),
                None => Value::deserialize(from).map(T::unknown),
            };
        }
        Ok(T::unknown(Value::Object(seen.into_iter().collect())))
    }
}

/// A key of an object, borrowed where the input allows it.
struct Key<'de>(KeyText<'de>);

enum KeyText<'de> {
    Borrowed(&'de str),
    Owned(String),
}

impl KeyText<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }

    fn into_owned(self) -> String {
        match self {
            Self::Borrowed(text) => text.to_owned(),
            Self::Owned(text) => text,
        }
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a property name")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(KeyText::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(KeyText::Owned(text.to_owned())))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Key<'de>, E> {
                Ok(Key(KeyText::Owned(text)))
            }
        }

        from.deserialize_str(KeyVisitor)
    }
}

/// An object whose tag was taken out: what came before the tag, then what follows it.
struct Entries<A> {
    tag: &'static str,
    seen: std::vec::IntoIter<(String, Value)>,
    value: Option<Value>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        if let Some((key, value)) = self.seen.next() {
            self.value = Some(value);
            return seed.deserialize(key.into_deserializer()).map(Some);
        }
        let Some(Key(key)) = self.rest.next_key::<Key<'de>>()? else { return Ok(None) };
        if key.as_str() == self.tag {
            return Err(Error::custom(format_args!("duplicate field `{}`", self.tag)));
        }
        match key {
            KeyText::Borrowed(text) => seed.deserialize(BorrowedStrDeserializer::new(text)).map(Some),
            KeyText::Owned(text) => seed.deserialize(text.into_deserializer()).map(Some),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value).map_err(Error::custom),
            None => self.rest.next_value_seed(seed),
        }
    }
}
