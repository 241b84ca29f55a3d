//! That a model is deprecated, and when it goes, as headers: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).

use http::header::{HeaderMap, HeaderName, HeaderValue};
use novai_core::ModelCard;
use novai_core::money::Day;

static DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
static SUNSET: HeaderName = HeaderName::from_static("sunset");

pub(crate) fn write(card: &ModelCard, headers: &mut HeaderMap) {
    let mut insert = |name: &HeaderName, text: Option<String>| {
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(name.clone(), value);
        }
    };
    insert(&DEPRECATION, card.deprecated_on.map(|day| format!("@{}", day.unix_s())));
    insert(&SUNSET, card.shut_down_on.map(http_date));
}

/// The day's first moment, as HTTP writes it.
fn http_date(day: Day) -> String {
    /// 1970-01-01 was the first of these.
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, date) = day.date();
    let weekday = WEEKDAYS[(day.0 % 7) as usize];
    let month = MONTHS[(month as usize + 11) % 12];
    format!("{weekday}, {date:02} {month} {year:04} 00:00:00 GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let day = |text| Day::parse(text);
        for (deprecated_on, shut_down_on, deprecation, sunset) in [
            (None, None, None, None),
            (day("2026-12-01"), None, Some("@1796083200"), None),
            (None, day("1970-01-01"), None, Some("Thu, 01 Jan 1970 00:00:00 GMT")),
            (
                day("2023-06-30"),
                day("2027-03-31"),
                Some("@1688083200"),
                Some("Wed, 31 Mar 2027 00:00:00 GMT"),
            ),
        ] {
            let mut headers = HeaderMap::new();
            write(&ModelCard { deprecated_on, shut_down_on, ..ModelCard::default() }, &mut headers);
            let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!((text(&DEPRECATION), text(&SUNSET)), (deprecation, sunset));
        }
    }
}
