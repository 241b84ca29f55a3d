//! A model that says what a test says, round by round, and tools that do what their names say.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde_json::{Value, json};

use crate::error::Error;
use crate::provider::{
    ChatCall, ChatEvent, Completion, Provider, ResponseMeta, Streaming, TokenUsage, UpstreamModel,
};
use crate::tools::{RegisteredTool, ToolFailure, ToolFault, ToolRun, ToolRunner};

/// What the model says in one round; each takes 10 tokens in, 3 out.
#[derive(Debug, Clone)]
pub struct Said {
    text: &'static str,
    calls: Vec<(String, String)>,
    finish_reason: Option<&'static str>,
    fails: bool,
}

pub fn say(text: &'static str) -> Said {
    Said { text, calls: Vec::new(), finish_reason: None, fails: false }
}

impl Said {
    pub fn calling(mut self, calls: &[(&str, &str)]) -> Self {
        self.calls = calls.iter().map(|(name, input)| ((*name).to_owned(), (*input).to_owned())).collect();
        self
    }

    pub fn ending(mut self, finish_reason: &'static str) -> Self {
        self.finish_reason = Some(finish_reason);
        self
    }

    pub fn failing(mut self) -> Self {
        self.fails = true;
        self
    }

    fn finish_reason(&self) -> &'static str {
        self.finish_reason.unwrap_or(if self.calls.is_empty() { "stop" } else { "tool_calls" })
    }
}

const USAGE: TokenUsage = TokenUsage {
    prompt: 10,
    cached_prompt: 0,
    audio_prompt: 0,
    completion: 3,
    reasoning: 0,
    audio_completion: 0,
    total: 13,
};

fn usage() -> Value {
    json!({"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13})
}

pub struct Scripted {
    rounds: Vec<Said>,
    at: Mutex<usize>,
    pub calls: Mutex<Vec<ChatCall>>,
}

impl Scripted {
    pub fn new(rounds: &[Said]) -> Self {
        Scripted { rounds: rounds.to_vec(), at: Mutex::new(0), calls: Mutex::default() }
    }

    pub fn rewind(&self) {
        *self.at.lock().unwrap() = 0;
    }

    fn next(&self, call: ChatCall) -> Result<(usize, Said), Error> {
        self.calls.lock().unwrap().push(call);
        let mut at = self.at.lock().unwrap();
        let said = self.rounds[*at].clone();
        *at += 1;
        match said.fails {
            true => Err(Error::ProviderAuth { provider: "scripted".to_owned() }),
            false => Ok((*at - 1, said)),
        }
    }
}

fn call(at: usize, index: usize, name: &str, arguments: &str) -> Value {
    let function = json!({"name": name, "arguments": arguments});
    json!({"index": index, "id": format!("c{at}{index}"), "type": "function", "function": function})
}

fn event(at: usize, choices: Value, usage: Option<TokenUsage>) -> Result<ChatEvent, Error> {
    let mut json = json!({"id": format!("chatcmpl-{at}"), "object": "chat.completion.chunk", "created": at, "model": "m",
        "choices": choices});
    if usage.is_some() {
        json["usage"] = self::usage();
    }
    Ok(ChatEvent { json: Bytes::from(json.to_string()), usage, usage_only: usage.is_some() })
}

impl Provider for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn complete(&self, asked: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let (at, said) = self.next(asked)?;
            let mut message = json!({"role": "assistant", "content": said.text, "refusal": null});
            if !said.calls.is_empty() {
                let calls = said.calls.iter().enumerate();
                message["tool_calls"] =
                    calls.map(|(index, (name, input))| call(at, index, name, input)).collect();
            }
            let json = json!({"id": format!("chatcmpl-{at}"), "object": "chat.completion", "created": at, "model": "m",
                "choices": [{"index": 0, "message": message, "finish_reason": said.finish_reason()}], "usage": usage()});
            let json = Bytes::from(json.to_string());
            Ok(Completion { json, usage: Some(USAGE), meta: ResponseMeta::default() })
        })
    }

    fn stream(&self, asked: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            let (at, said) = self.next(asked)?;
            let chunk = |delta: Value, finish: Option<&str>| {
                event(at, json!([{"index": 0, "delta": delta, "finish_reason": finish}]), None)
            };
            let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
            let mut text = said.text;
            for (index, (name, arguments)) in said.calls.iter().enumerate() {
                // Text and the first call in one event, as some servers send them.
                let content = std::mem::take(&mut text);
                let begun = [call(at, index, name, "")];
                events.push(chunk(json!({"content": content, "tool_calls": begun}), None));
                for piece in arguments.split_inclusive(':') {
                    let piece = json!({"index": index, "function": {"arguments": piece}});
                    events.push(chunk(json!({"tool_calls": [piece]}), None));
                }
            }
            if !text.is_empty() {
                events.push(chunk(json!({"content": text}), None));
            }
            events.push(chunk(json!({}), Some(said.finish_reason())));
            events.push(event(at, json!([]), Some(USAGE)));
            Ok(Streaming { events: Box::pin(stream::iter(events)), meta: ResponseMeta::default() })
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

pub struct Bench {
    tools: Vec<Arc<RegisteredTool>>,
    /// Name and arguments of what was run.
    pub runs: Mutex<Vec<(String, String)>>,
    pub cancelled: Mutex<u32>,
    pub is_complete: Mutex<bool>,
}

impl Bench {
    pub fn new() -> Self {
        const NUMBERS: &str = r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]}"#;
        let tool = |name, parameters: &str| {
            let timeout = Duration::from_secs(10);
            let tool = RegisteredTool::new(name, "As its name says.", parameters.as_bytes(), timeout);
            Arc::new(tool.unwrap())
        };
        let tools = vec![
            tool("add", NUMBERS),
            tool("slow", ""),
            tool("broken", ""),
            tool("big", ""),
            tool("nap", ""),
        ];
        Bench { tools, runs: Mutex::default(), cancelled: Mutex::default(), is_complete: Mutex::new(true) }
    }
}

/// Counts a run that does not come to its end.
struct Running<'a>(&'a Bench, bool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.1 {
            *self.0.cancelled.lock().unwrap() += 1;
        }
    }
}

impl ToolRunner for Bench {
    fn find(&self, name: &str) -> Option<Arc<RegisteredTool>> {
        self.tools.iter().find(|tool| &*tool.name == name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.tools.iter().map(|tool| Arc::clone(&tool.name)).collect()
    }

    fn is_complete(&self) -> bool {
        *self.is_complete.lock().unwrap()
    }

    fn run(&self, run: ToolRun) -> BoxFuture<'_, Result<String, ToolFailure>> {
        Box::pin(async move {
            self.runs.lock().unwrap().push((run.tool.name.to_string(), run.arguments.clone()));
            let mut running = Running(self, false);
            let done = match &*run.tool.name {
                "add" => {
                    let numbers: Value = serde_json::from_str(&run.arguments).unwrap();
                    Ok((numbers["a"].as_i64().unwrap() + numbers["b"].as_i64().unwrap()).to_string())
                }
                "slow" => {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    Ok(String::new())
                }
                "nap" => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    Ok("rested".to_owned())
                }
                "big" => Ok("x".repeat(101)),
                _ => Err(ToolFailure::new(ToolFault::Failed, "as scripted")),
            };
            running.1 = true;
            done
        })
    }
}
