//! docs/providers.md is written from what the adaptors themselves go by, and compared here.

use std::fmt::Write;

use super::options::names;
use crate::openai::presets::{KeyHeader, PRESETS, Preset};
use crate::openai::quirks::{Options, Renamed};
use crate::{anthropic, gemini};

const INTRODUCTION: &str = "\
# What each provider can be asked

<!-- Written by the tests of server/providers from the adaptors' own tables. Run
     `NOVAI_UPDATE_DOCS=1 cargo test -p novai-providers documentation` after a change. -->

Requests to OpenAI-compatible providers (`kind = \"openai\"`) go out as they came: whatever the server understands works. For the
vendors of the first table the address, the key's variable and what they do differently are known; they get the caller's request
with as few changes as that takes. Anthropic and Gemini have APIs of their own, and are translated. What a vendor has no words for is a
`400` that names the field, by the gateway or by the vendor; nothing is dropped in silence.

Answers of OpenAI-compatible providers come back as they are, but for streamed tool calls: a missing `index` is added, calls
that share one get their own, and an `id` or a `name` that comes twice, or as null, comes once.

- **yes**: passed on, or translated. A name: passed on under that name.
- **hint**: accepted and not passed on; it changes nothing about the answer.
- **400**: refused.

Fields that this API does not know go along unchanged, under their own names: that is how a vendor's own options are set
(`top_k`, `thinking`, `safetySettings`, `generationConfig`).
";

const QUIRKS: &str = "
What else is particular about them:

- **DeepSeek**, **Mistral**, **Together** and **Ollama** know no `developer`: such a message becomes `system`.
- **DeepSeek** tells `prompt_cache_hit_tokens`, which count as cached. `response_format` with a schema is its own 400. Reasoning comes as
  `reasoning_content`, and goes back as it is: in turns with tools it is wanted there.
- **Mistral** refuses unknown fields (422). Of an assistant's message that is sent back, nulls, `annotations`, `reasoning_content` and
  `reasoning_details` stay behind. `dimensions` of embeddings is `output_dimension`. Its limits are `ratelimitbysize-*`.
- **Groq** refuses `logprobs`, `logit_bias`, `name` and `n` above 1 itself; usage may come in `x_groq`.
- **xAI** counts reasoning beside `completion_tokens`: the gateway's books have both together, as its price does. Its models that
  reason refuse `stop` and the penalties themselves.
- **OpenRouter** leaves out what the model behind it does not understand, unless the request has `provider: {require_parameters: true}`, which goes
  along. Errors in a 200 and in mid-stream are errors; its keep-alive comments are not passed on, the gateway has its own.
- **Groq**, **OpenRouter**, **Together**, **Ollama** and **vLLM** (0.16 and newer) say `reasoning` for `reasoning_content`: it is renamed in
  answers and events, and back in messages that a client sends again. For the kind `openai` nothing is renamed.
- **Together** takes a number for `logprobs` and answers in another shape: a 400.
- **llama.cpp** knows `max_completion_tokens` only since 2026, so it gets `max_tokens`. Its Python relative takes no `X-Request-Id` but a UUID:
  another id is sent as `X-Client-Request-Id`, to everybody.
- **Azure**: the first chunk has no choices but `prompt_filter_results`, which callers get. Deployments cannot be listed; name them in
  `[[models]]`. With a `base_url` that ends in `/openai/v1` the newer API is used, else `/openai/deployments/NAME/…?api-version=` (`api_version`).
";

const REST: &str = "
## Messages

| | Anthropic | Gemini |
|---|---|---|
| `system`, `developer` at the beginning | yes, as system text | yes, as system instruction |
| `system`, `developer` later | 400 | 400 |
| `name` of a message | 400 | 400 |
| text | yes | yes |
| `image_url` with `data:` | yes (JPEG, PNG, GIF, WebP) | yes |
| `image_url` with `https:` | yes, fetched by Anthropic | 400, unless `image_fetch` lets the gateway fetch it |
| `image_url` with `gs:` | 400 | yes, read by Google |
| `image_url.detail` other than `auto` | 400 | 400 |
| `input_audio` | 400 | yes |
| `file` with `file_data` | yes (PDF) | yes |
| `file` with `file_id` | 400 | 400 |
| `prompt_cache_breakpoint` | yes, as `cache_control` | 400 |
| `tool_calls` and `tool` messages | yes | yes |
| `reasoning_details` of the same vendor | yes, with signatures | yes, with signatures |
| `reasoning_content` alone, or another vendor's details | left out: vendors read only what they signed | left out |

## Answers

| | Anthropic | Gemini |
|---|---|---|
| several choices (`n`) | 400 | yes |
| reasoning | `reasoning_content`, `reasoning_details` | `reasoning_content`, `reasoning_details` |
| refusals | `refusal`, `finish_reason: content_filter` | `refusal`, `finish_reason: content_filter` |
| cached tokens | `prompt_tokens_details.cached_tokens`, `.cache_write_tokens` | `prompt_tokens_details.cached_tokens` |
| reasoning tokens | counted within `completion_tokens` | `completion_tokens_details.reasoning_tokens` |
| rate limits of the vendor | `anthropic-ratelimit-*` | none but `Retry-After` |
| `logprobs` | 400 | `logprobs.content`, without `bytes`; `avgLogprobs` is left out, being their mean |
| sources of passages (`annotations`) | `url_citation`, or `anthropic_citation` where there is no address; whole under `anthropic_citation`. Asked for by `citations: {enabled: true}` beside a `file` | `url_citation`, counted in characters; sources without an address are left out |
| search by the vendor (`web_search_options`, its results) | 400 | 400 |

## Embeddings

OpenAI-compatible providers get the request as it came, cut into several calls where it has more inputs than `embedding_inputs_max`.

| | Anthropic | Gemini |
|---|---|---|
| `POST /embeddings` | 400: its API has none | yes, by `batchEmbedContents`, a hundred inputs a call |
| texts | 400 | yes |
| tokens | 400 | 400 |
| `dimensions` | 400 | yes; such vectors are brought to unit length, as OpenAI's are |
| `encoding_format` | 400 | yes, written by the gateway |
| `user` | 400 | 400 |
| token counts | – | as Google counts, where it does; else estimated |
";

/// Vendors whose options are known, and the names that those have there.
fn columns() -> Vec<(&'static str, Options, Renamed)> {
    let translated = [&anthropic::SUPPORT, &gemini::SUPPORT];
    let translated =
        translated.map(|support| (support.vendor, Options::Only(*support), [].as_slice() as Renamed));
    let presets = PRESETS.iter().filter(|preset| !matches!(preset.quirks.options, Options::All));
    let presets = presets.map(|preset| (preset.vendor, preset.quirks.options, preset.quirks.renamed));
    translated.into_iter().chain(presets).collect()
}

fn document() -> String {
    let mut out = INTRODUCTION.to_owned();
    out.push_str("\n## Kinds\n\n| `kind` | | `base_url` | Key in | Sent as |\n|---|---|---|---|---|\n");
    for preset in &PRESETS {
        let _ = writeln!(out, "{}", kind(preset));
    }
    let _ = writeln!(
        out,
        "| `anthropic` | Anthropic | `{}` | `ANTHROPIC_API_KEY` | `x-api-key` |",
        anthropic::BASE_URL
    );
    let _ =
        writeln!(out, "| `gemini` | Gemini | `{}` | `GEMINI_API_KEY` | `x-goog-api-key` |", gemini::BASE_URL);
    out.push_str(QUIRKS);
    out.push_str("\n## Options\n\nOther OpenAI-compatible providers get all of them, as they came.\n\n| |");
    let columns = columns();
    for (vendor, ..) in &columns {
        let _ = write!(out, " {vendor} |");
    }
    let _ = write!(out, "\n|---|{}\n", "---|".repeat(columns.len()));
    for option in names() {
        let _ = write!(out, "| `{option}` |");
        for (_, options, renamed) in &columns {
            let _ = write!(out, " {} |", treatment(options, renamed, option));
        }
        out.push('\n');
    }
    out + REST
}

fn kind(preset: &Preset) -> String {
    let url = match preset.base_url {
        Some(url) => format!("`{url}`"),
        None => format!("required, such as `{}`", preset.base_url_example),
    };
    let key = preset.key_variable.map_or("–".to_owned(), |variable| format!("`{variable}`"));
    let header = match preset.key_header {
        KeyHeader::Bearer => "`Authorization: Bearer`",
        KeyHeader::ApiKey => "`api-key`",
    };
    format!("| `{}` | {} | {url} | {key} | {header} |", preset.kind, preset.vendor)
}

fn treatment(options: &Options, renamed: Renamed, option: &str) -> String {
    let is_known = match options {
        Options::All => true,
        Options::AllBut { refused, .. } => !refused.contains(&option),
        Options::Only(support) if support.ignored.contains(&option) => return "hint".to_owned(),
        Options::Only(support) => support.translated.contains(&option),
    };
    match renamed.iter().find(|(old, _)| *old == option) {
        Some((_, new)) => format!("`{new}`"),
        None if is_known && matches!(options, Options::AllBut { .. }) => "as it came".to_owned(),
        None if is_known => "yes".to_owned(),
        None => default_only(options, option).to_owned(),
    }
}

/// Some options of the others are taken where they say what leaving them out does.
fn default_only(options: &Options, option: &str) -> &'static str {
    let is_preset = matches!(options, Options::Only(support)
        if PRESETS.iter().any(|preset| preset.vendor == support.vendor));
    match option {
        "parallel_tool_calls" if is_preset => "`true` only",
        "tool_choice" if is_preset => "`auto` only",
        _ => "400",
    }
}

#[test]
fn the_documentation_is_what_the_adaptors_do() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/providers.md");
    if std::env::var_os("NOVAI_UPDATE_DOCS").is_some() {
        std::fs::write(path, document()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == document(),
        "docs/providers.md is stale: run `NOVAI_UPDATE_DOCS=1 cargo test -p novai-providers documentation` and commit the result"
    );
}

/// A name that is in no request would be a promise about nothing.
#[test]
fn the_tables_name_real_options() {
    for (vendor, options, renamed) in columns() {
        let (named, others) = match &options {
            Options::All => continue,
            Options::AllBut { refused, .. } => (*refused, [].as_slice()),
            Options::Only(support) => (support.translated, support.ignored),
        };
        for option in named.iter().chain(others).chain(renamed.iter().map(|(old, _)| old)) {
            assert!(names().contains(option), "{vendor}: {option}");
        }
    }
}
