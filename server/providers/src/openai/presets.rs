//! Vendors that speak OpenAI's API, and how far: where each is, what holds its key, and what it does differently.
//!
//! Facts about vendors, as data: [`super::quirks`] acts on them, docs/providers.md is written from them. Each was looked up in the
//! vendor's documentation, its source or a recording in November 2026. What a vendor refuses by itself, with words of its own
//! (Groq `logprobs`, xAI `stop` with models that reason), is not repeated here.
//!
//! **Invariant:** nowhere else in this adaptor is a vendor known by its name.

use http::{HeaderName, header};

use super::quirks::{Messages, Options, Quirks};
use crate::translate::options::Support;

/// How the key travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyHeader {
    /// `Authorization: Bearer <key>`.
    Bearer,
    /// `api-key: <key>`.
    ApiKey,
}

impl KeyHeader {
    /// The header's name, and what stands before the key.
    pub(super) fn parts(self) -> (HeaderName, &'static str) {
        match self {
            KeyHeader::Bearer => (header::AUTHORIZATION, "Bearer "),
            KeyHeader::ApiKey => (HeaderName::from_static("api-key"), ""),
        }
    }
}

/// What stands between the base URL and `/chat/completions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paths {
    Plain,
    /// `/openai/deployments/<model>`, with `?api-version=` behind it; but plain for base URLs that end in `/openai/v1`.
    Deployments,
}

#[derive(Debug)]
pub struct Preset {
    /// As configurations call it.
    pub kind: &'static str,
    pub vendor: &'static str,
    /// `None`: everybody has one of their own.
    pub base_url: Option<&'static str>,
    /// How a base URL of one's own looks.
    pub base_url_example: &'static str,
    /// Holds the key where the configuration names no other. `None`: most need no key.
    pub key_variable: Option<&'static str>,
    /// Runs on machines of one's own, and costs nothing unless a price is configured.
    pub is_local: bool,
    pub(crate) key_header: KeyHeader,
    pub(crate) paths: Paths,
    pub(crate) quirks: Quirks,
}

impl Preset {
    /// Whether its models are deployments that cannot be listed, and have names of the operator's own.
    pub fn has_deployments(&self) -> bool {
        self.paths == Paths::Deployments
    }

    /// Whether `stream_options` reaches it.
    pub fn takes_stream_options(&self) -> bool {
        self.quirks.takes_stream_options
    }
}

/// Any server that speaks the API, as it came.
pub const OPENAI: Preset = Preset {
    kind: "openai",
    vendor: "OpenAI",
    base_url: None,
    base_url_example: "https://api.openai.com/v1",
    key_variable: None,
    is_local: false,
    key_header: KeyHeader::Bearer,
    paths: Paths::Plain,
    quirks: Quirks::NONE,
};

const fn hosted(
    kind: &'static str,
    vendor: &'static str,
    base_url: &'static str,
    key_variable: &'static str,
    quirks: Quirks,
) -> Preset {
    let key_variable = Some(key_variable);
    Preset {
        kind,
        vendor,
        base_url: Some(base_url),
        base_url_example: base_url,
        key_variable,
        quirks,
        ..OPENAI
    }
}

const fn local(kind: &'static str, vendor: &'static str, base_url: &'static str, quirks: Quirks) -> Preset {
    let base = hosted(kind, vendor, base_url, "", quirks);
    Preset { key_variable: None, is_local: true, ..base }
}

/// The name that it had before models reasoned, which is all that some know. Beside it the new one would be ignored, and the answer
/// unbounded.
const MAX_TOKENS: (&str, &str) = ("max_completion_tokens", "max_tokens");

pub static PRESETS: [Preset; 10] = [
    hosted("deepseek", "DeepSeek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", DEEPSEEK),
    hosted("mistral", "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", MISTRAL),
    hosted("groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", REASONING),
    hosted("xai", "xAI", "https://api.x.ai/v1", "XAI_API_KEY", Quirks::NONE),
    hosted("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", REASONING),
    hosted("together", "Together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", TOGETHER),
    local("ollama", "Ollama", "http://127.0.0.1:11434/v1", OLLAMA),
    local("vllm", "vLLM", "http://127.0.0.1:8000/v1", REASONING),
    Preset {
        // Its own default port, 8080, is this gateway's.
        base_url: None,
        ..local("llama-cpp", "llama.cpp", "http://127.0.0.1:8081/v1", LLAMA_CPP)
    },
    Preset {
        kind: "azure",
        vendor: "Azure OpenAI",
        base_url_example: "https://RESOURCE.openai.azure.com",
        key_variable: Some("AZURE_OPENAI_API_KEY"),
        key_header: KeyHeader::ApiKey,
        paths: Paths::Deployments,
        ..OPENAI
    },
];

/// The newest dated version of Azure's API that is no preview, and the last: after it comes `/openai/v1`.
pub const AZURE_API_VERSION: &str = "2024-10-21";

pub fn find(kind: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.kind == kind)
}

/// Groq answers 400 to the other name in messages; vLLM (since 0.16, January 2026) and Ollama ignore it.
const REASONING: Quirks = Quirks { says_reasoning: true, ..Quirks::NONE };

/// Ignores what it does not know, and takes no role but these four: `developer` is a 400.
const DEEPSEEK: Quirks = Quirks {
    options: Options::Only(Support {
        vendor: "DeepSeek",
        translated: &[
            "max_completion_tokens",
            "max_tokens",
            "temperature",
            "top_p",
            "stop",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
            "tools",
            "tool_choice",
            "response_format",
            "reasoning_effort",
        ],
        // It caches by prefix, without being told.
        ignored: &["prompt_cache_key"],
    }),
    renamed: &[MAX_TOKENS],
    messages: Messages::SystemForDeveloper,
    ..Quirks::NONE
};

/// Answers 422 to every field that it does not know, in messages too. Usage comes with the last chunk, unasked.
const MISTRAL: Quirks = Quirks {
    options: Options::Only(Support {
        vendor: "Mistral",
        translated: &[
            "max_completion_tokens",
            "max_tokens",
            "temperature",
            "top_p",
            "n",
            "stop",
            "seed",
            "frequency_penalty",
            "presence_penalty",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "response_format",
            "prediction",
            "metadata",
            "reasoning_effort",
            "prompt_cache_key",
        ],
        ignored: &[],
    }),
    renamed: &[MAX_TOKENS, ("seed", "random_seed")],
    embeddings_renamed: &[("dimensions", "output_dimension")],
    messages: Messages::Bare,
    takes_stream_options: false,
    ..Quirks::NONE
};

/// `logprobs` is a number there, and so answered in the shape of the old completions API.
const TOGETHER: Quirks = Quirks {
    options: Options::AllBut { vendor: "Together", refused: &["logprobs", "top_logprobs"] },
    renamed: &[MAX_TOKENS],
    messages: Messages::SystemForDeveloper,
    ..REASONING
};

/// Reads the fields of its own request type and no other (`openai/openai.go`). Its templates know no `developer`: the message would
/// not reach the model.
const OLLAMA: Quirks = Quirks {
    options: Options::Only(Support {
        vendor: "Ollama",
        translated: &[
            "max_completion_tokens",
            "max_tokens",
            "temperature",
            "top_p",
            "stop",
            "seed",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
            "tools",
            "response_format",
            "reasoning_effort",
        ],
        ignored: &["prompt_cache_key"],
    }),
    renamed: &[MAX_TOKENS],
    messages: Messages::SystemForDeveloper,
    ..REASONING
};

/// Knows `max_completion_tokens` since February 2026; before that it generated without end.
const LLAMA_CPP: Quirks = Quirks { renamed: &[MAX_TOKENS], ..Quirks::NONE };
