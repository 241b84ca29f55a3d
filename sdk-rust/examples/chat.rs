//! Asks one question and prints the answer.
//!
//! `cargo run --example chat -- MODEL "Why is the sky blue?"`; both have defaults.

use novai::types::{ChatCompletionRequest, Message};
use novai::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    let mut arguments = std::env::args().skip(1);
    let model = match arguments.next() {
        Some(model) => model,
        None => first_model(&client).await?,
    };
    let question =
        arguments.next().unwrap_or_else(|| "Why is the sky blue? Answer in one sentence.".to_owned());

    let request =
        ChatCompletionRequest::new(model, vec![Message::user(question)]).max_tokens(100).temperature(0.2);
    match client.chat().completions().create(request).await {
        Ok(completion) => {
            for choice in &completion.choices {
                println!("{}", choice.message.content.as_deref().unwrap_or_default());
            }
            if let Some(usage) = &completion.usage {
                println!(
                    "[{} tokens, request {}]",
                    usage.total_tokens,
                    completion.request_id().unwrap_or("without id")
                );
            }
            Ok(())
        }
        Err(Error::RateLimit(details)) => {
            println!("slow down; try again in {:?}", details.retry_after);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn first_model(client: &Client) -> Result<String, Error> {
    let models = client.models().list().await?;
    Ok(models.data.first().map(|model| model.id.clone()).unwrap_or_default())
}
