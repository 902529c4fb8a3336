//! Reading from an answer's headers how long the server asks to be left alone.
//!
//! Headers of this kind come from outside: what makes no sense is taken for no header at all.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};

/// The header of OpenAI and Azure that is finer than whole seconds.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// The status that says that a rate limit was hit.
const TOO_MANY_REQUESTS: u16 = 429;

/// Returns how long the server asks to be left alone.
///
/// The headers that say just that come first. Where there is none and a rate limit was hit, the
/// limits that have nothing left say when they are filled again, and the last of these times counts.
pub(crate) fn asked_wait(status: u16, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(&RETRY_AFTER_MS)
        .and_then(|millis| number(millis, 1_000.0))
        .or_else(|| retry_after(text(&RETRY_AFTER)?, now))
        .or_else(|| {
            (status == TOO_MANY_REQUESTS)
                .then(|| reset(headers, now))
                .flatten()
        })
}

/// Reads `retry-after`: seconds, or a date in the form that servers send today (RFC 9110, 10.2.3).
///
/// The two forms of dates that were obsolete in 1999 are taken for no header at all.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    number(text, 1.0).or_else(|| {
        let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
        Some(until(date.timestamp(), now))
    })
}

/// Returns when the last of the limits that have nothing left is filled again.
fn reset(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    headers
        .iter()
        .filter_map(|(name, value)| {
            let (limit, remaining) = limit(name.as_str())?;
            let left = headers
                .get(remaining)
                .and_then(|left| left.to_str().ok()?.trim().parse::<f64>().ok());
            let text = value.to_str().ok()?.trim();
            // A limit of which something is left is not the one that was hit.
            match left {
                Some(left) if left > 0.0 => None,
                _ => limit(text, now),
            }
        })
        .max()
}

/// How the time of a reset is written.
type Reader = fn(&str, Timestamp) -> Option<Duration>;

/// Returns how a header tells when a limit is filled again, and which one tells what is left of it.
fn limit(name: &str) -> Option<(Reader, String)> {
    if let Some(limit) = name.strip_prefix("anthropic-ratelimit-") {
        let limit = limit.strip_suffix("-reset")?;
        let remaining = format!("anthropic-ratelimit-{limit}-remaining");
        return Some((instant, remaining));
    }
    let limit = name.strip_prefix("x-ratelimit-reset-")?;
    Some((length, format!("x-ratelimit-remaining-{limit}")))
}

fn instant(text: &str, now: Timestamp) -> Option<Duration> {
    Some(until(text.parse().ok()?, now))
}

fn until(then: Timestamp, now: Timestamp) -> Duration {
    then.duration_since(now)
        .max(SignedDuration::ZERO)
        .unsigned_abs()
}

/// Reads lengths such as `1s`, `6m0s`, `1h2m3.5s` and `120ms`; a bare number is seconds.
fn length(text: &str, _now: Timestamp) -> Option<Duration> {
    if let Some(seconds) = number(text, 1.0) {
        return Some(seconds);
    }
    let mut rest = text;
    let mut length = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, after) = rest.split_at_checked(digits)?;
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let (times, per_second) = match unit {
            "h" => (3_600, 1.0),
            "m" => (60, 1.0),
            "s" => (1, 1.0),
            "ms" => (1, 1e3),
            "us" => (1, 1e6),
            "ns" => (1, 1e9),
            _ => return None,
        };
        let part = number(digits, per_second)?.saturating_mul(times);
        length = length.saturating_add(part);
        rest = after;
    }
    (!text.is_empty()).then_some(length)
}

/// Reads a plain decimal number of which `per_second` make a second.
fn number(text: &str, per_second: f64) -> Option<Duration> {
    let text = text.trim();
    // What a number may be written like elsewhere, such as `inf` and `-1`, is none here.
    let odd = |b: u8| !(b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if text.starts_with(['-', '+']) || text.bytes().any(odd) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    // More than can be counted is a long time all the same.
    Some(Duration::try_from_secs_f64(number / per_second).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn asked(status: u16, headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        asked_wait(status, &headers.collect(), now)
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        for (text, wait) in [
            ("12", Some(Duration::from_secs(12))),
            ("1.5", Some(Duration::from_millis(1_500))),
            (
                "Sun, 22 Nov 2026 10:00:42 GMT",
                Some(Duration::from_secs(42)),
            ),
            ("Sun, 22 Nov 2026 09:59:00 GMT", Some(Duration::ZERO)),
            ("soon", None),
            ("-1", None),
            ("inf", None),
            ("", None),
            (".", None),
            ("99999999999999999999999999", Some(Duration::MAX)),
            ("1e30", Some(Duration::MAX)),
        ] {
            assert_eq!(asked(503, &[("retry-after", text)]), wait, "{text}");
        }
    }

    #[test]
    fn milliseconds_are_finer_than_seconds_and_come_first() {
        let both = [("retry-after-ms", "250"), ("retry-after", "1")];
        assert_eq!(asked(429, &both), Some(Duration::from_millis(250)));
        let odd = [("retry-after-ms", "later"), ("retry-after", "1")];
        assert_eq!(asked(429, &odd), Some(Duration::from_secs(1)));
    }

    #[test]
    fn the_last_of_the_limits_that_were_hit_tells_when_to_come_back() {
        let anthropic = [
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-11-22T10:00:05Z"),
            ("anthropic-ratelimit-tokens-remaining", "0"),
            ("anthropic-ratelimit-tokens-reset", "2026-11-22T10:00:09Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "7000"),
            (
                "anthropic-ratelimit-input-tokens-reset",
                "2026-11-22T10:01:00Z",
            ),
        ];
        assert_eq!(asked(429, &anthropic), Some(Duration::from_secs(9)));
        let openai = [
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-reset-tokens", "6m0s"),
            ("x-ratelimit-remaining-tokens", "100"),
        ];
        assert_eq!(asked(429, &openai), Some(Duration::from_secs(1)));
    }

    #[test]
    fn limits_say_nothing_about_other_refusals_and_nothing_beside_retry_after() {
        let reset = ("x-ratelimit-reset-requests", "6m0s");
        assert_eq!(asked(500, &[reset]), None);
        assert_eq!(
            asked(429, &[reset, ("retry-after", "2")]),
            Some(Duration::from_secs(2))
        );
    }

    #[test]
    fn lengths_are_read_as_they_are_written_in_the_wild() {
        let read = |text| length(text, Timestamp::UNIX_EPOCH).map(|wait| wait.as_millis());
        assert_eq!(read("6m0s"), Some(360_000));
        assert_eq!(read("1h2m3.5s"), Some(3_723_500));
        assert_eq!(read("120ms"), Some(120));
        assert_eq!(read("7"), Some(7_000));
        for odd in ["", "s", "6m0", "6 m", "1y", "1.2.3s", "-1s", "9e99h", "ms1"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
