use super::super::{Overrides, load};
use super::*;

/// Each preset with its own key alone; and a key that goes nowhere else.
#[test]
fn where_presets_are_and_who_gets_their_keys() {
    let env = |name: &str| name.ends_with("_API_KEY").then(|| format!("key of {name}"));
    let provider = |text: &str| {
        let file = format!(
            "[[providers]]\nname = \"a\"\n{text}\n[[models]]\nid = \"m\"\nprovider = \"a\"\nprice = \"free\""
        );
        let config = load(Some(("novai.toml", &file)), Overrides::default(), &env)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let Some(ProviderSettings { kind, is_free, .. }) = config.providers.into_iter().next() else {
            panic!("no provider")
        };
        let upstream = match &kind {
            ProviderKind::OpenAi(config) => &config.upstream,
            ProviderKind::Anthropic(config) => &config.upstream,
            ProviderKind::Gemini(config) => &config.upstream,
            ProviderKind::Sim => panic!("no upstream"),
        };
        (upstream.base_url.clone(), upstream.api_key.clone().unwrap_or_default(), is_free)
    };
    let cases = [
        ("kind = \"deepseek\"", "https://api.deepseek.com", "key of DEEPSEEK_API_KEY", false),
        ("kind = \"mistral\"", "https://api.mistral.ai/v1", "key of MISTRAL_API_KEY", false),
        ("kind = \"groq\"", "https://api.groq.com/openai/v1", "key of GROQ_API_KEY", false),
        ("kind = \"xai\"", "https://api.x.ai/v1", "key of XAI_API_KEY", false),
        ("kind = \"openrouter\"", "https://openrouter.ai/api/v1", "key of OPENROUTER_API_KEY", false),
        ("kind = \"together\"", "https://api.together.xyz/v1", "key of TOGETHER_API_KEY", false),
        ("kind = \"ollama\"", "http://127.0.0.1:11434/v1", "", true),
        ("kind = \"vllm\"", "http://127.0.0.1:8000/v1", "", true),
        ("kind = \"llama-cpp\"\nbase_url = \"http://h:1/v1\"", "http://h:1/v1", "", true),
        ("kind = \"azure\"\nbase_url = \"https://r\"", "https://r", "key of AZURE_OPENAI_API_KEY", false),
        ("kind = \"anthropic\"", "https://api.anthropic.com/v1", "key of ANTHROPIC_API_KEY", false),
        // What the file says wins; a vendor's key goes to no address but the vendor's unless the file says so.
        (
            "kind = \"groq\"\napi_key_env = \"MY_API_KEY\"",
            "https://api.groq.com/openai/v1",
            "key of MY_API_KEY",
            false,
        ),
        ("kind = \"groq\"\nbase_url = \"http://h/v1\"", "http://h/v1", "", false),
        ("kind = \"gemini\"\nbase_url = \"http://h/v1\"", "http://h/v1", "", false),
        (
            "kind = \"xai\"\nbase_url = \"http://h\"\napi_key_env = \"XAI_API_KEY\"",
            "http://h",
            "key of XAI_API_KEY",
            false,
        ),
    ];
    for (text, base_url, key, is_free) in cases {
        assert_eq!(provider(text), (base_url.to_owned(), key.to_owned(), is_free), "{text}");
    }
}
