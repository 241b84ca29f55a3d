//! Dollars as whole nano-dollars (10⁻⁹ USD), read and written as decimals. **Invariant:** no float anywhere.

use std::fmt;
use std::str::FromStr;

/// Nano-dollars in a dollar.
pub const NANO_PER_USD: u64 = 1_000_000_000;
const DECIMALS_MAX: usize = 9;
/// 18446744073 dollars, a point, and the decimals.
const TEXT_BYTES_MAX: usize = 11 + 1 + DECIMALS_MAX;

/// An amount of money. The largest is 18 billion dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Usd {
    pub nano: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsdError {
    #[error("must be a decimal number of dollars such as \"2.50\": digits, at most one point, no sign")]
    NotDecimal,
    #[error("must have at most {DECIMALS_MAX} digits after the point")]
    TooFine,
    #[error("must be at most 18000000000 dollars")]
    TooLarge,
}

impl Usd {
    pub const ZERO: Usd = Usd { nano: 0 };

    pub const fn from_nano(nano: u64) -> Self {
        Usd { nano }
    }

    /// Both together; the largest amount where that would be more.
    pub fn plus(self, other: Usd) -> Self {
        Usd { nano: self.nano.saturating_add(other.nano) }
    }
}

impl FromStr for Usd {
    type Err = UsdError;

    fn from_str(text: &str) -> Result<Self, UsdError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return Err(UsdError::NotDecimal);
        }
        // Zeros at the end say nothing.
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > DECIMALS_MAX {
            return Err(UsdError::TooFine);
        }
        let scale = 10_u64.pow((DECIMALS_MAX - fraction.len()) as u32);
        let fraction: u64 = if fraction.is_empty() { 0 } else { fraction.parse().unwrap_or(0) };
        let whole: u64 = whole.parse().map_err(|_| UsdError::TooLarge)?;
        let nano = whole
            .checked_mul(NANO_PER_USD)
            .and_then(|nano| nano.checked_add(fraction * scale))
            .ok_or(UsdError::TooLarge)?;
        Ok(Usd { nano })
    }
}

/// An amount as [`Usd::text`] writes it.
#[derive(Debug, Clone, Copy)]
pub struct UsdText {
    bytes: [u8; TEXT_BYTES_MAX],
    begin: usize,
}

impl UsdText {
    pub fn as_str(&self) -> &str {
        // Digits and a point.
        str::from_utf8(&self.bytes[self.begin..]).unwrap_or_default()
    }

    fn push_front(&mut self, byte: u8) {
        self.begin -= 1;
        self.bytes[self.begin] = byte;
    }
}

impl Usd {
    /// The shortest decimal that is exact: `0`, `2.5`, `0.00012`. Each answer has it twice, so it does without the
    /// formatting machinery.
    pub fn text(self) -> UsdText {
        let mut text = UsdText { bytes: [0; TEXT_BYTES_MAX], begin: TEXT_BYTES_MAX };
        let (mut whole, mut nano) = (self.nano / NANO_PER_USD, self.nano % NANO_PER_USD);
        if nano > 0 {
            let mut is_zero_at_end = true;
            for _ in 0..DECIMALS_MAX {
                let digit = (nano % 10) as u8;
                nano /= 10;
                is_zero_at_end &= digit == 0;
                if !is_zero_at_end {
                    text.push_front(b'0' + digit);
                }
            }
            text.push_front(b'.');
        }
        loop {
            text.push_front(b'0' + (whole % 10) as u8);
            whole /= 10;
            if whole == 0 {
                return text;
            }
        }
    }
}

/// As [`Usd::text`].
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals() {
        for (text, expected) in [
            ("0", Ok(0)),
            ("1", Ok(1_000_000_000)),
            ("2.50", Ok(2_500_000_000)),
            ("0.000000001", Ok(1)),
            ("0.1000000000000", Ok(100_000_000)),
            ("007.5", Ok(7_500_000_000)),
            ("18000000000", Ok(18_000_000_000_000_000_000)),
            ("", Err(UsdError::NotDecimal)),
            (".5", Err(UsdError::NotDecimal)),
            ("5.", Err(UsdError::NotDecimal)),
            ("-1", Err(UsdError::NotDecimal)),
            ("+1", Err(UsdError::NotDecimal)),
            ("1e3", Err(UsdError::NotDecimal)),
            ("1,5", Err(UsdError::NotDecimal)),
            ("1.2.3", Err(UsdError::NotDecimal)),
            (" 1", Err(UsdError::NotDecimal)),
            ("١", Err(UsdError::NotDecimal)),
            ("0.0000000001", Err(UsdError::TooFine)),
            ("19000000000", Err(UsdError::TooLarge)),
            ("99999999999999999999999", Err(UsdError::TooLarge)),
        ] {
            assert_eq!(text.parse::<Usd>().map(|usd| usd.nano), expected, "{text:?}");
        }
    }

    #[test]
    fn texts_are_short_and_exact() {
        for (nano, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (120_000, "0.00012"),
            (2_500_000_000, "2.5"),
            (30_000_000_000, "30"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            assert_eq!(Usd::from_nano(nano).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nano: u64) {
            let usd = Usd::from_nano(nano);
            prop_assert_eq!(usd.to_string().parse::<Usd>(), Ok(usd));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = text.parse::<Usd>();
        }
    }
}
