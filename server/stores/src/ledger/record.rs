//! Reservations, settlements and notes as bytes: what the journal holds, and what PostgreSQL keeps of open requests.
//!
//! Numbers are LEB128, texts are length and UTF-8. A new kind of record gets a new first byte; the layout of one that was
//! released never changes.

use std::sync::Arc;

use novai_core::TokenUsage;
use novai_core::money::{Outcome, Price, Progress, Reservation, ReservationId, Settlement, Usd};

/// Longer names are cut: they come from callers and configuration, and a record must stay small.
const TEXT_BYTES_MAX: usize = 512;
/// A settlement and its frame: id, 10 numbers of at most 10 bytes, 3 single bytes.
pub(super) const SETTLEMENT_BYTES_MAX: u64 = 160;

const RESERVED: u8 = 1;
const SETTLED: u8 = 2;
const NOTED: u8 = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Reserved(Reservation),
    Settled(ReservationId, Settlement),
    Noted(ReservationId, Progress),
}

pub(super) fn reserved(out: &mut Vec<u8>, reservation: &Reservation) {
    out.push(RESERVED);
    out.extend_from_slice(&reservation.id.0.to_be_bytes());
    number(out, reservation.admitted_at_ms);
    text(out, &reservation.key_id);
    text(out, reservation.tenant.as_deref().unwrap_or_default());
    text(out, &reservation.model);
    text(out, &reservation.provider);
    text(out, &reservation.upstream_model);
    text(out, &reservation.request_id);
    let price = &reservation.price;
    for rate in [
        price.input,
        price.cached_input,
        price.output,
        price.reasoning,
        price.audio_input,
        price.audio_output,
        price.image,
    ] {
        number(out, rate);
    }
    number(out, reservation.prompt_tokens_likely);
    number(out, reservation.images);
    number(out, reservation.reserved.nano);
}

pub(super) fn settled(out: &mut Vec<u8>, id: ReservationId, settlement: &Settlement) {
    out.push(SETTLED);
    out.extend_from_slice(&id.0.to_be_bytes());
    number(out, settlement.settled_at_ms);
    out.push(settlement.outcome as u8);
    out.push(u8::from(settlement.is_estimate));
    usage(out, &settlement.usage);
    number(out, settlement.cost.nano);
}

pub(super) fn noted(out: &mut Vec<u8>, id: ReservationId, progress: &Progress) {
    out.push(NOTED);
    out.extend_from_slice(&id.0.to_be_bytes());
    number(out, progress.tokens_likely);
    out.push(u8::from(progress.usage.is_some()));
    if let Some(counts) = &progress.usage {
        usage(out, counts);
    }
}

/// `None` for what this program did not write.
pub(super) fn decode(bytes: &[u8]) -> Option<Record> {
    let mut reader = Reader(bytes);
    let record = match reader.byte()? {
        RESERVED => Record::Reserved(reader.reservation()?),
        SETTLED => {
            let id = reader.id()?;
            let settlement = Settlement {
                settled_at_ms: reader.number()?,
                outcome: Outcome::from_u8(reader.byte()?)?,
                is_estimate: reader.byte()? != 0,
                usage: reader.usage()?,
                cost: Usd::from_nano(reader.number()?),
            };
            Record::Settled(id, settlement)
        }
        NOTED => {
            let id = reader.id()?;
            let tokens_likely = reader.number()?;
            let usage = if reader.byte()? != 0 { Some(reader.usage()?) } else { None };
            Record::Noted(id, Progress { tokens_likely, usage })
        }
        _ => return None,
    };
    reader.0.is_empty().then_some(record)
}

fn usage(out: &mut Vec<u8>, usage: &TokenUsage) {
    for count in [
        usage.prompt,
        usage.cached_prompt,
        usage.audio_prompt,
        usage.completion,
        usage.reasoning,
        usage.audio_completion,
        usage.total,
    ] {
        number(out, count);
    }
}

fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    number(out, end as u64);
    out.extend_from_slice(&text.as_bytes()[..end]);
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<Arc<str>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(Arc::from)
    }

    fn id(&mut self) -> Option<ReservationId> {
        let (id, rest) = self.0.split_first_chunk::<16>()?;
        self.0 = rest;
        Some(ReservationId(u128::from_be_bytes(*id)))
    }

    fn usage(&mut self) -> Option<TokenUsage> {
        Some(TokenUsage {
            prompt: self.number()?,
            cached_prompt: self.number()?,
            audio_prompt: self.number()?,
            completion: self.number()?,
            reasoning: self.number()?,
            audio_completion: self.number()?,
            total: self.number()?,
        })
    }

    fn reservation(&mut self) -> Option<Reservation> {
        Some(Reservation {
            id: self.id()?,
            admitted_at_ms: self.number()?,
            key_id: self.text()?,
            tenant: self.text().map(|tenant| (!tenant.is_empty()).then_some(tenant))?,
            model: self.text()?,
            provider: self.text()?,
            upstream_model: self.text()?,
            request_id: self.text()?,
            price: Price {
                input: self.number()?,
                cached_input: self.number()?,
                output: self.number()?,
                reasoning: self.number()?,
                audio_input: self.number()?,
                audio_output: self.number()?,
                image: self.number()?,
            },
            prompt_tokens_likely: self.number()?,
            images: self.number()?,
            reserved: Usd::from_nano(self.number()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_usage() -> impl Strategy<Value = TokenUsage> {
        any::<[u64; 7]>().prop_map(
            |[prompt, cached_prompt, audio_prompt, completion, reasoning, audio_completion, total]| {
                TokenUsage {
                    prompt,
                    cached_prompt,
                    audio_prompt,
                    completion,
                    reasoning,
                    audio_completion,
                    total,
                }
            },
        )
    }

    fn any_reservation() -> impl Strategy<Value = Reservation> {
        (any::<u128>(), any::<[u64; 11]>(), proptest::array::uniform6("\\PC{0,40}")).prop_map(
            |(
                id,
                [
                    at,
                    input,
                    cached_input,
                    output,
                    reasoning,
                    audio_input,
                    audio_output,
                    image,
                    likely,
                    images,
                    nano,
                ],
                texts,
            )| {
                let [key_id, tenant, model, provider, upstream_model, request_id] =
                    texts.map(Arc::<str>::from);
                Reservation {
                    id: ReservationId(id),
                    admitted_at_ms: at,
                    key_id,
                    tenant: (!tenant.is_empty()).then_some(tenant),
                    model,
                    provider,
                    upstream_model,
                    request_id,
                    price: Price { input, cached_input, output, reasoning, audio_input, audio_output, image },
                    prompt_tokens_likely: likely,
                    images,
                    reserved: Usd::from_nano(nano),
                }
            },
        )
    }

    fn encoded(record: &Record) -> Vec<u8> {
        let mut out = Vec::new();
        match record {
            Record::Reserved(reservation) => reserved(&mut out, reservation),
            Record::Settled(id, settlement) => settled(&mut out, *id, settlement),
            Record::Noted(id, progress) => noted(&mut out, *id, progress),
        }
        out
    }

    fn any_record() -> impl Strategy<Value = Record> {
        let id = any::<u128>().prop_map(ReservationId);
        let settlement = (any::<[u64; 2]>(), 0..Outcome::ALL.len(), any::<bool>(), any_usage()).prop_map(
            |([settled_at_ms, cost], outcome, is_estimate, usage)| Settlement {
                settled_at_ms,
                outcome: Outcome::ALL[outcome],
                is_estimate,
                usage,
                cost: Usd::from_nano(cost),
            },
        );
        let progress = (any::<u64>(), proptest::option::of(any_usage()))
            .prop_map(|(tokens_likely, usage)| Progress { tokens_likely, usage });
        prop_oneof![
            any_reservation().prop_map(Record::Reserved),
            (id.clone(), settlement).prop_map(|(id, settlement)| Record::Settled(id, settlement)),
            (id, progress).prop_map(|(id, progress)| Record::Noted(id, progress)),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(record in any_record()) {
            let bytes = encoded(&record);
            if matches!(record, Record::Settled(..) | Record::Noted(..)) {
                prop_assert!(bytes.len() as u64 + 8 <= SETTLEMENT_BYTES_MAX);
            }
            prop_assert_eq!(decode(&bytes), Some(record));
        }

        #[test]
        fn damaged_bytes_are_refused_or_read_but_never_a_panic(record in any_record(), at: usize, byte: u8, cut: usize) {
            let mut bytes = encoded(&record);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = decode(&bytes);
            let _ = decode(&bytes[..cut % bytes.len()]);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut out = Vec::new();
        text(&mut out, &"é".repeat(1000));
        assert_eq!(Reader(&out).text().as_deref(), Some(&*"é".repeat(256)));
    }
}
