//! Dollars as whole nano-dollars (10⁻⁹ USD), read and written as decimals. **Invariant:** no float anywhere.

use std::fmt;
use std::str::FromStr;

/// Nano-dollars in a dollar.
pub const NANO_PER_USD: u64 = 1_000_000_000;
const DECIMALS_MAX: usize = 9;

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

/// The shortest decimal that is exact: `0`, `2.5`, `0.00012`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, nano) = (self.nano / NANO_PER_USD, self.nano % NANO_PER_USD);
        if nano == 0 {
            return write!(f, "{whole}");
        }
        let (mut digits, mut rest) = ([b'0'; DECIMALS_MAX], nano);
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let fraction = str::from_utf8(&digits).unwrap_or_default();
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
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
