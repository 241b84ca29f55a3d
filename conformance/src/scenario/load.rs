//! Reads every scenario file, checks it against the schema, and lays the file's defaults under each of its cases.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use super::model::{Case, CaseBody, Mode};
use super::sequence::Turn;

/// Fields at the top of a file that stand for every case which does not say otherwise.
const DEFAULTS: [&str; 9] =
    ["modes", "upstream", "attempts", "fallbacks", "request", "expect", "vary", "provider", "gateway"];

/// Every case below `root`, in the order of file names, then of the file. All problems of all files come in one error.
pub fn load_all(root: &Path) -> Result<Vec<Case>> {
    let schema = Schema::load(&root.join("scenario.schema.json"))?;
    let mut files = Vec::new();
    collect_yaml(root, &mut files)?;
    files.sort();
    let mut cases = Vec::new();
    let mut problems = Vec::new();
    for file in &files {
        match load_file(root, file, &schema) {
            Ok(loaded) => cases.extend(loaded),
            Err(error) => problems.push(format!("{}: {error:#}", file.display())),
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    ensure!(!cases.is_empty(), "no scenario below {}", root.display());
    Ok(cases)
}

pub struct Schema {
    schemas: boon::Schemas,
    root: boon::SchemaIndex,
}

impl Schema {
    pub fn load(path: &Path) -> Result<Schema> {
        let mut schemas = boon::Schemas::new();
        let root = boon::Compiler::new()
            .compile(&path.display().to_string(), &mut schemas)
            .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        Ok(Schema { schemas, root })
    }

    fn check(&self, value: &Value) -> Result<()> {
        self.schemas.validate(value, self.root).map_err(|error| anyhow::anyhow!("{error}"))
    }
}

fn collect_yaml(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect_yaml(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}

fn load_file(root: &Path, file: &Path, schema: &Schema) -> Result<Vec<Case>> {
    let text = fs::read_to_string(file)?;
    let value = parse_yaml(&text)?;
    schema.check(&value)?;
    let expected_name = file.strip_prefix(root)?.with_extension("").to_string_lossy().replace('\\', "/");
    load_value(value, &expected_name)
}

pub fn parse_yaml(text: &str) -> Result<Value> {
    // YAML 1.2: `n`, `y` and `off` are words. `param: n` names a field.
    let options = serde_saphyr::options! { strict_booleans: true };
    Ok(serde_saphyr::from_str_with_options(text, options)?)
}

fn load_value(value: Value, expected_name: &str) -> Result<Vec<Case>> {
    let Value::Object(mut file) = value else { bail!("a scenario file is one mapping") };
    let name = take_string(&mut file, "name")?;
    let why = take_string(&mut file, "why")?;
    ensure!(name == expected_name, "`name` must be the path of the file: {expected_name}, not {name}");
    let Some(Value::Array(cases)) = file.remove("cases") else { bail!("`cases` must be a list") };
    let mut seen = HashSet::new();
    let mut loaded = Vec::new();
    for case in cases {
        let mut merged = Map::new();
        for key in DEFAULTS {
            if let Some(default) = file.get(key) {
                merged.insert(key.to_owned(), default.clone());
            }
        }
        // A case's own script replaces a default one of either kind.
        if case.get("upstream").is_some() || case.get("attempts").is_some() {
            merged.remove("upstream");
            merged.remove("attempts");
        }
        let mut merged = Value::Object(merged);
        merge(&mut merged, case);
        let body = case_body(merged)?;
        ensure!(seen.insert(body.name.clone()), "two cases are named {}", body.name);
        loaded.push(Case {
            id: format!("{name}/{}", body.name),
            scenario: name.clone(),
            why: why.clone(),
            body,
        });
    }
    Ok(loaded)
}

fn case_body(mut merged: Value) -> Result<CaseBody> {
    let turns = merged.as_object_mut().and_then(|case| case.remove("sequence"));
    let mut body: CaseBody = serde_path_to_error::deserialize(&merged).context("case")?;
    ensure!(turns.is_none() || body.gateway.is_some(), "{}: a sequence needs a `gateway`", body.name);
    if let (Some(_), Value::Object(case)) = (&body.gateway, &merged) {
        // One call is a sequence, too.
        let turns = turns.and_then(|turns| turns.as_array().cloned()).unwrap_or_else(|| vec![json!({})]);
        let turns = turns.into_iter().enumerate();
        body.sequence =
            turns.map(|(index, turn)| Turn::over(case, index + 1, turn)).collect::<Result<_>>()?;
    }
    let is_server_only = body.modes == [Mode::Server];
    ensure!(is_server_only || body.gateway.is_none(), "{}: `gateway` is for server mode only", body.name);
    Ok(body)
}

fn take_string(file: &mut Map<String, Value>, key: &str) -> Result<String> {
    match file.remove(key) {
        Some(Value::String(text)) => Ok(text),
        _ => bail!("`{key}` must be a string"),
    }
}

/// Lays `over` onto `base`: mappings merge, everything else replaces, and so does a matcher.
pub fn merge(base: &mut Value, over: Value) {
    if is_matcher(base) || is_matcher(&over) {
        *base = over;
        return;
    }
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(slot) => merge(slot, value),
                    None => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}

/// Two matchers merged would be a mapping that matches nothing.
fn is_matcher(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.keys().any(|key| key.starts_with('$')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository_root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn every_scenario_file_follows_the_schema() {
        let cases = load_all(&repository_root().join("spec/scenarios")).unwrap();
        let scenarios: HashSet<&str> = cases.iter().map(|case| case.scenario.as_str()).collect();
        assert!(scenarios.len() >= 30, "{} scenarios", scenarios.len());
        for case in &cases {
            assert!(case.why.ends_with('.'), "{}: `why` is one sentence: {}", case.id, case.why);
        }
    }

    #[test]
    fn the_schema_refuses_a_misspelt_step() {
        let schema = Schema::load(&repository_root().join("spec/scenarios/scenario.schema.json")).unwrap();
        let file = parse_yaml(
            "name: a/b\nwhy: Because.\ncases:\n- name: c\n  request: {op: chat.create}\n  upstream: [{sned: x}]\n",
        )
        .unwrap();
        let error = schema.check(&file).unwrap_err().to_string();
        assert!(error.contains("/cases/0/upstream/0"), "{error}");
    }

    #[test]
    fn a_case_overrides_the_defaults_of_its_file() {
        let file = parse_yaml(
            "name: a/b\nwhy: Because.\nmodes: [server]\nrequest: {op: chat.stream, params: {n: 1, seed: 2}}\n\
             upstream: [done]\ncases:\n- name: c\n  request: {params: {n: 2}}\n  attempts: [[done], [done]]\n",
        )
        .unwrap();
        let case = load_value(file, "a/b").unwrap().remove(0);
        assert_eq!(case.id, "a/b/c");
        assert_eq!(Value::Object(case.body.request.params.clone()), serde_json::json!({"n": 2, "seed": 2}));
        assert_eq!(case.body.requests_expected(), 2);
    }

    #[test]
    fn a_turn_is_laid_over_its_case() {
        let file = parse_yaml(
            "name: a/b\nwhy: Because.\nmodes: [server]\ngateway: {config: x}\nrequest: {op: chat.create, times: 2}\n\
             upstream: [{answer: a}]\ncases:\n- name: c\n  sequence:\n  - {advance_ms: 5, request: {times: 3}}\n  \
             - {upstream: null, expect: {status: 429}}\n",
        )
        .unwrap();
        let turns = load_value(file, "a/b").unwrap().remove(0).body.sequence;
        assert_eq!((turns[0].own.advance_ms, turns[0].body.request.times), (5, 3));
        assert_eq!((turns[1].body.request.times, turns[1].body.requests_expected()), (2, 0));
    }

    #[test]
    fn the_name_is_the_path() {
        let file = parse_yaml("name: a/x\nwhy: Because.\ncases: []\n").unwrap();
        assert!(load_value(file, "a/b").unwrap_err().to_string().contains("a/b"));
    }
}
