use super::*;

fn load_text(text: &str) -> Result<Config, Problems> {
    load(Some(("novai.toml", text)), Overrides::default(), &|_| None)
}

fn no_problem(result: Result<Config, Problems>) -> Config {
    result.unwrap_or_else(|problems| panic!("{problems}"))
}

/// Every line must occur in the report, and nothing else may be wrong.
#[track_caller]
fn check_problems(text: &str, expected: &[&str]) {
    let Err(problems) = load_text(text) else { panic!("accepted: {text}") };
    let report = problems.to_string();
    for line in expected {
        assert!(report.contains(line), "missing: {line}\nin: {report}");
    }
    assert_eq!(problems.0.len(), expected.len(), "{report}");
}

#[test]
fn no_file_at_all_is_a_working_configuration() {
    let config = no_problem(load(None, Overrides::default(), &|_| None));
    assert_eq!(config.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert_eq!(config.data_dir, Path::new(DATA_DIR_DEFAULT));
    assert!(config.providers.is_empty() && config.models.is_empty() && config.tls.is_none());
}

#[test]
fn the_example_parses_as_it_is_and_with_every_comment_taken_off() {
    let example = include_str!("../../novai.example.toml");
    let config = no_problem(load(Some(("novai.example.toml", example)), Overrides::default(), &|_| None));
    assert!(config.providers.is_empty(), "the example must work unchanged, without any account");

    // `#key = value` and `#[section]` are settings; `# text` is prose.
    let all: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with([' ', '#']) => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let env = |name: &str| name.ends_with("_API_KEY").then(|| "sk-test".to_owned());
    let config = no_problem(load(Some(("all", &all)), Overrides::default(), &env));
    assert!(config.providers.len() >= 3 && !config.models.is_empty() && config.tls.is_some());

    // Its numbers are the defaults: the file documents them.
    let limits = Limits::default();
    assert_eq!(format!("{:?}", config.limits), format!("{limits:?}"));
    let options = novai_http::Options::default();
    assert_eq!(format!("{:?}", config.options), format!("{options:?}"));
}

#[test]
fn every_problem_names_key_line_rule_and_fix() {
    let cases: &[(&str, &[&str])] = &[
        ("listn = \"x\"", &["novai.toml:1: listn: there is no such key — did you mean `listen`?"]),
        ("zzz = 1", &["novai.toml:1: zzz: there is no such key — known here: listen, admin_listen"]),
        (
            "\n\nlisten = 8080",
            &["novai.toml:3: listen: must be text, but is 8080 — write listen = \"127.0.0.1:8080\""],
        ),
        ("listen = \"nowhere\"", &["listen: must be an address and a port, but is \"nowhere\""]),
        ("a = = 1", &["novai.toml:1: is not TOML"]),
        ("server = 1", &["server: must be a section, but is 1 — write it as a section: [server]"]),
        (
            "[server]\nconnections_max = 0",
            &[
                "novai.toml:2: server.connections_max: must be a whole number from 1 to 1000000, but is 0 — write connections_max = 10000",
            ],
        ),
        (
            "[server]\nthreads = 0",
            &["server.threads: must be a whole number from 1 to 1024, but is 0 — write threads = "],
        ),
        (
            "[server]\nwrite_timeout_ms = \"1s\"",
            &["server.write_timeout_ms: must be a whole number from 1 to 86400000, but is \"1s\""],
        ),
        (
            "[server]\nwrite_timeout = 1",
            &["server.write_timeout: there is no such key — did you mean `write_timeout_ms`?"],
        ),
        ("[cors]\norigins = [\"*\"]", &["cors.origins[0]: must be an exact origin"]),
        ("[cors]\norigins = [\"https://a.example/\"]", &["cors.origins[0]: must be an exact origin"]),
        (
            "[cors]\norigins = [\"https://A.example\", 1]",
            &["cors.origins[0]: must be", "cors.origins[1]: must be text"],
        ),
        ("[cors]\norigins = \"https://a.example\"", &["cors.origins: must be a list of texts"]),
        ("[tls]\nkey_file = \"k\"", &["tls.key_file: needs `certificate_file` beside it"]),
        ("[log]\nlevel = \"loud=very=much\"", &["log level: \"loud=very=much\" is not a level or a filter"]),
        (
            "providers = 1",
            &[
                "providers: must be a list of sections, but is 1 — write each as its own section: [[providers]]",
            ],
        ),
        (
            "[[providers]]\nname = \"a\"",
            &[
                "novai.toml:1: providers[0].base_url: is required — write base_url = \"https://api.openai.com/v1\"",
            ],
        ),
        (
            "[[providers]]\nname = \"a\"\nbase_url = \"foo\"",
            &["novai.toml:3: providers[0].base_url: must be an http(s) URL: "],
        ),
        (
            "[[providers]]\nname = \"a\"\nkind = \"azur\"",
            &[
                "providers[0].kind: \"azur\" is not a kind of provider — write kind = \"openai\" (any OpenAI-compatible server), \"anthropic\", \"gemini\", \"deepseek\", \"mistral\", \"groq\", \"xai\", \"openrouter\", \"together\", \"ollama\", \"vllm\", \"llama-cpp\", \"azure\" or \"sim\"",
            ],
        ),
        (
            "[[providers]]\nname = \"a\"\nkind = \"deepseek\"",
            &[
                "providers[0].api_key_env: the environment variable \"DEEPSEEK_API_KEY\" is not set — export it, or name another: api_key_env = \"DEEPSEEK_API_KEY\"",
            ],
        ),
        (
            "[[providers]]\nname = \"a\"\nkind = \"anthropic\"",
            &["providers[0].api_key_env: the environment variable \"ANTHROPIC_API_KEY\" is not set"],
        ),
        (
            "[[providers]]\nname = \"a\"\nkind = \"llama-cpp\"",
            &["providers[0].base_url: is required — write base_url = \"http://127.0.0.1:8081/v1\""],
        ),
        (
            "[[providers]]\nname = \"a\"\nkind = \"azure\"",
            &[
                "providers[0].base_url: is required — write base_url = \"https://RESOURCE.openai.azure.com\"",
                "providers[0].api_key_env: the environment variable \"AZURE_OPENAI_API_KEY\" is not set",
                "providers[0].name: is of a kind that cannot list its deployments, and no [[models]] names it — add a [[models]] section with provider = \"a\"",
            ],
        ),
        (
            "[[providers]]\nname = \"a\"\nkind = \"groq\"\nbase_url = \"http://h/v1\"\napi_version = \"1\"",
            &["providers[0].api_version: there is no such key"],
        ),
        (
            "[[providers]]\nname = \"a\"\nbase_url = \"http://h/v1\"\napi_key_env = \"NOT_SET\"",
            &["providers[0].api_key_env: the environment variable \"NOT_SET\" is not set — export it"],
        ),
        ("[[providers]]\nname = \"a b\"\nkind = \"sim\"", &["providers[0].name: must be letters, digits"]),
        (
            "[[providers]]\nname = \"a\"\nkind = \"sim\"\n[[providers]]\nname = \"a\"\nkind = \"sim\"",
            &["novai.toml:5: providers[1].name: is taken"],
        ),
        (
            "[[providers]]\nname = \"a\"\nkind = \"sim\"\n[[models]]\nid = \"m\"\nprovider = \"b\"",
            &["models[0].provider: no provider is called \"b\" — use one of: a"],
        ),
        (
            "[[providers]]\nname = \"a\"\nbase_url = \"http://h/v1\"\n[[models]]\nid = \"m\"\nprovider = \"a\"",
            &[
                "novai.toml:5: models[0].id: has no price, and none is known for \"m\" — add price = { input = \"1.00\"",
            ],
        ),
        (
            "[[providers]]\nname = \"a\"\nbase_url = \"http://h/v1\"\nprice = \"1.00\"",
            &["novai.toml:4: providers[0].price: a provider's price can only be \"free\""],
        ),
        (
            "[budgets]\nusd_per_day = 5\nusd_per_month = \"many\"\n[[budgets.tenants]]",
            &[
                "novai.toml:2: budgets.usd_per_day: must be text, but is 5",
                "budgets.usd_per_month: must be a decimal number of dollars such as \"2.50\"",
                "budgets.tenants[0].name: is required",
            ],
        ),
        ("[ledger]\ndurability = \"disk\"", &["ledger.durability: must be \"process\" or \"power\""]),
        ("database_url = \"mysql://h/db\"", &["database_url: must begin with postgres://"]),
        ("prices_file = \"absent.toml\"", &["prices_file: cannot be read: "]),
        ("[[models]]", &["models[0].id: is required", "models[0].provider: is required"]),
        (
            "[[providers]]\nname = \"a\"\nkind = \"sim\"\n[[models]]\nid = \"m\"\nprovider = \"a\"\n[[models]]\nid = \"m\"\nprovider = \"a\"",
            &["novai.toml:8: models[1].id: is taken"],
        ),
        (
            "listn = 1\n[server]\nh2_streams_max = 0\n[[providers]]\nnam = \"x\"\nkind = \"sim\"",
            &[
                "listn: there is no such key",
                "server.h2_streams_max",
                "providers[0].name: is required",
                "providers[0].nam: there is no such key",
            ],
        ),
    ];
    for (text, expected) in cases {
        check_problems(text, expected);
    }
}

const TWO_PROVIDERS: &str =
    "[[providers]]\nname = \"a\"\nkind = \"sim\"\n[[providers]]\nname = \"b\"\nkind = \"sim\"\n";

#[test]
fn problems_of_targets_and_fallbacks() {
    let cases: &[(&str, &[&str])] = &[
        (
            "targets = []",
            &["novai.toml:7: models[0].targets: must name at least one target — write targets = ["],
        ),
        (
            "targets = [{ provider = \"c\" }]",
            &["novai.toml:9: models[0].targets[0].provider: no provider is called \"c\" — use one of: a, b"],
        ),
        ("targets = [{ upstream_id = \"x\" }]", &["models[0].targets[0].provider: is required"]),
        (
            "targets = [{ provider = \"a\", wieght = 1 }]",
            &["models[0].targets[0].wieght: there is no such key — did you mean `weight`?"],
        ),
        (
            "targets = [{ provider = \"a\", weight = -1 }]",
            &["targets[0].weight: must be a whole number from 0 to 1000000"],
        ),
        (
            "targets = [{ provider = \"a\", weight = 0 }, { provider = \"b\", weight = 0 }]",
            &[
                "models[0].targets: has only targets of weight 0, so that none could be asked first — give one a weight above 0",
            ],
        ),
        (
            "targets = [{ provider = \"a\" }, { provider = \"b\" }, { provider = \"a\", upstream_id = \"m\" }]",
            &["models[0].targets: m at a is there twice"],
        ),
        (
            "provider = \"a\"\ntargets = [{ provider = \"b\" }]",
            &["models[0].provider: cannot stand beside `targets`"],
        ),
        (
            "provider = \"a\"\nfallbacks = [\"nope\"]",
            &["novai.toml:10: models[0].fallbacks[0]: no model is called \"nope\" — use one of: m"],
        ),
        (
            "provider = \"a\"\nfallbacks = [\"m\"]",
            &["models[0].fallbacks[0]: the fallbacks go in a circle: m → m"],
        ),
        (
            "provider = \"a\"\nfallbacks = [\"n\"]\n[[models]]\nid = \"n\"\nprovider = \"a\"\nfallbacks = [\"o\"]\n\
             [[models]]\nid = \"o\"\nprovider = \"b\"\nfallbacks = [\"n\"]",
            &[
                "novai.toml:18: models[2].fallbacks[0]: the fallbacks go in a circle: n → o → n — remove one of them",
            ],
        ),
        (
            "provider = \"a\"\ncontext_length = 0\nshutdown_date = \"31.3.2027\"",
            &[
                "models[0].context_length: must be a whole number from 1",
                "models[0].shutdown_date: must be a date, but is \"31.3.2027\" — write shutdown_date = \"2027-03-31\"",
            ],
        ),
        (
            "provider = \"a\"\n[routing]\nretries = 11",
            &["routing.retries: must be a whole number from 0 to 10"],
        ),
    ];
    for (text, expected) in cases {
        check_problems(&format!("{TWO_PROVIDERS}[[models]]\nid = \"m\"\n{text}"), expected);
    }
}

#[test]
fn targets_come_in_order_with_those_of_fallbacks_behind_them() {
    let text = "[[models]]\nid = \"m\"\nfallbacks = [\"n\", \"o\"]\n\
         targets = [{ provider = \"a\", weight = 3 }, { provider = \"b\", upstream_id = \"x\" }]\n\
         [[models]]\nid = \"n\"\nprovider = \"b\"\nupstream_id = \"x\"\nfallbacks = [\"o\"]\n\
         [[models]]\nid = \"o\"\ntargets = [{ provider = \"b\", weight = 7 }]\nprice = { input = \"1\", output = \"2\" }";
    let config = no_problem(load_text(&format!("{TWO_PROVIDERS}{text}")));
    let shown = |index: usize| -> Vec<String> {
        let targets = config.models[index].targets.iter();
        targets.map(|t| format!("{}/{} {:?}", t.provider, t.upstream_id, t.weight)).collect()
    };
    assert_eq!(shown(0), ["a/m Some(3)", "b/x None", "b/o None"]);
    assert_eq!(shown(1), ["b/x None", "b/o None"]);
    assert_eq!(shown(2), ["b/o Some(7)"]);
    assert_eq!(
        config.models[0].targets[2].tariff.price.input, 1_000_000_000,
        "a fallback costs what it costs"
    );
    assert_eq!(config.routing, RoutingPolicy::default());
}

#[test]
fn a_problem_never_shows_a_secret() {
    let text = "[[providers]]\nname = \"a\"\nbase_url = \"http://user:hunter2@host/v1\"";
    let Err(problems) = load_text(text) else { panic!("accepted") };
    assert!(!problems.to_string().contains("hunter2"), "{problems}");

    let env = |name: &str| (name == BOOTSTRAP_KEY).then(|| "hunter2 hunter2 hunter2 hunter2".to_owned());
    let Err(problems) = load(None, Overrides::default(), &env) else { panic!("accepted") };
    let report = problems.to_string();
    let env =
        |name: &str| (name == "NOVAI_DATABASE_URL").then(|| "postgres://u:hunter2@h:port/db".to_owned());
    let Err(problems) = load(None, Overrides::default(), &env) else { panic!("accepted") };
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
    assert!(
        report.contains("NOVAI_BOOTSTRAP_KEY: must consist of") && !report.contains("hunter2"),
        "{report}"
    );
}

#[test]
fn where_a_price_comes_from() {
    let model = |provider: &str, model: &str| {
        let file = format!(
            "[[providers]]\nname = \"a\"\n{provider}\n[[models]]\nid = \"m\"\nprovider = \"a\"\n{model}"
        );
        let config = no_problem(load_text(&file));
        let tariff = config.models[0].targets[0].tariff;
        (tariff.price.input, tariff.price.cached_input, tariff.price.output, tariff.output_tokens_max)
    };
    const HTTP: &str = "base_url = \"http://h/v1\"";
    let cases = [
        (HTTP, "upstream_id = \"gpt-4.1\"", (2_000_000_000, 500_000_000, 8_000_000_000, Some(32_768))),
        (HTTP, "upstream_id = \"gpt-4.1\"\nprice = \"free\"", (0, 0, 0, Some(32_768))),
        (
            HTTP,
            "price = { input = \"1\", output = \"0.0375\" }\nmax_output_tokens = 9",
            (1_000_000_000, 1_000_000_000, 37_500_000, Some(9)),
        ),
        ("base_url = \"http://h/v1\"\nprice = \"free\"", "", (0, 0, 0, None)),
        ("kind = \"sim\"", "", (0, 0, 0, None)),
    ];
    for (provider, text, expected) in cases {
        assert_eq!(model(provider, text), expected, "{provider} {text}");
    }
}

#[test]
fn flags_stand_above_the_file() {
    let overrides = Overrides {
        listen: Some("127.0.0.1:0".to_owned()),
        data_dir: Some(PathBuf::from("elsewhere")),
        log: Some("debug".to_owned()),
        ..Overrides::default()
    };
    let file = "listen = \"127.0.0.1:1\"\ndata_dir = \"here\"\n[log]\nlevel = \"warn\"";
    let config = no_problem(load(Some(("novai.toml", file)), overrides, &|_| None));
    assert_eq!(config.listen.port(), 0);
    assert_eq!(config.data_dir, Path::new("elsewhere"));
    assert_eq!(config.log.filter, "debug");
}

#[test]
fn where_the_providers_come_from() {
    let with_key = |name: &str| (name == OPENAI_API_KEY).then(|| "sk-test".to_owned());
    let empty_key = |name: &str| (name == OPENAI_API_KEY).then(String::new);
    let upstream =
        || Overrides { upstream: Some("http://127.0.0.1:9200/v1".to_owned()), ..Overrides::default() };
    let file = "[[providers]]\nname = \"mine\"\nkind = \"sim\"";
    let names = |file: Option<&str>, overrides: Overrides, env: Env<'_>| -> Vec<String> {
        let config = no_problem(load(file.map(|text| ("novai.toml", text)), overrides, env));
        config.providers.into_iter().map(|provider| provider.name).collect()
    };

    assert_eq!(names(None, Overrides::default(), &with_key), ["openai"]);
    assert!(names(None, Overrides::default(), &empty_key).is_empty(), "set to nothing is not set");
    assert_eq!(names(None, upstream(), &with_key), ["upstream"], "prompts go nowhere else");
    assert_eq!(names(Some(file), Overrides::default(), &with_key), ["mine"]);
    assert_eq!(names(Some(file), upstream(), &with_key), ["mine", "upstream"]);
}
