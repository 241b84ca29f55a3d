//! docker-compose.yml as the tests read it: merged, and with its variables filled in.

#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::BTreeMap;

use serde_json::Value;

pub struct Compose {
    document: Value,
}

impl Compose {
    pub fn read() -> Self {
        let text = super::repository_file("docker-compose.yml");
        Compose { document: serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}")) }
    }

    pub fn services(&self) -> BTreeMap<&str, &Value> {
        let services = self.document["services"].as_object().unwrap();
        services.iter().map(|(name, service)| (name.as_str(), service)).collect()
    }

    pub fn service(&self, name: &str) -> &Value {
        let service = &self.document["services"][name];
        assert!(service.is_object(), "docker-compose.yml has no service `{name}`");
        service
    }

    pub fn section(&self, name: &str) -> &Value {
        &self.document[name]
    }

    /// A configuration file that it brings along.
    pub fn config(&self, name: &str) -> &str {
        self.document["configs"][name]["content"].as_str().unwrap()
    }

    /// A service's environment, its `${NAME:?why}` replaced by what `value_of` says.
    pub fn environment(
        &self,
        service: &str,
        value_of: impl Fn(&str) -> Option<String>,
    ) -> BTreeMap<String, String> {
        let environment = self.service(service)["environment"].as_object();
        let filled = environment.into_iter().flatten().map(|(name, value)| {
            (name.clone(), filled_in(value.as_str().unwrap_or_else(|| panic!("{name}")), &value_of))
        });
        filled.collect()
    }

    /// The variables that it wants to be set, in every text of it.
    pub fn required_variables(&self) -> Vec<String> {
        let mut names = Vec::new();
        each_text(&self.document, &mut |text| {
            let starts = text.match_indices("${").filter(|(at, _)| !text[..*at].ends_with('$'));
            names.extend(starts.map(|(at, _)| variable(&text[at + 2..]).0.to_owned()));
        });
        names.sort();
        names.dedup();
        names
    }
}

fn each_text<'a>(value: &'a Value, seen: &mut impl FnMut(&'a str)) {
    match value {
        Value::String(text) => seen(text),
        Value::Array(values) => values.iter().for_each(|value| each_text(value, seen)),
        Value::Object(members) => members.values().for_each(|value| each_text(value, seen)),
        _ => {}
    }
}

/// The name, and what follows the variable. A secret with a default would be a secret that everybody knows.
fn variable(text: &str) -> (&str, &str) {
    let (inner, rest) = text.split_once('}').unwrap();
    let (name, why) =
        inner.split_once(":?").unwrap_or_else(|| panic!("`${{{inner}}}` must be `${{NAME:?why}}`"));
    assert!(!why.is_empty());
    (name, rest)
}

fn filled_in(mut text: &str, value_of: &impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::new();
    while let Some((before, after)) = text.split_once("${") {
        let (name, rest) = variable(after);
        filled += before;
        filled += &value_of(name).unwrap_or_else(|| panic!("the test knows no {name}"));
        text = rest;
    }
    filled + text
}
