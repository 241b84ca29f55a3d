//! What is committed is what the spec gives, byte by byte.

use anyhow::Result;

use super::{Problem, Report, Spec};
use crate::{
    generate::{FOLDERS, stale_files, stale_message},
    repo::Repo,
};

pub fn check(repo: &Repo, _: &Spec) -> Result<Report> {
    let problems: Vec<Problem> =
        stale_files(repo)?.iter().map(|path| Problem::new(stale_message(path), "cargo xtask gen")).collect();
    Ok(Report::new(format!("{} generated folders", FOLDERS), problems))
}
