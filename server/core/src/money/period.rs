//! Days and months, UTC: what budgets and usage are counted by.
//!
//! A request belongs to the day on which it was admitted, however long it runs.

/// Days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(pub u32);

/// Months since January of year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Month(pub u32);

pub const MS_PER_DAY: u64 = 86_400_000;

impl Day {
    pub fn of_unix_ms(unix_ms: u64) -> Self {
        Day(u32::try_from(unix_ms / MS_PER_DAY).unwrap_or(u32::MAX))
    }

    pub fn unix_s(self) -> u64 {
        u64::from(self.0) * MS_PER_DAY / 1000
    }

    pub fn next(self) -> Self {
        Day(self.0.saturating_add(1))
    }

    pub fn month(self) -> Month {
        let (year, month, _) = self.date();
        Month(year * 12 + month - 1)
    }

    /// Year, month, day, after Howard Hinnant's `civil_from_days`.
    pub fn date(self) -> (u32, u32, u32) {
        let shifted = u64::from(self.0) + 719_468; // since 0000-03-01
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        (year as u32, month as u32, day as u32)
    }

    /// The inverse of [`Day::date`]; `None` for what is no date, or one before 1970.
    pub fn of_date(year: u32, month: u32, day: u32) -> Option<Self> {
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let shifted = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (shifted / 400, shifted % 400);
        let month_from_march = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * month_from_march + 2) / 5 + day.checked_sub(1)?;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let made = Day((era * 146_097 + day_of_era).checked_sub(719_468)?);
        (made.date() == (year, month, day)).then_some(made)
    }

    /// `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| {
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
        };
        match text.split('-').collect::<Vec<_>>()[..] {
            [year, month, day] if [year.len(), month.len(), day.len()] == [4, 2, 2] => {
                Day::of_date(number(year)?, number(month)?, number(day)?)
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl Month {
    pub fn first_day(self) -> Day {
        Day::of_date(self.0 / 12, self.0 % 12 + 1, 1).unwrap_or_default()
    }

    pub fn next(self) -> Self {
        Month(self.0.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates() {
        for (text, day, first_of_month) in [
            ("1970-01-01", 0, "1970-01-01"),
            ("2000-02-29", 11_016, "2000-02-01"),
            ("2026-11-22", 20_779, "2026-11-01"),
            ("2026-12-31", 20_818, "2026-12-01"),
        ] {
            assert_eq!(Day::parse(text), Some(Day(day)), "{text}");
            assert_eq!(Day(day).to_string(), text);
            assert_eq!(Day(day).month().first_day().to_string(), first_of_month);
        }
        assert_eq!(Day::parse("2026-12-31").unwrap().month().next().first_day().to_string(), "2027-01-01");
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-00-01",
            "2026-01-00",
            "2026-1-01",
            "1969-12-31",
            "+026-01-01",
            "2026-01-01-",
            "99999-01-01",
            "2026-01-32",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_and_dates_are_inverse(day in 0..2_900_000_u32) {
            let (year, month, of_month) = Day(day).date();
            prop_assert_eq!(Day::of_date(year, month, of_month), Some(Day(day)));
            prop_assert!(Day(day).month().first_day() <= Day(day));
            prop_assert!(Day(day).month().next().first_day() > Day(day));
        }
    }
}
