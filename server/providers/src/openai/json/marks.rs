//! Where the quotes and backslashes of a text are, found 64 bytes at a time: one bit per byte.
//!
//! Strings end where the next of them is, and an answer breaks its lines every hundred bytes or so, with a backslash. A search
//! that begins anew at each took a fifth of what an answer of 20,000 characters cost; bits are taken, one after the other.
//!
//! [`of`] is written twice, because no portable code compiles to the one instruction that this is about.

pub(super) const BLOCK_BYTES: usize = 64;

/// Those of one block at a time, each taken once.
pub(super) struct Marks {
    /// Where the block begins.
    block: usize,
    /// Those that have not been taken.
    bits: u64,
}

impl Marks {
    /// Of a text that is read from `at`.
    pub(super) fn new(bytes: &[u8], at: usize) -> Self {
        let block = at - at % BLOCK_BYTES;
        Marks { block, bits: Self::of_block(bytes, block) & (u64::MAX << (at - block)) }
    }

    /// Where the next one is; `None` if there is no more.
    #[inline]
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        while self.bits == 0 {
            if self.block + BLOCK_BYTES >= bytes.len() {
                return None;
            }
            self.block += BLOCK_BYTES;
            self.bits = Self::of_block(bytes, self.block);
        }
        let at = self.block + self.bits.trailing_zeros() as usize;
        // All but the lowest.
        self.bits &= self.bits - 1;
        Some(at)
    }

    #[inline]
    fn of_block(bytes: &[u8], block: usize) -> u64 {
        let rest = bytes.get(block..).unwrap_or_default();
        match rest.first_chunk() {
            Some(whole) => of(whole),
            None => {
                let mut padded = [0; BLOCK_BYTES];
                padded[..rest.len()].copy_from_slice(rest);
                of(&padded)
            }
        }
    }
}

/// The lowest bit is the first byte's.
#[cfg(target_arch = "x86_64")]
#[inline]
fn of(block: &[u8; BLOCK_BYTES]) -> u64 {
    use safe_arch::{
        bitor_m128i, cmp_eq_mask_i8_m128i, load_unaligned_m128i, move_mask_i8_m128i, set_splat_i8_m128i,
    };
    let quote = set_splat_i8_m128i(b'"' as i8);
    let backslash = set_splat_i8_m128i(b'\\' as i8);
    let mut bits = 0;
    for (index, lanes) in block.as_chunks().0.iter().enumerate() {
        let lanes = load_unaligned_m128i(lanes);
        let marked = bitor_m128i(cmp_eq_mask_i8_m128i(lanes, quote), cmp_eq_mask_i8_m128i(lanes, backslash));
        // Sixteen bits, whatever the type.
        bits |= u64::from(move_mask_i8_m128i(marked) as u16) << (16 * index);
    }
    bits
}

#[cfg(not(target_arch = "x86_64"))]
fn of(block: &[u8; BLOCK_BYTES]) -> u64 {
    one_by_one(block)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn one_by_one(block: &[u8; BLOCK_BYTES]) -> u64 {
    let marked = |byte: &u8| u64::from((*byte == b'"') | (*byte == b'\\'));
    block.iter().rev().fold(0, |bits, byte| bits << 1 | marked(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_where_a_plain_search_finds_them(
            text in prop::collection::vec(prop::sample::select(&b"ab\"\\\xa2\xdc"[..]), 0..300),
            from in any::<prop::sample::Index>(),
        ) {
            let from = from.index(text.len() + 1);
            let mut marks = Marks::new(&text, from);
            let taken: Vec<usize> = std::iter::from_fn(|| marks.take(&text)).collect();
            let found: Vec<usize> = (from..text.len()).filter(|at| matches!(text[*at], b'"' | b'\\')).collect();
            prop_assert_eq!(taken, found, "{:?} from {}", text, from);
        }

        #[test]
        fn both_ways_find_the_same(block: [u8; 32], other: [bool; 32]) {
            let other = other.map(|is_quote| if is_quote { b'"' } else { b'\\' });
            let block: [u8; BLOCK_BYTES] = [block, other].concat().try_into().unwrap();
            prop_assert_eq!(of(&block), one_by_one(&block));
        }
    }

    #[test]
    fn each_is_found_wherever_it_is() {
        let first = |bytes: &[u8]| Marks::new(bytes, 0).take(bytes);
        for length in 0..150 {
            // Neighbours of both in the code, and bytes beyond ASCII.
            let plain: Vec<u8> = b"!#[]\xa2\xdc\xff ".iter().copied().cycle().take(length).collect();
            assert_eq!(first(&plain), None, "{length}");
            for at in 0..length {
                for wanted in [b'"', b'\\'] {
                    let mut bytes = plain.clone();
                    bytes[at] = wanted;
                    bytes[length - 1] = if at < length - 1 { b'"' } else { wanted };
                    assert_eq!(first(&bytes), Some(at), "{at} of {length}");
                }
            }
        }
    }
}
