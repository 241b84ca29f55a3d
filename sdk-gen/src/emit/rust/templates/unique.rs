
/// Unknown fields of a request; two of the same name are refused: the next reader might take the other one.
pub fn unique<'de, D: Deserializer<'de>>(from: D) -> Result<super::Extra, D::Error> {
    struct Fields;

    impl<'de> Visitor<'de> for Fields {
        type Value = super::Extra;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut fields = super::Extra::new();
            while let Some((name, value)) = entries.next_entry::<String, Value>()? {
                if fields.contains_key(&name) {
                    return Err(Error::custom(format_args!("duplicate field `{name}`")));
                }
                fields.insert(name, value);
            }
            Ok(fields)
        }
    }

    from.deserialize_map(Fields)
}
