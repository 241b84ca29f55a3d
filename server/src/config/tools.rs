//! `[[tool_servers]]` and `[tools]`: tools that the gateway runs by itself. Without a server there are none.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use novai_core::ToolPolicy;
use novai_rpc::{ClientTls, PoolConfig, ToolServerConfig, WorkerUrl};

use super::reader::Section;
use super::workers::pair;

const URL_EXAMPLE: &str = "http://127.0.0.1:9400";
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Who has tools, and how they are run.
pub struct ToolSettings {
    pub servers: Vec<ToolServerConfig>,
    pub policy: ToolPolicy,
}

/// `None`: no request can name a registered tool.
pub fn tools(servers: Vec<Section<'_>>, mut section: Section<'_>) -> Option<ToolSettings> {
    let default = ToolPolicy::default();
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let parallel_max = section.integer("parallel_max", 1..=128, default.parallel_max as u64);
    // More than a mebibyte is no result for a model to read.
    let output_bytes_max =
        section.integer("output_bytes_max", 64..=1024 * 1024, default.output_bytes_max as u64);
    let policy = ToolPolicy {
        rounds_max: section.integer("rounds_max", 1..=100, default.rounds_max.into()) as u32,
        parallel_max: size(parallel_max),
        output_bytes_max: size(output_bytes_max),
    };
    section.finish();
    let mut urls = HashSet::new();
    let servers: Vec<ToolServerConfig> =
        servers.into_iter().filter_map(|section| server(section, &mut urls)).collect();
    (!servers.is_empty()).then_some(ToolSettings { servers, policy })
}

fn server(mut section: Section<'_>, seen: &mut HashSet<String>) -> Option<ToolServerConfig> {
    let mut urls = Vec::new();
    if !section.has("url") {
        let fix = format!("write url = {URL_EXAMPLE:?}");
        section.report(section.reference("url").problem("is required", fix));
    }
    for at in section.one_or_more("url", URL_EXAMPLE) {
        match WorkerUrl::parse(at.value.trim()) {
            Ok(url) if !seen.insert(url.to_string()) => {
                section.report(at.problem(format!("names {url} twice"), "name each tool server once"));
            }
            Ok(url) => urls.push(url),
            // Never repeats the URL itself: people put passwords there.
            Err(error) => section.report(at.problem(
                format!("must be a tool server's URL: {error}"),
                format!("write url = {URL_EXAMPLE:?}"),
            )),
        }
    }
    let timeout = section.millis("timeout_ms", TIMEOUT);
    let connect_timeout = section.millis("connect_timeout_ms", CONNECT_TIMEOUT);
    let ca_file = section.string("ca_file", "/etc/novai/tls/ca.pem").map(|at| PathBuf::from(at.value));
    let server_name = section.string("server_name", "tools.internal").map(|at| at.value);
    let certificate = section.string("certificate_file", "/etc/novai/tls/gateway.pem");
    let key = section.string("key_file", "/etc/novai/tls/gateway-key.pem");
    let identity = pair(&section, certificate, key);
    section.finish();
    let tls = ClientTls { ca_file, identity, server_name };
    (!urls.is_empty())
        .then_some(ToolServerConfig { pool: PoolConfig { urls, tls, connect_timeout }, timeout })
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Overrides, Problems, load};
    use super::*;

    fn read(text: &str) -> Result<Config, Problems> {
        load(Some(("novai.toml", text)), Overrides::default(), &|_| None)
    }

    #[test]
    fn none_are_run_unless_a_server_is_named() {
        assert!(read("[tools]\nrounds_max = 3").unwrap_or_else(|p| panic!("{p}")).tools.is_none());
        let text = "[tools]\nrounds_max = 3\n[[tool_servers]]\nurl = \"http://a:1\"\n[[tool_servers]]\n\
                    url = [\"https://b:1\", \"https://c:1\"]\ntimeout_ms = 7\nca_file = \"ca.pem\"\n\
                    certificate_file = \"c.pem\"\nkey_file = \"k.pem\"\nserver_name = \"x\"\n";
        let ToolSettings { servers, policy } = read(text).unwrap_or_else(|p| panic!("{p}")).tools.unwrap();
        assert_eq!(policy, ToolPolicy { rounds_max: 3, ..ToolPolicy::default() });
        assert_eq!((servers.len(), servers[0].timeout, servers[1].pool.urls.len()), (2, TIMEOUT, 2));
        let tls = &servers[1].pool.tls;
        assert_eq!(tls.identity, Some(("c.pem".into(), "k.pem".into())));
        assert_eq!((servers[1].timeout.as_millis(), tls.server_name.as_deref()), (7, Some("x")));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, expected) in [
            ("[[tool_servers]]", "novai.toml:1: tool_servers[0].url: is required"),
            (
                "[[tool_servers]]\nurl = \"http://u:secret@a:1\"",
                "tool_servers[0].url: must be a tool server's URL: it must not hold",
            ),
            (
                "[[tool_servers]]\nurl = [\"http://a:1\", \"http://a:1\"]",
                "tool_servers[0].url[1]: names http://a:1 twice",
            ),
            (
                "[[tool_servers]]\nurl = \"http://a:1\"\nkey_file = \"k\"",
                "tool_servers[0].key_file: needs `certificate_file`",
            ),
            ("[[tool_servers]]\nurl = \"http://a:1\"\ntimeuot_ms = 1", "did you mean `timeout_ms`?"),
            ("[tools]\nrounds_max = 0", "tools.rounds_max: must be a whole number from 1 to 100"),
        ] {
            let Err(problems) = read(text) else { panic!("accepted: {text}") };
            let report = problems.to_string();
            assert!(report.contains(expected) && problems.0.len() == 1, "{text}: {report}");
            assert!(!report.contains("secret"), "{report}");
        }
    }
}
