//! Pictures that a request names by URL: Gemini takes their bytes, so they are fetched before it is translated.

use std::collections::HashMap;

use novai_core::Error;
use novai_types::{ContentPart, Message};

use crate::fetch::{Fetcher, Picture};
use crate::translate::{content, refuse};

/// Of one request; they are fetched one after the other.
const IMAGES_MAX: usize = 16;

/// By the URL that the request has.
pub(super) type Images = HashMap<String, Picture>;

/// Nothing without a fetcher: what needs one is then refused where it is translated.
pub(super) async fn fetch(fetcher: Option<&Fetcher>, messages: &[Message]) -> Result<Images, Error> {
    let mut images = Images::new();
    let Some(fetcher) = fetcher else { return Ok(images) };
    let mut bytes_left = fetcher.bytes_max();
    for (param, url) in named(messages)? {
        if images.contains_key(&url) {
            continue;
        }
        if images.len() == IMAGES_MAX {
            let reason =
                format!("{param} is one image too many: the gateway fetches {IMAGES_MAX} for a request");
            return Err(refuse(param, reason));
        }
        let fetched = fetcher.fetch(&url, bytes_left).await;
        let picture =
            fetched.map_err(|error| refuse(&param, format!("{param} cannot be fetched: {error}")))?;
        bytes_left = bytes_left.saturating_sub(picture.bytes.len());
        images.insert(url, picture);
    }
    Ok(images)
}

/// Path and URL of each that neither holds its data nor lies with Google.
fn named(messages: &[Message]) -> Result<Vec<(String, String)>, Error> {
    let mut named = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let content = match message {
            Message::User(message) => Some(&message.content),
            Message::Assistant(message) => message.content.as_ref(),
            _ => None,
        };
        let Some(message_content) = content else { continue };
        content::for_each(message_content, &format!("messages[{at}].content"), |part, path| {
            if let ContentPart::ImageUrl(part) = part {
                let url = &part.image_url.url;
                if !url.starts_with("data:") && !url.starts_with("gs://") {
                    named.push((format!("{path}.image_url.url"), url.clone()));
                }
            }
            Ok(())
        })?;
    }
    Ok(named)
}
