//! `Transfer-Encoding: chunked`, decoded from whatever has arrived so far.

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    pub body: Vec<u8>,
    /// Bytes used, once the last chunk and the empty line after it were there.
    pub complete: Option<usize>,
}

pub fn decode(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    let mut at = 0;
    while let Some(line) = line_at(bytes, at) {
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let size =
            std::str::from_utf8(digits).ok().and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let Some(size) = size else { return decoded };
        at += line.len() + 2;
        if size == 0 {
            // Trailers, up to the empty line.
            while let Some(line) = line_at(bytes, at) {
                at += line.len() + 2;
                if line.is_empty() {
                    decoded.complete = Some(at);
                    return decoded;
                }
            }
            return decoded;
        }
        let end = at.saturating_add(size).min(bytes.len());
        decoded.body.extend_from_slice(&bytes[at..end]);
        at = end + 2;
        if at > bytes.len() {
            return decoded;
        }
    }
    decoded
}

fn line_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    let end = rest.windows(2).position(|window| window == b"\r\n")?;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_decodes_to_a_prefix() {
        let bytes = b"5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\n";
        for end in 0..bytes.len() {
            let decoded = decode(&bytes[..end]);
            assert!(b"helloyou".starts_with(&decoded.body), "cut at {end}: {decoded:?}");
            assert_eq!(decoded.complete, None, "cut at {end}");
        }
        assert_eq!(decode(bytes), Decoded { body: b"helloyou".to_vec(), complete: Some(bytes.len()) });
    }
}
