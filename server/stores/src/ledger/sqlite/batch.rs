//! Settled requests on their way to SQLite: numbers in one piece of memory, texts in another.
//!
//! Requests hand them over under the lock, so nothing is allocated for one: what a request's thread had allocated, the
//! writer's would free, and that cost the allocator more than all the rest of settling. A batch that was written is used
//! again.

use novai_core::money::{Day, Reservation, ReservationId, Settlement, Usd};

use super::super::rows::SumKey;

/// A batch that held more, after trouble with the database, gives its memory back.
const ROWS_KEPT_MAX: usize = 20_000;

#[derive(Default)]
pub(super) struct Batch {
    rows: Vec<Numbers>,
    texts: String,
}

struct Numbers {
    id: ReservationId,
    admitted_at_ms: u64,
    reserved: Usd,
    settlement: Settlement,
    /// How much of `texts` is whose, in the order of [`texts_of`].
    text_bytes: [usize; 6],
}

/// One request that is over.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub id: ReservationId,
    pub admitted_at_ms: u64,
    pub reserved: Usd,
    pub settlement: &'a Settlement,
    pub key_id: &'a str,
    pub tenant: &'a str,
    pub model: &'a str,
    pub provider: &'a str,
    pub upstream_model: &'a str,
    pub request_id: &'a str,
}

impl Row<'_> {
    pub(super) fn day(&self) -> Day {
        Day::of_unix_ms(self.admitted_at_ms)
    }
}

impl<'a> Row<'a> {
    pub(super) fn sum_key(&self) -> SumKey<'a> {
        SumKey { key_id: self.key_id, day: self.day(), model: self.model, tenant: self.tenant }
    }
}

fn texts_of(reservation: &Reservation) -> [&str; 6] {
    [
        &reservation.key_id,
        reservation.tenant.as_deref().unwrap_or_default(),
        &reservation.model,
        &reservation.provider,
        &reservation.upstream_model,
        &reservation.request_id,
    ]
}

impl Batch {
    pub(super) fn push(&mut self, reservation: &Reservation, settlement: Settlement) {
        let texts = texts_of(reservation);
        for text in texts {
            self.texts.push_str(text);
        }
        self.rows.push(Numbers {
            id: reservation.id,
            admitted_at_ms: reservation.admitted_at_ms,
            reserved: reservation.reserved,
            settlement,
            text_bytes: texts.map(str::len),
        });
    }

    /// Takes over what `other` has, behind its own.
    pub(super) fn append(&mut self, other: &mut Batch) {
        if self.is_empty() {
            std::mem::swap(self, other);
        } else {
            self.rows.append(&mut other.rows);
            self.texts.push_str(&other.texts);
        }
        other.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        let mut texts = &self.texts[..];
        self.rows.iter().map(move |numbers| {
            let [key_id, tenant, model, provider, upstream_model, request_id] =
                numbers.text_bytes.map(|bytes| {
                    // Whole texts were pushed, so it never splits a character.
                    let (text, rest) = texts.split_at_checked(bytes).unwrap_or_default();
                    texts = rest;
                    text
                });
            let Numbers { id, admitted_at_ms, reserved, ref settlement, .. } = *numbers;
            Row {
                id,
                admitted_at_ms,
                reserved,
                settlement,
                key_id,
                tenant,
                model,
                provider,
                upstream_model,
                request_id,
            }
        })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn clear(&mut self) {
        if self.rows.capacity() > ROWS_KEPT_MAX {
            *self = Batch::default();
        }
        self.rows.clear();
        self.texts.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use novai_core::money::{Outcome, Price};

    use super::*;

    fn reservation(number: u64) -> Reservation {
        let text = |name: &str| Arc::<str>::from(format!("{name} é {}", "x".repeat(number as usize)));
        Reservation {
            id: ReservationId(number.into()),
            admitted_at_ms: number,
            key_id: text("key"),
            tenant: number.is_multiple_of(2).then(|| text("tenant")),
            model: text("model"),
            provider: "".into(),
            upstream_model: text("upstream"),
            request_id: text("request"),
            price: Price::default(),
            prompt_tokens_likely: 0,
            images: 0,
            reserved: Usd::from_nano(number + 1),
        }
    }

    fn batch(numbers: std::ops::Range<u64>) -> Batch {
        let mut batch = Batch::default();
        for number in numbers {
            let reservation = reservation(number);
            batch.push(&reservation, Settlement::released(&reservation, number + 2));
        }
        batch
    }

    #[track_caller]
    fn check(batch: &Batch, numbers: std::ops::Range<u64>) {
        assert_eq!(batch.len() as u64, numbers.end - numbers.start);
        for (row, number) in batch.iter().zip(numbers) {
            let expected = reservation(number);
            let texts = [row.key_id, row.tenant, row.model, row.provider, row.upstream_model, row.request_id];
            assert_eq!(texts, texts_of(&expected));
            assert_eq!((row.id, row.admitted_at_ms, row.reserved), (expected.id, number, expected.reserved));
            assert_eq!(
                (row.settlement.outcome, row.settlement.settled_at_ms),
                (Outcome::Released, number + 2)
            );
        }
    }

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let mut first = batch(0..3);
        check(&first, 0..3);
        let mut second = batch(3..5);
        first.append(&mut second);
        check(&first, 0..5);
        check(&second, 0..0);
        second.append(&mut first);
        check(&second, 0..5);
        check(&first, 0..0);
        second.clear();
        check(&second, 0..0);
    }
}
