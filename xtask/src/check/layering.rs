//! Who imports whom, held to the table in xtask/layers.toml: crates by cargo's own metadata, modules by the paths they
//! name. Cargo alone would let a new dependency through; this asks whether the architecture has it.

mod code;
mod crates;
mod modules;
mod paths;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Report, Spec};
use crate::repo::Repo;

const TABLE: &str = "xtask/layers.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layers {
    #[serde(rename = "crate")]
    crates: Vec<crates::Rule>,
    #[serde(rename = "module")]
    modules: Vec<modules::Rule>,
}

pub fn check(repo: &Repo, _: &Spec) -> Result<Report> {
    let layers: Layers =
        toml::from_str(&repo.read(TABLE)?).with_context(|| format!("{TABLE} cannot be read"))?;
    let mut problems = crates::problems(&crates::dependencies(repo)?, &layers.crates);
    for rule in &layers.modules {
        problems.extend(modules::problems(repo, rule)?);
    }
    let summary = format!("{} crates, {} module rules", layers.crates.len(), layers.modules.len());
    Ok(Report::new(summary, problems))
}
