//! That a model is deprecated, said once: replies have it in `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
//!
//! Start at [`Retirements::warn`]. What the headers say is shown as days, never as it came: a warning ends up in logs.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName};
use serde::Deserialize;

static NAMES: [HeaderName; 2] = [HeaderName::from_static("deprecation"), HeaderName::from_static("sunset")];

/// Of one client, its clones among them. Who asks for more models than this has been told.
const MODELS_MAX: usize = 100;

/// The models of which a client has told.
#[derive(Debug, Default)]
pub struct Retirements(Mutex<HashSet<String>>);

/// Of a reply's headers those two that say it, if they do.
pub fn headers(all: &HeaderMap) -> Option<HeaderMap> {
    let named = NAMES.iter().filter_map(|name| Some((name.clone(), all.get(name)?.clone())));
    let headers: HeaderMap = named.collect();
    (!headers.is_empty()).then_some(headers)
}

impl Retirements {
    /// Warns of a reply's model, if it is deprecated and nobody has said so. `body` is the request's.
    pub fn warn(&self, headers: &HeaderMap, body: Option<&[u8]>) {
        if let Some(notice) = self.notice(headers, body) {
            log::warn!("{notice}");
        }
    }

    fn notice(&self, headers: &HeaderMap, body: Option<&[u8]>) -> Option<String> {
        let [deprecated, sunset] = NAMES.each_ref().map(|name| headers.get(name));
        if deprecated.is_none() && sunset.is_none() {
            return None;
        }
        let model = body.and_then(model).unwrap_or_default();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.contains(&*model) || told.len() >= MODELS_MAX {
            return None;
        }
        told.insert(model.clone().into_owned());
        let name =
            if model.is_empty() { "what was asked for".to_owned() } else { format!("model {model:?}") };
        let deprecated = deprecated
            .map(|value| format!("is deprecated{}", day(" as of ", value.to_str().ok().and_then(moment))));
        let sunset = sunset.map(|value| {
            let at = value.to_str().ok().and_then(|text| httpdate::parse_http_date(text).ok());
            format!("will be shut down{}", day(" on ", at))
        });
        let says: Vec<String> = [deprecated, sunset].into_iter().flatten().collect();
        Some(format!("{name} {}; use another", says.join(" and ")))
    }
}

fn model(body: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        model: Cow<'a, str>,
    }
    serde_json::from_slice::<Body<'_>>(body).ok().map(|body| body.model)
}

/// Seconds since 1970, as structured headers write a date.
fn moment(text: &str) -> Option<SystemTime> {
    let seconds = text.trim().strip_prefix('@')?.parse().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Nothing, where the day is not known.
fn day(word: &str, at: Option<SystemTime>) -> String {
    /// The end of the year 9999, beyond which nobody plans.
    const SECONDS_MAX: u64 = 253_402_300_799;
    let since = at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    match since.map(|since| since.as_secs()).filter(|seconds| *seconds <= SECONDS_MAX) {
        Some(seconds) => {
            let (year, month, day) = date(seconds / 86_400);
            format!("{word}{year:04}-{month:02}-{day:02}")
        }
        None => String::new(),
    }
}

/// Year, month and day of a day since 1970-01-01. Counted from a 1st of March, so that leap days come last (Howard Hinnant's way).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(deprecation: Option<&str>, sunset: Option<&str>) -> HeaderMap {
        let named = [("deprecation", deprecation), ("sunset", sunset)];
        let given = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let given = given.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        given.collect()
    }

    #[test]
    fn what_is_said() {
        const SUNSET: &str = "Wed, 31 Mar 2027 00:00:00 GMT";
        const BODY: Option<&str> = Some(r#"{"messages":[],"model":"old\"er"}"#);
        for (deprecation, sunset, body, expected) in [
            (None, None, BODY, None),
            (
                Some("@1796083200"),
                None,
                BODY,
                Some(r#"model "old\"er" is deprecated as of 2026-12-01; use another"#),
            ),
            (
                Some("@951782400"),
                Some(SUNSET),
                Some(r#"{"model":"old"}"#),
                Some(
                    r#"model "old" is deprecated as of 2000-02-29 and will be shut down on 2027-03-31; use another"#,
                ),
            ),
            (
                None,
                Some(SUNSET),
                None,
                Some("what was asked for will be shut down on 2027-03-31; use another"),
            ),
            // Days that are none stay unsaid, and what they are instead is not repeated.
            (
                Some("true"),
                Some("soon"),
                BODY,
                Some(r#"model "old\"er" is deprecated and will be shut down; use another"#),
            ),
            (Some("@99999999999999"), None, Some("{"), Some("what was asked for is deprecated; use another")),
        ] {
            let notice =
                Retirements::default().notice(&headers(deprecation, sunset), body.map(str::as_bytes));
            assert_eq!(notice.as_deref(), expected, "{deprecation:?} {sunset:?} {body:?}");
        }
    }

    #[test]
    fn each_model_is_said_once_and_not_endlessly_many() {
        let retirements = Retirements::default();
        let headers = headers(Some("@1796083200"), None);
        let told = |number: usize| {
            retirements.notice(&headers, Some(format!(r#"{{"model":"m{number}"}}"#).as_bytes())).is_some()
        };
        let first: Vec<bool> = (0..MODELS_MAX + 5).map(told).collect();
        assert_eq!(first.iter().filter(|told| **told).count(), MODELS_MAX);
        assert!(!told(0));
    }

    #[test]
    fn days() {
        for (days, expected) in
            [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (11_017, (2000, 3, 1)), (20_909, (2027, 4, 1))]
        {
            assert_eq!(date(days), expected);
        }
    }
}
