//! What a model's tokens cost.
//!
//! Rates are nano-dollars per *million* tokens, as price lists give them, so that $0.0375 per million is a whole number.
//! A cost is summed exactly and rounded once, up: a fraction of a nano-dollar is never lost to the operator.

use super::usd::Usd;
use crate::provider::TokenUsage;

const TOKENS_PER_RATE: u128 = 1_000_000;

/// Of one model. All rates are nano-dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Price {
    pub input: u64,
    /// Input that the provider read from its cache.
    pub cached_input: u64,
    pub output: u64,
    /// Output that nobody sees: the model's reasoning.
    pub reasoning: u64,
    /// Audio that the caller sent, and audio that the model made.
    pub audio_input: u64,
    pub audio_output: u64,
    /// Nano-dollars per picture that the caller sent, beside its tokens.
    pub image: u64,
}

impl Price {
    pub const FREE: Price = Price::text(0, 0, 0);

    /// Everything that comes in for the same rate as text, and everything that goes out.
    pub const fn text(input: u64, cached_input: u64, output: u64) -> Self {
        Price {
            input,
            cached_input,
            output,
            reasoning: output,
            audio_input: input,
            audio_output: output,
            image: 0,
        }
    }

    pub fn is_free(&self) -> bool {
        *self == Price::FREE
    }

    /// What `usage` costs, and `images` pictures in the request.
    ///
    /// Parts that claim to be more than their whole, as some upstreams report them, count as the whole.
    pub fn cost(&self, usage: &TokenUsage, images: u64) -> Usd {
        let cached = usage.cached_prompt.min(usage.prompt);
        let audio_input = usage.audio_prompt.min(usage.prompt - cached);
        let input = usage.prompt - cached - audio_input;
        let reasoning = usage.reasoning.min(usage.completion);
        let audio_output = usage.audio_completion.min(usage.completion - reasoning);
        let output = usage.completion - reasoning - audio_output;
        let parts = [
            (input, self.input),
            (cached, self.cached_input),
            (audio_input, self.audio_input),
            (output, self.output),
            (reasoning, self.reasoning),
            (audio_output, self.audio_output),
        ];
        // Two products of two u64 may exceed a u128; what saturates is beyond any budget, as it should be.
        let sum = parts
            .iter()
            .fold(0_u128, |sum, (tokens, rate)| sum.saturating_add(u128::from(*tokens) * u128::from(*rate)));
        let tokens = u64::try_from(sum.div_ceil(TOKENS_PER_RATE)).unwrap_or(u64::MAX);
        Usd::from_nano(tokens.saturating_add(images.saturating_mul(self.image)))
    }

    /// The most that so many tokens can cost, whatever kinds of tokens they turn out to be.
    pub fn worst_case(&self, input_tokens: u64, output_tokens: u64, images: u64) -> Usd {
        let dearest = Price {
            input: self.input.max(self.cached_input).max(self.audio_input),
            output: self.output.max(self.reasoning).max(self.audio_output),
            image: self.image,
            ..Price::FREE
        };
        let usage = TokenUsage { prompt: input_tokens, completion: output_tokens, ..TokenUsage::default() };
        dearest.cost(&usage, images)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// $1.00, $0.10 and $2.00 per million.
    const PRICE: Price = Price::text(1_000_000_000, 100_000_000, 2_000_000_000);

    #[test]
    fn costs_are_exact_and_round_up_once() {
        let usage = |prompt, cached_prompt, completion, reasoning| TokenUsage {
            prompt,
            cached_prompt,
            completion,
            reasoning,
            ..TokenUsage::default()
        };
        let cheap_reasoning = Price { reasoning: 500_000_000, ..PRICE };
        // $0.0375 per million: 37.5 nano-dollars per token.
        let halves = Price::text(37_500_000, 0, 0);
        let with_audio =
            Price { audio_input: 40_000_000_000, audio_output: 80_000_000_000, image: 7, ..PRICE };
        for (price, usage, images, nano) in [
            (PRICE, usage(0, 0, 0, 0), 0, 0),
            (PRICE, usage(1, 0, 0, 0), 0, 1000),
            (PRICE, usage(10, 4, 3, 0), 0, 6 * 1000 + 4 * 100 + 3 * 2000),
            (PRICE, usage(10, 0, 3, 3), 0, 10 * 1000 + 3 * 2000),
            (cheap_reasoning, usage(0, 0, 10, 4), 0, 6 * 2000 + 4 * 500),
            // Parts larger than their whole.
            (PRICE, usage(10, 99, 0, 0), 0, 10 * 100),
            (cheap_reasoning, usage(0, 0, 10, 99), 0, 10 * 500),
            (halves, usage(1, 0, 0, 0), 0, 38),
            (halves, usage(2, 0, 0, 0), 0, 75),
            (Price::FREE, usage(u64::MAX, 0, u64::MAX, 0), 3, 0),
            (
                with_audio,
                TokenUsage { audio_prompt: 2, audio_completion: 1, ..usage(5, 1, 4, 0) },
                2,
                2 * 1000 + 100 + 2 * 40_000 + 3 * 2000 + 80_000 + 2 * 7,
            ),
        ] {
            assert_eq!(price.cost(&usage, images).nano, nano, "{usage:?}");
        }
    }

    fn any_price() -> impl Strategy<Value = Price> {
        (0..=u64::MAX, 0..=u64::MAX, 0..=u64::MAX, 0..=u64::MAX, any::<u32>()).prop_map(
            |(input, cached_input, output, reasoning, image)| Price {
                input,
                cached_input,
                output,
                reasoning,
                audio_input: output,
                audio_output: input,
                image: image.into(),
            },
        )
    }

    fn usage_below(input: u64, output: u64) -> impl Strategy<Value = TokenUsage> {
        let parts = (0..=input, 0..=u64::MAX, 0..=output, 0..=u64::MAX, 0..=u64::MAX, 0..=u64::MAX);
        parts.prop_map(|(prompt, cached_prompt, completion, reasoning, audio_prompt, audio_completion)| {
            TokenUsage {
                prompt,
                cached_prompt,
                completion,
                reasoning,
                audio_prompt,
                audio_completion,
                total: prompt.saturating_add(completion),
            }
        })
    }

    proptest! {
        /// What makes budgets hold: nothing within the bound costs more than was reserved for it.
        #[test]
        fn the_worst_case_is_the_worst(
            price in any_price(),
            (input, output, usage) in (0..=u64::MAX, 0..=u64::MAX)
                .prop_flat_map(|(i, o)| (Just(i), Just(o), usage_below(i, o))),
            images in 0..10_u64,
        ) {
            prop_assert!(price.cost(&usage, images) <= price.worst_case(input, output, images));
        }

        #[test]
        fn small_costs_are_the_exact_quotient(
            rates in proptest::array::uniform3(0..=u64::from(u32::MAX)),
            tokens in proptest::array::uniform3(0..=1_000_000_u64),
        ) {
            let price = Price::text(rates[0], rates[1], rates[2]);
            let usage = TokenUsage {
                prompt: tokens[0] + tokens[1],
                cached_prompt: tokens[1],
                completion: tokens[2],
                ..TokenUsage::default()
            };
            let exact: u128 = rates.iter().zip(&tokens).map(|(r, t)| u128::from(*r) * u128::from(*t)).sum();
            let nano = u128::from(price.cost(&usage, 0).nano);
            prop_assert!(nano * 1_000_000 >= exact && nano * 1_000_000 < exact + 1_000_000);
        }
    }
}
