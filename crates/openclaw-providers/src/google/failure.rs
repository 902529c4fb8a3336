//! What only errors of Google's APIs tell.
//!
//! `{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": …, "details": […]}}`, where
//! `details` may hold a `RetryInfo` with a `retryDelay`; see <https://google.aip.dev/193>.

use std::time::Duration;

use serde_json::Value;

/// Returns how long an error asks to be left alone, if it does; a number that is too large for any
/// time is the longest time that there is.
pub(crate) fn retry_delay(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    let mut delays = details
        .iter()
        .filter_map(|detail| detail.get("retryDelay")?.as_str());
    let seconds = delays.next()?.strip_suffix('s')?;
    // What a number may be written like elsewhere, such as `inf` and `-1`, is none here.
    seconds
        .starts_with(|c: char| c.is_ascii_digit())
        .then_some(())?;
    let seconds = seconds.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_delay_stands_among_the_details() {
        let error = |delay: &str| {
            json!({"status": "RESOURCE_EXHAUSTED", "details": [
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
            ]})
        };
        assert_eq!(
            retry_delay(&error("34.5s")),
            Some(Duration::from_millis(34_500))
        );
        for endless in ["1e300s", "99999999999999999999999s"] {
            assert_eq!(
                retry_delay(&error(endless)),
                Some(Duration::MAX),
                "{endless}"
            );
        }
        for odd in ["34", "-1s", "NaNs", "infs", "s", "soon"] {
            assert_eq!(retry_delay(&error(odd)), None, "{odd}");
        }
    }
}
