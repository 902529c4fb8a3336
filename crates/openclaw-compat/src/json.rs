//! Reading fields of JSON that somebody else wrote: what is missing or of another type is not there.

use jiff::Timestamp;
use serde_json::Value;

/// Returns a field that is a text with something in it.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value
        .get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
}

/// Returns a field that is a count; fractions are cut off, what is below nought is none.
pub(crate) fn count(value: &Value, field: &str) -> u64 {
    match value.get(field) {
        Some(Value::Number(number)) => number
            .as_u64()
            .or_else(|| number.as_f64().and_then(whole))
            .unwrap_or_default(),
        _ => 0,
    }
}

/// Returns the time in a field: RFC 3339, or milliseconds since 1970.
pub(crate) fn time(value: &Value, field: &str) -> Option<Timestamp> {
    match value.get(field)? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => {
            let ms = number.as_i64().or_else(|| {
                number
                    .as_f64()
                    .and_then(whole)
                    .and_then(|ms| i64::try_from(ms).ok())
            })?;
            Timestamp::from_millisecond(ms).ok()
        }
        _ => None,
    }
}

/// Cuts the fraction off a number that is not too large to be counted.
fn whole(number: f64) -> Option<u64> {
    // Printing is the one conversion that neither wraps nor needs a cast.
    (number.is_finite() && (0.0..=9e15).contains(&number))
        .then(|| format!("{:.0}", number.trunc()).parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_any_form_are_counts_or_nothing() {
        let value = json!({"a": 5, "b": 5.9, "c": -1, "d": 1e300, "e": "7", "f": null});
        let counts: Vec<u64> = ["a", "b", "c", "d", "e", "f", "g"]
            .iter()
            .map(|field| count(&value, field))
            .collect();
        assert_eq!(counts, [5, 5, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn times_are_read_in_both_forms() {
        let value = json!({"a": "2026-02-09T10:00:00.5Z", "b": 1_770_631_200_500_i64, "c": "soon"});
        assert_eq!(time(&value, "a"), time(&value, "b"));
        assert_eq!(time(&value, "c"), None);
    }
}
