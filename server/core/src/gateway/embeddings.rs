//! Embeddings: one call, routed, admitted, paid for and settled as a chat is.

use super::*;
use crate::money::payload::with_input_tokens;

/// More names than this help nobody.
const NAMED_MODELS_MAX: usize = 10;

impl Gateway {
    pub async fn embed(&self, asked: EmbeddingsRequest) -> Result<Answered, Error> {
        let route = self.route(&asked.principal, &asked.request.model).await?;
        if route.targets().iter().all(|target| target.provider.embeds(&target.upstream_model) == Some(false))
        {
            return Err(self.makes_none(&asked).await);
        }
        // Vectors are no tokens: without counts, the input is all there was.
        let leg = self.desk.first_leg();
        let whole = self.desk.whole(route, asked, leg, |provider, call| provider.embed(call), |_| 0);
        let mut answered = whole.await?.answered;
        if answered.charged.is_estimate {
            let tokens = answered.charged.usage.prompt;
            answered.completion.json = with_input_tokens(&answered.completion.json, tokens);
        }
        Ok(answered)
    }

    /// The refusal of a model that only chats, with those that the caller may ask instead.
    async fn makes_none(&self, asked: &EmbeddingsRequest) -> Error {
        let mut models = self.catalog.embedding_models().await;
        models.retain(|model| asked.principal.may_call(model));
        models.truncate(NAMED_MODELS_MAX);
        let instead = match models.as_slice() {
            [] => "no model that is known to make embeddings is served to you".to_owned(),
            models => format!("models that do: {}", models.join(", ")),
        };
        let reason = format!("the model {} makes no embeddings; {instead}", asked.request.model);
        Error::InvalidRequest { param: Some("model".to_owned()), reason }
    }
}
