//! Edges between crates.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::TABLE;
use crate::{check::Problem, process, repo::Repo};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    name: String,
    /// Crates of this workspace.
    ours: Vec<String>,
    #[serde(default)]
    never: Vec<String>,
    /// The whole list of crates from elsewhere, where it is short enough to be one.
    only: Option<Vec<String>>,
}

/// Dependencies of each crate of the workspace, without those of its tests.
pub fn dependencies(repo: &Repo) -> Result<BTreeMap<String, Vec<String>>> {
    let printed =
        process::capture(process::cargo(repo).args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&printed).context("cargo metadata printed no JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    Ok(packages.iter().map(|package| (text(&package["name"]), normal_dependencies(package))).collect())
}

fn normal_dependencies(package: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    all.filter(|dependency| dependency["kind"] != "dev").map(|dependency| text(&dependency["name"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub fn problems(dependencies: &BTreeMap<String, Vec<String>>, rules: &[Rule]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, uses) in dependencies {
        let Some(rule) = rules.iter().find(|rule| &rule.name == name) else {
            problems.push(Problem::new(
                format!("the crate {name} has no layer"),
                format!("add a [[crate]] for {name} to {TABLE}, and its room to ARCHITECTURE.md"),
            ));
            continue;
        };
        for used in uses {
            let is_ours = dependencies.contains_key(used);
            let allowed = match (&rule.only, is_ours) {
                (_, true) => rule.ours.contains(used),
                (Some(only), false) => only.contains(used),
                (None, false) => !rule.never.contains(used),
            };
            if !allowed {
                problems.push(Problem::new(
                    format!("{name} depends on {used}, which its layer may not use"),
                    format!("move the code to a layer that may, or change {TABLE} and say why in an ADR"),
                ));
            }
        }
    }
    let gone = rules.iter().filter(|rule| !dependencies.contains_key(&rule.name));
    problems.extend(gone.map(|rule| {
        Problem::new(
            format!("{TABLE} names the crate {}, which does not exist", rule.name),
            "remove its rule",
        )
    }));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_needs_a_rule() {
        let rule = |name: &str, ours: &[&str], never: &[&str], only: Option<&[&str]>| Rule {
            name: name.into(),
            ours: ours.iter().map(ToString::to_string).collect(),
            never: never.iter().map(ToString::to_string).collect(),
            only: only.map(|only| only.iter().map(ToString::to_string).collect()),
        };
        let rules = [
            rule("core", &["types"], &["hyper"], None),
            rule("types", &[], &[], Some(&["serde"])),
            rule("gone", &[], &[], None),
        ];
        let tree =
            |name: &str, uses: &[&str]| (name.to_owned(), uses.iter().map(ToString::to_string).collect());
        let dependencies = BTreeMap::from([
            tree("core", &["types", "tokio", "hyper", "http"]),
            tree("http", &["core"]),
            tree("types", &["serde", "regex", "core"]),
        ]);
        let found: Vec<String> =
            problems(&dependencies, &rules).into_iter().map(|problem| problem.what).collect();
        assert_eq!(
            found,
            [
                "core depends on hyper, which its layer may not use",
                "core depends on http, which its layer may not use",
                "the crate http has no layer",
                "types depends on regex, which its layer may not use",
                "types depends on core, which its layer may not use",
                "xtask/layers.toml names the crate gone, which does not exist",
            ]
        );
    }
}
