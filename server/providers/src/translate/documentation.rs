//! docs/providers.md is written from what the adaptors themselves go by, and compared here.

use std::fmt::Write;

use super::options::{Support, names};
use crate::{anthropic, gemini};

const INTRODUCTION: &str = "\
# What each provider can be asked

<!-- Written by the tests of server/providers from the adaptors' own tables. Run
     `NOVAI_UPDATE_DOCS=1 cargo test -p novai-providers documentation` after a change. -->

Requests to OpenAI-compatible providers (`kind = \"openai\"`) go out as they came: whatever the server understands works. The
other kinds are translated. What has no counterpart there is a `400` that names the field; nothing is dropped in silence.

Answers of OpenAI-compatible providers come back as they are, too, but for streamed tool calls: a missing `index` is added, calls
that share one get their own, and an `id` or a `name` that comes twice, or as null, comes once.

- **yes**: translated.
- **hint**: accepted and not passed on; it changes nothing about the answer.
- **400**: refused.

Fields that this API does not know go along unchanged, under their own names: that is how a vendor's own options are set
(`top_k`, `thinking`, `safetySettings`, `generationConfig`).
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
| sources of passages (`annotations`) | left out: they point into documents of the request, by no address | `url_citation`, counted in characters; sources without an address are left out |
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

fn document() -> String {
    let vendors = [&anthropic::SUPPORT, &gemini::SUPPORT];
    let mut out = INTRODUCTION.to_owned();
    out.push_str("\n## Options\n\n| |");
    for vendor in vendors {
        let _ = write!(out, " {} |", vendor.vendor);
    }
    out.push_str("\n|---|---|---|\n");
    for option in names() {
        let _ = write!(out, "| `{option}` |");
        for vendor in vendors {
            let _ = write!(out, " {} |", treatment(vendor, option));
        }
        out.push('\n');
    }
    out + REST
}

fn treatment(vendor: &Support, option: &str) -> &'static str {
    match (vendor.translated.contains(&option), vendor.ignored.contains(&option)) {
        (true, _) => "yes",
        (false, true) => "hint",
        (false, false) => "400",
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
    for vendor in [&anthropic::SUPPORT, &gemini::SUPPORT] {
        for option in vendor.translated.iter().chain(vendor.ignored) {
            assert!(names().contains(option), "{}: {option}", vendor.vendor);
        }
    }
}
