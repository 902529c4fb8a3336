//! Reading fields of JSON that somebody else wrote: what is missing or of another type is not there.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

/// Reads a value; half a character, which JavaScript writes when it cuts a text inside of one, is
/// read as U+FFFD.
pub(crate) fn parse(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).or_else(|err| match whole_characters(text) {
        Cow::Owned(mended) => serde_json::from_str(&mended),
        Cow::Borrowed(_) => Err(err),
    })
}

/// Writes U+FFFD in place of every escape that is half a character; all else keeps its place.
pub(crate) fn whole_characters(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(next) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at = at.saturating_add(next);
        match surrogate(text, at) {
            None => at = at.saturating_add(2),
            Some(Half::First) if surrogate(text, at.saturating_add(6)) == Some(Half::Second) => {
                at = at.saturating_add(12);
            }
            Some(_) => {
                mended.push_str(text.get(copied..at).unwrap_or_default());
                mended.push_str("\\ufffd");
                at = at.saturating_add(6);
                copied = at;
            }
        }
        // What follows a backslash may be a character of several bytes.
        while at < text.len() && !text.is_char_boundary(at) {
            at = at.saturating_add(1);
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(mended)
}

/// Which half of a character an escape is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    First,
    Second,
}

/// Returns the half that is written at a place.
fn surrogate(text: &str, at: usize) -> Option<Half> {
    let digits = text.get(at..at.saturating_add(6))?.strip_prefix("\\u")?;
    match u32::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::First),
        0xdc00..=0xdfff => Some(Half::Second),
        _ => None,
    }
}

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
    fn half_a_character_is_read_as_the_replacement_character() {
        for (text, read) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00b""#, "\u{fffd}b"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\\ud83d \uD83Dé\n""#, "\\ud83d \u{fffd}é\n"),
        ] {
            assert_eq!(parse(text).unwrap(), read, "{text}");
        }
        assert!(parse(r#""\ud83"#).is_err());
        assert!(parse(r#""\é\ud83d""#).is_err());
    }

    #[test]
    fn times_are_read_in_both_forms() {
        let value = json!({"a": "2026-02-09T10:00:00.5Z", "b": 1_770_631_200_500_i64, "c": "soon"});
        assert_eq!(time(&value, "a"), time(&value, "b"));
        assert_eq!(time(&value, "c"), None);
    }
}
