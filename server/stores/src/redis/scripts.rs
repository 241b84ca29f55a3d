//! The scripts, by their hash; in full where Redis does not know them, because it is new or has forgotten them.

use redis::aio::ConnectionManager;
use redis::{Cmd, ErrorKind, RedisResult, Script, ServerErrorKind, Value};

const CLOCK: &str = include_str!("lua/clock.lua");

pub struct Scripts {
    pub admit: Source,
    pub settle: Source,
    pub renew: Source,
}

pub struct Source {
    text: String,
    sha1: String,
}

impl Scripts {
    pub fn new() -> Self {
        Self::with_clock(CLOCK)
    }

    /// For tests: reads the time from a key instead, so that they decide how late it is.
    #[cfg(test)]
    pub fn with_time_in(key: &str) -> Self {
        let reading = format!("local time = redis.call('LRANGE', '{key}', 0, -1)");
        let clock = CLOCK.replace("local time = redis.call('TIME')", &reading);
        assert!(clock.contains(&reading), "clock.lua no longer reads TIME in the line that tests replace");
        Self::with_clock(&clock)
    }

    fn with_clock(clock: &str) -> Self {
        Scripts {
            admit: Source::new(format!("{clock}\n{}", include_str!("lua/admit.lua"))),
            settle: Source::new(include_str!("lua/settle.lua").to_owned()),
            renew: Source::new(format!("{clock}\n{}", include_str!("lua/renew.lua"))),
        }
    }
}

impl Source {
    fn new(text: String) -> Self {
        let sha1 = Script::new(&text).get_hash().to_owned();
        Source { text, sha1 }
    }

    pub fn call<'a>(&'a self, keys: &'a [String], arguments: &'a [String]) -> Call<'a> {
        Call { source: self, keys, arguments }
    }
}

/// One call of a script.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    source: &'a Source,
    keys: &'a [String],
    arguments: &'a [String],
}

impl Call<'_> {
    pub async fn run(self, connection: &mut ConnectionManager) -> RedisResult<Value> {
        match self.by_hash().query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.in_full().query_async(connection).await
            }
            result => result,
        }
    }

    fn by_hash(self) -> Cmd {
        self.command("EVALSHA", &self.source.sha1)
    }

    fn in_full(self) -> Cmd {
        self.command("EVAL", &self.source.text)
    }

    fn command(self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(self.keys).arg(self.arguments);
        command
    }
}
