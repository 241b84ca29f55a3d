//! `[jwt]` and `[[tiers]]`: whose tokens are taken, and what they may do.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use novai_core::{BudgetSpec, LimitSpec, Scope, Scopes, Secret};
use novai_http::tokens::{Algorithm, KeySet, Tier, TokenPolicy};
use novai_providers::jwks;

use super::Env;
use super::prices::usd;
use super::reader::{At, Section};

/// As the API takes them for a key.
const LIMIT_MAX: u64 = 1_000_000_000_000;
const URL_EXAMPLE: &str = "https://login.example/.well-known/jwks.json";
const FILE_EXAMPLE: &str = "/etc/novai/jwt.pem";

pub struct TokenSettings {
    pub policy: TokenPolicy,
    pub keys: KeySource,
}

pub enum KeySource {
    /// A secret or a public key.
    Fixed(KeySet),
    File(PathBuf),
    Url {
        url: String,
        ca_file: Option<PathBuf>,
    },
}

/// `None` without a section `[jwt]`.
pub fn tokens(root: &mut Section<'_>, env: Env<'_>) -> Option<TokenSettings> {
    let tiers = tiers(root.sections("tiers"));
    let is_there = root.has("jwt");
    let mut section = root.section("jwt");
    if !is_there {
        section.finish();
        return None;
    }
    let algorithms = algorithms(&mut section);
    let keys = keys(&mut section, &algorithms, env);
    let issuer = required(&mut section, "issuer", "https://login.example");
    let audiences = section.strings("audiences", "novai");
    if audiences.is_empty() {
        let at = section.reference("audiences");
        section.report(at.problem(
            "is required: a token for another service must not work here",
            "write audiences = [\"novai\"]",
        ));
    }
    let types = section.strings("types", "at+jwt");
    let leeway = Duration::from_secs(section.integer("leeway_s", 0..=300, 30));
    let tier_claim = section.string("tier_claim", "tier").map_or_else(|| "tier".to_owned(), |at| at.value);
    let tenant_claim = section.string("tenant_claim", "org").map(|at| at.value);
    let tier_default = section.string("tier_default", "free");
    if tiers.is_empty() {
        let at = section.reference("tier_default");
        section.report(at.problem(
            "there is no tier, so no token could do anything",
            "add [[tiers]] with a name, scopes and limits",
        ));
    } else if let Some(at) = tier_default.as_ref().filter(|at| !tiers.contains_key(&at.value)) {
        let known: Vec<&str> = tiers.keys().map(String::as_str).collect();
        section.report(at.problem(
            format!("must be the name of a tier, but is {:?}", at.value),
            format!("known here: {}", known.join(", ")),
        ));
    }
    section.finish();
    let text = |texts: Vec<At<String>>| texts.into_iter().map(|at| at.value).collect::<Vec<String>>();
    let types = if types.is_empty() { vec!["JWT".to_owned(), "at+jwt".to_owned()] } else { text(types) };
    Some(TokenSettings {
        policy: TokenPolicy {
            algorithms,
            issuer: issuer?,
            audiences: text(audiences),
            types,
            leeway,
            tier_claim,
            tenant_claim,
            tiers,
            tier_default: tier_default.map(|at| at.value),
        },
        keys: keys?,
    })
}

fn required(section: &mut Section<'_>, key: &'static str, example: &str) -> Option<String> {
    let was_there = section.has(key);
    let value = section.string(key, example);
    if !was_there {
        section.report(section.reference(key).problem("is required", format!("write {key} = {example:?}")));
    }
    value.map(|at| at.value)
}

fn algorithms(section: &mut Section<'_>) -> Vec<Algorithm> {
    let mut algorithms: Vec<Algorithm> = Vec::new();
    let listed = section.strings("algorithms", "RS256");
    if listed.is_empty() {
        section.report(section.reference("algorithms").problem(
            "is required: which ones are taken must not depend on the token",
            "write algorithms = [\"RS256\"]",
        ));
    }
    for at in listed {
        match Algorithm::from_name(&at.value) {
            None => {
                let known: Vec<&str> = Algorithm::names().collect();
                let rule = format!("must be a signature algorithm, but is {:?}", at.value);
                section.report(at.problem(rule, format!("known here: {}", known.join(", "))));
            }
            Some(algorithm) => {
                if algorithms.first().is_some_and(|first| first.is_symmetric() != algorithm.is_symmetric()) {
                    section.report(at.problem(
                        "cannot stand beside the others: a secret and a public key must not be confused",
                        "list either HS* or the others",
                    ));
                }
                algorithms.push(algorithm);
            }
        }
    }
    algorithms
}

fn keys(section: &mut Section<'_>, algorithms: &[Algorithm], env: Env<'_>) -> Option<KeySource> {
    let secret_env = section.string("secret_env", "NOVAI_JWT_SECRET");
    let pem_file = section.string("public_key_file", FILE_EXAMPLE);
    let jwks_file = section.string("jwks_file", "/etc/novai/jwks.json");
    let jwks_url = section.string("jwks_url", URL_EXAMPLE);
    let ca_file = section.string("jwks_ca_file", "/etc/novai/ca.pem").map(|at| PathBuf::from(at.value));
    let is_symmetric = algorithms.first().is_some_and(|algorithm| algorithm.is_symmetric());
    let given: Vec<&At<String>> =
        [&secret_env, &pem_file, &jwks_file, &jwks_url].into_iter().flatten().collect();
    if given.len() != 1 {
        let rule = "needs one of secret_env, public_key_file, jwks_file and jwks_url";
        let fix = format!("write jwks_url = {URL_EXAMPLE:?}");
        section.report(match given.get(1) {
            Some(second) => second.problem(format!("{rule}, but has {}", given.len()), "keep one of them"),
            None => section.reference("jwks_url").problem(rule, fix),
        });
        return None;
    }
    if !algorithms.is_empty() && is_symmetric != secret_env.is_some() {
        let fix = if is_symmetric { "write secret_env" } else { "write jwks_url, or list HS256" };
        section.report(
            given[0].problem("does not fit the algorithms: HS* take a secret, others public keys", fix),
        );
        return None;
    }
    if let Some(at) = secret_env {
        return secret(section, &at, algorithms, env);
    }
    if let Some(at) = pem_file {
        let read = std::fs::read(&at.value).map_err(|error| format!("cannot be read: {error}"));
        let keys = read.and_then(|pem| KeySet::of_pem(&pem, algorithms).map_err(|error| error.to_string()));
        return keys
            .map_err(|rule| {
                section.report(at.problem(rule, "name a file such as `openssl pkey -pubout` writes"))
            })
            .ok()
            .map(KeySource::Fixed);
    }
    if let Some(at) = jwks_url {
        if let Err(error) = jwks::check(&at.value) {
            section.report(at.problem(error.to_string(), format!("write jwks_url = {URL_EXAMPLE:?}")));
            return None;
        }
        return Some(KeySource::Url { url: at.value, ca_file });
    }
    jwks_file.map(|at| KeySource::File(PathBuf::from(at.value)))
}

/// Neither the secret nor how long it is, is repeated.
fn secret(
    section: &mut Section<'_>,
    at: &At<String>,
    algorithms: &[Algorithm],
    env: Env<'_>,
) -> Option<KeySource> {
    let bytes_min = algorithms.iter().map(|algorithm| algorithm.secret_bytes_min()).max().unwrap_or(32);
    let fix = format!("export {}=$(openssl rand -hex {bytes_min})", at.value);
    match env(&at.value).map(Secret::new) {
        None => {
            section.report(at.problem(format!("the environment variable {:?} is not set", at.value), fix));
            None
        }
        Some(secret) if secret.expose().len() < bytes_min => {
            let rule = format!(
                "the secret in {:?} must have at least {bytes_min} bytes for these algorithms",
                at.value
            );
            section.report(at.problem(rule, fix));
            None
        }
        Some(secret) => Some(KeySource::Fixed(KeySet::of_secret(&secret, algorithms))),
    }
}

fn tiers(sections: Vec<Section<'_>>) -> HashMap<String, Tier> {
    let mut tiers = HashMap::new();
    for mut section in sections {
        let name = section.string("name", "free");
        let mut limit = |key, example| section.integer_if_set(key, 1..=LIMIT_MAX, example);
        let limits = LimitSpec {
            rpm: limit("rpm", 60),
            tpm: limit("tpm", 100_000),
            concurrent: limit("concurrent", 10),
        };
        let budget = BudgetSpec {
            day_nano_usd: usd(&mut section, "usd_per_day").map(|usd| usd.nano),
            month_nano_usd: usd(&mut section, "usd_per_month").map(|usd| usd.nano),
        };
        let models = section.has("models").then(|| section.strings("models", "gpt-4.1"));
        let models: Option<Arc<[Box<str>]>> =
            models.map(|models| models.into_iter().map(|at| Box::from(at.value)).collect());
        let tier = Tier { scopes: scopes(&mut section), models, limits, budget };
        match name {
            None => section.report(section.reference("name").problem("is required", "write name = \"free\"")),
            Some(name) if tiers.contains_key(&name.value) => {
                section.report(name.problem(
                    format!("{:?} is a tier already", name.value),
                    "give each tier a name of its own",
                ))
            }
            Some(name) => {
                tiers.insert(name.value, tier);
            }
        }
        section.finish();
    }
    tiers
}

fn scopes(section: &mut Section<'_>) -> Scopes {
    if !section.has("scopes") {
        return [Scope::Inference, Scope::Usage].into_iter().collect();
    }
    let mut scopes = Vec::new();
    for at in section.strings("scopes", "inference") {
        match Scope::from_name(&at.value) {
            Some(scope) => scopes.push(scope),
            None => {
                let known: Vec<&str> = Scope::ALL.into_iter().map(Scope::name).collect();
                let rule = format!("must be a scope, but is {:?}", at.value);
                section.report(at.problem(rule, format!("known here: {}", known.join(", "))));
            }
        }
    }
    scopes.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::reader::Reader;
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    /// What the file says, or its problems, in one line each.
    fn read(text: &str) -> Result<Option<TokenSettings>, String> {
        let reader = Reader::new("novai.toml", text);
        let mut root = reader.root();
        let env = |name: &str| match name {
            "JWT_SECRET" => Some(SECRET.to_owned()),
            "SHORT" => Some("short-secret".to_owned()),
            _ => None,
        };
        let settings = tokens(&mut root, &env);
        root.finish();
        let problems: Vec<String> = reader.problems().iter().map(ToString::to_string).collect();
        if problems.is_empty() { Ok(settings) } else { Err(problems.join("\n")) }
    }

    const TIER: &str = "[[tiers]]\nname = \"free\"\nrpm = 10\nusd_per_day = \"0.50\"\nmodels = [\"a\"]\n";
    const GOOD: &str = "[jwt]\nissuer = \"https://x\"\naudiences = [\"novai\"]\nalgorithms = [\"HS256\"]\n\
                        secret_env = \"JWT_SECRET\"\n";

    #[test]
    fn a_whole_section() {
        assert!(read("").unwrap().is_none());
        let settings = read(&format!("{GOOD}tier_default = \"free\"\n{TIER}")).unwrap().unwrap();
        assert!(matches!(settings.keys, KeySource::Fixed(_)));
        let tier = &settings.policy.tiers["free"];
        assert_eq!((tier.limits.rpm, tier.budget.day_nano_usd), (Some(10), Some(500_000_000)));
        assert!(tier.scopes.has(Scope::Inference) && !tier.scopes.has(Scope::Admin));
        let by_url = GOOD
            .replace("HS256", "RS256")
            .replace("secret_env = \"JWT_SECRET\"", "jwks_url = \"https://x/k\"");
        assert!(matches!(read(&format!("{by_url}{TIER}")).unwrap().unwrap().keys, KeySource::Url { .. }));
    }

    #[test]
    fn problems_are_named_and_secrets_are_not() {
        let with = |from: &str, to: &str| format!("{}{TIER}", GOOD.replace(from, to));
        let cases = [
            (with("issuer = \"https://x\"\n", ""), "jwt.issuer: is required"),
            (with("audiences = [\"novai\"]\n", ""), "jwt.audiences: is required"),
            (with("algorithms = [\"HS256\"]\n", ""), "jwt.algorithms: is required"),
            (with("HS256", "none"), "must be a signature algorithm, but is \"none\" — known here: HS256"),
            (with("[\"HS256\"]", "[\"HS256\", \"RS256\"]"), "cannot stand beside the others"),
            (with("HS256", "RS256"), "does not fit the algorithms"),
            (with("JWT_SECRET", "ABSENT"), "\"ABSENT\" is not set — export ABSENT=$(openssl rand"),
            (with("JWT_SECRET", "SHORT"), "must have at least 32 bytes"),
            (with("HS256", "HS512"), "must have at least 64 bytes"),
            (with("secret_env = \"JWT_SECRET\"", ""), "needs one of secret_env"),
            (with("HS256", "HS256\"]\njwks_url = \"https://x\"\ntypes = [\"JWT"), "but has 2"),
            (
                with("[jwt]", "[jwt]\nisuer = \"x\""),
                "jwt.isuer: there is no such key — did you mean `issuer`?",
            ),
            (with("[jwt]", "[jwt]\ntier_default = \"gold\""), "must be the name of a tier, but is \"gold\""),
            (GOOD.to_owned(), "there is no tier"),
            (format!("{GOOD}{TIER}{TIER}"), "\"free\" is a tier already"),
            (format!("{GOOD}[[tiers]]\nrpm = 1"), "tiers[0].name: is required"),
            (format!("{GOOD}{TIER}scopes = [\"root\"]"), "must be a scope, but is \"root\""),
            (format!("{GOOD}{TIER}tpm = 0"), "a whole number from 1"),
            (
                format!(
                    "{}{TIER}",
                    GOOD.replace("HS256", "RS256")
                        .replace("secret_env = \"JWT_SECRET\"", "jwks_url = \"ftp://x\"")
                ),
                "jwt.jwks_url: must start with",
            ),
            (
                format!(
                    "{}{TIER}",
                    GOOD.replace("HS256", "RS256")
                        .replace("secret_env = \"JWT_SECRET\"", "public_key_file = \"/absent\"")
                ),
                "jwt.public_key_file: cannot be read",
            ),
        ];
        for (text, expected) in cases {
            let problems = read(&text).err().unwrap_or_else(|| panic!("no problem in {text}"));
            assert!(problems.contains(expected), "{expected}: {problems}");
            assert!(!problems.contains(SECRET) && !problems.contains("short-secret"), "{problems}");
        }
    }
}
