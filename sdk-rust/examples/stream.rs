//! Prints an answer while the model writes it, and then what it cost.
//!
//! `cargo run --example stream -- MODEL "Tell me a story."`; both have defaults.

use std::io::Write;

use novai::types::{ChatCompletion, ChatCompletionRequest, Message, StreamOptions};
use novai::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    let mut arguments = std::env::args().skip(1);
    let model = match arguments.next() {
        Some(model) => model,
        None => first_model(&client).await?,
    };
    let question = arguments.next().unwrap_or_else(|| "Tell me a story in three sentences.".to_owned());

    let request = ChatCompletionRequest::new(model, vec![Message::user(question)])
        .max_tokens(200)
        .stream_options(StreamOptions::default().include_usage(true));
    let mut stream = client.chat().completions().stream(request).await?;
    while let Some(event) = stream.next().await {
        match event {
            Ok(chunk) => {
                for choice in &chunk.choices {
                    let text = choice.delta.as_ref().and_then(|delta| delta.content.as_deref());
                    print!("{}", text.unwrap_or_default());
                }
                let _ = std::io::stdout().flush();
            }
            // Half an answer is an error, and not lost.
            Err(error) => {
                let partial = error.partial::<ChatCompletion>();
                println!("\n[broke off after {} events: {error}]", error.events_received());
                println!("[choices so far: {}]", partial.map_or(0, |partial| partial.choices.len()));
                return Err(error);
            }
        }
    }
    println!();

    // What `create` would have returned.
    let completion = stream.final_completion().await?;
    if let Some(usage) = &completion.usage {
        println!("[{} tokens]", usage.total_tokens);
    }
    Ok(())
}

async fn first_model(client: &Client) -> Result<String, Error> {
    let models = client.models().list().await?;
    Ok(models.data.first().map(|model| model.id.clone()).unwrap_or_default())
}
