//! The shape of one case after its file's defaults were laid under it. `spec/scenarios/scenario.schema.json` documents every
//! field for authors; the comments here say only what the runner does with it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::sequence::{OwnGateway, Turn};

/// Who is under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Server,
    Client,
}

/// One column of the matrix: the server, or one client by the name of its adapter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Column {
    Server,
    Client(String),
    /// Somebody else's client, to compare with.
    Compared(String),
}

impl Column {
    pub fn name(&self) -> &str {
        match self {
            Column::Server => "server",
            Column::Client(name) | Column::Compared(name) => name,
        }
    }

    pub fn mode(&self) -> Mode {
        match self {
            Column::Server => Mode::Server,
            Column::Client(_) | Column::Compared(_) => Mode::Client,
        }
    }

    pub fn is_ours(&self) -> bool {
        !matches!(self, Column::Compared(_))
    }
}

/// One case, ready to run.
#[derive(Debug, Clone)]
pub struct Case {
    /// `<area>/<scenario>/<case>`: the name that `--only` and the known-failing lists use.
    pub id: String,
    /// `<area>/<scenario>`: the row of the matrix.
    pub scenario: String,
    pub why: String,
    pub body: CaseBody,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseBody {
    pub name: String,
    #[serde(default = "both_modes")]
    pub modes: Vec<Mode>,
    /// Played for every request of the case.
    pub upstream: Option<Vec<Step>>,
    /// Played one after the other: the n-th request gets the n-th script.
    pub attempts: Option<Vec<Vec<Step>>>,
    /// Of the model's further targets, in order: what each plays for every request. Server mode only.
    #[serde(default)]
    pub fallbacks: Vec<Vec<Step>>,
    pub request: Request,
    #[serde(default)]
    pub expect: Map<String, Value>,
    #[serde(default)]
    pub vary: Vary,
    #[serde(default)]
    pub provider: ProviderOptions,
    /// Server mode: instead of the gateway that all cases share.
    pub gateway: Option<OwnGateway>,
    /// Server mode: several calls on the case's own gateway, instead of the one in `request`. Filled in when the file is read.
    #[serde(skip)]
    pub sequence: Vec<Turn>,
}

fn both_modes() -> Vec<Mode> {
    vec![Mode::Server, Mode::Client]
}

impl CaseBody {
    /// The scripts of the case; none means that no request may reach the upstream.
    pub fn scripts(&self) -> &[Vec<Step>] {
        match (&self.attempts, &self.upstream) {
            (Some(attempts), _) => attempts,
            (None, Some(upstream)) => std::slice::from_ref(upstream),
            (None, None) => &[],
        }
    }

    /// How many requests the upstream should see, unless the case says otherwise.
    pub fn requests_expected(&self) -> usize {
        match (&self.attempts, &self.upstream) {
            (Some(attempts), _) => attempts.len(),
            (None, Some(_)) => self.request.times,
            (None, None) => 0,
        }
    }

    pub fn abandons(&self) -> bool {
        self.request.abandon_after_events.is_some() || self.request.abandon_after_ms.is_some()
    }

    /// The upstream learns of a leaving peer a moment after the call has ended.
    pub fn awaits_leaving(&self) -> bool {
        let left_early = self.expect.get("upstream").and_then(|upstream| upstream.get("left_early"));
        self.abandons() || left_early == Some(&Value::Bool(true))
    }

    pub fn refuses_connections(&self) -> bool {
        self.listening() == Some(Word::RefuseConnection)
    }

    /// What is odd about the way the upstream listens, if anything is.
    pub fn listening(&self) -> Option<Word> {
        self.scripts().iter().find_map(|script| listening(script))
    }

    /// Whether a script sends the caller to the second server.
    pub fn names_elsewhere(&self) -> bool {
        self.scripts().iter().flatten().any(|step| match step {
            Step::Word(_) => false,
            Step::Detailed(step) => step.respond.as_ref().is_some_and(|respond| {
                respond.headers.values().flatten().any(|value| value.contains(ELSEWHERE))
            }),
        })
    }

    /// What an adapter must be able to do for this case; one that cannot, by its language's nature, says so in its hello.
    pub fn demands(&self) -> Vec<&'static str> {
        let request = &self.request;
        let demands = [
            ("abandon_after_ms", request.abandon_after_ms.is_some()),
            ("retry_delay_max_ms", request.options.retry_delay_max_ms.is_some()),
        ];
        demands.into_iter().filter(|(_, demanded)| *demanded).map(|(name, _)| name).collect()
    }

    pub fn wants_snapshot(&self) -> bool {
        let own = self.expect.get("server").and_then(|server| server.get("wire"));
        let wants = own.or(self.expect.get("wire")) == Some(&Value::Bool(true));
        wants || self.sequence.iter().any(|turn| turn.body.wants_snapshot())
    }

    /// Short deadlines and bounds on time are only fair on a quiet machine: such cases run after the others.
    pub fn is_timed(&self) -> bool {
        !self.request.options.timeouts_ms.is_empty() || self.has_upper_bounds()
    }

    /// And these alone.
    pub fn has_upper_bounds(&self) -> bool {
        let text = Value::Object(self.expect.clone()).to_string();
        text.contains("\"$at_most\"")
    }
}

/// What is odd about the way a server with this script listens, if anything is.
pub fn listening(script: &[Step]) -> Option<Word> {
    script.iter().find_map(|step| match step {
        Step::Word(word @ (Word::RefuseConnection | Word::IgnoreConnection | Word::UntrustedCertificate)) => {
            Some(*word)
        }
        _ => None,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Op {
    #[serde(rename = "chat.create")]
    ChatCreate,
    #[serde(rename = "chat.stream")]
    ChatStream,
    #[serde(rename = "embeddings.create")]
    EmbeddingsCreate,
    #[serde(rename = "models.list")]
    ModelsList,
    #[serde(rename = "models.retrieve")]
    ModelsRetrieve,
    /// Server mode only: method, path and body as given.
    #[serde(rename = "http")]
    Http,
}

impl Op {
    pub fn name(self) -> &'static str {
        match self {
            Op::ChatCreate => "chat.create",
            Op::ChatStream => "chat.stream",
            Op::EmbeddingsCreate => "embeddings.create",
            Op::ModelsList => "models.list",
            Op::ModelsRetrieve => "models.retrieve",
            Op::Http => "http",
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub op: Op,
    /// Parameters of the call. `model`, and `messages` or `input`, are filled in where absent.
    #[serde(default)]
    pub params: Map<String, Value>,
    pub method: Option<String>,
    pub path: Option<String>,
    /// Server mode: over the runner's own; `null` removes one. Client mode: given to the SDK for this call.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Sent as it is, instead of `params`.
    pub body: Option<String>,
    pub body_base64: Option<String>,
    /// Repeats `body` this often, for bodies too large to write down.
    #[serde(default = "one")]
    pub body_times: usize,
    /// The call is made this often, in a row, with one client.
    #[serde(default = "one")]
    pub times: usize,
    /// Between one call and the next.
    #[serde(default)]
    pub pause_ms: u64,
    /// The caller leaves after this many events.
    pub abandon_after_events: Option<usize>,
    /// The caller leaves after this time, whatever has come.
    pub abandon_after_ms: Option<u64>,
    #[serde(default)]
    pub options: ClientOptions,
}

fn one() -> usize {
    1
}

/// How an SDK is to be configured. Deadlines absent here are the SDK's own defaults.
#[derive(Debug, Clone, Default, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClientOptions {
    /// Zero where a scenario does not say: one call is one request.
    #[serde(default)]
    pub max_retries: u32,
    #[serde(default)]
    pub timeouts_ms: BTreeMap<String, u64>,
    /// Longest wait between two attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay_max_ms: Option<u64>,
    /// The caller's own, for this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Instead of the upstream's own URL; `${upstream}` is its host and port.
    #[serde(default, skip_serializing)]
    pub base_url: Option<String>,
    /// Instead of the runner's key; null for none at all.
    #[serde(default, skip_serializing, deserialize_with = "even_null")]
    pub api_key: Option<Value>,
}

/// `Some(Null)` for a null, where serde alone would say `None`.
fn even_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// In a response header: host and port of a second server, which nobody should call.
pub const ELSEWHERE: &str = "${elsewhere}";

/// How the gateway's provider for this case is to be configured.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderOptions {
    /// Whose API the upstream speaks: OpenAI's, unless given.
    pub kind: Option<String>,
    /// Further keys of its `[[providers]]`, as they stand there.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// `connect`, `first_byte`, `idle`, `total`.
    #[serde(default)]
    pub timeouts_ms: BTreeMap<String, u64>,
}

/// One thing that the scripted upstream does.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Step {
    Word(Word),
    Detailed(Box<DetailedStep>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// `data: [DONE]` and an empty line.
    Done,
    /// Ends the body properly; what every script does at its end.
    End,
    /// Sends nothing more and keeps the connection open until the peer closes it.
    Stall,
    /// Closes the connection without ending the body.
    Close,
    /// Resets it (RST, through a zero linger time).
    ResetConnection,
    /// Accepts no connection at all.
    RefuseConnection,
    /// Answers no attempt to connect, neither yes nor no.
    IgnoreConnection,
    /// Speaks TLS, with a certificate that nobody has reason to trust.
    UntrustedCertificate,
}

/// A step with details. Exactly one of the contents is set; the schema sees to it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetailedStep {
    pub respond: Option<Respond>,
    pub send: Option<String>,
    pub send_base64: Option<String>,
    /// Bytes past the HTTP framing, for responses that are not HTTP.
    pub raw: Option<String>,
    pub event: Option<Value>,
    pub delta: Option<Value>,
    pub finish: Option<String>,
    pub usage: Option<Value>,
    pub json: Option<Value>,
    pub answer: Option<String>,
    pub comment: Option<String>,
    /// Which choice a `delta` or `finish` belongs to.
    pub choice: u64,
    /// Waits before the content is sent.
    pub delay_ms: u64,
    /// Sends the content this often.
    pub times: Option<usize>,
    /// Cuts the content into pieces of this many bytes, each its own HTTP chunk and its own write.
    pub split: Option<usize>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Respond {
    pub status: Option<u16>,
    /// Over those that follow from the content; `null` removes one.
    pub headers: BTreeMap<String, Option<String>>,
    pub framing: Option<Framing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    Chunked,
    Length,
    /// Neither: the body ends with the connection.
    Close,
}

/// Multiplies a case: every combination is one run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vary {
    pub split: Vec<usize>,
    pub split_at: Option<EveryByte>,
    pub truncate: Option<EveryByte>,
    pub ending: Vec<Word>,
    pub line_end: Vec<LineEnd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EveryByte {
    EveryByte,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    #[default]
    Lf,
    Crlf,
    Cr,
}

impl LineEnd {
    pub fn text(self) -> &'static str {
        match self {
            LineEnd::Lf => "\n",
            LineEnd::Crlf => "\r\n",
            LineEnd::Cr => "\r",
        }
    }
}
