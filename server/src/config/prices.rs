//! Prices: in `[[models]]`, and tables of them (prices.toml is built in, `prices_file` adds to it).

use novai_core::money::{Price, PriceTable, Tariff, Usd};

use super::problem::Problem;
use super::reader::{Reader, Section, TextOrSection};

const EXAMPLE: &str =
    "write price = { input = \"1.00\", output = \"2.00\" } (USD per million tokens) or price = \"free\"";
/// Beyond any model's.
const OUTPUT_TOKENS_MAX: u64 = 100_000_000;
pub const CONTEXT_TOKENS_MAX: u64 = 1_000_000_000;

/// The table that is built in.
pub const SHIPPED: &str = include_str!("../../prices.toml");

/// `price` of a section; `None` if it has none, or a wrong one that was reported.
pub fn price(section: &mut Section<'_>) -> Option<Price> {
    match section.text_or_section("price", EXAMPLE)? {
        TextOrSection::Text(at) if at.value == "free" => Some(Price::FREE),
        TextOrSection::Text(at) => {
            section
                .report(at.problem(format!("must be a price or \"free\", but is {:?}", at.value), EXAMPLE));
            None
        }
        TextOrSection::Section(rates) => rates_of(rates),
    }
}

fn rates_of(mut rates: Section<'_>) -> Option<Price> {
    for key in ["input", "output"] {
        if !rates.has(key) {
            rates.report(rates.reference(key).problem("is required", EXAMPLE));
        }
    }
    let mut rate = |key: &'static str| usd(&mut rates, key);
    let (input, output) = (rate("input"), rate("output"));
    let cached_input = rate("cached_input");
    let reasoning = rate("reasoning");
    let (audio_input, audio_output) = (rate("audio_input"), rate("audio_output"));
    let image = rate("image");
    rates.finish();
    let (input, output) = (input?.nano, output?.nano);
    let or = |rate: Option<Usd>, other: u64| rate.map_or(other, |usd| usd.nano);
    Some(Price {
        input,
        // Without a rate of its own, whatever is read from a cache costs what it would have cost.
        cached_input: or(cached_input, input),
        output,
        reasoning: or(reasoning, output),
        audio_input: or(audio_input, input),
        audio_output: or(audio_output, output),
        image: or(image, 0),
    })
}

/// An amount in dollars: a text, so that no float comes near it.
pub fn usd(section: &mut Section<'_>, key: &'static str) -> Option<Usd> {
    let at = section.string(key, "1.00")?;
    match at.value.parse() {
        Ok(usd) => Some(usd),
        Err(error) => {
            section.report(
                at.problem(format!("{error}, but is {:?}", at.value), format!("write {key} = \"1.00\"")),
            );
            None
        }
    }
}

/// What one answer may have where the request does not say.
pub fn max_output_tokens(section: &mut Section<'_>) -> Option<u64> {
    match section.integer("max_output_tokens", 0..=OUTPUT_TOKENS_MAX, 0) {
        0 => None,
        tokens => Some(tokens),
    }
}

/// Adds what `text` says to `table`; later entries win.
pub fn read_table(table: &mut PriceTable, name: &str, text: &str) -> Vec<Problem> {
    let reader = Reader::new(name, text);
    let mut root = reader.root();
    // For people.
    let _ = root.string("as_of", "2026-01-31");
    for mut entry in root.sections("prices") {
        let model = entry.string("model", "gpt-4.1");
        if model.is_none() {
            entry.report(entry.reference("model").problem("is required", "write model = \"gpt-4.1\""));
        }
        if !entry.has("price") {
            entry.report(entry.reference("price").problem("is required", EXAMPLE));
        }
        let price = price(&mut entry);
        let output_tokens_max = max_output_tokens(&mut entry);
        let context_length = entry.integer_if_set("context_length", 1..=CONTEXT_TOKENS_MAX, 128_000);
        entry.finish();
        if let (Some(model), Some(price)) = (model, price) {
            let tariff = Tariff { price, output_tokens_max };
            table.insert_with_context(model.value, tariff, context_length);
        }
    }
    root.finish();
    reader.problems()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_sound_and_has_the_well_known() {
        let mut table = PriceTable::default();
        assert_eq!(read_table(&mut table, "prices.toml", SHIPPED), []);
        for (model, input, cached_input, output) in [
            ("gpt-4.1", "2", "0.5", "8"),
            ("gpt-4.1-2025-04-14", "2", "0.5", "8"),
            ("claude-sonnet-4-20250514", "3", "0.3", "15"),
            ("gemini-2.5-flash", "0.3", "0.03", "2.5"),
            ("deepseek-v3.2", "0.28", "0.028", "0.42"),
        ] {
            let tariff = table.find(model).expect(model);
            let shown = [tariff.price.input, tariff.price.cached_input, tariff.price.output]
                .map(|rate| Usd::from_nano(rate).to_string());
            assert_eq!(shown, [input, cached_input, output], "{model}");
            assert!(tariff.output_tokens_max.is_some(), "{model}");
            assert!(table.context_length(model).is_some_and(|tokens| tokens >= 128_000), "{model}");
        }
        for (model, input) in [("text-embedding-3-small", "0.02"), ("gemini-embedding-001", "0.15")] {
            let price = table.find(model).expect(model).price;
            assert_eq!(
                (Usd::from_nano(price.input).to_string().as_str(), price.output),
                (input, 0),
                "{model}"
            );
        }
        assert!(SHIPPED.contains("THE OPERATOR MUST CHECK IT") && SHIPPED.contains("as_of = \""));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("[[prices]]\nprice = \"free\"", "p:1: prices[0].model: is required"),
            ("[[prices]]\nmodel = \"m\"", "p:1: prices[0].price: is required"),
            (
                "[[prices]]\nmodel = \"m\"\nprice = 1.0",
                "p:3: prices[0].price: must be text or a section, but is 1.0",
            ),
            (
                "[[prices]]\nmodel = \"m\"\nprice = \"cheap\"",
                "p:3: prices[0].price: must be a price or \"free\"",
            ),
            (
                "[[prices]]\nmodel = \"m\"\nprice = { input = \"1\" }",
                "p:3: prices[0].price.output: is required",
            ),
            (
                "[[prices]]\nmodel = \"m\"\nprice = { input = \"1,5\", output = \"1\" }",
                "p:3: prices[0].price.input: must be a decimal number of dollars",
            ),
            (
                "[[prices]]\nmodel = \"m\"\nprice = { input = \"1\", output = \"1\", ouput = \"1\" }",
                "p:3: prices[0].price.ouput: there is no such key — did you mean `output`?",
            ),
        ] {
            let problems = read_table(&mut PriceTable::default(), "p", text);
            assert_eq!(problems.len(), 1, "{text}: {problems:?}");
            let problem = problems[0].to_string();
            assert!(problem.starts_with(expected), "{text}:\n{problem}");
        }
    }
}
