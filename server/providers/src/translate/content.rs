//! Message content, one part at a time, each with the path that names it in an error.

use novai_core::Error;
use novai_types::{ContentPart, MessageContent, TextPart};

use super::refuse;

/// Calls `take` with each part and its path. A string is one text part.
pub(crate) fn for_each(
    content: &MessageContent,
    path: &str,
    mut take: impl FnMut(&ContentPart, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    match content {
        MessageContent::Text(text) => take(&ContentPart::Text(TextPart::new(text)), path),
        MessageContent::Parts(parts) => {
            parts.iter().enumerate().try_for_each(|(at, part)| take(part, &format!("{path}[{at}]")))
        }
        // The request's check has refused it already.
        MessageContent::Unknown(_) => {
            Err(refuse(path, format!("{path} must be a string or a list of parts")))
        }
    }
}

/// The content as one text, where it is nothing else.
pub(crate) fn text(content: &MessageContent, path: &str, vendor: &str) -> Result<String, Error> {
    let mut joined = String::new();
    for_each(content, path, |part, path| match part {
        ContentPart::Text(part) => {
            joined.push_str(&part.text);
            Ok(())
        }
        _ => Err(refuse(path, format!("{path} must be text: {vendor}'s API takes nothing else here"))),
    })?;
    Ok(joined)
}

/// `data:image/png;base64,…` as its media type and its base64.
pub(crate) struct DataUrl<'a> {
    pub media_type: &'a str,
    pub base64: &'a str,
}

impl<'a> DataUrl<'a> {
    /// RFC 2397, base64 only: vendors take no other encoding.
    pub(crate) fn parse(url: &'a str) -> Option<Self> {
        let (head, base64) = url.strip_prefix("data:")?.split_once(',')?;
        let parameters = head.strip_suffix(";base64")?;
        let media_type = parameters.split(';').next().filter(|media_type| media_type.contains('/'))?;
        Some(DataUrl { media_type, base64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls() {
        let cases = [
            ("data:image/png;base64,AAAA", Some(("image/png", "AAAA"))),
            ("data:image/svg+xml;charset=utf-8;base64,", Some(("image/svg+xml", ""))),
            ("data:image/png,AAAA", None),
            ("data:;base64,AAAA", None),
            ("data:image/png;base64", None),
            ("https://example.com/a,b", None),
        ];
        for (url, expected) in cases {
            let parsed = DataUrl::parse(url).map(|url| (url.media_type, url.base64));
            assert_eq!(parsed, expected, "{url}");
        }
    }
}
