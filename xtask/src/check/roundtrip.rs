//! The document that dropshot derives from the generated trait means what the lowered spec means.
//!
//! The few things dropshot cannot express are listed in [`EXCEPTIONS`], each with its reason and the test that covers it
//! instead. An exception that excuses nothing is a problem too: it would hide the next difference.

mod diff;
mod glob;
mod normal;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use self::diff::{Difference, differences};
use super::{Problem, Report, Spec};
use crate::{
    generate::{SPEC, describe},
    process,
    repo::Repo,
};

pub const EXCEPTIONS: &str = "server/api/roundtrip.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionsFile {
    #[serde(default, rename = "exception")]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// JSON pointer; `*` stands for one segment, `4*` for one that begins so, `**` for any number.
    pointer: String,
    /// Why dropshot's document cannot say it.
    why: String,
    /// What holds it instead: a test's name or file.
    test: String,
}

pub fn check(repo: &Repo, spec: &Spec) -> Result<Report> {
    let lowered = match sdk_gen::lowered_openapi(&spec.text) {
        Ok(lowered) => lowered,
        Err(diagnostics) => {
            let problem = Problem::new(describe(&diagnostics), format!("correct {SPEC}"));
            return Ok(Report::new("the spec cannot be lowered", vec![problem]));
        }
    };
    let printed = process::capture(process::cargo(repo).args([
        "run",
        "-q",
        "-p",
        "novai-api",
        "--bin",
        "dropshot-doc",
    ]))?;
    let derived: Value = serde_json::from_str(&printed).context("dropshot-doc printed no JSON")?;
    let file: ExceptionsFile =
        toml::from_str(&repo.read(EXCEPTIONS)?).with_context(|| format!("{EXCEPTIONS} cannot be read"))?;
    let found = differences(&normal::form(&lowered), &normal::form(&derived));
    let problems = judge(&found, &file.exceptions);
    let summary = format!("{} differences, {} exceptions", found.len(), file.exceptions.len());
    Ok(Report::new(summary, problems))
}

fn judge(found: &[Difference], exceptions: &[Exception]) -> Vec<Problem> {
    let excuses = |exception: &Exception, difference: &Difference| {
        glob::matches(&exception.pointer, &difference.pointer)
    };
    let unexcused = found
        .iter()
        .filter(|difference| !exceptions.iter().any(|exception| excuses(exception, difference)))
        .map(|difference| {
            Problem::new(
                difference.to_string(),
                format!("cargo xtask gen; if dropshot cannot express it, add an [[exception]] with why and test to {EXCEPTIONS}"),
            )
        });
    let unused = exceptions
        .iter()
        .filter(|exception| !found.iter().any(|difference| excuses(exception, difference)))
        .map(|exception| {
            Problem::new(
                format!("{EXCEPTIONS}: `{}` excuses nothing", exception.pointer),
                "remove the exception".to_owned(),
            )
        });
    let bare = exceptions
        .iter()
        .filter(|exception| exception.why.trim().is_empty() || exception.test.trim().is_empty())
        .map(|exception| {
            Problem::new(
                format!("{EXCEPTIONS}: `{}` has no reason or no test", exception.pointer),
                "fill in `why` and `test`".to_owned(),
            )
        });
    unexcused.chain(unused).chain(bare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn exception(pointer: &str) -> Exception {
        Exception { pointer: pointer.into(), why: "because".into(), test: "a test".into() }
    }

    #[test]
    fn excused_differences_pass_and_idle_exceptions_do_not() {
        let found = differences(&json!({"a": {"b": 1}}), &json!({"a": {}}));
        assert_eq!(judge(&found, &[exception("/a/*")]), []);
        assert_eq!(judge(&found, &[]).len(), 1);
        let problems = judge(&found, &[exception("/**/b"), exception("/c")]);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].what.contains("`/c` excuses nothing"), "{problems:?}");
    }
}
