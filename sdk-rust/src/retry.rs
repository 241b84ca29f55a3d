//! When to try again, and how long to wait before.
//!
//! Start at [`run`]. It knows nothing about HTTP clients: an attempt is a future, and says itself whether its failure is
//! worth another one. Time is tokio's and randomness is passed in, so tests need neither a clock nor luck.

use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use tokio::time::Instant;

use crate::options::Options;

/// Uniform random bits.
#[derive(Clone)]
pub(crate) struct Entropy(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Entropy {
    /// std seeds its hashers from the operating system. These bits must be different from call to call, not secret.
    pub fn from_os() -> Self {
        Self(Arc::new(|| std::hash::RandomState::new().build_hasher().finish()))
    }

    #[cfg(test)]
    pub fn fixed(bits: u64) -> Self {
        Self(Arc::new(move || bits))
    }

    /// In `0.0..1.0`.
    fn fraction(&self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn bits(&self) -> u64 {
        (self.0)()
    }
}

/// How an attempt failed.
pub(crate) struct Failed<E> {
    pub error: E,
    pub again: Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    No,
    /// After the usual wait, or the one that the server asked for.
    Yes {
        asked: Option<Duration>,
    },
}

/// Runs `attempt` (given its number, from 1) until it succeeds, says no, or the retries or the time are used up.
///
/// A wait that would end after `total_at` is not begun: the last failure says more than a timeout would.
pub(crate) async fn run<T, E, F, Fut>(
    options: &Options,
    entropy: &Entropy,
    total_at: Option<Instant>,
    mut attempt: F,
) -> Result<T, E>
where
    F: FnMut(u32) -> Fut,
    Fut: Future<Output = Result<T, Failed<E>>>,
{
    let mut number = 1;
    loop {
        let failed = match attempt(number).await {
            Ok(value) => return Ok(value),
            Err(failed) => failed,
        };
        let Again::Yes { asked } = failed.again else { return Err(failed.error) };
        if number > options.max_retries {
            return Err(failed.error);
        }
        let wake_at = Instant::now() + delay(options, number, asked, entropy.fraction());
        if total_at.is_some_and(|at| wake_at >= at) {
            return Err(failed.error);
        }
        tokio::time::sleep_until(wake_at).await;
        number += 1;
    }
}

/// What the server asked for, capped; otherwise base · 2ⁿ, capped, of which a random part up to half is taken off so
/// that clients which failed together do not come back together.
fn delay(options: &Options, attempt: u32, asked: Option<Duration>, fraction: f64) -> Duration {
    if let Some(asked) = asked {
        return asked.min(options.retry_delay_max);
    }
    let doubled = options.retry_delay_base.saturating_mul(2_u32.saturating_pow(attempt - 1));
    doubled.min(options.retry_delay_max).mul_f64(1.0 - fraction / 2.0)
}

/// What a reply outside 2xx says about another attempt.
pub(crate) fn verdict(status: u16, headers: &HeaderMap, now: SystemTime) -> Again {
    let again = match headers.get("x-should-retry").map(|value| value.as_bytes()) {
        Some(b"true") => true,
        Some(b"false") => false,
        // 501: what is not implemented will not be in a second either.
        _ => matches!(status, 408 | 409 | 429 | 500 | 502..),
    };
    if again { Again::Yes { asked: retry_after(headers, now) } } else { Again::No }
}

/// `retry-after-ms`, or else `Retry-After` in seconds or as a date. One in the past means now.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    if let Some(ms) = text("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(ms / 1e3).ok();
    }
    let value = text("retry-after")?;
    match number(value) {
        Some(secs) => Duration::try_from_secs_f64(secs).ok(),
        None => httpdate::parse_http_date(value).ok().map(|at| at.duration_since(now).unwrap_or_default()),
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
