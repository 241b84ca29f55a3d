//! Lets the model call a function, and gives it the result.
//!
//! `cargo run --example tools -- MODEL`. A model that cannot call tools answers at once.

use novai::types::{AssistantMessage, ChatCompletionRequest, FunctionDefinition, Message, Tool, ToolCall};
use novai::{Client, Error};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    let model = match std::env::args().nth(1) {
        Some(model) => model,
        None => first_model(&client).await?,
    };
    let get_weather =
        FunctionDefinition::new("get_weather").description("Current weather of a city.").parameters(json!({
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        }));
    let mut messages = vec![Message::user("What is the weather in Paris?")];

    // A few rounds at most: a model that only ever calls tools must not keep us here.
    for _ in 0..3 {
        let request = ChatCompletionRequest::new(model.clone(), messages.clone())
            .max_tokens(100)
            .tools(vec![Tool::function(get_weather.clone())]);
        let completion = client.chat().completions().create(request).await?;
        let Some(choice) = completion.into_inner().choices.into_iter().next() else { break };
        let calls = choice.message.tool_calls.unwrap_or_default();
        if calls.is_empty() {
            println!("{}", choice.message.content.unwrap_or_default());
            break;
        }
        messages.push(AssistantMessage::default().tool_calls(calls.clone()).into());
        for call in calls {
            if let ToolCall::Function(call) = call {
                println!("[{}({})]", call.function.name, call.function.arguments);
                messages.push(Message::tool("18 °C and sunny", call.id));
            }
        }
    }
    Ok(())
}

async fn first_model(client: &Client) -> Result<String, Error> {
    let models = client.models().list().await?;
    Ok(models.data.first().map(|model| model.id.clone()).unwrap_or_default())
}
