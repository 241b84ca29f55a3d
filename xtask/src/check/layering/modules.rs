//! Edges between modules of one crate.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;

use super::{TABLE, code, paths};
use crate::{check::Problem, repo::Repo};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A folder below a crate's `src`, or `src` itself for rules about words.
    path: String,
    /// Files, or folders that end in `/`, that the rule leaves alone.
    #[serde(default)]
    except: Vec<String>,
    /// Paths below `crate::` that it may name beside its own; absent: any.
    may: Option<Vec<String>>,
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    once: Vec<String>,
}

pub fn problems(repo: &Repo, rule: &Rule) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut named_by: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in repo.files(&rule.path)? {
        if !file.ends_with(".rs") || rule.except.iter().any(|except| file.starts_with(except)) {
            continue;
        }
        let source = code::of(&repo.read(&file)?);
        problems.extend(file_problems(&file, &source, rule));
        let named = paths::named(&source, below_src(&file));
        for module in &rule.once {
            if named.iter().any(|path| is_below(path, module)) {
                named_by.entry(module).or_default().push(file.clone());
            }
        }
    }
    problems.extend(named_by.into_iter().filter(|(_, files)| files.len() > 1).map(|(module, files)| {
        Problem::new(
            format!(
                "{} name `crate::{module}`, which one file of {} may name",
                files.join(" and "),
                rule.path
            ),
            "convert in that one file and hand the result on",
        )
    }));
    Ok(problems)
}

fn file_problems(file: &str, source: &str, rule: &Rule) -> Vec<Problem> {
    let own = Some(below_src(&rule.path).replace('/', "::")).filter(|own| !own.is_empty());
    let may_name = |path: &str| match (&rule.may, &own) {
        (Some(may), Some(own)) => is_below(path, own) || may.iter().any(|module| is_below(path, module)),
        _ => true,
    };
    let names = paths::named(source, below_src(file))
        .into_iter()
        .filter(|path| !may_name(path))
        .map(|path| (format!("{file} names `crate::{path}`"), "move the code to a layer that may name it"));
    let words = rule
        .never
        .iter()
        .filter(|word| source.contains(*word))
        .map(|word| (format!("{file} uses `{word}`"), "pass the value in from a layer that may have it"));
    names
        .chain(words)
        .map(|(what, fix)| Problem::new(what, format!("{fix}, or change {TABLE} and say why in an ADR")))
        .collect()
}

fn below_src(path: &str) -> &str {
    path.split_once("src/").map_or("", |(_, below)| below)
}

fn is_below(path: &str, module: &str) -> bool {
    path == module || path.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_words_are_held_to_the_rule() {
        let rule = Rule {
            path: "sdk-gen/src/emit/rust".into(),
            except: Vec::new(),
            may: Some(vec!["lower::rust".into(), "emit::writer".into()]),
            never: vec!["HashMap".into()],
            once: Vec::new(),
        };
        let source = code::of(
            "use crate::{emit::{rust::a, writer::W, dropshot}, lower::rust::M, lower::rustic};\n\
                      // HashMap would be unordered\nuse std::collections::HashMap;",
        );
        let found: Vec<String> =
            file_problems("f.rs", &source, &rule).into_iter().map(|problem| problem.what).collect();
        assert_eq!(
            found,
            [
                "f.rs names `crate::emit::dropshot`",
                "f.rs names `crate::lower::rustic`",
                "f.rs uses `HashMap`"
            ]
        );
    }
}
