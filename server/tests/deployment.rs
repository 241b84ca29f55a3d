//! Dockerfile, docker-compose.yml and deploy.env.example against the binary: the flags, variables and configuration keys that
//! they use are those that it has.
//!
//! No Docker is needed, so a mistake in them fails every run of the tests, and not only those where there is one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod shape;
mod support;

use std::process::Output;

use serde_json::Value;
use shape::Compose;

fn repository_file(name: &str) -> String {
    let path = format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a secret of that name may look like.
fn secret(name: &str) -> Option<String> {
    Some(format!("0123456789abcdef{}", name.to_lowercase().replace('_', "")))
}

fn run(arguments: &[&str], environment: impl IntoIterator<Item = (String, String)>) -> Output {
    let dir = tempfile::tempdir().unwrap();
    support::command(dir.path(), arguments).envs(environment).output().unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|item| item.as_str().unwrap()).collect()
}

/// The instructions of the last stage: what the image is.
fn image() -> Vec<(String, String)> {
    let text = repository_file("Dockerfile").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let instructions: Vec<(String, String)> = lines
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()))
        .collect();
    let last = instructions.iter().rposition(|(name, _)| name == "FROM").unwrap();
    assert!(last > 0, "the image must not hold what built it: the Dockerfile needs a second FROM");
    instructions[last..].to_vec()
}

fn instruction<'a>(image: &'a [(String, String)], name: &str) -> &'a str {
    let mut found = image.iter().filter(|(own, _)| own == name);
    let (Some((_, rest)), None) = (found.next(), found.next()) else {
        panic!("the Dockerfile's last stage must have one {name}");
    };
    rest
}

/// An instruction in its exec form: the image has no shell.
fn exec(text: &str) -> Vec<String> {
    let start = text.find('[').unwrap_or_else(|| panic!("must be a JSON list: {text}"));
    serde_json::from_str::<Vec<String>>(&text[start..]).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_image_is_small_and_its_program_is_not_root() {
    let image = image();
    let base = instruction(&image, "FROM");
    assert!(base.contains("distroless") && !base.ends_with(":latest"), "{base}");
    let user = instruction(&image, "USER");
    let uid: u32 = user.split(':').next().unwrap().parse().expect("a number: Kubernetes cannot read names");
    assert!(uid > 0);
    assert!(image.iter().all(|(name, _)| name != "RUN"), "there is no shell to run it");
    let program = exec(instruction(&image, "ENTRYPOINT"));
    assert_eq!(program, ["/usr/local/bin/novai"]);
    for name in ["CMD", "HEALTHCHECK"] {
        let mut arguments = exec(instruction(&image, name));
        if name == "HEALTHCHECK" {
            assert_eq!(arguments.remove(0), program[0]);
        }
        assert_takes(&arguments, &[]);
    }
    for variable in instruction(&image, "ENV").split_whitespace() {
        let (name, _) = variable.split_once('=').unwrap();
        let help = String::from_utf8(run(&["serve", "--help"], []).stdout).unwrap();
        assert!(help.contains(&format!("[env: {name}=")), "`novai serve` reads no {name}:\n{help}");
    }
}

/// The command line is one that the binary has.
#[track_caller]
fn assert_takes(arguments: &[String], more: &[&str]) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
    let help = run(&[&arguments[..1], &["--help"]].concat(), []);
    assert!(help.status.success(), "there is no command `novai {}`", arguments[0]);
    let help = String::from_utf8(help.stdout).unwrap();
    for flag in arguments.iter().filter(|argument| argument.starts_with("--")) {
        assert!(help.contains(*flag), "`novai {}` takes no {flag}:\n{help}", arguments[0]);
    }
}

#[test]
fn compose_starts_what_is_needed_before_what_needs_it_and_waits_until_it_is_healthy() {
    let compose = Compose::read();
    let services = compose.services();
    let gateways: Vec<&str> = services.keys().copied().filter(|name| name.starts_with("gateway")).collect();
    assert_eq!(gateways, ["gateway-1", "gateway-2"]);
    for (name, service) in &services {
        let check = strings(&service["healthcheck"]["test"]);
        assert!(check.len() > 1, "{name} has no health check, so nothing can wait for it");
        for (needed, how) in service["depends_on"].as_object().into_iter().flatten() {
            assert_eq!(how["condition"], "service_healthy", "{name} does not wait for {needed}");
            compose.service(needed);
        }
    }
    for gateway in gateways {
        let needs = services[gateway]["depends_on"].as_object().unwrap();
        for needed in ["worker-1", "worker-2", "redis", "postgres"] {
            assert!(needs.contains_key(needed), "{gateway} does not wait for {needed}");
        }
        let check = strings(&services[gateway]["healthcheck"]["test"]);
        assert_eq!(check[..2], ["CMD", "/usr/local/bin/novai"]);
        assert_takes(&check[2..].iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), &[]);
    }
}

#[test]
fn what_compose_mounts_and_uses_is_there() {
    let compose = Compose::read();
    for (name, service) in compose.services() {
        for volume in strings(&service["volumes"]) {
            let (volume, _) = volume.split_once(':').unwrap();
            assert!(compose.section("volumes").get(volume).is_some(), "{name}: no volume {volume}");
        }
        for config in service["configs"].as_array().into_iter().flatten() {
            compose.config(config["source"].as_str().unwrap());
        }
        // Reached by the machine itself only: whoever wants more puts a proxy with TLS before them.
        for port in strings(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name} publishes {port} to everybody");
        }
        assert!(service["image"].as_str().is_some_and(|image| image.contains(':')), "{name}: which image?");
    }
}

/// `novai config check` with each gateway's file and variables: every key is one that there is, every secret is found.
#[test]
fn the_gateways_configuration_is_valid_and_is_that_of_several_gateways() {
    let compose = Compose::read();
    let dir = tempfile::tempdir().unwrap();
    for service in ["gateway-1", "gateway-2"] {
        let command = strings(&compose.service(service)["command"]);
        assert_eq!(command[..2], ["serve", "--config"]);
        let config = compose.service(service)["configs"].as_array().unwrap();
        let mounted =
            config.iter().find(|config| config["target"] == command[2]).expect("its file is mounted");
        let file = dir.path().join("novai.toml");
        let text = compose.config(mounted["source"].as_str().unwrap());
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let environment = compose.environment(service, secret);
        let checked = run(&["config", "check", "--config", file], environment.clone());
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

        // Without any one of its variables, something would be missing: none is there for nothing.
        for left_out in environment.keys().filter(|name| text.contains(*name)) {
            let mut others = environment.clone();
            others.remove(left_out);
            let refused = run(&["config", "check", "--config", file], others);
            assert!(!refused.status.success(), "{left_out} is not read");
        }
        assert!(text.contains("replicas = 2"), "limits are divided by the number of gateways");
    }
}

#[test]
fn workers_take_their_flags_and_variables_and_alone_have_the_providers_key() {
    let compose = Compose::read();
    for (name, service) in compose.services() {
        let environment = compose.environment(name, secret);
        let is_worker = name.starts_with("worker");
        assert_eq!(environment.contains_key("UPSTREAM_API_KEY"), is_worker, "{name}");
        if is_worker {
            let command = strings(&service["command"]);
            assert_eq!(command[0], "worker");
            assert_takes(&command.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), &[]);
            let check = strings(&service["healthcheck"]["test"]);
            assert_takes(&check[2..].iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), &[]);
            let help = String::from_utf8(run(&["worker", "--help"], []).stdout).unwrap();
            assert!(help.contains("[env: NOVAI_WORKER_LISTEN="), "{help}");
            assert!(service["ports"].is_null(), "{name} must not be reached from outside");
        }
        if name.starts_with("gateway") {
            let urls: Vec<&str> = environment["NOVAI_INFERENCE_URL"].split(',').collect();
            assert_eq!(urls, ["http://worker-1:9300", "http://worker-2:9300"]);
        }
    }
}

#[test]
fn every_secret_is_asked_for_by_name_and_none_has_a_default() {
    let compose = Compose::read();
    let example = repository_file("deploy.env.example");
    let mut listed: Vec<&str> = Vec::new();
    for line in example.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.split_once('=').unwrap();
        assert!(value.is_empty(), "deploy.env.example gives {name} away");
        listed.push(name);
    }
    listed.sort_unstable();
    assert_eq!(compose.required_variables(), listed, "deploy.env.example must list what compose asks for");
}
