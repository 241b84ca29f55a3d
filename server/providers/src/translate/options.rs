//! Which options of a request ask for something.

use std::sync::LazyLock;

use novai_core::Error;
use novai_types::{ChatCompletionRequest, ResponseFormat};

use super::refuse;

/// How a vendor's adaptor treats each option, by wire name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Support {
    pub vendor: &'static str,
    /// Has a counterpart.
    pub translated: &'static [&'static str],
    /// Has none, and changes neither what is answered nor what it costs the caller to understand it: hints.
    pub ignored: &'static [&'static str],
}

impl Support {
    /// A 400 for the first option that would otherwise be dropped.
    pub(crate) fn check(&self, request: &ChatCompletionRequest) -> Result<(), Error> {
        self.check_but(request, None)
    }

    /// As [`Support::check`], where the value of `option` asks for what the vendor does anyway.
    pub(crate) fn check_but(
        &self,
        request: &ChatCompletionRequest,
        granted: Option<&str>,
    ) -> Result<(), Error> {
        for option in set(request).filter(|option| granted != Some(*option)) {
            if !self.knows(option) {
                return Err(refuse(option, no_counterpart(self.vendor, option)));
            }
        }
        Ok(())
    }

    pub(crate) fn knows(&self, option: &str) -> bool {
        self.translated.contains(&option) || self.ignored.contains(&option)
    }
}

pub(crate) fn no_counterpart(vendor: &str, option: &str) -> String {
    format!("{option} has no counterpart in {vendor}'s API: leave it out, or ask another model")
}

/// The options that are set to something else than what leaving them out means.
pub(crate) fn set(request: &ChatCompletionRequest) -> impl Iterator<Item = &'static str> + use<> {
    all(request).into_iter().filter_map(|(option, is_set)| is_set.then_some(option))
}

/// Every option by wire name, and whether it is set.
///
/// Destructured whole: a new field of the specification does not compile until it is considered here.
fn all(request: &ChatCompletionRequest) -> impl IntoIterator<Item = (&'static str, bool)> + use<> {
    let ChatCompletionRequest {
        model: _,
        messages: _,
        stream: _,
        stream_options: _,
        // The gateway's own.
        usage: _,
        max_completion_tokens,
        max_tokens,
        temperature,
        top_p,
        n,
        stop,
        seed,
        frequency_penalty,
        presence_penalty,
        logit_bias,
        logprobs,
        top_logprobs,
        tools,
        tool_choice,
        parallel_tool_calls,
        response_format,
        reasoning_effort,
        verbosity,
        modalities,
        audio,
        prediction,
        web_search_options,
        moderation,
        metadata,
        store,
        service_tier,
        safety_identifier,
        prompt_cache_key,
        prompt_cache_options,
        prompt_cache_retention,
        user,
        function_call,
        functions,
        // Fields that we do not know go along as they are: the vendor's own options are among them.
        extra: _,
    } = request;
    let is_zero = |number: &Option<f64>| number.is_none_or(|number| number == 0.0);
    let text_only =
        modalities.as_ref().is_none_or(|list| list.iter().all(|modality| modality.as_str() == "text"));
    [
        ("max_completion_tokens", max_completion_tokens.is_some()),
        ("max_tokens", max_tokens.is_some()),
        ("temperature", temperature.is_some()),
        ("top_p", top_p.is_some()),
        ("n", n.is_some_and(|n| n != 1)),
        ("stop", stop.is_some()),
        ("seed", seed.is_some()),
        ("frequency_penalty", !is_zero(frequency_penalty)),
        ("presence_penalty", !is_zero(presence_penalty)),
        ("logit_bias", logit_bias.as_ref().is_some_and(|bias| !bias.is_empty())),
        ("logprobs", *logprobs == Some(true)),
        ("top_logprobs", top_logprobs.is_some_and(|count| count > 0)),
        ("tools", tools.as_ref().is_some_and(|tools| !tools.is_empty())),
        ("tool_choice", tool_choice.is_some()),
        ("parallel_tool_calls", parallel_tool_calls.is_some()),
        ("response_format", !matches!(response_format, None | Some(ResponseFormat::Text(_)))),
        ("reasoning_effort", reasoning_effort.is_some()),
        ("verbosity", verbosity.is_some()),
        ("modalities", !text_only),
        ("audio", audio.is_some()),
        ("prediction", prediction.is_some()),
        ("web_search_options", web_search_options.is_some()),
        ("moderation", moderation.is_some()),
        ("metadata", metadata.as_ref().is_some_and(|metadata| !metadata.is_empty())),
        ("store", *store == Some(true)),
        ("service_tier", service_tier.as_deref().is_some_and(|tier| tier != "auto")),
        ("safety_identifier", safety_identifier.is_some()),
        ("prompt_cache_key", prompt_cache_key.is_some()),
        ("prompt_cache_options", prompt_cache_options.is_some()),
        ("prompt_cache_retention", prompt_cache_retention.is_some()),
        ("user", user.is_some()),
        ("function_call", function_call.is_some()),
        ("functions", functions.is_some()),
    ]
}

/// Names of all options, in the specification's order.
pub(crate) fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        all(&ChatCompletionRequest::default()).into_iter().map(|(option, _)| option).collect()
    });
    &NAMES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_asks_for_something_is_set() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (r#","n":1,"frequency_penalty":0,"presence_penalty":0.0,"logprobs":false,"store":false"#, &[]),
            (
                r#","response_format":{"type":"text"},"modalities":["text"],"service_tier":"auto","tools":[]"#,
                &[],
            ),
            (r#","n":2,"seed":1,"top_k":5"#, &["n", "seed"]),
            (
                r#","max_tokens":5,"response_format":{"type":"json_object"}"#,
                &["max_tokens", "response_format"],
            ),
        ];
        for (options, expected) in cases {
            let request: ChatCompletionRequest =
                serde_json::from_str(&format!(r#"{{"model":"m","messages":[]{options}}}"#)).unwrap();
            assert_eq!(set(&request).collect::<Vec<_>>(), *expected, "{options}");
        }
    }
}
